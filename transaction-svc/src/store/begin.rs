//! How the transactions of the hot paths begin.
//!
//! A planner that saw the tables empty, or has not looked for a while, would scan them for ever: these transactions always
//! take the indexes. The settings travel in one message with BEGIN, so they cost nothing, and they end with the
//! transaction, so a pooler in between does not matter.

/// For the writer.
pub const DURABLE: &str =
    "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// For the relay and for webhooks, which need not wait for the disk. A pointer that comes back after a crash, because its
/// removal was lost, is found in the stream and removed again; a webhook is sent again.
pub(super) const RELAXED: &str = "BEGIN; SET LOCAL synchronous_commit = off; \
     SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// For pages of lists. A planner that knows the average account, and not the busy one, would collect all rows of an account and
/// sort them; an index has them in order, and a page needs the first few.
pub const IN_ORDER: &str = "BEGIN READ ONLY; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off";
