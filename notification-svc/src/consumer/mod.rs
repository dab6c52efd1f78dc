//! The way of events over JetStream: `handler` does the work of each message, `run` keeps the durable consumer going and
//! says how it goes.

mod handler;
mod run;

pub use handler::NotificationHandler;
pub use run::{Consumption, run};
