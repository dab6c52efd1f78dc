//! `/v1/webhook-endpoints`: receivers, their secrets, and what became of each event on its way to them.
//!
//! Endpoints are told of everybody's transactions, so whoever manages them needs `transactions:any` besides
//! `webhooks:manage`; filters are not a permission.

mod deliveries;
mod manage;
mod wire;

use contract::signature::Secret;
use service_kit::{
    auth::{Caller, Scope},
    clock::SharedClock,
    http::Problem,
};
use sqlx::PgPool;
use utoipa_axum::router::OpenApiRouter;

use super::{Api, error};
use crate::{
    store::webhooks::{registry::RegistryError, secrets::SealedSecret},
    webhooks::{address::AllowedAddresses, keys::EncryptionKeys},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    manage::router().merge(deliveries::router())
}

/// What managing endpoints needs.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub pool: PgPool,
    pub keys: EncryptionKeys,
    pub allowed: AllowedAddresses,
    pub clock: SharedClock,
}

impl Endpoints {
    /// A secret that nobody has seen, and the same sealed.
    fn new_secret(&self, endpoint: contract::WebhookEndpointId) -> Result<(Secret, SealedSecret), Problem> {
        let secret = Secret::from_bytes(rand::random::<[u8; 32]>()).map_err(error::internal)?;
        let sealed = self.keys.seal(endpoint, &secret).map_err(error::internal)?;
        Ok((secret, sealed))
    }
}

fn require(caller: &Caller) -> Result<(), Problem> {
    caller.require(Scope::WebhooksManage)?;
    caller.require(Scope::TransactionsAny)
}

/// For `map_err` on the registry.
fn registry(error: RegistryError) -> Problem {
    match error {
        RegistryError::Unknown => error::not_found(),
        RegistryError::Configured => crate::problem::configured_endpoint(),
        RegistryError::TooMany => crate::problem::too_many_endpoints(),
        RegistryError::Store(error) => error::store(error),
    }
}
