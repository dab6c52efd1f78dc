//! What a service says about itself, to anybody.

use axum::http::StatusCode;
use serde_json::{Value, json};
use service_kit::http::{Explanation, ProblemKind, docs};

use crate::support::{Server, problem};

const TEAPOT: ProblemKind = ProblemKind::refusal("teapot", "A teapot", StatusCode::IM_A_TEAPOT)
    .explained(&Explanation { meaning: "It makes `tea`, not coffee.", remedy: "Ask for tea." });

#[tokio::test]
async fn the_document_and_the_page_to_try_it_from_need_no_token_and_nobody_else() {
    let document = json!({"openapi": "3.1.0"});
    let server = Server::start(docs(&document, &[])).await;
    assert_eq!(server.get("/openapi.json").await.json::<Value>().await.unwrap(), document);

    let page = server.get("/docs").await;
    assert_eq!((page.status(), page.url().path()), (StatusCode::OK, "/docs/"));
    let page = page.text().await.unwrap();
    let parts: Vec<&str> =
        page.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")).collect();
    assert!(parts.len() >= 3, "{page}");
    for part in parts {
        assert!(!part.contains("//"), "{part} is fetched from elsewhere");
        let part = server.get(&format!("/docs/{}", part.trim_start_matches("./"))).await;
        assert_eq!(part.status(), StatusCode::OK);
    }
    let set_up = server.get("/docs/swagger-initializer.js").await.text().await.unwrap();
    assert!(set_up.contains("/openapi.json"), "{set_up}");
}

#[tokio::test]
async fn every_problem_has_a_page() {
    let server = Server::start(docs(&json!({}), &[TEAPOT])).await;
    let index = server.get("/problems").await.text().await.unwrap();
    for kind in ProblemKind::COMMON.iter().chain([&TEAPOT]) {
        assert!(index.contains(&format!("href=\"/problems/{}\"", kind.code)), "{}", kind.code);
        let page = server.get(&format!("/problems/{}", kind.code)).await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let page = page.text().await.unwrap();
        assert!(page.contains(kind.title) && page.contains(kind.status.as_str()), "{page}");
        let Explanation { meaning, remedy } = kind.explanation;
        let prose = [meaning, remedy];
        assert!(prose.iter().all(|text| !text.is_empty() && !text.contains(['<', '&'])), "{}", kind.code);
    }
    let page = server.get("/problems/teapot").await.text().await.unwrap();
    assert!(page.contains("It makes <code>tea</code>, not coffee.") && page.contains("Ask for tea."), "{page}");
    assert_eq!(problem(server.get("/problems/nonsense").await).await["code"], "not_found");
}
