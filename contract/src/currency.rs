//! Currencies: the codes of ISO 4217 that have minor units.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::money::MinorUnits;

/// The text is not a currency that accounts can be held in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an ISO 4217 currency code with minor units, such as \"EUR\"")]
pub struct InvalidCurrency;

/// A currency that money can be held in. Codes without minor units (gold, test codes) are none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// The three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal digits the minor unit has: 2 for EUR, 0 for JPY, 3 for BHD.
    #[must_use]
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }

    /// The amount as people read it, in the form `EUR -12.50`.
    #[must_use]
    pub fn display(self, units: MinorUnits) -> String {
        format!("{} {}", self.code(), self.decimal(units, "."))
    }

    /// The number of the amount alone, such as `-12.50`, with this between whole and minor units.
    #[must_use]
    pub fn decimal(self, units: MinorUnits, point: &str) -> String {
        let sign = if units.get() < 0 { "-" } else { "" };
        let digits = units.get().unsigned_abs().to_string();
        let exponent = usize::from(self.exponent());
        let padded = format!("{digits:0>width$}", width = exponent + 1);
        let (whole, fraction) = padded.split_at(padded.len() - exponent);
        let point = if exponent == 0 { "" } else { point };
        format!("{sign}{whole}{point}{fraction}")
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        iso_currency::Currency::from_code(text)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or(InvalidCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, schema::Schema, schema::Type},
    };

    impl ToSchema for super::Currency {}

    impl PartialSchema for super::Currency {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Z]{3}$")).examples(["EUR"]).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str, units: i64) -> String {
        code.parse::<Currency>().unwrap().display(MinorUnits::new(units))
    }

    #[test]
    fn a_currency_is_written_as_its_code() {
        assert_eq!((Currency::EUR.to_string(), format!("{:?}", Currency::EUR)), ("EUR".to_owned(), "EUR".to_owned()));
    }

    #[test]
    fn amounts_are_shown_with_the_exponent_of_their_currency() {
        assert_eq!(shown("EUR", 1250), "EUR 12.50");
        assert_eq!(shown("EUR", 0), "EUR 0.00");
        assert_eq!(shown("EUR", -5), "EUR -0.05");
        assert_eq!(shown("JPY", 1250), "JPY 1250");
        assert_eq!(shown("BHD", 1), "BHD 0.001");
        assert_eq!(shown("EUR", i64::MIN), "EUR -92233720368547758.08");
    }

    #[test]
    fn only_codes_with_minor_units_are_currencies() {
        for text in ["", "eur", "EURO", "EU", "XXX", "XAU", "ZZZ", "€"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }
}
