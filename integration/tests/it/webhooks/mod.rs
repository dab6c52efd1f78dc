//! The push path in both directions: what the notification service believes, and what the ledger sends.

mod receiving;
