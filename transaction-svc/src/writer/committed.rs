//! The writer's word to those who tell what was committed. It only makes them sooner: each polls as well.

use tokio::sync::Notify;

/// Who is told.
#[derive(Debug, Default)]
pub struct Committed {
    pub relay: Notify,
    pub dispatcher: Notify,
}

impl Committed {
    /// Events wait.
    pub fn tell(&self) {
        self.relay.notify_one();
        self.dispatcher.notify_one();
    }
}
