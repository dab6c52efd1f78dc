//! Reading a body so that every refused field is reported, not the first.
//!
//! A wire struct has a [`Field`] for each member (with `#[serde(default)]`), which keeps what is wrong with it instead of
//! failing the body. [`Fields`] collects what is wrong and gives out what is right.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

use super::problem::{FieldProblem, Problem};
use super::problem_kind::ProblemKind;
use super::value::from_value;

/// A member of a wire struct: absent, `null`, a `T`, or something that is not a `T`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Field<T> {
    #[default]
    Absent,
    Null,
    Present(T),
    /// What is wrong, with a pointer relative to this field.
    Refused(FieldProblem),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            value => from_value(value).map_or_else(Self::Refused, Self::Present),
        })
    }
}

/// Collects the refused fields of one body.
///
/// ```
/// # use serde::Deserialize;
/// # use service_kit::http::{Field, Fields, Problem};
/// #[derive(Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct WireItem {
///     #[serde(default)]
///     count: Field<u32>,
///     #[serde(default)]
///     name: Field<String>,
/// }
///
/// fn read(wire: WireItem) -> Result<(u32, Option<String>), Problem> {
///     let mut fields = Fields::new();
///     let count = fields.required("/count", wire.count);
///     let name = fields.optional("/name", wire.name);
///     fields.finish(|| Some((count?, name)))
/// }
/// ```
#[derive(Debug, Default)]
pub struct Fields {
    errors: Vec<FieldProblem>,
    /// Where in the body the fields are that are read now.
    within: String,
}

impl Fields {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a field that has to be there. `None` means that it was refused and is reported.
    pub fn required<T>(&mut self, pointer: impl Into<Cow<'static, str>>, field: Field<T>) -> Option<T> {
        match field {
            Field::Present(value) => Some(value),
            Field::Absent | Field::Null => {
                self.refuse(pointer, "required", "this field is required");
                None
            }
            Field::Refused(problem) => self.refused(pointer.into(), problem),
        }
    }

    /// The value of a field that may be absent or `null`.
    pub fn optional<T>(&mut self, pointer: impl Into<Cow<'static, str>>, field: Field<T>) -> Option<T> {
        match field {
            Field::Present(value) => Some(value),
            Field::Absent | Field::Null => None,
            Field::Refused(problem) => self.refused(pointer.into(), problem),
        }
    }

    /// The value of a field where `null` says something else than absence: `None` if it is absent, `Some(None)` if it is
    /// `null`.
    pub fn nullable<T>(&mut self, pointer: impl Into<Cow<'static, str>>, field: Field<T>) -> Option<Option<T>> {
        match field {
            Field::Present(value) => Some(Some(value)),
            Field::Null => Some(None),
            Field::Absent => None,
            Field::Refused(problem) => self.refused(pointer.into(), problem),
        }
    }

    /// Reads the fields of a part of the body, whose pointers begin there.
    pub fn within<T>(&mut self, pointer: String, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.within, pointer);
        let value = read(self);
        self.within = outer;
        value
    }

    /// Reports a field that is refused for a reason of the caller's own.
    pub fn refuse(&mut self, pointer: impl Into<Cow<'static, str>>, code: &'static str, detail: impl Into<String>) {
        self.errors.push(FieldProblem {
            pointer: format!("{}{}", self.within, pointer.into()),
            code: code.into(),
            detail: detail.into(),
        });
    }

    /// Builds the value if no field was refused. `build` returns `None` only for a required field that was refused.
    ///
    /// # Errors
    /// `malformed` with every refused field.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Problem> {
        let built = if self.errors.is_empty() { build() } else { None };
        built.ok_or_else(|| {
            Problem::new(ProblemKind::MALFORMED, "Some fields of the body were refused.").with_errors(self.errors)
        })
    }

    fn refused<T>(&mut self, pointer: Cow<'static, str>, problem: FieldProblem) -> Option<T> {
        let pointer = format!("{}{pointer}{}", self.within, problem.pointer);
        self.errors.push(FieldProblem { pointer, ..problem });
        None
    }
}
