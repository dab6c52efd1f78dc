//! Where the issuer publishes its keys: a file, or an address on the web. Whatever is there, reading it ends, in time and
//! in size.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, Client, redirect};
use url::{Host, Url};

use super::jwks::{Jwks, JwksError};
use crate::config::AuthConfig;
use crate::http::install_crypto_provider;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// From the first byte of the request to the last of the answer.
pub(super) const READ_WITHIN: Duration = Duration::from_secs(4);
/// A set of a hundred keys is smaller.
const MAX_BYTES: usize = 256 * 1024;

/// Why the source of the keys cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    #[error("one of AUTH__JWKS_FILE and AUTH__JWKS_URL is required, and only one")]
    NotOne,
    #[error(
        "AUTH__JWKS_URL has to be https, or http on the loopback interface: whoever can change the keys is everybody"
    )]
    Insecure,
    #[error("the authorities of AUTH__JWKS_CA_FILE cannot be read from {}", file.display())]
    Authorities { file: PathBuf, source: io::Error },
    #[error("no client can be made for AUTH__JWKS_URL")]
    Client(#[source] reqwest::Error),
}

/// Why the keys could not be read this time.
#[derive(Debug, thiserror::Error)]
pub enum KeyReadError {
    #[error("the key set {} cannot be read", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("the key set cannot be fetched")]
    Fetch(#[from] reqwest::Error),
    #[error("the issuer answered {status} instead of its key set")]
    Status { status: reqwest::StatusCode },
    #[error("the key set is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Refused(#[from] JwksError),
}

#[derive(Debug)]
pub(super) enum KeySource {
    File(PathBuf),
    Web { http: Client, url: Url },
}

impl KeySource {
    pub(super) fn of(config: &AuthConfig) -> Result<Self, KeySourceError> {
        match (&config.jwks_file, &config.jwks_url) {
            (Some(file), None) => Ok(Self::File(file.clone())),
            (None, Some(url)) if is_secure(url) => {
                Ok(Self::Web { http: client(config.jwks_ca_file.as_deref())?, url: url.clone() })
            }
            (None, Some(_)) => Err(KeySourceError::Insecure),
            _ => Err(KeySourceError::NotOne),
        }
    }

    pub(super) async fn read(&self) -> Result<Jwks, KeyReadError> {
        let document = match self {
            Self::File(file) => read_file(file).map_err(|source| KeyReadError::File { file: file.clone(), source })?,
            Self::Web { http, url } => fetch(http, url).await?,
        };
        if document.len() > MAX_BYTES {
            return Err(KeyReadError::TooLarge);
        }
        Ok(Jwks::parse(&document)?)
    }
}

fn is_secure(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

/// Follows no redirect: who answers for the issuer is configured, not found out.
fn client(authorities: Option<&Path>) -> Result<Client, KeySourceError> {
    install_crypto_provider();
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_WITHIN)
        .timeout(READ_WITHIN)
        .redirect(redirect::Policy::none())
        .no_proxy();
    if let Some(file) = authorities {
        let pem = fs::read(file).map_err(|source| KeySourceError::Authorities { file: file.to_owned(), source })?;
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(&pem).map_err(KeySourceError::Client)?);
    }
    builder.build().map_err(KeySourceError::Client)
}

/// At most one byte more than a set may have.
fn read_file(file: &Path) -> io::Result<Vec<u8>> {
    let mut document = Vec::new();
    File::open(file)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut document)?;
    Ok(document)
}

/// The same, of a body.
async fn fetch(http: &Client, url: &Url) -> Result<Vec<u8>, KeyReadError> {
    let mut response =
        http.get(url.clone()).header("accept", "application/jwk-set+json, application/json").send().await?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(KeyReadError::Status { status: response.status() });
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        document.extend_from_slice(&chunk);
        if document.len() > MAX_BYTES {
            return Err(KeyReadError::TooLarge);
        }
    }
    Ok(document)
}
