//! The notifications API.

use contract::{
    EventId, EventKind, NotificationId,
    notification::{Locale, Notification, NotificationCounts, Preferences},
    signature::{ID_HEADER, SIGNATURE_HEADER, Secret, TIMESTAMP_HEADER, sign},
};

use super::{
    Error, Page, Transport,
    stream::{self, NotificationStream},
};

/// notification-svc, as one caller reaches it. `user` is a `sub`, or `me`.
#[derive(Debug, Clone)]
pub struct Notifications(pub Transport);

impl Notifications {
    /// A user's notifications, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn list(&self, user: &str, cursor: Option<&str>) -> Result<Page<Notification>, Error> {
        self.0.get(&format!("/v1/users/{user}/notifications"), &[("limit", Some("200")), ("cursor", cursor)]).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn counts(&self, user: &str) -> Result<NotificationCounts, Error> {
        self.0.get(&format!("/v1/users/{user}/notifications/counts"), &()).await
    }

    /// The user's notifications as they come: from now on, or those after a position.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn stream(&self, user: &str, last_event_id: Option<i64>) -> Result<NotificationStream, Error> {
        let query = [("last_event_id", last_event_id)];
        Ok(stream::read(self.0.open(&format!("/v1/users/{user}/notifications/stream"), &query).await?))
    }

    /// # Errors
    /// [`Error`]
    pub async fn mark_read(&self, user: &str, id: NotificationId) -> Result<Notification, Error> {
        self.0.act(&format!("/v1/users/{user}/notifications/{id}/read")).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn mark_unread(&self, user: &str, id: NotificationId) -> Result<Notification, Error> {
        self.0.act(&format!("/v1/users/{user}/notifications/{id}/unread")).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn archive(&self, user: &str, id: NotificationId) -> Result<Notification, Error> {
        self.0.act(&format!("/v1/users/{user}/notifications/{id}/archive")).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn mark_all_read(&self, user: &str) -> Result<NotificationCounts, Error> {
        self.0.act(&format!("/v1/users/{user}/notifications/read-all")).await
    }

    /// Brings an event by webhook, as the ledger does: signed with a secret that both sides know. `timestamp` is now, in
    /// seconds since 1970.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn receive_event(
        &self,
        secret: &Secret,
        id: EventId,
        timestamp: i64,
        event: Vec<u8>,
    ) -> Result<(), Error> {
        let id = id.to_string();
        let signature = sign([secret], &id, timestamp, &event);
        let headers = [(ID_HEADER, id), (TIMESTAMP_HEADER, timestamp.to_string()), (SIGNATURE_HEADER, signature)];
        self.0.post_signed("/v1/webhooks/transactions", headers, event).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn preferences(&self, user: &str) -> Result<Preferences, Error> {
        self.0.get(&format!("/v1/users/{user}/preferences"), &()).await
    }

    /// Tells the user from now on in this language, and not of these types of events.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn replace_preferences(
        &self,
        user: &str,
        locale: Locale,
        muted_types: &[EventKind],
    ) -> Result<Preferences, Error> {
        let body = serde_json::json!({ "locale": locale, "muted_types": muted_types });
        self.0.put(&format!("/v1/users/{user}/preferences"), &body).await
    }
}
