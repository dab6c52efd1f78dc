//! Where the ledger's API is.

use reqwest::{Client, RequestBuilder, header};
use url::Url;

/// The API of the ledger, asked by nobody yet: who asks, and for how long, says the caller.
#[derive(Debug, Clone)]
pub struct LedgerApi {
    http: Client,
    base: Url,
}

impl LedgerApi {
    /// `base` may have a path of its own, as below a gateway.
    ///
    /// # Errors
    /// A system that has no randomness for TLS.
    pub fn new(base: Url) -> anyhow::Result<Self> {
        Ok(Self { http: Client::builder().build()?, base })
    }

    /// A GET of this path, which begins with a slash.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).header(header::ACCEPT, "application/json")
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_address_is_kept() {
        for (base, url) in [
            ("http://ledger:8080", "http://ledger:8080/v1/events"),
            ("http://ledger:8080/", "http://ledger:8080/v1/events"),
            ("https://gateway.test/ledger", "https://gateway.test/ledger/v1/events"),
            ("https://gateway.test/ledger/", "https://gateway.test/ledger/v1/events"),
        ] {
            let api = LedgerApi::new(base.parse().unwrap()).unwrap();
            assert_eq!(api.url("/v1/events").as_str(), url);
        }
    }
}
