//! Configuration, read once at start-up from environment variables: the only file that reads the environment.
//!
//! `TRANSACTION_SVC__POSTGRES__URL` is field `url` of section `postgres` under the prefix `TRANSACTION_SVC`. The double
//! underscore keeps the service links that Kubernetes injects (`TRANSACTION_SVC_PORT=...`) out of it. A variable that is
//! missing, unknown or malformed stops the start and is named in full. Values are never repeated in an error: a secret
//! may have been put into the wrong variable.

mod sections;

use std::collections::HashMap;

use ::config::{Config, ConfigError as SourceError, Environment};
use serde::de::DeserializeOwned;

pub use sections::{AuthConfig, HttpConfig, LimitConfig, LogConfig, LogFormat, PostgresConfig, RedisConfig, TlsConfig};

const SEPARATOR: &str = "__";

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the environment variable {variable} is required")]
    Missing { variable: String },
    #[error("the environment variable {variable} is refused: {reason}")]
    Refused { variable: String, reason: String },
    #[error("the environment cannot be read")]
    Unreadable(#[source] SourceError),
}

/// Reads `T` from the environment variables that start with `<prefix>__`.
///
/// # Errors
/// The first variable that is missing, unknown or malformed, by its full name.
pub fn load<T: DeserializeOwned>(prefix: &str) -> Result<T, ConfigError> {
    read(prefix, environment(prefix))
}

/// Reads `T` from the given variables instead of the process's environment.
///
/// # Errors
/// As [`load`].
pub fn load_from<T: DeserializeOwned>(prefix: &str, variables: HashMap<String, String>) -> Result<T, ConfigError> {
    read(prefix, environment(prefix).source(Some(variables)))
}

/// The value of an optional field that turned out to be needed; `field` is its name in the environment, after the prefix.
///
/// # Errors
/// [`ConfigError::Missing`] with the full name of the variable.
pub fn required<T>(prefix: &str, value: Option<T>, field: &str) -> Result<T, ConfigError> {
    value.ok_or_else(|| ConfigError::Missing { variable: variable(prefix, field) })
}

/// Values stay strings until a field asks for a number: a password of digits keeps its leading zeros.
fn environment(prefix: &str) -> Environment {
    Environment::with_prefix(prefix).prefix_separator(SEPARATOR).separator(SEPARATOR)
}

fn read<T: DeserializeOwned>(prefix: &str, source: Environment) -> Result<T, ConfigError> {
    let mut sources = Config::builder().add_source(source);
    let mut missing = None;
    loop {
        let config = sources.build_cloned().map_err(ConfigError::Unreadable)?;
        let error = match serde_path_to_error::deserialize(config.clone()) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let path = error.path().to_string();
        match error.into_inner() {
            // If it is a section that is missing, the field in it is what people want to be told: look into an empty one.
            SourceError::NotFound(field) if missing.as_ref() != Some(&field) => {
                let empty: HashMap<String, String> = HashMap::new();
                sources = sources.set_default(&field, empty).map_err(ConfigError::Unreadable)?;
                missing = Some(field);
            }
            _ if missing.as_ref() == Some(&path) => {
                return Err(ConfigError::Missing { variable: variable(prefix, &path) });
            }
            other => {
                let reason = without_value(&reason(other), &config.get_string(&path).unwrap_or_default());
                return Err(ConfigError::Refused { variable: variable(prefix, &path), reason });
            }
        }
    }
}

/// The name of the variable of a field such as `postgres.url`.
fn variable(prefix: &str, path: &str) -> String {
    format!("{prefix}{SEPARATOR}{}", path.replace('.', SEPARATOR)).to_uppercase()
}

fn reason(error: SourceError) -> String {
    match error {
        SourceError::Type { expected, .. } => format!("expected {expected}"),
        SourceError::At { error, .. } => reason(*error),
        other => other.to_string(),
    }
}

