//! Money: whole minor units of a currency in 64 signed bits, never a float.
//!
//! On the wire an amount is a string of digits (`"1250"`), because JSON numbers lose integers above 2^53-1 in many
//! readers; an integer up to that bound is accepted too.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
pub const MAX_JSON_INTEGER: i64 = (1 << 53) - 1;

/// A number is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    #[error("is not a whole number of minor units, such as \"1250\"")]
    NotAnInteger,
    #[error("does not fit: at most 9223372036854775807 as a string, at most 9007199254740991 as a number")]
    OutOfRange,
    #[error("must be at least 1 minor unit")]
    NotPositive,
}

/// A signed number of minor units: a balance, or the change of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MinorUnits(i64);

impl MinorUnits {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(units: i64) -> Self {
        Self(units)
    }

    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or `None` where it does not fit 64 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` where it does not fit 64 bits.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

/// How much a transaction moves: at least one minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// # Errors
    /// [`InvalidAmount::NotPositive`] below 1.
    pub const fn new(units: i64) -> Result<Self, InvalidAmount> {
        if units >= 1 { Ok(Self(units)) } else { Err(InvalidAmount::NotPositive) }
    }

    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The change of the account that receives the amount.
    #[must_use]
    pub const fn credit(self) -> MinorUnits {
        MinorUnits(self.0)
    }

    /// The change of the account that pays the amount.
    #[must_use]
    pub const fn debit(self) -> MinorUnits {
        // An amount is positive, and every positive i64 has a negative twin.
        MinorUnits(-self.0)
    }
}

impl FromStr for MinorUnits {
    type Err = InvalidAmount;

    /// Digits without leading zeros, with `-` in front where negative; nothing else (no `+`, blanks, points or exponents).
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let canonical = !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'))
            && text != "-0";
        if !canonical {
            return Err(InvalidAmount::NotAnInteger);
        }
        text.parse().map(Self).map_err(|_| InvalidAmount::OutOfRange)
    }
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        Self::try_from(text.parse::<MinorUnits>()?)
    }
}

impl TryFrom<MinorUnits> for Amount {
    type Error = InvalidAmount;

    fn try_from(units: MinorUnits) -> Result<Self, InvalidAmount> {
        Self::new(units.0)
    }
}

impl From<Amount> for MinorUnits {
    fn from(amount: Amount) -> Self {
        amount.credit()
    }
}

impl fmt::Display for MinorUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for MinorUnits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MinorUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnitsVisitor)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(MinorUnits::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

struct UnitsVisitor;

impl de::Visitor<'_> for UnitsVisitor {
    type Value = MinorUnits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of minor units, such as \"1250\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<MinorUnits, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<MinorUnits, E> {
        if (-MAX_JSON_INTEGER..=MAX_JSON_INTEGER).contains(&number) {
            Ok(MinorUnits(number))
        } else {
            Err(E::custom(InvalidAmount::OutOfRange))
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<MinorUnits, E> {
        i64::try_from(number)
            .map_err(|_| E::custom(InvalidAmount::OutOfRange))
            .and_then(|number| self.visit_i64(number))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<MinorUnits, E> {
        Err(E::custom(InvalidAmount::NotAnInteger))
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, schema::Schema, schema::Type},
    };

    use super::{Amount, MinorUnits};

    impl ToSchema for MinorUnits {}
    impl ToSchema for Amount {}

    impl PartialSchema for MinorUnits {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^(0|-?[1-9][0-9]{0,18})$"))
                .examples(["0"])
                .into()
        }
    }

    impl PartialSchema for Amount {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[1-9][0-9]{0,18}$")).examples(["1250"]).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(json: &str) -> Result<i64, String> {
        serde_json::from_str::<Amount>(json).map(Amount::get).map_err(|error| error.to_string())
    }

    #[test]
    fn an_amount_is_a_positive_integer_of_minor_units() {
        assert_eq!(amount("\"1250\""), Ok(1250));
        assert_eq!(amount("1250"), Ok(1250));
        assert_eq!(amount("\"9223372036854775807\""), Ok(i64::MAX));
        assert_eq!(amount("9007199254740991"), Ok(MAX_JSON_INTEGER));
    }

    #[test]
    fn everything_else_is_refused() {
        for json in [
            "0",
            "-1",
            "\"0\"",
            "\"-5\"",
            "12.5",
            "1.0",
            "1e3",
            "\"12.5\"",
            "\"1e3\"",
            "\" 5\"",
            "\"+5\"",
            "\"05\"",
            "\"\"",
            "\"-\"",
            "9007199254740992",
            "18446744073709551615",
            "18446744073709551616",
            "\"9223372036854775808\"",
            "true",
            "null",
            "[]",
            "{}",
            "\"٣\"",
        ] {
            assert!(amount(json).is_err(), "{json}");
        }
    }

    #[test]
    fn units_say_what_they_may_be() {
        let refused = |json| serde_json::from_str::<MinorUnits>(json).unwrap_err().to_string();
        assert!(refused("1.5").starts_with(&InvalidAmount::NotAnInteger.to_string()), "{}", refused("1.5"));
        assert!(refused("[]").contains("a string of minor units"), "{}", refused("[]"));
    }

    #[test]
    fn arithmetic_refuses_what_does_not_fit() {
        let [one, two, most, least] = [1, 2, i64::MAX, i64::MIN].map(MinorUnits::new);
        assert_eq!((one.checked_add(one), two.checked_sub(one)), (Some(two), Some(one)));
        assert_eq!((most.checked_add(one), least.checked_sub(one)), (None, None));
    }

    #[test]
    fn what_one_account_pays_the_other_receives() {
        let amount = Amount::new(1250).unwrap();
        assert_eq!((amount.credit().get(), amount.debit().get()), (1250, -1250));
        assert_eq!((MinorUnits::from(amount), amount.to_string()), (amount.credit(), "1250".to_owned()));
    }

    proptest! {
        #[test]
        fn units_are_read_back_as_written(units: i64) {
            let json = serde_json::to_string(&MinorUnits::new(units)).unwrap();
            prop_assert_eq!(serde_json::from_str::<MinorUnits>(&json).unwrap().get(), units);
        }
    }
}
