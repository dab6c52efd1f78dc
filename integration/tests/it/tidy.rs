//! The rules of the house that no lint knows: who may depend on whom, which file is the only door for what, how long a
//! file may be. Prints what it measures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration::stack::workspace;
use serde_json::Value;

/// A crate, the crates of ours it may use, and the crates of others it must not.
const DEPENDENCIES: [(&str, &[&str], &[&str]); 7] = [
    ("contract", &[], &["tokio", "axum", "sea-orm", "sqlx", "async-nats"]),
    ("messaging", &["contract"], &["axum", "sea-orm", "sqlx", "redis"]),
    ("service-kit", &["contract"], &["async-nats"]),
    ("client", &["contract"], &["sea-orm", "sqlx", "async-nats"]),
    ("transaction-svc", &["contract", "messaging", "service-kit"], &[]),
    ("notification-svc", &["contract", "messaging", "service-kit"], &[]),
    ("integration", &["contract", "messaging", "service-kit", "client", "transaction-svc", "notification-svc"], &[]),
];

/// A word, the folders in which it counts, and the files or folders there that may say it.
const DOORS: [(&str, &[&str], &[&str]); 9] = [
    ("StatusCode", &["-svc/src/"], &["/http/answer.rs", "/http/error.rs", "/problem.rs"]),
    ("+ACK", &["/src/"], &["messaging/src/settle.rs"]),
    ("env::var", &["/src/"], &["/config.rs", "/config/"]),
    ("sea_orm", &["-svc/src/http/", "-svc/src/domain/", "messaging/", "contract/"], &[]),
    ("store::entity", &["-svc/src/http/", "-svc/src/domain/"], &[]),
    ("axum", &["-svc/src/store/", "-svc/src/domain/", "messaging/", "contract/"], &[]),
    ("async_nats", &["-svc/src/store/", "-svc/src/domain/", "-svc/src/http/", "service-kit/", "contract/"], &[]),
    ("serde", &["-svc/src/domain/"], &[]),
    ("async fn", &["-svc/src/domain/"], &[]),
];

const LONGEST_FILE_LINES: usize = 500;
const PRODUCT: [&str; 6] =
    ["contract/", "messaging/", "service-kit/", "client/", "transaction-svc/", "notification-svc/"];

struct Source {
    /// From the root of the checkout.
    path: String,
    text: String,
}

#[test]
fn dependencies_point_one_way() {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let (_, ours, never) = DEPENDENCIES.iter().find(|(known, ..)| *known == name).unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let is_ours = dependency["path"].is_string();
            assert!(!is_ours || ours.contains(&used), "{name} must not depend on {used}");
            let is_for_tests = dependency["kind"] == "dev";
            assert!(is_for_tests || !never.contains(&used), "{name} must not depend on {used}");
        }
    }
}

#[test]
fn what_has_one_door_is_said_in_one_file() {
    let mut offences = Vec::new();
    for Source { path, text } in sources() {
        for (word, folders, doors) in DOORS {
            let counts = folders.iter().any(|folder| path.contains(folder));
            if !counts || path.starts_with("integration/") || doors.iter().any(|door| path.contains(door)) {
                continue;
            }
            let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).enumerate();
            let said = lines.filter(|(_, line)| line.contains(word) && !line.trim_start().starts_with("//"));
            offences.extend(said.map(|(number, line)| format!("{path}:{}: {}", number + 1, line.trim())));
        }
    }
    assert!(offences.is_empty(), "these belong elsewhere:\n{}", offences.join("\n"));
}

#[test]
fn files_are_short_and_the_product_is_the_largest_thing_here() {
    let mut lengths: Vec<_> = sources().into_iter().map(|file| (file.text.lines().count(), file.path)).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let (product, harness): (Vec<_>, Vec<_>) = lengths.iter().partition(|(_, path)| {
        PRODUCT.iter().any(|folder| path.starts_with(folder))
            && !path.contains("/tests/")
            && !path.ends_with("/tests.rs")
    });
    let total = |files: &[&(usize, String)]| files.iter().map(|(lines, _)| lines).sum::<usize>();
    println!("product: {} lines in {} files", total(&product), product.len());
    println!("harness: {} lines in {} files", total(&harness), harness.len());
    println!("median file: {} lines; the longest:", lengths[lengths.len() / 2].0);
    for (lines, path) in lengths.iter().take(10) {
        println!("{lines:5} {path}");
    }
    let (longest, path) = &lengths[0];
    assert!(*longest <= LONGEST_FILE_LINES, "{path} has {longest} lines: split it by idea");
    assert!(total(&harness) < total(&product), "the harness has outgrown the product");
}

/// The Rust sources of the product, without its tests.
pub(crate) fn product_sources() -> Vec<String> {
    PRODUCT.iter().flat_map(|folder| sources_below(&format!("{folder}src"))).collect()
}

pub(crate) fn sources_below(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    collect(&workspace().join(folder), &mut files);
    files.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// All Rust files of the checkout.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for (crate_folder, ..) in DEPENDENCIES {
        collect(&workspace().join(crate_folder), &mut files);
    }
    let source = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(workspace()).unwrap().to_str().unwrap().to_owned(),
    };
    files.into_iter().map(source).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
