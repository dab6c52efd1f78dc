//! Requests and answers, before they mean anything.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use super::{Error, Problem};

/// One service, as one caller reaches it.
#[derive(Debug, Clone)]
pub struct Transport {
    http: reqwest::Client,
    base: Url,
    token: String,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the answer was given before, to the first request under the key.
    pub replayed: bool,
    /// How long the service asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl Transport {
    /// `base` is the address of the service, which may have a path of its own, as below a gateway; `token` a bearer token.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url, token: impl Into<String>) -> Self {
        Self { http, base, token: token.into() }
    }

    /// A GET with these query parameters.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Error> {
        decode(&self.send(self.request(Method::GET, path).query(query)).await?)
    }

    /// A GET of a stream of events, which has begun when this returns.
    ///
    /// # Errors
    /// [`Error`]
    pub(super) async fn open(&self, path: &str, query: &impl Serialize) -> Result<Response, Error> {
        let request = self.request(Method::GET, path).query(query).header(header::ACCEPT, "text/event-stream");
        let response = request.send().await.map_err(Error::NoAnswer)?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(&read(response).await?)) }
    }

    /// A POST under an idempotency key, and its answer whatever it is.
    ///
    /// # Errors
    /// [`Error::NoAnswer`]
    pub async fn post_raw(&self, path: &str, key: &str, body: &impl Serialize) -> Result<Answer, Error> {
        self.send(self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// A POST under an idempotency key.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn post<T: DeserializeOwned>(&self, path: &str, key: &str, body: &impl Serialize) -> Result<T, Error> {
        decode(&self.post_raw(path, key, body).await?)
    }

    /// A change by another method under an idempotency key.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        decode(&self.send(self.request(method, path).header("Idempotency-Key", key).json(body)).await?)
    }

    /// A POST with a query and a body, without a key.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        decode(&self.send(self.request(Method::POST, path).query(query).json(body)).await?)
    }

    /// A POST of bytes that headers vouch for, instead of the token.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn post_signed(&self, path: &str, headers: [(&str, String); 3], body: Vec<u8>) -> Result<(), Error> {
        let mut request = self.http.post(self.url(path)).header(header::CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        decode(&self.send(request).await?)
    }

    /// A POST without a body that may be repeated as it is.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn act<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        decode(&self.send(self.request(Method::POST, path)).await?)
    }

    /// A POST with a body, without a key.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn order<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        self.ask(path, &(), body).await
    }

    /// A PUT, which may be repeated as it is.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        decode(&self.send(self.request(Method::PUT, path).json(body)).await?)
    }

    /// A PATCH without a key: of what is no part of the ledger.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        decode(&self.send(self.request(Method::PATCH, path).json(body)).await?)
    }

    /// A DELETE, which may be repeated.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn delete(&self, path: &str) -> Result<(), Error> {
        decode(&self.send(self.request(Method::DELETE, path)).await?)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.token)
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, Error> {
        let response = request.header(header::ACCEPT, "application/json").send().await.map_err(Error::NoAnswer)?;
        read(response).await
    }
}

/// The answer, to its end.
async fn read(response: Response) -> Result<Answer, Error> {
    let status = response.status().as_u16();
    let replayed = response.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true");
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.bytes().await.map_err(Error::NoAnswer)?.to_vec();
    Ok(Answer { status, body, replayed, retry_after: retry_after.map(Duration::from_secs) })
}

/// The answer as a `T`, or as the problem that it is.
pub(super) fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    if !(200..300).contains(&answer.status) {
        return Err(refusal(answer));
    }
    // 204 has no body; `()` reads null.
    let body: &[u8] = if answer.body.is_empty() { b"null" } else { &answer.body };
    serde_json::from_slice(body).map_err(|source| Error::Unreadable { status: answer.status, source })
}

/// The problem that the answer is.
fn refusal(answer: &Answer) -> Error {
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => Error::Problem(Box::new(Problem { retry_after: answer.retry_after, ..problem })),
        Err(source) => Error::Unreadable { status: answer.status, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_address_is_kept() {
        for (base, url) in [
            ("http://ledger:8080", "http://ledger:8080/v1/accounts"),
            ("https://gateway.test/ledger/", "https://gateway.test/ledger/v1/accounts"),
        ] {
            let transport = Transport::new(reqwest::Client::new(), base.parse().unwrap(), "token");
            assert_eq!(transport.url("/v1/accounts").as_str(), url);
        }
    }
}
