//! What `platform run` says: lines that stay, and one live line below them.

use std::io::{IsTerminal, Write, stdout};
use std::sync::{Mutex, PoisonError};

/// A terminal's last line is rewritten in place; elsewhere the live line is printed when it changes.
#[derive(Default)]
pub(crate) struct Terminal {
    live: Mutex<String>,
}

impl Terminal {
    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if stdout().is_terminal() {
            print(&format!("\r\x1b[K{line}\n{live}"));
        } else {
            print(&format!("{line}\n"));
        }
    }

    /// Replaces the live line.
    pub(crate) fn show(&self, line: String) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if *live == line {
            return;
        }
        if stdout().is_terminal() {
            print(&format!("\r\x1b[K{line}"));
        } else {
            print(&format!("{line}\n"));
        }
        *live = line;
    }
}

impl Drop for Terminal {
    /// The shell's prompt gets a line of its own.
    fn drop(&mut self) {
        let live = self.live.get_mut().unwrap_or_else(PoisonError::into_inner);
        if stdout().is_terminal() && !live.is_empty() {
            print("\n");
        }
    }
}

/// A terminal or a pipe that is gone must not stop the platform.
fn print(text: &str) {
    let mut output = stdout();
    drop(output.write_all(text.as_bytes()).and_then(|()| output.flush()));
}
