//! Bodies put together as text, because some values are only wrong as they are written (`1e3`, `1.0`, 2^64).

use contract::AccountId;
use serde_json::Value;

/// The members of a body and their values, as JSON text.
#[derive(Debug, Clone)]
pub(super) struct Body(pub(super) Vec<(&'static str, String)>);

impl Body {
    pub(super) fn payment(source: AccountId, destination: AccountId) -> Self {
        Self(vec![
            ("source", text(&source.to_string())),
            ("destination", text(&destination.to_string())),
            ("amount", text("5")),
            ("currency", text("EUR")),
        ])
    }

    pub(super) fn account(owner: &str) -> Self {
        Self(vec![("owner", text(owner)), ("currency", text("EUR"))])
    }

    pub(super) fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut members = self.without(name).0;
        members.push((name, value.into()));
        Self(members)
    }

    pub(super) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(known, _)| *known != name).cloned().collect())
    }
}

impl From<Body> for reqwest::Body {
    fn from(Body(members): Body) -> Self {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
        format!("{{{}}}", members.join(",")).into()
    }
}

/// A JSON string.
pub(super) fn text(content: &str) -> String {
    Value::from(content).to_string()
}

/// Names and values as a JSON object.
pub(super) fn object(members: impl IntoIterator<Item = (String, String)>) -> String {
    Value::Object(members.into_iter().map(|(name, value)| (name, value.into())).collect()).to_string()
}
