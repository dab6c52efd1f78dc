//! Columns that several tables have, and batches of them.

use std::collections::BTreeMap;

use crate::domain::text::Metadata;

/// One column of a batch, as UNNEST takes it.
pub(super) fn column<Row, Value>(rows: &[Row], value: impl Fn(&Row) -> Value) -> Vec<Value> {
    rows.iter().map(value).collect()
}

/// Metadata as jsonb takes it.
pub(super) fn metadata_json(metadata: &Metadata) -> String {
    serde_json::json!(metadata.as_map()).to_string()
}

/// Metadata out of jsonb, or why it is none.
pub(super) fn metadata(json: serde_json::Value) -> Result<Metadata, String> {
    let map: BTreeMap<String, String> = serde_json::from_value(json).map_err(|error| error.to_string())?;
    Metadata::try_from(map).map_err(|error| error.to_string())
}
