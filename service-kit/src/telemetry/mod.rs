//! Logs: one JSON object a line for collectors, or text for people, on standard error.
//!
//! Standard output belongs to what a subcommand prints. A panic is logged like everything else, with the request it
//! happened in. A failure is logged once, where it is handled, with [`chain`]; success is logged at `debug`.

mod json_lines;

use std::error::Error;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{LogConfig, LogFormat};
use json_lines::JsonLines;

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log filter {filter:?} is malformed")]
    Filter { filter: String, source: tracing_subscriber::filter::ParseError },
    #[error("logging was already set up")]
    Repeated(#[from] TryInitError),
}

/// Sets up logging for the whole process, panics included.
///
/// # Errors
/// A malformed filter, or a second call.
pub fn init(service: &'static str, config: &LogConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|source| TelemetryError::Filter { filter: config.filter.clone(), source })?;
    let subscriber = tracing_subscriber::registry().with(filter);
    match config.format {
        LogFormat::Json => subscriber.with(JsonLines::new(service, std::io::stderr)).try_init()?,
        LogFormat::Text => subscriber.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).try_init()?,
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// An error and what caused it, in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, cause = panic.payload_as_str().unwrap_or("no message"), "A task panicked.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_filter_is_named() {
        let config = LogConfig { filter: "info,pay_svc=loud".to_owned(), ..LogConfig::default() };
        let error = init("pay-svc", &config).unwrap_err();
        assert!(error.to_string().contains("pay_svc=loud"), "{error}");
    }

    #[test]
    fn a_chain_is_one_line_with_every_cause() {
        let config = LogConfig { filter: "pay_svc=loud".to_owned(), ..LogConfig::default() };
        let error = init("pay-svc", &config).unwrap_err();
        let line = chain(&error);
        assert!(line.starts_with(&format!("{error}: ")) && line.len() > error.to_string().len() + 2, "{line}");
    }
}
