//! Receivers of webhooks that behave as tests want: well, badly, or not at all.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use contract::signature::{Presented, Refusal, Secret, verify};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use url::Url;

/// What a receiver does about a request once it has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and asks to be left alone for so many seconds.
    RetryAfter(u16, u32),
    /// Sends the requests on to another address.
    Redirect,
    /// Answers 200 after a while.
    Slow(Duration),
    /// Closes the connection instead of answering.
    HangUp,
    /// Never answers.
    StallHead,
    /// Answers 200, and never ends its body.
    StallBody,
    /// Answers 500 with a body that never ends and never pauses.
    Flood,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// How the receiver behaved.
    pub manner: Manner,
}

/// A receiver on this machine; it ends when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _connections: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    manner: Mutex<Manner>,
    received: Mutex<Vec<Received>>,
    /// Of the bodies that never end: how much was taken.
    flooded_bytes: Mutex<u64>,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Receiver {
    /// One that answers 200.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            manner: Mutex::new(Manner::Status(200)),
            received: Mutex::default(),
            flooded_bytes: Mutex::default(),
        });
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, _connections: connections })
    }

    /// # Panics
    /// Never: an address of this machine is part of a URL.
    #[must_use]
    pub fn url(&self) -> Url {
        format!("http://{}/hook", self.address).parse().expect("an address is part of a URL")
    }

    pub fn behave(&self, manner: Manner) {
        *lock(&self.shared.manner) = manner;
    }

    /// Everything that came so far, in its order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// How much of endless answers was taken from it.
    #[must_use]
    pub fn flooded_bytes(&self) -> u64 {
        *lock(&self.shared.flooded_bytes)
    }
}

impl Received {
    /// Whether it was answered well, unless the sender had gone by then.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self.manner, Manner::Status(200..=299) | Manner::Slow(_))
    }

    /// A header; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The id that it came under.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// Whether it was signed with one of these secrets, at the time that it says itself.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn verify(&self, secrets: &[Secret]) -> Result<(), Refusal> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let presented = Presented::among(headers)?;
        verify(secrets, presented, presented.timestamp.parse().unwrap_or_default(), &self.body)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { shared.answer(request).await }
            });
            // A sender that hangs up is no failure of the receiver's.
            http1::Builder::new().serve_connection(TokioIo::new(connection), service).await.ok();
        });
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let manner = *lock(&self.manner);
        lock(&self.received).push(Received { headers: head.headers, body, manner });
        if let Manner::Slow(pause) = manner {
            sleep(pause).await;
        }
        let mut response = Response::new(match manner {
            Manner::HangUp => return Err(io::ErrorKind::ConnectionAborted.into()),
            Manner::StallHead => std::future::pending().await,
            Manner::StallBody => StreamBody::new(stream::pending()).boxed_unsync(),
            Manner::Flood => self.flood(),
            Manner::Status(_) | Manner::RetryAfter(..) | Manner::Redirect | Manner::Slow(_) => text("noted"),
        });
        let headers = response.headers_mut();
        let status = match manner {
            Manner::Status(status) => status,
            Manner::RetryAfter(status, seconds) => {
                headers.insert("retry-after", seconds.into());
                status
            }
            Manner::Redirect => {
                headers.insert("location", "http://127.0.0.1:9/elsewhere".parse().expect("is a header"));
                302
            }
            Manner::StallHead | Manner::StallBody | Manner::Slow(_) | Manner::HangUp => 200,
            Manner::Flood => 500,
        };
        *response.status_mut() = status.try_into().expect("is a status");
        Ok(response)
    }

    fn flood(self: Arc<Self>) -> Body {
        let chunk = Bytes::from_static(&[b'x'; 16 * 1024]);
        let chunks = stream::repeat_with(move || {
            *lock(&self.flooded_bytes) += chunk.len() as u64;
            Ok(Frame::data(chunk.clone()))
        });
        StreamBody::new(chunks).boxed_unsync()
    }
}

fn text(text: &'static str) -> Body {
    http_body_util::Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
