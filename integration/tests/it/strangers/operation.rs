//! The operations, as the documents of both services describe them, and as somebody asks for them.

#![expect(clippy::panic, reason = "the assertions of a test")]

use integration::{people::fresh_key, stack::service::ServiceKind};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{names::Names, sent::sent};
use crate::{
    openapi::{Described, described, printed},
    stage::Stage,
    wire::{Reply, Wire, send},
};

/// One operation, as its document describes it.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) service: ServiceKind,
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) path: String,
    /// The names of its path parameters, and of their types where these have one.
    pub(super) parameters: Vec<(String, String)>,
    /// All of these are needed, with blanks between them.
    pub(super) scope: String,
}

pub(super) fn operations(service: ServiceKind) -> Vec<Operation> {
    let document: Value = serde_json::from_str(&printed(service)).unwrap();
    let mut operations = Vec::new();
    for Described { method, path, operation } in described(&document) {
        let text = |member: &str| {
            let value = operation[member].as_str();
            value.unwrap_or_else(|| panic!("{method} {path} of {} has no {member}", service.program())).to_owned()
        };
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        operations.push(Operation {
            service,
            id: text("operationId"),
            method: method.parse().unwrap(),
            parameters: parameters.iter().filter(|parameter| parameter["in"] == "path").map(named_type).collect(),
            scope: text("x-scope"),
            path,
        });
    }
    assert!(!operations.is_empty(), "{} describes nothing", service.program());
    operations
}

fn named_type(parameter: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reference = text(&parameter["schema"]["$ref"]);
    (text(&parameter["name"]), reference.rsplit('/').next().unwrap_or_default().to_owned())
}

impl Operation {
    /// The request, of somebody who has no token yet.
    pub(super) fn request(&self, stage: &Stage, names: &Names, wire: &Wire) -> RequestBuilder {
        let path = self.parameters.iter().fold(self.path.clone(), |path, (name, r#type)| {
            path.replace(&format!("{{{name}}}"), &names.of(&self.id, name, r#type))
        });
        let request = wire.request(self.method.clone(), &path);
        if self.method == Method::GET {
            return request;
        }
        let request = request.header("Idempotency-Key", fresh_key());
        match sent(stage, &self.id).body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request,
        }
    }

    pub(super) async fn answer(&self, stage: &Stage, names: &Names, user: &str, scope: &str) -> Reply {
        let token = stage.token(user, scope);
        send(self.request(stage, names, &stage.anonymous(self.service).bearing(token))).await
    }
}
