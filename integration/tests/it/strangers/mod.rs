//! Every operation of both services, walked by strangers. The operations, their scopes and their parameters are read from
//! the OpenAPI documents, so a new route is walked without being named here; one without `x-scope` fails.
//!
//! A new type of path parameter is added to `Names::of`, a new POST to `sent`.

mod names;
mod operation;
mod sent;
mod tokens;

use integration::stack::identity::{OPERATOR_SCOPES, SERVICE_SCOPES, USER_SCOPES};
use reqwest::Method;
use serde_json::json;

use self::{
    names::{Names, alices},
    operation::{Operation, operations},
    sent::sent,
    tokens::{bad_tokens, good_token},
};
use crate::{
    openapi::SERVICES,
    operations::fixture::{plan_replay, plant_dead_letter},
    stage::{ACCOUNTS, NOTIFICATIONS, Stage},
    wire::send,
};

#[tokio::test]
async fn strangers_get_nowhere_and_users_where_their_scope_lets_them() {
    let stage = Stage::with(1).await;
    let mut alices = alices(&stage).await;
    let operations: Vec<_> = SERVICES.into_iter().flat_map(operations).collect();
    assert_eq!(stage.wire("alice").bearing(good_token(&stage)).get(ACCOUNTS).await.status, 200);
    let (before, inbox) = (stage.rows().await, stage.inbox("alice").get(NOTIFICATIONS).await);
    // What is signed instead has its own story (`webhooks`); a token is worth nothing there.
    let (signed, operations): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(|operation| operation.scope == "signature");
    for operation in &signed {
        operation.answer(&stage, &alices, "service", SERVICE_SCOPES).await.problem(401, "unauthenticated");
    }
    // What every user may do to what is the user's own, too (`redis::sessions`).
    let (of_oneself, operations): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(|operation| operation.scope == "none");
    for operation in &of_oneself {
        assert_nobody_unknown_is_let_in(&stage, &alices, operation).await;
    }
    for operation in &operations {
        assert_nobody_unknown_is_let_in(&stage, &alices, operation).await;
        assert_its_scope_is_needed(&stage, &alices, operation).await;
        assert_nothing_of_alices_is_found_by_another(&stage, &alices, operation).await;
    }
    assert_eq!(stage.rows().await, before.after(0, 2), "only the refused payments were answered for good");
    assert_eq!(stage.inbox("alice").get(NOTIFICATIONS).await.body, inbox.body);

    // What is deleted is gone for the others.
    let (last, first): (Vec<_>, Vec<_>) = operations.iter().partition(|operation| operation.method == Method::DELETE);
    for operation in first.into_iter().chain(last) {
        // Some of these end them.
        match operation.parameters.first().map(|(name, _)| name.as_str()) {
            Some("dead_letter") => alices.dead_letter = plant_dead_letter(&stage.platform, "not an event").await,
            Some("replay") => alices.replay = plan_replay(&stage.platform).await,
            _ => {}
        }
        let reply = operation.answer(&stage, &alices, "alice", &operation.scope).await;
        assert!((200..300).contains(&reply.status), "{}: {reply:?}", operation.id);
    }
}

async fn assert_nobody_unknown_is_let_in(stage: &Stage, alices: &Names, operation: &Operation) {
    let anonymous = stage.anonymous(operation.service);
    let good = good_token(stage);
    let mut requests = vec![
        ("no token", operation.request(stage, alices, anonymous)),
        ("a password", operation.request(stage, alices, anonymous).basic_auth("alice", Some("secret"))),
        ("two tokens", operation.request(stage, alices, &anonymous.bearing(&good)).bearer_auth(&good)),
        ("no scheme", operation.request(stage, alices, anonymous).header("Authorization", &good)),
    ];
    for (what, token) in bad_tokens(stage) {
        requests.push((what, operation.request(stage, alices, &anonymous.bearing(token))));
    }
    for (what, request) in requests {
        let reply = send(request).await;
        assert_eq!(reply.status, 401, "{} with a token {what}: {reply:?}", operation.id);
        reply.problem(401, "unauthenticated");
        assert_eq!(reply.header("WWW-Authenticate"), Some("Bearer"));
    }
}

async fn assert_its_scope_is_needed(stage: &Stage, alices: &Names, operation: &Operation) {
    let all = [USER_SCOPES, SERVICE_SCOPES, OPERATOR_SCOPES].join(" ");
    let refused = async |scopes: &str| {
        let reply = operation.answer(stage, alices, "alice", scopes).await;
        assert_eq!(reply.status, 403, "{} with the scopes {scopes:?}: {reply:?}", operation.id);
        reply.problem(403, "forbidden").members["scope"].as_str().unwrap().to_owned()
    };
    for needed in operation.scope.split(' ') {
        assert!(all.split_whitespace().any(|scope| scope == needed), "{needed} is no scope");
        let others: Vec<_> = all.split_whitespace().filter(|scope| *scope != needed).collect();
        assert_eq!(refused(&others.join(" ")).await, needed, "{}", operation.id);
    }
    assert!(operation.scope.split(' ').collect::<Vec<_>>().contains(&refused("").await.as_str()));
}

/// A user with every scope that users have.
async fn assert_nothing_of_alices_is_found_by_another(stage: &Stage, alices: &Names, operation: &Operation) {
    let reply = operation.answer(stage, alices, "mallory", USER_SCOPES).await;
    if operation.scope.split(' ').any(|scope| !USER_SCOPES.split(' ').any(|has| has == scope)) {
        reply.problem(403, "forbidden");
        return;
    }
    let refusal = if operation.method == Method::GET { None } else { sent(stage, &operation.id).refusal };
    if let Some((status, code)) = refusal {
        reply.problem(status, code);
    } else if operation.parameters.is_empty() {
        assert_eq!(reply.json()["data"], json!([]), "{}", operation.id);
    } else {
        assert_eq!(reply.status, 404, "{}: {reply:?}", operation.id);
        let missing = operation.answer(stage, &Names::nobodys(), "mallory", USER_SCOPES).await;
        assert_eq!(reply.body, missing.body);
        assert_eq!(reply.problem(404, "not_found").request_id, missing.problem(404, "not_found").request_id);
        // Of a thing of alice's that mallory claims for himself there is no trace either.
        if operation.parameters.len() > 1 {
            let claimed = Names { user: "mallory".to_owned(), ..*alices };
            let reply = operation.answer(stage, &claimed, "mallory", USER_SCOPES).await;
            assert_eq!((reply.status, &reply.body), (404, &missing.body), "{}", operation.id);
        }
    }
}
