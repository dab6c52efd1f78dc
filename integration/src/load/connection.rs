//! One keep-alive connection of a client that has one request under way at a time.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
    http::request,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};
use url::Url;

/// An open connection. Ends with its `driver`.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
    driver: JoinSet<Result<(), hyper::Error>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Connection {
    /// Connects to a service.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn open(service: &Url, token: &str) -> anyhow::Result<Self> {
        let address: SocketAddr =
            *service.socket_addrs(|| None)?.first().with_context(|| format!("{service} has no address"))?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Ok(Self { sender, host: address.to_string(), authorization: format!("Bearer {token}"), driver })
    }

    /// Sends a POST under a key and reads the answer.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn post(&mut self, path: &'static str, key: &str, body: String) -> anyhow::Result<Answer> {
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/json").header("Idempotency-Key", key);
        self.send(request, body.into()).await
    }

    /// Sends a GET and reads the answer.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.send(Request::get(path), Bytes::new()).await
    }

    async fn send(&mut self, request: request::Builder, body: Bytes) -> anyhow::Result<Answer> {
        ensure!(!self.driver.is_empty(), "the connection has ended");
        let request = request
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, &self.authorization)
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response: hyper::Response<Incoming> = self.sender.send_request(request).await?;
        let status = response.status();
        Ok(Answer { status, body: response.into_body().collect().await?.to_bytes() })
    }
}
