//! From strings of a body to the texts of the domain.

use std::fmt::Display;

use serde::Deserialize;
use service_kit::http::{Field, Fields};

/// Nothing may be said: `{}`, or no body at all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoBody {}

/// The field as a `T`, where it is there and `T` accepts it.
pub(super) fn optional<Raw, T>(fields: &mut Fields, pointer: &'static str, field: Field<Raw>) -> Option<T>
where
    T: TryFrom<Raw, Error: Display>,
{
    let raw = fields.optional(pointer, field)?;
    accepted(fields, pointer, T::try_from(raw))
}

/// The parsed value, or the field's problem.
pub(super) fn accepted<T>(fields: &mut Fields, pointer: &'static str, parsed: Result<T, impl Display>) -> Option<T> {
    parsed.map_err(|error| fields.refuse(pointer, "invalid", error.to_string())).ok()
}