fn without_value(reason: &str, value: &str) -> String {
    if value.is_empty() {
        return reason.to_owned();
    }
    reason.replace(&value.escape_debug().to_string(), "…").replace(value, "…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ServiceConfig {
        #[serde(default)]
        http: HttpConfig,
        #[serde(default)]
        log: LogConfig,
        postgres: PostgresConfig,
    }

    fn load_with(variables: &[(&str, &str)]) -> Result<ServiceConfig, ConfigError> {
        let required = ("PAY_SVC__POSTGRES__URL", "postgres://u:secret@localhost/pay");
        let variables = std::iter::once(&required).chain(variables);
        load_from("PAY_SVC", variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let config = load_with(&[]).unwrap();
        assert_eq!(config.http.body_limit_bytes.get(), 65_536);
        assert_eq!(config.http.max_connections.get(), 10_000);
        assert_eq!(config.http.drain().as_secs(), 20);
        assert_eq!(config.postgres.max_connections.get(), 16);
        assert_eq!(config.log.format, LogFormat::Json);
    }

    #[test]
    fn sections_and_numbers_are_read() {
        let config = load_with(&[
            ("PAY_SVC__HTTP__LISTEN", "127.0.0.1:0"),
            ("PAY_SVC__HTTP__REQUEST_TIMEOUT_MS", "250"),
            ("PAY_SVC__HTTP__TLS__CERTIFICATE_FILE", "/tls/tls.crt"),
            ("PAY_SVC__HTTP__TLS__KEY_FILE", "/tls/tls.key"),
            ("PAY_SVC__LOG__FORMAT", "text"),
            ("PAY_SVC_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("PATH", "/bin"),
        ])
        .unwrap();
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:0");
        assert_eq!(config.http.request_timeout().as_millis(), 250);
        assert_eq!(config.http.tls.unwrap().key_file.to_str(), Some("/tls/tls.key"));
        assert_eq!(config.log.format, LogFormat::Text);
    }

    #[test]
    fn a_refused_variable_is_named_in_full() {
        for (variable, value) in [
            ("PAY_SVC__POSTGRES__MAX_CONNECTIONS", "many"),
            ("PAY_SVC__POSTGRES__MAX_CONNECTIONS", "0"),
            ("PAY_SVC__POSTGRES__MAX_CONNECTIONS", "-1"),
            ("PAY_SVC__POSTGRES__MAX_CONECTIONS", "16"),
            ("PAY_SVC__HTTP__LISTEN", "localhost"),
            ("PAY_SVC__HTTP__BODY_LIMIT_BYTES", "64k"),
            ("PAY_SVC__HTTP", "127.0.0.1:80"),
            ("PAY_SVC__LOG__FORMAT", "xml"),
            ("PAY_SVC__HTTPS__LISTEN", "127.0.0.1:0"),
            ("PAY_SVC__DEBUG", "1"),
        ] {
            let message = load_with(&[(variable, value)]).unwrap_err().to_string();
            let shown =
                message.split(' ').any(|word| word == variable || variable.strip_suffix("__LISTEN") == Some(word));
            assert!(shown, "{variable}={value}: {message}");
        }
    }

    #[test]
    fn a_missing_variable_is_named_in_full() {
        let error = load_from::<ServiceConfig>("PAY_SVC", HashMap::new()).unwrap_err();
        assert!(error.to_string().contains("PAY_SVC__POSTGRES__URL is required"), "{error}");
        let error = load_with(&[("PAY_SVC__HTTP__TLS__KEY_FILE", "/tls/tls.key")]).unwrap_err();
        assert!(error.to_string().contains("PAY_SVC__HTTP__TLS__CERTIFICATE_FILE is required"), "{error}");
    }

    #[test]
    fn secrets_are_kept_as_they_are_and_shown_nowhere() {
        let config = load_with(&[("PAY_SVC__POSTGRES__URL", "0123")]).unwrap();
        assert_eq!(config.postgres.url.expose_secret(), "0123");
        assert!(!format!("{config:?}").contains("0123"));
        let misplaced = ("PAY_SVC__POSTGRES".to_owned(), "postgres://u:hunter2@db/pay".to_owned());
        let error = load_from::<ServiceConfig>("PAY_SVC", HashMap::from([misplaced])).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("PAY_SVC__POSTGRES") && !shown.contains("hunter2"), "{shown}");
    }
}
