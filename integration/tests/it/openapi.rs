//! The OpenAPI documents: complete for every operation, true to the sources, and as committed.
//!
//! What a route must say is in CONTRIBUTING.md, "Add a route".

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use client::ProblemCode;
use integration::stack::{
    service::{ServiceKind, built_programs},
    workspace,
};
use serde_json::{Value, json};

use crate::tidy;

pub(crate) const SERVICES: [ServiceKind; 2] = [ServiceKind::Transaction, ServiceKind::Notification];

/// Of no operation: there is none for such a request.
const OF_NO_OPERATION: &str = "method_not_allowed";

/// What a service prints.
pub(crate) fn printed(service: ServiceKind) -> String {
    let program = built_programs().unwrap().join(service.program());
    String::from_utf8(Command::new(program).arg("openapi").output().unwrap().stdout).unwrap()
}

/// An operation of a document.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) operation: Value,
}

pub(crate) fn described(document: &Value) -> Vec<Described> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let operation = operation.clone();
            all.push(Described { method: method.to_uppercase(), path: path.clone(), operation });
        }
    }
    all
}

fn documents() -> Vec<Value> {
    SERVICES.into_iter().map(|service| serde_json::from_str(&printed(service)).unwrap()).collect()
}

#[test]
fn every_operation_says_what_it_needs_and_shows_what_it_takes_and_gives() {
    let mut faults = Vec::new();
    for document in documents() {
        for Described { method, path, operation } in described(&document) {
            let mut require = |holds: bool, what: &str| {
                if !holds {
                    faults.push(format!("{method} {path}: {what}"));
                }
            };
            for member in ["summary", "operationId", "x-scope"] {
                require(operation[member].is_string(), &format!("says no {member}"));
            }
            require(operation["x-problems"].is_array(), "says no x-problems, not even json!([])");
            for (what, content) in contents(&operation) {
                for fault in example_faults(&content, &document) {
                    require(false, &format!("{what}: {fault}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "see CONTRIBUTING.md, \"Add a route\":\n{}", faults.join("\n"));
}

/// The bodies and answers of an operation, each by its name.
fn contents(operation: &Value) -> Vec<(String, Value)> {
    let of = |name: String, described: &Value| {
        let media = described["content"].as_object().cloned().unwrap_or_default();
        media.into_iter().map(move |(kind, content)| (format!("{name}, {kind}"), content))
    };
    let answers = operation["responses"].as_object().unwrap().iter();
    answers
        .flat_map(|(status, response)| of(format!("answer {status}"), response))
        .chain(of("body".to_owned(), &operation["requestBody"]))
        .collect()
}

/// What is wrong with the examples of a body or an answer: none at all, or not what the schema says.
fn example_faults(content: &Value, document: &Value) -> Vec<String> {
    let named = content["examples"].as_object().into_iter().flat_map(|examples| examples.values());
    let named = named.map(|example| match example["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap()["value"].clone(),
        None => example["value"].clone(),
    });
    let examples: Vec<Value> = content.get("example").cloned().into_iter().chain(named).collect();
    if examples.is_empty() {
        return vec!["has no example".to_owned()];
    }
    // The schema, with the components that it refers to.
    let schema = json!({"allOf": [content["schema"]], "components": document["components"]});
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let faults = examples.iter().flat_map(|example| validator.iter_errors(example));
    faults.map(|fault| format!("its example at {:?}: {fault}", fault.instance_path().as_str())).collect()
}

/// A kind of problem, as it stands in the sources: `INSUFFICIENT_FUNDS`, `insufficient_funds`.
struct Defined {
    name: String,
    code: String,
}

#[test]
fn every_kind_of_problem_is_declared_explained_and_produced() {
    let documents = documents();
    let sources: Vec<String> = tidy::product_sources().into_iter().map(|text| without_declarations(&text)).collect();
    let defined: Vec<Defined> = tidy::product_sources().iter().flat_map(|text| definitions(text)).collect();
    let listed = |of: &dyn Fn(&Value) -> Vec<String>| documents.iter().flat_map(of).collect::<BTreeSet<String>>();

    let codes: BTreeSet<String> = defined.iter().map(|kind| kind.code.clone()).collect();
    let explained =
        listed(&|document| document["components"]["examples"].as_object().unwrap().keys().cloned().collect());
    assert_eq!(codes, explained, "a kind is missing in COMMON, or in its service's ALL");
    let mut declared = listed(&|document| {
        let operations = described(document);
        let codes = operations.iter().flat_map(|one| one.operation["x-problems"].as_array().into_iter().flatten());
        codes.map(|code| code.as_str().unwrap().to_owned()).collect()
    });
    declared.insert(OF_NO_OPERATION.to_owned());
    assert_eq!(codes, declared, "a kind is in no operation's x-problems");
    for document in &documents {
        for (code, example) in document["components"]["examples"].as_object().unwrap() {
            assert_ne!(example["value"]["detail"], "", "{code} is not explained");
        }
    }
    for Defined { name, code } in defined {
        let produced = sources.iter().any(|text| text.lines().any(|line| says(line, &name)));
        assert!(produced, "no code of the product answers {code} ({name})");
    }
}

/// `pub const NAME: ProblemKind = …("code"`, as rustfmt lays it out.
fn definitions(text: &str) -> Vec<Defined> {
    let mut found = Vec::new();
    for part in text.split("pub const ").skip(1) {
        let Some((name, value)) = part.split_once(": ") else { continue };
        let is_kind = value.starts_with("ProblemKind =") || value.starts_with("Self =") && value.contains("explained(");
        if let Some(code) = value.split('"').nth(1).filter(|_| is_kind) {
            found.push(Defined { name: name.to_owned(), code: code.to_owned() });
        }
    }
    found
}

/// The text without what only describes a route, and without tests.
fn without_declarations(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut parts = text.split("#[utoipa::path(");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once("\n)]").map_or("", |(_, code)| code));
    first + &rest.collect::<String>()
}

/// Whether a line uses the name, other than to define or to list it.
fn says(line: &str, name: &str) -> bool {
    let code = line.trim();
    let lists = code == format!("{name},") || code == format!("Self::{name},");
    let defines = code.contains(&format!("const {name}:"));
    let mut words = code.split(|character: char| !character.is_alphanumeric() && character != '_');
    words.any(|word| word == name) && !lists && !defines && !code.starts_with("//")
}

#[test]
fn the_committed_documents_are_what_the_services_print() {
    for service in SERVICES {
        let path = workspace().join(service.program()).join("openapi.json");
        let committed = fs::read_to_string(&path).unwrap_or_default();
        let current = printed(service);
        let same = committed.lines().zip(current.lines()).take_while(|(old, new)| old == new).count();
        assert!(committed == current, "{} is out of date from line {}: run `tools/openapi`", path.display(), same + 1);
    }
}

/// How the client's sources begin a request, and its method.
const CALLS: [(&str, &str); 12] = [
    (".get(", "GET"),
    (".open(", "GET"),
    (".post(", "POST"),
    (".post_raw(", "POST"),
    (".post_signed(", "POST"),
    (".act(", "POST"),
    (".order(", "POST"),
    (".put(", "PUT"),
    (".patch(", "PATCH"),
    (".delete(", "DELETE"),
    (".change(Method::PATCH", "PATCH"),
    (".change(Method::PUT", "PUT"),
];

/// As `| head` does.
#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    for service in SERVICES {
        let mut command = Command::new(built_programs().unwrap().join(service.program()));
        let mut printing = command.arg("openapi").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(printing.stdout.take());
        let ended = printing.wait_with_output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    }
}

/// Whether the client asks for every operation: its sources say `self.0.get("/v1/…")` with the path of each.
#[test]
fn the_client_has_every_operation_and_every_code() {
    let mut asked = BTreeSet::new();
    for text in tidy::sources_below("client/src") {
        for (call, method) in CALLS {
            for rest in text.split(call).skip(1) {
                let path = rest.split('"').nth(1).unwrap_or_default();
                asked.insert((method, anonymous(path)));
            }
        }
    }
    for document in documents() {
        for code in document["components"]["examples"].as_object().unwrap().keys() {
            assert_ne!(ProblemCode::of(code), ProblemCode::Unknown, "the client does not know {code}");
        }
        for Described { method, path, operation } in described(&document) {
            let is_asked = asked.contains(&(method.as_str(), anonymous(&path)));
            assert!(is_asked, "the client has no {}: {method} {path}", operation["operationId"]);
        }
    }
}

/// The path with `{}` for each parameter.
fn anonymous(path: &str) -> String {
    let mut parts = path.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| format!("{{}}{}", part.split_once('}').map_or("", |(_, rest)| rest)));
    first + &rest.collect::<String>()
}
