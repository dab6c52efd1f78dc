//! Who gives a command, and why: what the audit wants to know.

use crate::store::audit::Order;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Who {
    /// Why; for the audit
    // Required, though a subcommand beside it does without.
    #[arg(long, value_name = "TEXT", required = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: Option<String>,
    /// Who; for the audit
    #[arg(long, env = "USER", value_name = "NAME", default_value = "unknown")]
    operator: String,
}

impl Who {
    pub(super) fn order(self) -> Order {
        Order { operator: self.operator, reason: self.reason.unwrap_or_default() }
    }
}
