//! The ledger in Postgres: rows in, domain values out. Rows are input too: one that makes no sense is an error, not a guess.
//!
//! A function that works inside somebody's transaction is named `*_in_tx` and never commits. The write path is SQL by
//! hand, one statement for a whole batch; everything else goes through the entities. Nothing here knows HTTP or NATS.

pub mod accounts;
pub mod answers;
pub mod batch_statement;
pub mod begin;
pub mod clock;
mod column;
pub mod effects;
mod entity;
mod error;
pub mod feed;
pub mod journal;
pub mod leases;
pub mod outbox;
pub mod refunds;
pub mod republications;
pub mod statements;
pub mod timeline;
pub mod transaction_list;
pub mod transactions;
pub mod transitions;
pub mod verifications;
pub mod webhooks;

pub use error::StoreError;

/// What everyday queries run on: the same pool as the writer's, as sea-orm sees it.
pub type Database = sea_orm::DatabaseConnection;
