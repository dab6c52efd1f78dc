//! One statement out of the parts that a batch needs, so that storing it is one round trip whatever it holds.
//!
//! Each part is a data-modifying `WITH` query, written in the file of its table as if it stood alone. No part sees what
//! another does, and none needs to: everything that a part depends on was read, and locked, before.

use sqlx::{Arguments, AssertSqlSafe, Encode, PgConnection, Postgres, Type, error::BoxDynError, postgres::PgArguments};

use super::StoreError;

/// A statement that is being put together.
#[derive(Debug, Default)]
pub struct BatchStatement {
    sql: String,
    arguments: PgArguments,
    /// The first value that could not be encoded.
    failed: Option<BoxDynError>,
}

/// Takes the values of a part, in the order of its parameters.
#[derive(Debug)]
pub(super) struct Part<'a>(&'a mut BatchStatement);

impl BatchStatement {
    /// Adds a part under a name. Its parameters count from `$1`.
    pub(super) fn part(&mut self, name: &str, sql: &str) -> Part<'_> {
        self.sql.push_str(if self.sql.is_empty() { "WITH " } else { ", " });
        self.sql.push_str(name);
        self.sql.push_str(" AS (");
        let before = self.arguments.len();
        let mut pieces = sql.split('$');
        self.sql.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = piece.split_at(digits);
            let number: usize = number.parse().unwrap_or(0);
            self.sql.push_str(&format!("${}{rest}", before + number));
        }
        self.sql.push(')');
        Part(self)
    }

    /// Carries it out. Gives the number of rows that the part of this name returns; a statement without parts does nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute_in_tx(self, connection: &mut PgConnection, counted: &str) -> Result<u64, StoreError> {
        if let Some(error) = self.failed {
            return Err(sqlx::Error::Encode(error).into());
        }
        let sql = format!("{} SELECT count(*) FROM {counted}", self.sql);
        let count: i64 = sqlx::query_scalar_with(AssertSqlSafe(sql), self.arguments).fetch_one(connection).await?;
        Ok(count.unsigned_abs())
    }
}

impl Part<'_> {
    pub(super) fn bind<'q, T: Encode<'q, Postgres> + Type<Postgres>>(self, value: T) -> Self {
        if let Err(error) = self.0.arguments.add(value) {
            self.0.failed.get_or_insert(error);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_count_on_from_part_to_part() {
        let mut statement = BatchStatement::default();
        statement.part("one", "INSERT INTO a SELECT $1, $2::text[]").bind(1).bind("x");
        statement.part("two", "UPDATE b SET c = $2 WHERE d = $1 AND e > $10").bind(2).bind(3);
        assert_eq!(
            statement.sql,
            "WITH one AS (INSERT INTO a SELECT $1, $2::text[]), two AS (UPDATE b SET c = $4 WHERE d = $3 AND e > $12)"
        );
    }
}
