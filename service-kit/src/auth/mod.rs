//! Who is asking, and what they may do.
//!
//! `jwt` turns a bearer token into a [`Caller`] with the issuer's `keys`, which come from a `key_source` as a `jwks` of
//! single `jwk`s; `authenticate` makes it the extractor that handlers use; `scope` is what a caller was granted. Whose resource
//! something is, the services decide.

mod authenticate;
mod caller;
mod jwk;
mod jwks;
mod jwt;
mod key_source;
mod keys;
mod metrics;
mod scope;

pub use caller::Caller;
pub use jwks::JwksError;
pub use jwt::{TokenError, Verifier, VerifierError};
pub use key_source::{KeyReadError, KeySourceError};
pub use scope::{Scope, Scopes};
