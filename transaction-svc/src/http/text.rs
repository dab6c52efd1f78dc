//! From strings of a body to the texts of the domain.

use std::fmt::Display;

use serde::Deserialize;
use service_kit::http::{Field, Fields};
use utoipa::openapi::{
    ObjectBuilder, Schema,
    schema::{SchemaType, Type},
};

use crate::domain::text::Metadata;

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

/// How a document describes metadata: at most 20 keys; that they have 4 KiB at most is beyond a schema.
pub(super) fn metadata_schema() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[^\u0000]*$"));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some("At most 20 keys and 4 KiB."))
        .property_names(Some(text()))
        .additional_properties(Some(text()))
        .max_properties(Some(Metadata::MAX_KEYS))
        .into()
}

/// The parsed value, or the field's problem.
pub(super) fn accepted<T>(fields: &mut Fields, pointer: &'static str, parsed: Result<T, impl Display>) -> Option<T> {
    parsed.map_err(|error| fields.refuse(pointer, "invalid", error.to_string())).ok()
}
