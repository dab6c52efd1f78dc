//! Dashboards and alerts ask for metrics that the services have: names, and the values of labels that they pick. What the
//! containers of compose.yaml are given is what the stack on this machine has.

use std::{collections::BTreeSet, fs};

use integration::{
    eventually::eventually,
    people::cents,
    stack::{containers, platform::Platform, postgres, record::Record, redis, workspace},
};
use serde_json::Value;

/// What Prometheus says itself.
const PROMETHEUS: [&str; 1] = ["up"];

/// A metric, with what it says of labels between braces, such as `outcome="given_up"`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Selector {
    name: String,
    matchers: Vec<String>,
}

/// The metrics of an expression of PromQL: the words that are neither functions nor said to them, nor labels.
fn selectors(expression: &str) -> Vec<Selector> {
    let mut selectors = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(|sign: char| sign.is_ascii_alphabetic()) {
        let word_on = &rest[start..];
        let end = word_on.find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).unwrap_or(word_on.len());
        let (word, after) = word_on.split_at(end);
        rest = after;
        if matches!(word, "by" | "without" | "on") {
            rest = after.split_once(')').map_or("", |(_labels, rest)| rest);
            continue;
        }
        let is_function = after.trim_start().starts_with('(') || is_grouped(after);
        if is_function || matches!(word, "and" | "or" | "unless") {
            continue;
        }
        let (labels, beyond) = match after.strip_prefix('{') {
            Some(inside) => inside.split_once('}').unwrap(),
            None => ("", after),
        };
        let matchers = labels.split(',').filter(|one| !one.is_empty()).map(|one| one.trim().to_owned());
        selectors.push(Selector { name: word.to_owned(), matchers: matchers.collect() });
        // `[5m]` is a time.
        rest = beyond.strip_prefix('[').and_then(|range| range.split_once(']')).map_or(beyond, |(_, rest)| rest);
    }
    selectors
}

/// `sum by (label) (…)`: the word is an aggregation.
fn is_grouped(after: &str) -> bool {
    let after = after.trim_start();
    after.starts_with("by ") || after.starts_with("without ")
}

fn expressions() -> Vec<String> {
    let grafana = workspace().join("grafana");
    let mut found: Vec<String> = fs::read_to_string(grafana.join("alerts.yaml"))
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix("expr: ")?.to_owned()))
        .collect();
    for dashboard in fs::read_dir(grafana.join("dashboards")).unwrap() {
        let dashboard: Value = serde_json::from_slice(&fs::read(dashboard.unwrap().path()).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            let targets = panel["targets"].as_array().unwrap();
            found.extend(targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()));
        }
    }
    found
}

#[tokio::test]
async fn every_metric_that_a_dashboard_or_an_alert_asks_for_exists() {
    let asked: BTreeSet<_> = expressions().iter().flat_map(|expression| selectors(expression)).collect();
    assert!(asked.len() > 20, "{asked:?}");

    let platform = Platform::start().await.unwrap();
    let bank = platform.bank().await.unwrap();
    bank.open_funded(&platform.person("ada").unwrap(), cents(1)).await.unwrap();
    eventually("everything that is asked for is there", async || {
        let mut lines = String::new();
        for service in platform.services() {
            lines += &reqwest::get(service.admin_url.join("metrics")?).await?.text().await?;
        }
        let missing: Vec<_> = asked.iter().filter(|selector| !exists(selector, &lines)).collect();
        anyhow::ensure!(missing.is_empty(), "{missing:?}");
        Ok(())
    })
    .await;
}

fn exists(Selector { name, matchers }: &Selector, metrics: &str) -> bool {
    let exact = || matchers.iter().filter(|matcher| !matcher.contains("!=") && !matcher.contains('~'));
    let is_it = |line: &str| {
        let named = line.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['{', ' ']));
        named && exact().all(|matcher| line.contains(matcher.as_str()))
    };
    PROMETHEUS.contains(&name.as_str()) || metrics.lines().any(is_it)
}

#[test]
fn expressions_are_taken_apart() {
    let expression =
        r#"histogram_quantile(0.99, sum by (le) (rate(a_bucket{way="x",to!~"y"}[1m]))) > 0 and time() - max(b) > 2"#;
    let named = |name: &str, matchers: &[&str]| Selector {
        name: name.to_owned(),
        matchers: matchers.iter().map(|matcher| (*matcher).to_owned()).collect(),
    };
    assert_eq!(selectors(expression), [named("a_bucket", &[r#"way="x""#, r#"to!~"y""#]), named("b", &[])]);
}

#[test]
fn containers_are_configured_as_the_stack_on_this_machine() {
    let compose = fs::read_to_string(workspace().join("compose.yaml")).unwrap();
    for setting in postgres::SETTINGS {
        assert!(compose.contains(setting), "compose.yaml lacks {setting}");
    }
    let redis =
        redis::SETTINGS.map(|option| if ["", "no"].contains(&option) { format!("{option:?}") } else { option.into() });
    assert!(compose.contains(&redis.join(", ")), "compose.yaml lacks {redis:?}");

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("compose");
    containers::prepare(&path).unwrap();
    containers::prepare(&path).unwrap();
    let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
    assert_eq!(Record::read(&path).unwrap().transaction_svc[0].url, "http://127.0.0.1:8080");
    for file in compose.split(".dev/compose/").skip(1) {
        let name = file.split([':', '"', '\n', ',']).next().unwrap().trim();
        assert!(!read(name).is_empty(), "{name}");
    }
    assert!(read("nats.conf").contains("$JS.API.STREAM.CREATE.TRANSACTIONS"));
    assert!(read("roles.sql").contains("ALTER ROLE transaction_svc SET lock_timeout = '3s';"));
}
