//! What the database is told about the statements of the hot paths.
//!
//! A planner that saw the tables empty, or has not looked for a while, would scan them for ever: these statements always
//! take the indexes.

/// How the writer's transactions begin. The settings travel in one message with BEGIN, so they cost nothing.
pub const DURABLE: &str =
    "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// For webhooks, which need not wait for the disk: what a crash takes back is done again, and a webhook sent again.
pub(super) const RELAXED: &str = "BEGIN; SET LOCAL synchronous_commit = off; \
     SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// For pages of lists. A planner that knows the average account, and not the busy one, would collect all rows of an account and
/// sort them; an index has them in order, and a page needs the first few.
pub const IN_ORDER: &str = "BEGIN READ ONLY; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off";

/// The sessions of the relay's own pool, whose statements are transactions by themselves. They need not wait for the disk: a
/// pointer that comes back after a crash, because its removal was lost, is found in the stream and removed again.
pub const RELAY_SESSION: [(&str, &str); 4] =
    [("synchronous_commit", "off"), ("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off")];
