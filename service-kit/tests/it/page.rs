//! Pages and their cursors.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::http::{Cursors, Page, PageQuery, Problem};

use crate::support::{Server, problem};

const NUMBERS: u32 = 120;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    minimum: Option<u32>,
    name: Option<String>,
}

/// Numbers from `minimum` upwards.
async fn numbers(State(cursors): State<Cursors>, query: PageQuery<Filters>) -> Result<Json<Page<u32>>, Problem> {
    let PageQuery { page, filters } = query;
    let after: Option<u32> = cursors.open("numbers", &filters, &page)?;
    let first = after.map_or(filters.minimum.unwrap_or(0), |after| after + 1);
    let rows = (first..NUMBERS).take(usize::try_from(page.limit.rows_to_fetch()).unwrap()).collect();
    let cursor_after = |last: &u32| cursors.seal("numbers", &filters, last);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |row| row)))
}

fn cursors(key: &str) -> Cursors {
    Cursors::new(&key.repeat(32).into()).unwrap()
}

async fn server() -> Server {
    Server::start(Router::new().route("/numbers", get(numbers)).with_state(cursors("k"))).await
}

async fn page(server: &Server, query: &str) -> Value {
    server.get(&format!("/numbers?{query}")).await.json().await.unwrap()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let server = server().await;
    let mut seen = Vec::new();
    let mut query = "minimum=3".to_owned();
    loop {
        let page = page(&server, &query).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("minimum=3&cursor={cursor}");
    }
    assert_eq!(seen, (3..120).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_page_has_no_cursor_even_if_it_is_full() {
    let page = page(&server().await, "limit=120").await;
    assert_eq!(page["data"].as_array().unwrap().len(), 120);
    assert!(page["next_cursor"].is_null());
}

#[tokio::test]
async fn a_query_outside_of_its_bounds_is_malformed() {
    let server = server().await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "limit=99999",
        "minimum=many",
        "maximum=5",
        "name=a%00b",
        "cursor=",
        "cursor=%3F",
        "cursor=AAAA",
        "cursor=a&cursor=b",
    ] {
        let answer = problem(server.get(&format!("/numbers?{query}")).await).await;
        assert_eq!(answer["code"], "malformed", "{query}");
    }
    for query in ["limit=1", "limit=200", "", "name=a%2500b"] {
        assert_eq!(server.get(&format!("/numbers?{query}")).await.status(), 200, "{query}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_filters_only() {
    let server = server().await;
    let page = page(&server, "minimum=3").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(server.get(&format!("/numbers?limit=7&minimum=3&cursor={cursor}")).await.status(), 200);
    for query in ["", "minimum=4&", "minimum=3&name=&"] {
        let response = server.get(&format!("/numbers?{query}cursor={cursor}")).await;
        assert_eq!(problem(response).await["code"], "malformed", "{query}");
    }
}

#[tokio::test]
async fn an_altered_or_foreign_cursor_is_refused() {
    let server = server().await;
    let filters = Filters { minimum: None, name: None };
    let sealed = cursors("k").seal("numbers", &filters, &70_u32);
    assert_eq!(server.get(&format!("/numbers?cursor={sealed}")).await.status(), 200);

    let mut foreign =
        vec![cursors("other").seal("numbers", &filters, &70_u32), cursors("k").seal("names", &filters, &70_u32)];
    for position in 0..sealed.len() {
        let mut altered = sealed.clone().into_bytes();
        altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
        foreign.push(String::from_utf8(altered).unwrap());
        foreign.push(sealed[..position].to_owned());
    }
    for cursor in foreign {
        let response = server.get(&format!("/numbers?cursor={cursor}")).await;
        assert_eq!(problem(response).await["code"], "malformed", "{cursor}");
    }
}

#[test]
fn a_short_key_is_refused() {
    assert!(Cursors::new(&"k".repeat(31).into()).is_err());
}
