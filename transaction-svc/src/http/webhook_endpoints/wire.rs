//! The bodies of requests about endpoints.

use contract::EventKind;
use serde::Deserialize;
use service_kit::http::{Field, Fields, Problem};

use crate::{
    domain::text::Description, http::text::accepted, store::webhooks::registry::Changes,
    webhooks::address::AllowedAddresses,
};

/// What to register.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({
    "url": "https://shop.example/hooks/payments", "description": "The shop",
    "event_types": ["transaction.posted", "transaction.refunded"]
})))]
#[serde(deny_unknown_fields)]
pub(super) struct NewEndpointBody {
    /// `https://…`, at a public address.
    #[serde(default)]
    #[schema(value_type = String, required, format = "uri", max_length = 2048)]
    url: Field<String>,
    /// At most 500 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500, pattern = r"^[^\u0000]*$")]
    description: Field<String>,
    /// Which events to be told of; null or absent is all of them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<EventKind>>, min_items = 1)]
    event_types: Field<Vec<EventKind>>,
    /// True unless given.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    enabled: Field<bool>,
}

/// What was asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) url: String,
    pub(super) description: Option<String>,
    pub(super) event_types: Option<Vec<EventKind>>,
    pub(super) enabled: bool,
}

impl NewEndpointBody {
    pub(super) fn read(self, allowed: &AllowedAddresses) -> Result<Wanted, Problem> {
        let mut fields = Fields::new();
        let url = fields.required("/url", self.url).and_then(|url| vetted(&mut fields, allowed, &url));
        let description = fields.optional("/description", self.description);
        let description = description.and_then(|text| described(&mut fields, text));
        let event_types = fields.optional("/event_types", self.event_types);
        let event_types = event_types.and_then(|types| some_types(&mut fields, types));
        let enabled = fields.optional("/enabled", self.enabled).unwrap_or(true);
        fields.finish(|| Some(Wanted { url: url?, description, event_types, enabled }))
    }
}

/// What to change; what is absent stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({"enabled": false})))]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesBody {
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri", max_length = 2048)]
    url: Field<String>,
    /// Null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500, pattern = r"^[^\u0000]*$")]
    description: Field<String>,
    /// Null is all of them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<EventKind>>, min_items = 1)]
    event_types: Field<Vec<EventKind>>,
    /// What waits for an endpoint is sent once it is enabled again; what happens while it is disabled is not.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    enabled: Field<bool>,
}

impl ChangesBody {
    pub(super) fn read(self, allowed: &AllowedAddresses) -> Result<Changes, Problem> {
        let mut fields = Fields::new();
        let url = fields.optional("/url", self.url).and_then(|url| vetted(&mut fields, allowed, &url));
        let description = fields.nullable("/description", self.description);
        let description = description.map(|text| text.and_then(|text| described(&mut fields, text)));
        let event_types = fields.nullable("/event_types", self.event_types);
        let event_types = event_types.map(|types| types.and_then(|types| some_types(&mut fields, types)));
        let enabled = fields.optional("/enabled", self.enabled);
        fields.finish(|| Some(Changes { url, description, event_types, enabled }))
    }
}

fn vetted(fields: &mut Fields, allowed: &AllowedAddresses, url: &str) -> Option<String> {
    match allowed.vet(url) {
        Ok((url, _)) => Some(url.into()),
        Err(error) => {
            fields.refuse("/url", "invalid", error.to_string());
            None
        }
    }
}

fn described(fields: &mut Fields, text: String) -> Option<String> {
    let description: Option<Description> = accepted(fields, "/description", Description::try_from(text));
    description.map(|text| text.as_str().to_owned())
}

/// An endpoint of no event would be one that is forgotten.
fn some_types(fields: &mut Fields, mut types: Vec<EventKind>) -> Option<Vec<EventKind>> {
    types.sort_unstable();
    types.dedup();
    if types.is_empty() {
        fields.refuse("/event_types", "invalid_length", "at least one type is needed; null is all of them");
    }
    Some(types)
}
