//! Accepts connections and serves a router on them, with a bound on everything a client can hold on to.
//!
//! A connection beyond the limit is closed at once: waiting in line would only hide the overload. A stop closes the
//! socket, lets requests in flight finish, and cuts what is left when the drain time is over.

use std::future::{Ready, pending, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum_server::accept::{TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::tls::Certificate;
use crate::config::HttpConfig;

/// How soon the peer of a silent connection is asked whether it still lives.
const TCP_KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("cannot use the certificate {} with its key", certificate.display())]
    Certificate { certificate: PathBuf, source: io::Error },
}

/// A bound socket, not yet served.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    certificate: Option<Certificate>,
    config: HttpConfig,
}

impl Listener {
    /// Binds the public address.
    ///
    /// # Errors
    /// An address that cannot be bound, or a certificate or key that cannot be used.
    pub async fn public(config: &HttpConfig) -> Result<Self, ListenError> {
        let certificate = match &config.tls {
            None => None,
            Some(files) => Some(Certificate::read(files).await.map_err(|source| {
                let certificate = files.certificate_file.clone();
                ListenError::Certificate { certificate, source }
            })?),
        };
        Self::bind(config.listen, certificate, config)
    }

    /// Binds the admin address, without TLS.
    ///
    /// # Errors
    /// An address that cannot be bound.
    pub fn admin(config: &HttpConfig) -> Result<Self, ListenError> {
        Self::bind(config.admin_listen, None, config)
    }

    fn bind(address: SocketAddr, certificate: Option<Certificate>, config: &HttpConfig) -> Result<Self, ListenError> {
        let bound = TcpListener::bind(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) = bound.map_err(|source| ListenError::Bind { address, source })?;
        Ok(Self { socket, address, certificate, config: config.clone() })
    }

    /// The bound address; its port is never 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until `stop` is cancelled and the connections have ended or the drain time is over.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub async fn serve(self, router: Router, stop: CancellationToken) -> io::Result<()> {
        let handle = Handle::new();
        let server = server(self.socket, &self.config)?.handle(handle.clone());
        let connections = Connections {
            router,
            places: Arc::new(Semaphore::new(self.config.max_connections.get().min(Semaphore::MAX_PERMITS))),
        };
        let serve = async {
            match &self.certificate {
                None => server.serve(connections).await,
                Some(certificate) => {
                    let tls = RustlsAcceptor::new(certificate.served()).handshake_timeout(self.config.header_timeout());
                    server.map(|tcp| tls.acceptor(tcp)).serve(connections).await
                }
            }
        };
        let follow_certificate = async {
            match &self.certificate {
                None => pending().await,
                Some(certificate) => certificate.follow_files().await,
            }
        };
        tokio::pin!(serve);
        tokio::select! {
            ended = &mut serve => return ended,
            never = follow_certificate => match never {},
            () = stop.cancelled() => handle.graceful_shutdown(Some(self.config.drain())),
        }
        serve.await
    }
}

/// HTTP/1.1 only, where these timeouts bound every connection. A load balancer speaks HTTP/2 to the outside; its
/// long-lived connections would be bounded by nothing here.
fn server(socket: TcpListener, config: &HttpConfig) -> io::Result<Server<SocketAddr, TcpConfigAcceptor>> {
    let keepalive = TcpKeepaliveConfig::new().time(TCP_KEEPALIVE_AFTER);
    let tcp = TcpSocketConfig::new().nodelay(true).keepalive(keepalive);
    let mut server = axum_server::from_tcp(socket)?
        .acceptor(TcpConfigAcceptor::new(tcp))
        .http1_only()
        .first_request_timeout(config.header_timeout())
        .accept_error_handler(|peer, error| {
            tracing::debug!(?peer, cause = %error, "Connection refused.");
        });
    // hyper starts this clock when it begins to wait for a request: it bounds idle connections as well as slow heads.
    server.http_builder().http1().header_read_timeout(config.keep_alive_timeout());
    Ok(server)
}

/// Makes the service of each connection, as long as there is a place for one more.
#[derive(Debug, Clone)]
struct Connections {
    router: Router,
    places: Arc<Semaphore>,
}

/// The service of one connection. Its place is free again when the connection is gone.
#[derive(Debug, Clone)]
struct Connection {
    router: Router,
    _place: Arc<OwnedSemaphorePermit>,
}

impl Service<SocketAddr> for Connections {
    type Response = Connection;
    type Error = TryAcquireError;
    type Future = Ready<Result<Connection, TryAcquireError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TryAcquireError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _peer: SocketAddr) -> Self::Future {
        let place = self.places.clone().try_acquire_owned();
        ready(place.map(|place| Connection { router: self.router.clone(), _place: Arc::new(place) }))
    }
}

impl<R> Service<R> for Connection
where
    Router: Service<R>,
{
    type Response = <Router as Service<R>>::Response;
    type Error = <Router as Service<R>>::Error;
    type Future = <Router as Service<R>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.router.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.router.call(request)
    }
}
