//! The page in a headless Chromium. Nothing is clicked: whoever has only a keyboard can do all of it.
//!
//! Its pictures are left in `target/tmp/console`.

use std::{fs, path::Path};

use anyhow::ensure;
use client::NewTransaction;
use contract::Currency;
use integration::{
    browser::{Browser, Page, Program},
    eventually::eventually,
    people::{cents, fresh_key},
};

use crate::{
    operations::fixture::{inboxes, lose_half, plant_dead_letters},
    stage::Stage,
};

const DEAD_LETTERS: usize = 10_000;
const WIDTH: u32 = 1_440;
const HEIGHT: u32 = 900;

struct Desk {
    stage: Stage,
    page: Page,
    base: String,
}

impl Desk {
    async fn of(program: &Program) -> Self {
        let stage = Stage::with(1).await;
        let mut page = Browser::start(program).unwrap().page().await.unwrap();
        page.look(WIDTH, HEIGHT, false).await.unwrap();
        let base = stage.platform.notification_svc[0].url.to_string();
        page.open(&format!("{base}console")).await.unwrap();
        Self { stage, page, base }
    }

    async fn sign_in(&mut self) {
        let token = self.stage.platform.operator_token().unwrap();
        self.page.until_it_says("Sign in").await.unwrap();
        self.page.fill("Token", "rubbish").await.unwrap();
        self.page.enter("Begin a session").await.unwrap();
        self.page.until_it_says("not valid").await.unwrap();
        self.page.evaluate("document.querySelector('textarea').value = ''").await.unwrap();
        self.page.fill("Token", &token).await.unwrap();
        self.page.enter("Begin a session").await.unwrap();
        self.page.until_it_says("session ends in").await.unwrap();
    }

    /// Says why, where it is asked.
    async fn reason(&mut self, action: &str) {
        self.page.fill("Reason, for the audit", "a story").await.unwrap();
        self.page.enter(action).await.unwrap();
    }

    /// What operators did, the newest first: action and how many were done.
    async fn audit(&self) -> Vec<(String, i64)> {
        let rows = sqlx::query_as("SELECT action, done FROM notifications.operations ORDER BY id DESC");
        rows.fetch_all(self.stage.database()).await.unwrap()
    }

    async fn picture(&mut self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
        fs::create_dir_all(&folder).unwrap();
        for (scheme, dark) in [("light", false), ("dark", true)] {
            self.page.look(WIDTH, HEIGHT, dark).await.unwrap();
            fs::write(folder.join(format!("{name}-{scheme}.png")), self.page.picture().await.unwrap()).unwrap();
        }
        self.page.look(WIDTH, HEIGHT, false).await.unwrap();
    }
}

#[tokio::test]
async fn an_operator_does_everything_by_the_keyboard() {
    let program = match Program::find() {
        Ok(program) => program,
        Err(missing) => return eprintln!("NOT PLAYED, the console was not tested in a browser: {missing:#}"),
    };
    let mut desk = Desk::of(&program).await;
    pay_for_show(&desk.stage).await;
    let event: Vec<u8> = sqlx::query_scalar("SELECT body FROM transactions.events ORDER BY id DESC LIMIT 1")
        .fetch_one(desk.stage.database())
        .await
        .unwrap();
    plant_dead_letters(&desk.stage.platform, "unsupported", event.into(), 3).await;
    plant_dead_letters(&desk.stage.platform, "malformed", "not an event".into(), DEAD_LETTERS).await;

    desk.sign_in().await;
    watches_payments(&mut desk).await;
    treats_dead_letters(&mut desk).await;
    replays_what_was_lost(&mut desk).await;
    leaves(&mut desk).await;
    // The browser draws fields with pictures of its own.
    let is_ours = |url: &String| url.starts_with(&desk.base) || url.starts_with("data:");
    assert!(desk.page.requested().iter().all(is_ours), "{:?}", desk.page.requested());
    // The one refusal is that of the bad token.
    let complaints = desk.page.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("401"), "{complaints:#?}");
}

/// Something to look at.
async fn pay_for_show(stage: &Stage) {
    const WHAT_FOR: [&str; 8] =
        ["Rent", "Coffee", "Invoice 2026-1117", "Train tickets", "Groceries", "Flowers", "Salary", "Books"];
    for (round, what_for) in WHAT_FOR.iter().cycle().take(24).enumerate() {
        let (from, to) = if round % 3 == 0 { (stage.bob, stage.alice) } else { (stage.alice, stage.bob) };
        let amount = cents(137 + 211 * round as i64 % 900);
        let payment = NewTransaction {
            description: Some((*what_for).to_owned()),
            ..NewTransaction::new(from, to, amount, Currency::EUR)
        };
        let payment = if round % 7 == 6 { payment.held(None) } else { payment };
        stage.bank.office.ledger.create(&fresh_key(), &payment).await.ok();
    }
}

