//! What commands print.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write, stdout},
};

/// Prints a line. Nobody has to read on: where the reader has gone, as with `| head`, the line goes nowhere.
///
/// # Errors
/// When it cannot be written for another reason, such as a full disk.
pub fn print_line(line: impl Display) -> io::Result<()> {
    let mut output = stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
