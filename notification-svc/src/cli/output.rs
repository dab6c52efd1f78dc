//! What commands print: tables for people at a terminal, JSON lines for everything else.

use std::io::IsTerminal;

use comfy_table::{Cell, Table, presets::NOTHING};
use serde::Serialize;
use service_kit::output::print_line;

/// Whether a person looks on.
pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(print_line(serde_json::to_string(value)?)?)
}

/// Each row as a line of a table or of JSON.
pub(super) fn rows<Row: Serialize, const N: usize>(
    header: [&str; N],
    rows: &[Row],
    cells: impl Fn(&Row) -> [String; N],
) -> anyhow::Result<()> {
    if !is_terminal() {
        return rows.iter().try_for_each(json);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.map(|name| Cell::new(name.to_uppercase())));
    for row in rows {
        table.add_row(cells(row));
    }
    Ok(print_line(table)?)
}
