//! Where webhooks may be sent: to public addresses over https, and to what the operator names, exactly.
//!
//! Whoever registers an endpoint makes this process send requests. So that these never reach into the platform's own
//! network, an address is vetted twice: as it is written, once the URL is parsed (`2130706433` and `[::ffff:127.0.0.1]` are
//! addresses that no resolver ever sees), and as it is resolved, at the moment of connecting.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

const MAX_URL_LENGTH: usize = 2_048;

/// Why nothing is sent to a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("is not a URL of at most {MAX_URL_LENGTH} characters")]
    NoUrl,
    #[error("has to begin with https://")]
    NotHttps,
    #[error("must not contain a user, a password or a fragment")]
    Decorated,
    #[error("does not lead to a public address")]
    NotPublic,
}

/// Hosts with ports that the operator has named: they may be private, and without TLS.
#[derive(Debug, Clone, Default)]
pub struct AllowedAddresses(Vec<(String, u16)>);

/// A list of `host:port`.
impl FromStr for AllowedAddresses {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let address = |text: &str| {
            let url: Url = format!("http://{text}").parse().map_err(|_| AddressError::NoUrl)?;
            let (host, port) = url.host_str().zip(url.port_or_known_default()).ok_or(AddressError::NoUrl)?;
            Ok((host.to_owned(), port))
        };
        let listed = text.split([',', ' ']).filter(|text| !text.is_empty());
        Ok(Self(listed.map(address).collect::<Result<_, _>>()?))
    }
}

/// How a URL may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only at public addresses.
    Public,
    /// Wherever it leads: the operator has named it.
    Named,
}

impl AllowedAddresses {
    /// The URL, and how it may be sent to.
    ///
    /// # Errors
    /// [`AddressError`]
    pub fn vet(&self, text: &str) -> Result<(Url, Reach), AddressError> {
        if text.len() > MAX_URL_LENGTH {
            return Err(AddressError::NoUrl);
        }
        let url: Url = text.parse().map_err(|_| AddressError::NoUrl)?;
        let host = url.host().ok_or(AddressError::NoUrl)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(AddressError::Decorated);
        }
        let is_web = matches!(url.scheme(), "http" | "https");
        let named = url.host_str().zip(url.port_or_known_default());
        if is_web && named.is_some_and(|(host, port)| self.0.iter().any(|(name, at)| name == host && *at == port)) {
            return Ok((url, Reach::Named));
        }
        if url.scheme() != "https" {
            return Err(AddressError::NotHttps);
        }
        let is_public = match host {
            Host::Ipv4(address) => is_public_v4(address),
            Host::Ipv6(address) => is_public_v6(address),
            // What it means is vetted when it is resolved.
            Host::Domain(_) => true,
        };
        if is_public { Ok((url, Reach::Public)) } else { Err(AddressError::NotPublic) }
    }
}

/// Resolves names like the system does, and forgets every address that is not public.
#[derive(Debug, Clone, Copy)]
pub struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(AddressError::NotPublic.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// By the registry of special addresses (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..] | [240..=255, ..] => true,
        [100, 64..=127, ..] => true,                                   // behind carriers
        [169, 254, ..] => true,                                        // this link; where clouds keep credentials
        [172, 16..=31, ..] | [192, 168, ..] => true,                   // private
        [192, 0, 0, _] | [192, 88, 99, _] => true,                     // protocols, 6to4
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => true, // documentation
        [198, 18 | 19, ..] => true,                                    // benchmarks
        [224..=239, ..] => true,                                       // multicast
        _ => false,
    };
    !special
}

/// Only what is allotted to the internet, and of that nothing that stands for an IPv4 address that is not public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((high, low)),
        [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = embedded {
        let bits = u32::from(high) << 16 | u32::from(low);
        return is_public_v4(Ipv4Addr::from_bits(bits));
    }
    let is_global = segments[0] & 0xe000 == 0x2000;
    let is_special = matches!(segments, [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..]);
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vetted(url: &str) -> Result<Reach, AddressError> {
        let allowed: AllowedAddresses = "127.0.0.1:8081, receiver.internal:80".parse().unwrap();
        allowed.vet(url).map(|(_, reach)| reach)
    }

    #[test]
    fn addresses_inside_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[3fff::1]",
            "[100::1]",
            "１２７.０.０.１",
        ] {
            assert_eq!(vetted(&format!("https://{host}/hook")), Err(AddressError::NotPublic), "{host}");
        }
    }

    #[test]
    fn public_addresses_are_reached_over_https_only() {
        for host in
            ["example.com", "example.com:8443", "93.184.215.14", "[2606:2800:21f:cb07::1]", "172.32.0.1", "localhost"]
        {
            assert_eq!(vetted(&format!("https://{host}/hook")), Ok(Reach::Public), "{host}");
            assert_eq!(vetted(&format!("http://{host}/hook")), Err(AddressError::NotHttps), "{host}");
        }
        for url in
            ["", "hook", "https://", "mailto:a@example.com", &format!("https://example.com/{}", "x".repeat(2_048))]
        {
            assert_eq!(vetted(url), Err(AddressError::NoUrl), "{url}");
        }
        for url in ["https://user@example.com", "https://:secret@example.com", "https://example.com/#part"] {
            assert_eq!(vetted(url), Err(AddressError::Decorated), "{url}");
        }
        assert_eq!(vetted("ftp://example.com/hook"), Err(AddressError::NotHttps));
    }

    #[test]
    fn what_the_operator_names_is_reached_exactly_there() {
        for url in ["http://127.0.0.1:8081/a", "https://127.0.0.1:8081/b", "http://receiver.internal/c"] {
            assert_eq!(vetted(url), Ok(Reach::Named), "{url}");
        }
        assert_eq!(vetted("http://127.0.0.1:8082/a"), Err(AddressError::NotHttps));
        assert_eq!(vetted("https://127.0.0.1/a"), Err(AddressError::NotPublic));
        assert_eq!(vetted("ftp://127.0.0.1:8081/a"), Err(AddressError::NotHttps));
        assert!("no port:x".parse::<AllowedAddresses>().is_err());
    }

    #[tokio::test]
    async fn names_that_lead_inside_are_not_resolved() {
        let Err(refused) = PublicResolver.resolve("localhost".parse().unwrap()).await else {
            panic!("localhost is public")
        };
        assert_eq!(refused.downcast_ref(), Some(&AddressError::NotPublic));
    }
}