async fn watches_payments(desk: &mut Desk) {
    desk.page.until("the tiles are there", |text| text.contains("10,003") && text.contains("flowing")).await.unwrap();
    let [alice, bob] = ["alice", "bob"].map(|name| desk.stage.platform.person(name).unwrap());
    let deposit = NewTransaction {
        description: Some("Deposit".to_owned()),
        ..NewTransaction::new(desk.stage.alice, desk.stage.bob, cents(4_242), Currency::EUR).held(None)
    };
    let paid = alice.ledger.create(&fresh_key(), &deposit).await.unwrap().id;
    let id = paid.to_string();
    let short = format!("…{}", &id[id.len() - 8..]);
    desk.page.until_it_says("42.42").await.unwrap();
    desk.page.enter(&short).await.unwrap();
    bob.ledger.capture(&fresh_key(), paid, None).await.unwrap();
    bob.ledger.refund(&fresh_key(), paid, Some(cents(1_000))).await.unwrap();
    desk.page
        .until("three lines reach both parties", |text| {
            let is_there = |word: &&str| text.contains(word);
            text.matches("notified after").count() == 3
                && ["accepted", "committed", "published", "push delivered", "alice", "bob"].iter().all(is_there)
        })
        .await
        .unwrap();
    desk.picture("payments").await;
}

async fn treats_dead_letters(desk: &mut Desk) {
    let page = &mut desk.page;
    page.enter("Dead letters").await.unwrap();
    page.until_it_says("1 to 100 of 10,003").await.unwrap();
    page.enter("Next").await.unwrap();
    page.until_it_says("101 to 200 of 10,003").await.unwrap();
    desk.picture("dead-letters").await;

    let page = &mut desk.page;
    page.tab_to("Choose dead letter 101").await.unwrap();
    page.press(" ").await.unwrap();
    page.until_it_says("Discard 1 chosen").await.unwrap();
    page.enter("Discard 1 chosen").await.unwrap();
    desk.reason("Discard").await;
    desk.page.until_it_says("of 10,002").await.unwrap();

    let page = &mut desk.page;
    page.tab_to("Choose dead letter 1").await.unwrap();
    page.press(" ").await.unwrap();
    page.enter("Redrive 1 chosen").await.unwrap();
    desk.reason("Redrive").await;
    desk.page.until_it_says("of 10,001").await.unwrap();

    let page = &mut desk.page;
    page.tab_to("Reason").await.unwrap();
    // All reasons, malformed, unsupported.
    page.press("ArrowDown").await.unwrap();
    page.press("ArrowDown").await.unwrap();
    page.until_it_says("1 to 2 of 2").await.unwrap();
    page.enter("Redrive all 2").await.unwrap();
    desk.reason("Redrive").await;
    desk.page.until_it_says("There are none.").await.unwrap();
    let expected = [("redrive", 2), ("redrive", 1), ("discard", 1)];
    let audit = desk.audit().await;
    let done: Vec<_> = audit.iter().map(|(action, done)| (action.as_str(), *done)).collect();
    assert_eq!(done.len(), expected.len(), "{done:?}");
    assert!(
        done.iter().zip(expected).all(|(found, wanted)| found.0.contains(wanted.0) && found.1 == wanted.1),
        "{done:?}"
    );
}

async fn replays_what_was_lost(desk: &mut Desk) {
    let whole = inboxes(desk.stage.database()).await;
    lose_half(desk.stage.database()).await;
    let page = &mut desk.page;
    page.enter("Replays").await.unwrap();
    page.fill("User", "alice").await.unwrap();
    page.fill("Reason, for the audit", "half of it is gone").await.unwrap();
    page.enter("Plan").await.unwrap();
    page.until_it_says("Execute").await.unwrap();
    desk.picture("replays").await;
    desk.page.enter("Execute").await.unwrap();
    let is_done = |text: &str| text.split(['\t', '\n']).any(|cell| cell.trim() == "done");
    desk.page.until("the replay is done", is_done).await.unwrap();

    let alices = |rows: Vec<(String, i64, serde_json::Value)>| rows.into_iter().filter(|row| row.0 == "alice").count();
    let (whole, restored) = (alices(whole), inboxes(desk.stage.database()).await);
    assert_eq!(alices(restored), whole);
}

async fn leaves(desk: &mut Desk) {
    desk.page.enter("Sign out").await.unwrap();
    desk.page.until_it_says("Begin a session").await.unwrap();
    let operator = desk.stage.platform.operator_token().unwrap();
    let ledger = desk.stage.platform.caller(0, "operator", &operator).unwrap().ledger;
    eventually("the session is revoked", async || {
        let sessions = ledger.sessions().await?;
        ensure!(sessions.is_empty(), "{sessions:?}");
        Ok(())
    })
    .await;
}
