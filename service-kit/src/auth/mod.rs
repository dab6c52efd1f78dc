//! Who is asking, and what they may do.
//!
//! `jwt` turns a bearer token into a [`Caller`] with the keys of `jwks`; `caller` is the extractor that handlers use;
//! `scope` is what a caller was granted. Whose resource something is, the services decide.

mod caller;
mod jwks;
mod jwt;
mod scope;

pub use caller::Caller;
pub use jwks::JwksError;
pub use jwt::{TokenError, Verifier};
pub use scope::{Scope, Scopes};
