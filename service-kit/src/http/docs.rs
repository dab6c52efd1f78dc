//! What a service says about itself to whoever reads its API: the OpenAPI document, a page to try it from, and a page for
//! each problem. None of it needs a token, and none of it is fetched from anywhere else.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use serde_json::Value;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::problem::Problem;
use super::problem_kind::ProblemKind;

const DOCUMENT: &str = "/openapi.json";

/// `/openapi.json`, `/docs`, `/problems` and `/problems/{code}`, for a service with this document and these problems of
/// its own.
pub fn docs(document: &Value, own: &[ProblemKind]) -> Router {
    let document = Bytes::from(document.to_string());
    let mut kinds: Vec<ProblemKind> = ProblemKind::COMMON.iter().chain(own).copied().collect();
    kinds.sort_by_key(|kind| (kind.status, kind.code));
    let kinds: Arc<[ProblemKind]> = kinds.into();
    Router::new()
        .route(DOCUMENT, get(async move || ([(header::CONTENT_TYPE, "application/json")], document.clone())))
        .route("/problems", get(all_problems))
        .route("/problems/{code}", get(one_problem))
        .with_state(kinds)
        .merge(SwaggerUi::new("/docs").config(Config::from(DOCUMENT).try_it_out_enabled(true).filter(true)))
}

async fn all_problems(State(kinds): State<Arc<[ProblemKind]>>) -> Html<String> {
    let row = |kind: &ProblemKind| {
        let (code, title, status) = (kind.code, kind.title, kind.status.as_u16());
        format!("<tr><td>{status}<td><a href=\"/problems/{code}\"><code>{code}</code></a><td>{title}")
    };
    let rows: String = kinds.iter().map(row).collect();
    page("Problems", &format!("<table><tr><th>status<th>code<th>title{rows}</table>"))
}

async fn one_problem(State(kinds): State<Arc<[ProblemKind]>>, Path(code): Path<String>) -> Response {
    let Some(kind) = kinds.iter().find(|kind| kind.code == code) else {
        return Problem::new(ProblemKind::NOT_FOUND, "No problem has this code.").into_response();
    };
    let retryable = if kind.retryable {
        "Yes: the same request, with the same idempotency key, may succeed later."
    } else {
        "No: the same request will be refused again."
    };
    let body = format!(
        "<p><code>{}</code>, status {}<h2>What it means</h2><p>{}<h2>What to do</h2><p>{}<h2>Try again?</h2><p>{retryable}\
         <p><a href=\"/problems\">All problems</a>",
        kind.code,
        kind.status.as_u16(),
        prose(kind.explanation.meaning),
        prose(kind.explanation.remedy),
    );
    page(kind.title, &body).into_response()
}

/// `code` as code. What is shown comes from constants of ours, without anything to escape.
fn prose(text: &str) -> String {
    text.split('`')
        .enumerate()
        .map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() })
        .collect()
}

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}\
         td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}</style><h1>{title}</h1>{body}</html>\n"
    ))
}
