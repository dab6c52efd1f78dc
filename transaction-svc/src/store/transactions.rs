//! Transactions: written by the writer, read and listed by everybody else.

use contract::{
    AccountId, Amount, MinorUnits, TransactionId,
    transaction::{Capture, TransactionStatus},
};
use sea_orm::{DatabaseConnection, EntityTrait};

use super::{
    StoreError,
    batch_statement::BatchStatement,
    column::{column, metadata, metadata_json},
    entity::transaction,
};
use crate::domain::{
    text::{Description, Reference},
    transaction::{Actor, Transaction},
};

/// Stores new transactions.
pub fn insert(statement: &mut BatchStatement, transactions: &[&Transaction]) {
    statement
        .part(
            "created",
            "INSERT INTO transactions (id, status, source, destination, amount, currency, captured_amount, refunded_amount,
                                        capture, expires_at, description, reference, metadata, initiator_issuer,
                                        initiated_by, created_at, updated_at)
              SELECT id, status, source, destination, amount, currency, captured_amount, refunded_amount, capture,
                     expires_at, description, reference, metadata::jsonb, initiator_issuer, initiated_by, created_at, updated_at
              FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::bigint[],
                          $8::bigint[], $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[],
                          $15::text[], $16::timestamptz[], $17::timestamptz[])
                   AS new (id, status, source, destination, amount, currency, captured_amount, refunded_amount, capture,
                           expires_at, description, reference, metadata, initiator_issuer, initiated_by, created_at, updated_at)",
        )
        .bind(column(transactions, |transaction| transaction.id.uuid()))
        .bind(column(transactions, |transaction| transaction.status.as_str()))
        .bind(column(transactions, |transaction| transaction.source.uuid()))
        .bind(column(transactions, |transaction| transaction.destination.uuid()))
        .bind(column(transactions, |transaction| transaction.amount.get()))
        .bind(column(transactions, |transaction| transaction.currency.code()))
        .bind(column(transactions, |transaction| transaction.captured_amount.get()))
        .bind(column(transactions, |transaction| transaction.refunded_amount.get()))
        .bind(column(transactions, |transaction| capture_text(transaction.capture)))
        .bind(column(transactions, |transaction| transaction.expires_at))
        .bind(column(transactions, |transaction| transaction.description.as_ref().map(|text| text.as_str().to_owned())))
        .bind(column(transactions, |transaction| transaction.reference.as_ref().map(|text| text.as_str().to_owned())))
        .bind(column(transactions, |transaction| metadata_json(&transaction.metadata)))
        .bind(column(transactions, |transaction| transaction.initiator.issuer.to_string()))
        .bind(column(transactions, |transaction| transaction.initiator.subject.to_string()))
        .bind(column(transactions, |transaction| transaction.created_at))
        .bind(column(transactions, |transaction| transaction.updated_at));
}

/// The transaction, where there is one.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn find(database: &DatabaseConnection, id: TransactionId) -> Result<Option<Transaction>, StoreError> {
    transaction::Entity::find_by_id(id.uuid()).one(database).await?.map(Transaction::try_from).transpose()
}

impl TryFrom<transaction::Model> for Transaction {
    type Error = StoreError;

    fn try_from(row: transaction::Model) -> Result<Self, StoreError> {
        let id = TransactionId::from_uuid(row.id);
        let corrupt = |reason: &dyn ToString| StoreError::corrupt("transactions", id, reason.to_string());
        Ok(Self {
            id,
            status: status(&row.status).ok_or_else(|| corrupt(&"unknown status"))?,
            source: AccountId::from_uuid(row.source),
            destination: AccountId::from_uuid(row.destination),
            amount: Amount::new(row.amount).map_err(|error| corrupt(&error))?,
            currency: row.currency.parse().map_err(|error| corrupt(&error))?,
            captured_amount: MinorUnits::new(row.captured_amount),
            refunded_amount: MinorUnits::new(row.refunded_amount),
            capture: capture(&row.capture).ok_or_else(|| corrupt(&"unknown capture"))?,
            expires_at: row.expires_at,
            description: row.description.map(Description::try_from).transpose().map_err(|error| corrupt(&error))?,
            reference: row.reference.map(Reference::try_from).transpose().map_err(|error| corrupt(&error))?,
            metadata: metadata(row.metadata).map_err(|reason| corrupt(&reason))?,
            initiator: Actor { issuer: row.initiator_issuer.into(), subject: row.initiated_by.into() },
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn status(text: &str) -> Option<TransactionStatus> {
    TransactionStatus::ALL.into_iter().find(|status| status.as_str() == text)
}

const fn capture_text(capture: Capture) -> &'static str {
    match capture {
        Capture::Automatic => "automatic",
        Capture::Manual => "manual",
    }
}

fn capture(text: &str) -> Option<Capture> {
    [Capture::Automatic, Capture::Manual].into_iter().find(|capture| capture_text(*capture) == text)
}
