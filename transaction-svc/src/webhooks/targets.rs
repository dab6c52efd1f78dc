//! With which secrets an endpoint's webhooks are signed. Read once for each version of the endpoint, and kept open in
//! memory: reading and opening them for each webhook would cost more than sending it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use contract::{WebhookEndpointId, signature::Secret};
use service_kit::clock::SharedClock;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::keys::{EncryptionKeys, OpenError};
use crate::store::{
    StoreError,
    webhooks::{queue::Leased, secrets},
};

/// More endpoints than any installation has; beyond that the memory is cleared.
const MAX_REMEMBERED: usize = 10_000;

/// Why an endpoint's webhooks cannot be signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error("the secrets cannot be read")]
    Store(#[from] StoreError),
    #[error("a secret cannot be opened")]
    Open(#[from] OpenError),
}

/// What has to be known of an endpoint besides its URL.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The operator has said where it is.
    pub(super) allows_any_address: bool,
    secrets: Vec<(Secret, Option<OffsetDateTime>)>,
}

impl Target {
    pub(super) fn configured(secrets: Vec<Secret>) -> Self {
        let secrets = secrets.into_iter().map(|secret| (secret, None)).collect();
        Self { allows_any_address: true, secrets }
    }

    /// Those that sign at this moment.
    pub(super) fn live_secrets(&self, now: OffsetDateTime) -> impl Iterator<Item = &Secret> {
        let is_live = move |until: &Option<OffsetDateTime>| until.is_none_or(|until| until > now);
        self.secrets.iter().filter(move |(_, until)| is_live(until)).map(|(secret, _)| secret)
    }
}

/// The targets that were read so far.
#[derive(Debug)]
pub(super) struct Targets {
    pool: PgPool,
    keys: EncryptionKeys,
    clock: SharedClock,
    /// The platform's own endpoint.
    configured: Arc<Target>,
    known: Mutex<HashMap<WebhookEndpointId, (i64, Arc<Target>)>>,
}

impl Targets {
    pub(super) fn new(pool: PgPool, keys: EncryptionKeys, clock: SharedClock, configured: Vec<Secret>) -> Self {
        Self { pool, keys, clock, configured: Arc::new(Target::configured(configured)), known: Mutex::default() }
    }

    /// The target of a delivery, as it is in the version of the endpoint that was leased.
    pub(super) async fn of(&self, leased: &Leased) -> Result<Arc<Target>, TargetError> {
        if leased.endpoint_is_configured {
            return Ok(self.configured.clone());
        }
        let (endpoint, version) = (leased.place.endpoint, leased.endpoint_version);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of_version, target)) = known().get(&endpoint)
            && *of_version == version
        {
            return Ok(target.clone());
        }
        let sealed = secrets::live(&self.pool, endpoint, self.clock.now()).await?;
        let open = |one: &secrets::SealedSecret| Ok((self.keys.open(endpoint, one)?, one.expires_at));
        let secrets = sealed.iter().map(open).collect::<Result<_, OpenError>>()?;
        let target = Arc::new(Target { allows_any_address: false, secrets });
        let mut known = known();
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(endpoint, (version, target.clone()));
        Ok(target)
    }
}
