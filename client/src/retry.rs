//! Sending a request again until there is an answer that stands.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use super::Error;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const ATTEMPTS: usize = 8;

/// Sends what `request` makes, again and again while [`Error::may_retry`] says so, at most 8 times in all. Waits as long as
/// the service asks for, otherwise ever longer, from 0.1 s to 5 s.
///
/// `request` must use the same idempotency key every time: then it takes effect once, however often it is sent.
///
/// # Errors
/// The last one.
pub async fn retry<T, Request>(request: impl FnMut() -> Request) -> Result<T, Error>
where
    Request: Future<Output = Result<T, Error>>,
{
    let waits = ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(ATTEMPTS - 1)
        .with_jitter();
    request
        .retry(waits)
        .when(Error::may_retry)
        .adjust(|error, wait| wait.map(|wait| error.retry_after().map_or(wait, |asked| asked.max(wait))))
        .await
}
