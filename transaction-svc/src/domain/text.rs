//! Text that callers give us: each kind has one door, which refuses what is too long or cannot be stored.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    #[error("has more than {max} characters")]
    TooLong { max: usize },
    #[error("contains U+0000, which cannot be stored")]
    Nul,
    #[error("must have 1 to 128 characters of A-Z a-z 0-9 _ . : @ -")]
    NotAnOwner,
    #[error("has more than {max} keys")]
    TooManyKeys { max: usize },
    #[error("has more than {max} bytes of names and values")]
    TooManyBytes { max: usize },
}

/// At most `MAX` characters, none of them U+0000 (Postgres cannot store it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

pub type AccountName = Text<128>;
pub type Description = Text<500>;
pub type Reference = Text<128>;

impl<const MAX: usize> Text<MAX> {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        if text.contains('\0') {
            return Err(InvalidText::Nul);
        }
        if text.chars().nth(MAX).is_some() {
            return Err(InvalidText::TooLong { max: MAX });
        }
        Ok(Self(text))
    }
}

/// Who holds an account: the `sub` of a token.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(Arc<str>);

impl Owner {
    pub const MAX_LENGTH: usize = 128;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Owner {
    type Error = InvalidText;

    fn try_from(text: &str) -> Result<Self, InvalidText> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:@-".contains(&byte);
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidText::NotAnOwner)
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Free names and values that a caller attaches to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    pub const MAX_KEYS: usize = 20;
    pub const MAX_BYTES: usize = 4_096;

    #[must_use]
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl TryFrom<BTreeMap<String, String>> for Metadata {
    type Error = InvalidText;

    fn try_from(map: BTreeMap<String, String>) -> Result<Self, InvalidText> {
        if map.len() > Self::MAX_KEYS {
            return Err(InvalidText::TooManyKeys { max: Self::MAX_KEYS });
        }
        if map.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > Self::MAX_BYTES {
            return Err(InvalidText::TooManyBytes { max: Self::MAX_BYTES });
        }
        if map.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(InvalidText::Nul);
        }
        Ok(Self(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_counted_in_characters_and_has_no_nul() {
        assert_eq!(Text::<3>::try_from("äöü".to_owned()).unwrap().as_str(), "äöü");
        assert_eq!(Text::<3>::try_from("abcd".to_owned()), Err(InvalidText::TooLong { max: 3 }));
        assert_eq!(Text::<3>::try_from("a\0".to_owned()), Err(InvalidText::Nul));
    }

    #[test]
    fn owners_are_subjects() {
        assert!(Owner::try_from("auth0:al_ice@example.com-1").is_ok());
        let long = "a".repeat(129);
        for text in ["", "a b", "é", "a\0", "a/b", long.as_str()] {
            assert!(Owner::try_from(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn metadata_is_bounded() {
        let keys = |count: usize| (0..count).map(|key| (key.to_string(), String::new())).collect::<BTreeMap<_, _>>();
        assert!(Metadata::try_from(keys(20)).is_ok());
        assert!(Metadata::try_from(keys(21)).is_err());
        let bytes = |count: usize| BTreeMap::from([("k".to_owned(), "v".repeat(count - 1))]);
        assert!(Metadata::try_from(bytes(4_096)).is_ok());
        assert!(Metadata::try_from(bytes(4_097)).is_err());
        assert!(Metadata::try_from(BTreeMap::from([("k\0".to_owned(), String::new())])).is_err());
    }
}
