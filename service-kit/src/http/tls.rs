//! TLS of the public listener. aws-lc-rs is the one provider of cryptography in this process.
//!
//! Certificates are replaced while the service runs, as files; a pair that does not fit, because it was read half
//! written, never replaces one that works.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;

use crate::config::TlsConfig;
use crate::telemetry::chain;

/// Makes aws-lc-rs the provider for everything in this process that speaks TLS through rustls. May be called again.
pub fn install_crypto_provider() {
    // An error says that a provider is installed already; the workspace links only this one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

/// A certificate and its key, as they are served now.
#[derive(Debug)]
pub(super) struct Certificate {
    files: TlsConfig,
    served: RustlsConfig,
}

impl Certificate {
    pub(super) async fn read(files: &TlsConfig) -> io::Result<Self> {
        install_crypto_provider();
        let served = RustlsConfig::from_config(load(files).await?);
        Ok(Self { files: files.clone(), served })
    }

    pub(super) fn served(&self) -> RustlsConfig {
        self.served.clone()
    }

    /// Serves new connections with what the files hold, from time to time.
    pub(super) async fn follow_files(&self) -> Infallible {
        loop {
            tokio::time::sleep(self.files.reload()).await;
            match load(&self.files).await {
                Ok(config) => self.served.reload_from_config(config),
                Err(error) => tracing::warn!(
                    certificate = %self.files.certificate_file.display(),
                    cause = chain(&error),
                    "The certificate cannot be read again; the last one stays in use."
                ),
            }
        }
    }
}

async fn load(files: &TlsConfig) -> io::Result<Arc<ServerConfig>> {
    let read = RustlsConfig::from_pem_file(&files.certificate_file, &files.key_file).await?;
    let mut config = ServerConfig::clone(&read.get_inner());
    // The listener speaks nothing else.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
