//! Why an operator wants something; who, the token says.

use serde::Deserialize;
use service_kit::{
    auth::Caller,
    http::{Field, Fields},
};

use crate::store::audit::Order;

const LONGEST_REASON_CHARACTERS: usize = 500;

/// A body that says why, and nothing else.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason, examples(json!({"reason": "Upgraded to 0.2"})))]
pub(super) struct WireOrder {
    /// For the audit: 1 to 500 characters.
    #[serde(default)]
    #[schema(value_type = String, required, max_length = 500, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    pub(super) reason: Field<String>,
}

/// The order of this caller, if it gives a reason.
pub(super) fn read(fields: &mut Fields, caller: &Caller, reason: Field<String>) -> Option<Order> {
    let reason = fields.required("/reason", reason)?;
    if !(1..=LONGEST_REASON_CHARACTERS).contains(&reason.trim().chars().count()) {
        fields.refuse("/reason", "invalid_length", "expected 1 to 500 characters");
        return None;
    }
    Some(Order { operator: caller.subject.to_string(), reason })
}
