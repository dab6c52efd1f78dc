//! What happens around every request.

use std::num::NonZeroU64;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use service_kit::config::HttpConfig;
use service_kit::http::{PROBLEM_JSON, Problem, ProblemKind, RequestId, TraceParent};

use crate::support::{Server, loopback, problem};

async fn echo_context(id: RequestId, trace: TraceParent) -> String {
    format!("{id} {trace}")
}

#[tokio::test]
async fn a_valid_request_id_comes_back_and_reaches_the_handler() {
    let server = Server::start(Router::new().route("/", get(echo_context))).await;
    for id in ["a", "order/17:retry#2", &"x".repeat(128)] {
        let response = server.client.get(server.url("/")).header("x-request-id", id).send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"], id);
        assert!(response.text().await.unwrap().starts_with(&format!("{id} ")));
    }
}

#[tokio::test]
async fn an_invalid_request_id_is_replaced() {
    let server = Server::start(Router::new().route("/", get(echo_context))).await;
    for id in [b"".as_slice(), b"two words", b"tab\tbed", "größe".as_bytes(), &[b'x'; 129]] {
        let response = server.client.get(server.url("/")).header("x-request-id", id).send().await.unwrap();
        let answered = response.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(answered.len(), 32, "{id:?} became {answered}");
        assert!(answered.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[tokio::test]
async fn a_trace_is_passed_on_or_begun() {
    let server = Server::start(Router::new().route("/", get(echo_context))).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let sent = server.client.get(server.url("/")).header("traceparent", trace).send().await.unwrap();
    assert!(sent.text().await.unwrap().ends_with(trace));
    let begun = server.get("/").await.text().await.unwrap();
    let (_, begun) = begun.split_once(' ').unwrap();
    assert!(begun.parse::<TraceParent>().is_ok() && begun != trace, "{begun}");
}

#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_too() {
    let router = Router::new()
        .route("/numbers/{number}", get(async |Path(number): Path<u32>| number.to_string()))
        .route("/bodies", post(async |body: Bytes| body.len().to_string()));
    let server = Server::start(router).await;

    assert_eq!(problem(server.get("/nowhere").await).await["code"], "not_found");
    assert_eq!(problem(server.get("/numbers/many").await).await["code"], "malformed");
    let wrong_method = server.get("/bodies").await;
    assert_eq!(wrong_method.headers()["allow"], "POST");
    assert_eq!(problem(wrong_method).await["code"], "method_not_allowed");
    let too_large = server.client.post(server.url("/bodies")).body(vec![0; 65_537]).send().await.unwrap();
    assert_eq!(problem(too_large).await["code"], "payload_too_large");
    let just_right = server.client.post(server.url("/bodies")).body(vec![0; 65_536]).send().await.unwrap();
    assert_eq!(just_right.text().await.unwrap(), "65536");
}

#[tokio::test]
async fn a_panic_is_an_internal_problem_and_nothing_else_stops() {
    let router = Router::new()
        .route("/panic", get(async || -> String { panic!("the secret cause") }))
        .route("/", get(async || "fine"));
    let server = Server::start(router).await;
    let answer = problem(server.get("/panic").await).await;
    assert_eq!(answer["code"], "internal");
    assert!(!answer.to_string().contains("secret"));
    assert_eq!(server.get("/").await.text().await.unwrap(), "fine");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_by_what_is_known_of_it() {
    let config = loopback_with_timeout(50);
    let stuck = get(std::future::pending::<String>).post(std::future::pending::<String>);
    let server = Server::start_with(config, Router::new().route("/stuck", stuck)).await;

    let read = server.get("/stuck").await;
    assert_eq!(read.headers()["retry-after"], "1");
    assert_eq!(problem(read).await["code"], "unavailable");
    let write = server.client.post(server.url("/stuck")).send().await.unwrap();
    let write = problem(write).await;
    assert_eq!((&write["code"], &write["retryable"]), (&"outcome_unknown".into(), &true.into()));
}

fn loopback_with_timeout(milliseconds: u64) -> HttpConfig {
    let request_timeout_ms = NonZeroU64::new(milliseconds).unwrap();
    HttpConfig { request_timeout_ms, ..loopback() }
}

#[tokio::test]
async fn a_problem_carries_its_facts_and_headers() {
    const LIMITED: ProblemKind = ProblemKind::RATE_LIMITED;
    let limited = async || Problem::new(LIMITED, "Slow down.").with("limit", 200).retry_after(3);
    let stranger = async || Problem::new(ProblemKind::UNAUTHENTICATED, "Who are you?");
    let server = Server::start(Router::new().route("/", get(limited)).route("/me", get(stranger))).await;

    let response = server.get("/").await;
    assert_eq!(response.headers()["retry-after"], "3");
    let answer = problem(response).await;
    assert_eq!((&answer["limit"], &answer["detail"]), (&200.into(), &"Slow down.".into()));
    assert!(answer.get("errors").is_none());
    assert_eq!(server.get("/me").await.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn a_stored_problem_leaves_byte_for_byte() {
    let first = RequestId::generate();
    let stored = Problem::new(ProblemKind::FORBIDDEN, "Not this one.").to_bytes(&first);
    let replayed = stored.clone();
    let replay = async move || {
        (ProblemKind::FORBIDDEN.status, [("content-type", PROBLEM_JSON)], replayed.clone()).into_response()
    };
    let server = Server::start(Router::new().route("/", get(replay))).await;
    let response = server.get("/").await;
    assert_ne!(response.headers()["x-request-id"], first.as_str());
    assert_eq!(response.bytes().await.unwrap(), stored);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_path() {
    let server = Server::start(Router::new().route("/users/{user}", get(async || "hello"))).await;
    server.get("/users/alice").await;
    server.get("/users/bob").await;
    server.get("/nowhere/1").await;
    let mut labels = Vec::new();
    for family in server.registry.gather() {
        for metric in family.get_metric() {
            let values: Vec<_> = metric.get_label().iter().map(|label| label.value().to_owned()).collect();
            labels.push((values.join(" "), metric.get_histogram().get_sample_count()));
        }
    }
    labels.sort();
    assert_eq!(labels, [("GET /users/{user} 2xx".to_owned(), 2), ("GET unmatched 4xx".to_owned(), 1)]);
}
