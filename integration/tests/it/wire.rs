//! Requests and answers as bytes, for stories in which no client would ask like this, or every byte of the answer counts.

use client::Problem;
use integration::stack::service::Service;
use reqwest::{Body, Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use url::Url;

/// What every request is called, so that two answers differ in nothing but what they say.
pub(crate) const REQUEST_ID: &str = "story";

/// One replica, as somebody with a token reaches it, or nobody.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    http: Client,
    base: Url,
    token: Option<String>,
    request_id: String,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Wire {
    /// Without a token.
    pub(crate) fn to(service: &Service) -> Self {
        Self { http: Client::new(), base: service.url.clone(), token: None, request_id: REQUEST_ID.to_owned() }
    }

    pub(crate) fn bearing(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    pub(crate) fn with_request_id(&self, request_id: impl Into<String>) -> Self {
        Self { request_id: request_id.into(), ..self.clone() }
    }

    /// The path may have a query.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.base.join(path).unwrap());
        let request = request.header("X-Request-Id", &self.request_id);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// A JSON body under an idempotency key.
    pub(crate) async fn post(&self, path: &str, key: &str, body: impl Into<Body>) -> Reply {
        self.change(Method::POST, path, key, body).await
    }

    pub(crate) async fn change(&self, method: Method, path: &str, key: &str, body: impl Into<Body>) -> Reply {
        let request = self.request(method, path).header("Idempotency-Key", key);
        send(request.header("Content-Type", "application/json").body(body)).await
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    // A stream has no end to wait for.
    let is_stream = headers.get("Content-Type").is_some_and(|kind| kind == "text/event-stream");
    let body = if is_stream { Vec::new() } else { response.bytes().await.unwrap().to_vec() };
    Reply { status, headers, body: String::from_utf8(body).unwrap() }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn replayed(&self) -> bool {
        self.header("Idempotent-Replayed") == Some("true")
    }

    /// The problem of this status and code that the answer has to be.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Problem {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("Content-Type"), Some("application/problem+json"));
        let problem: Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{problem:?}");
        assert_eq!(problem.r#type, format!("/problems/{code}"));
        assert_eq!(problem.retryable, matches!(status, 429 | 503));
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{problem:?}");
        problem
    }
}
