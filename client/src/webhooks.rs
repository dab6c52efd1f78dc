//! Receivers of webhooks. It needs `webhooks:manage` and `transactions:any`.

use contract::{
    DeliveryId, EventKind, WebhookEndpointId, timestamp,
    webhook::{Delivery, WebhookEndpoint},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Error, Page, Transactions};

/// What to register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewWebhookEndpoint {
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which events it is told of; `None` is all of them.
    pub event_types: Option<Vec<EventKind>>,
    pub enabled: bool,
}

impl NewWebhookEndpoint {
    /// An endpoint that is told of everything.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), description: None, event_types: None, enabled: true }
    }
}

/// What to change; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WebhookEndpointChanges {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `Some(None)` takes the description away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    /// `Some(None)` is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Option<Vec<EventKind>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

#[derive(Serialize)]
struct Since {
    #[serde(with = "timestamp")]
    since: OffsetDateTime,
}

#[derive(Deserialize)]
struct Recovery {
    recovered: u64,
}

impl Transactions {
    /// Registers an endpoint. Only this answer and that of [`Self::rotate_webhook_secret`] have its secret.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn create_webhook_endpoint(&self, endpoint: &NewWebhookEndpoint) -> Result<WebhookEndpoint, Error> {
        self.0.order("/v1/webhook-endpoints", endpoint).await
    }

    /// All of them, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn webhook_endpoints(&self, cursor: Option<&str>) -> Result<Page<WebhookEndpoint>, Error> {
        self.0.get("/v1/webhook-endpoints", &[("cursor", cursor)]).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn webhook_endpoint(&self, id: WebhookEndpointId) -> Result<WebhookEndpoint, Error> {
        self.0.get(&format!("/v1/webhook-endpoints/{id}"), &()).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn change_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        changes: &WebhookEndpointChanges,
    ) -> Result<WebhookEndpoint, Error> {
        self.0.patch(&format!("/v1/webhook-endpoints/{id}"), changes).await
    }

    /// What waits for it is not sent any more.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn delete_webhook_endpoint(&self, id: WebhookEndpointId) -> Result<(), Error> {
        self.0.delete(&format!("/v1/webhook-endpoints/{id}")).await
    }

    /// A new secret; the one before it goes on signing for 24 hours.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn rotate_webhook_secret(&self, id: WebhookEndpointId) -> Result<WebhookEndpoint, Error> {
        self.0.act(&format!("/v1/webhook-endpoints/{id}/rotate-secret")).await
    }

    /// With their attempts; those of the newest events first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn deliveries(&self, id: WebhookEndpointId, cursor: Option<&str>) -> Result<Page<Delivery>, Error> {
        self.0.get(&format!("/v1/webhook-endpoints/{id}/deliveries"), &[("cursor", cursor)]).await
    }

    /// Sends an event again, whatever became of it before.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn resend(&self, id: WebhookEndpointId, delivery: DeliveryId) -> Result<Delivery, Error> {
        self.0.act(&format!("/v1/webhook-endpoints/{id}/deliveries/{delivery}/resend")).await
    }

    /// Sends again what was given up, of events since a moment. Gives how many.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn recover_deliveries(&self, id: WebhookEndpointId, since: OffsetDateTime) -> Result<u64, Error> {
        let done: Recovery = self.0.order(&format!("/v1/webhook-endpoints/{id}/recover"), &Since { since }).await?;
        Ok(done.recovered)
    }
}
