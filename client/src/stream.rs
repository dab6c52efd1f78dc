//! Notifications as they come, over Server-Sent Events.

use contract::notification::Notification;
use futures_util::{StreamExt, future::ready, stream::BoxStream};
use reqwest::{Body, Response};
use sse_stream::{Sse, SseStream};

use super::Error;

/// A user's notifications in the order of their positions. Ends when the service ends it or the connection is lost: what
/// comes after the last one received is asked for with its position.
pub type NotificationStream = BoxStream<'static, Result<Notification, Error>>;

pub(super) fn read(response: Response) -> NotificationStream {
    SseStream::new(Body::from(response)).filter_map(|block| ready(notification(block))).boxed()
}

/// `None` for a block without data, such as the first, which only says from where on the stream tells.
fn notification(block: Result<Sse, sse_stream::Error>) -> Option<Result<Notification, Error>> {
    match block {
        Ok(block) => block
            .data
            .map(|data| serde_json::from_str(&data).map_err(|source| Error::Unreadable { status: 200, source })),
        Err(error) => Some(Err(Error::Interrupted(error))),
    }
}
