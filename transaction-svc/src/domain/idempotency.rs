//! Idempotency keys: who repeats what.
//!
//! A key belongs to issuer, subject and operation. It is stored as the digest of the four, so that the index has one
//! short column whatever a caller sends; the request behind it is compared by its fingerprint.

use sha2::{Digest, Sha256};

use super::transaction::Actor;

/// Changes whenever the meaning of a fingerprint does, so that old ones are never compared with new ones.
const FINGERPRINT_VERSION: u8 = 1;

/// What identifies a key: SHA-256 over issuer, subject, operation and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest(pub [u8; 32]);

/// What identifies a request: SHA-256 over its parsed content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// The key of one command and the request that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    pub key: KeyDigest,
    pub fingerprint: Fingerprint,
}

impl KeyDigest {
    /// The digest of `key` as used by this caller for this operation.
    #[must_use]
    pub fn new(actor: &Actor, operation: &str, key: &str) -> Self {
        let mut parts = Parts::new(FINGERPRINT_VERSION);
        parts.text(&actor.issuer).text(&actor.subject).text(operation).text(key);
        Self(parts.digest())
    }
}

/// Feeds the content of a request, part by part, each with its length, so that no two requests look the same.
#[derive(Debug)]
pub struct Parts(Sha256);

impl Parts {
    fn new(version: u8) -> Self {
        Self(Sha256::new_with_prefix([version]))
    }

    /// Starts the fingerprint of one operation.
    #[must_use]
    pub fn of(operation: &str) -> Self {
        let mut parts = Self::new(FINGERPRINT_VERSION);
        parts.text(operation);
        parts
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
        self
    }

    pub fn optional(&mut self, text: Option<&str>) -> &mut Self {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default())
    }

    pub fn number(&mut self, number: i64) -> &mut Self {
        self.0.update(number.to_be_bytes());
        self
    }

    /// A part that is a whole request by itself.
    pub fn part(&mut self, fingerprint: Fingerprint) -> &mut Self {
        self.0.update(fingerprint.0);
        self
    }

    #[must_use]
    pub fn fingerprint(self) -> Fingerprint {
        Fingerprint(self.digest())
    }

    fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_its_caller_and_operation() {
        let actor = |issuer: &str, subject: &str| Actor { issuer: issuer.into(), subject: subject.into() };
        let digests = [
            KeyDigest::new(&actor("i", "alice"), "create", "k"),
            KeyDigest::new(&actor("i", "bob"), "create", "k"),
            KeyDigest::new(&actor("j", "alice"), "create", "k"),
            KeyDigest::new(&actor("i", "alice"), "open", "k"),
            KeyDigest::new(&actor("i", "alice"), "create", "l"),
            KeyDigest::new(&actor("ia", "lice"), "create", "k"),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[index + 1..].contains(digest));
        }
    }

    #[test]
    fn an_absent_part_differs_from_an_empty_one() {
        let fingerprint = |text| {
            let mut parts = Parts::of("create");
            parts.optional(text);
            parts.fingerprint()
        };
        assert_ne!(fingerprint(None), fingerprint(Some("")));
    }
}
