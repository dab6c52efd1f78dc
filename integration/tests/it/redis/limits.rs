//! How much one caller may ask.

use std::time::Instant;

use futures_util::future::join_all;
use integration::stack::{
    backing::Backing,
    platform::{Layout, Platform},
    service::{Service, ServiceKind},
};

use crate::wire::{Reply, Wire};

const BURST: usize = 20;
/// Refused as soon as they are admitted: what is counted here needs no database.
const LEDGER: &str = "/v1/accounts?limit=0";
const INBOX: &str = "/v1/users/me/notifications?limit=0";

async fn two_replicas() -> Platform {
    // Patient with Redis: where its answers are late, each replica counts for itself.
    let patience = ("REDIS__TIMEOUT_MS", "2000".to_owned());
    let fields = [("LIMIT__PER_SECOND", "1".to_owned()), ("LIMIT__BURST", BURST.to_string()), patience];
    let settings = [ServiceKind::Transaction, ServiceKind::Notification]
        .into_iter()
        .flat_map(|kind| fields.clone().map(|(field, value)| (kind, field, value)))
        .collect();
    let layout = Layout { replicas: 2, settings, ..Layout::default() };
    Platform::start_on(Backing::cloned().await.unwrap(), &layout).await.unwrap()
}

/// So many requests at once, spread over the replicas.
async fn requests(platform: &Platform, services: &[Service], path: &str, user: &str, number: usize) -> Vec<Reply> {
    let token = platform.user_token(user).unwrap();
    let wires: Vec<_> = services.iter().map(|service| Wire::to(service).bearing(&token)).collect();
    join_all((0..number).map(|one| wires[one % wires.len()].get(path))).await
}

fn admitted(replies: &[Reply]) -> usize {
    for reply in replies.iter().filter(|reply| reply.status != 400) {
        reply.problem(429, "rate_limited");
        assert!(reply.header("Retry-After").unwrap().parse::<u32>().unwrap() >= 1);
    }
    replies.iter().filter(|reply| reply.status == 400).count()
}

#[tokio::test]
async fn replicas_share_a_callers_budget() {
    let platform = two_replicas().await;
    let (ledgers, inboxes) = (&platform.transaction_svc, &platform.notification_svc);
    let began = Instant::now();
    let alices = admitted(&requests(&platform, ledgers, LEDGER, "alice", 4 * BURST).await);
    let earned_meanwhile = began.elapsed().as_secs() as usize + 1;
    assert!((BURST..=BURST + earned_meanwhile).contains(&alices), "{alices} were admitted");

    // What alice has used up is nobody else's, and no other service's.
    assert!(admitted(&requests(&platform, ledgers, LEDGER, "bob", BURST).await) == BURST);
    assert!(admitted(&requests(&platform, inboxes, INBOX, "alice", BURST).await) == BURST);
    // A back office has no limit.
    let office = Wire::to(&ledgers[0]).bearing(platform.service_token().unwrap());
    let replies = join_all((0..4 * BURST).map(|_| office.get(LEDGER))).await;
    assert!(replies.iter().all(|reply| reply.status == 400));
}

#[tokio::test]
async fn without_redis_each_replica_counts_for_itself() {
    let platform = two_replicas().await;
    platform.backing.redis.process.as_ref().unwrap().kill().await.unwrap();
    let began = Instant::now();
    let replies = requests(&platform, &platform.transaction_svc, LEDGER, "alice", 6 * BURST).await;
    let earned_meanwhile = 2 * (began.elapsed().as_secs() as usize + 1);
    let admitted = admitted(&replies);
    assert!((2 * BURST..=2 * BURST + earned_meanwhile).contains(&admitted), "{admitted} were admitted");
}
