//! Connections: what a client can hold on to, and how serving ends.

use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use service_kit::config::{HttpConfig, TlsConfig};
use service_kit::http::{ListenError, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::support::{PATIENCE, Server, loopback};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// What the server sends until it closes the connection.
async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let closed = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes the connection");
    // A reset is a close as well.
    drop(closed);
    String::from_utf8(answer).unwrap()
}

/// Sends a request and reads until its body has come.
async fn exchange(stream: &mut TcpStream) {
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with("hello") {
        let mut buffer = [0; 1024];
        let length = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(length, 0, "closed after {answer:?}");
        answer.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
}

#[tokio::test]
async fn a_connection_that_never_finishes_its_first_head_is_closed() {
    let config = HttpConfig { header_timeout_ms: NonZeroU64::new(100).unwrap(), ..loopback() };
    let server = Server::start_with(config, hello()).await;
    for begun in [&b""[..], b"GET / HTTP/1.1\r\nhost: local", &REQUEST[..REQUEST.len() - 1]] {
        let mut stream = connect(&server).await;
        stream.write_all(begun).await.unwrap();
        assert!(!read_to_close(&mut stream).await.contains("200"));
    }
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let server = Server::start(hello()).await;
    let mut stream = connect(&server).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let answer = read_to_close(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer:?}");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_but_not_its_own() {
    let config = HttpConfig {
        header_timeout_ms: NonZeroU64::new(50).unwrap(),
        keep_alive_timeout_ms: NonZeroU64::new(1_000).unwrap(),
        ..loopback()
    };
    let server = Server::start_with(config, hello()).await;
    let mut stream = connect(&server).await;
    exchange(&mut stream).await;
    let silence = timeout(Duration::from_millis(200), stream.read_u8()).await;
    assert!(silence.is_err(), "the connection was closed too early");
    exchange(&mut stream).await;
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_closed_and_its_place_comes_back() {
    let config = HttpConfig { max_connections: NonZeroUsize::new(2).unwrap(), ..loopback() };
    let server = Server::start_with(config, hello()).await;
    let (mut first, mut second) = (connect(&server).await, connect(&server).await);
    exchange(&mut first).await;
    exchange(&mut second).await;
    let mut third = connect(&server).await;
    assert_eq!(read_to_close(&mut third).await, "");

    drop(first);
    let served = async {
        loop {
            let mut stream = connect(&server).await;
            let sent = stream.write_all(REQUEST).await;
            let mut answer = [0; 12];
            if sent.is_ok() && stream.read_exact(&mut answer).await.is_ok() {
                return answer;
            }
        }
    };
    assert_eq!(&timeout(PATIENCE, served).await.unwrap(), b"HTTP/1.1 200");
    exchange(&mut second).await;
}

#[tokio::test]
async fn a_stop_finishes_the_request_in_flight_and_accepts_no_more() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = (entered.clone(), release.clone());
    let slow = async move || {
        gates.0.notify_one();
        gates.1.notified().await;
        "finished"
    };
    let server = Server::start(Router::new().route("/", get(slow))).await;
    let mut idle = connect(&server).await;
    let in_flight = async {
        let mut stream = connect(&server).await;
        stream.write_all(REQUEST).await.unwrap();
        read_to_close(&mut stream).await
    };
    let stopping = async {
        entered.notified().await;
        let refused = async {
            while TcpStream::connect(server.address).await.is_ok() {}
            release.notify_one();
        };
        tokio::join!(server.stop(), timeout(PATIENCE, refused))
    };
    let (answer, (shutdown, refused)) = tokio::join!(in_flight, stopping);
    assert!(answer.contains("200 OK") && answer.ends_with("finished"), "{answer}");
    assert!(shutdown.is_clean() && refused.is_ok());
    assert_eq!(read_to_close(&mut idle).await, "");
}

#[tokio::test]
async fn a_stop_cuts_what_outlasts_the_drain_time() {
    let entered = Arc::new(Notify::new());
    let gate = entered.clone();
    let stuck = async move || {
        gate.notify_one();
        std::future::pending::<String>().await
    };
    let config = HttpConfig { drain_seconds: 0, ..loopback() };
    let server = Server::start_with(config, Router::new().route("/", get(stuck))).await;
    let mut stream = connect(&server).await;
    stream.write_all(REQUEST).await.unwrap();
    entered.notified().await;
    assert!(server.stop().await.is_clean());
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let first = Listener::admin(&loopback()).unwrap();
    let config = HttpConfig { listen: first.address(), ..loopback() };
    let error = Listener::public(&config).await.unwrap_err();
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
}

/// Writes a new certificate for 127.0.0.1 and returns a client that trusts no other.
fn issue_certificate(tls: &TlsConfig) -> reqwest::Client {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(&tls.certificate_file, certified.cert.pem()).unwrap();
    fs::write(&tls.key_file, certified.signing_key.serialize_pem()).unwrap();
    let trusted = reqwest::Certificate::from_pem(certified.cert.pem().as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap()
}

#[tokio::test]
async fn https_follows_the_files_of_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsConfig {
        certificate_file: folder.path().join("tls.crt"),
        key_file: folder.path().join("tls.key"),
        reload_seconds: NonZeroU64::MIN,
    };
    let client = issue_certificate(&tls);
    let server = Server::start_with(HttpConfig { tls: Some(tls.clone()), ..loopback() }, hello()).await;
    let url = format!("https://{}/", server.address);
    assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "hello");

    let renewed = issue_certificate(&tls);
    let followed = async { while renewed.get(&url).send().await.is_err() {} };
    timeout(PATIENCE, followed).await.expect("the new certificate is served");
    assert!(server.stop().await.is_clean());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_named() {
    let tls = TlsConfig {
        certificate_file: "/nowhere/tls.crt".into(),
        key_file: "/nowhere/tls.key".into(),
        reload_seconds: NonZeroU64::MIN,
    };
    let error = Listener::public(&HttpConfig { tls: Some(tls), ..loopback() }).await.unwrap_err();
    assert!(matches!(error, ListenError::Certificate { .. }));
    assert!(error.to_string().contains("/nowhere/tls.crt"), "{error}");
}
