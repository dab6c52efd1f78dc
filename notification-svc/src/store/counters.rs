//! The counter row of each user, which orders everything that happens to the user's notifications.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use contract::notification::{NotificationCounts, NotificationStatus};
use sea_orm::{ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QuerySelect, Set};
use sqlx::{PgConnection, PgPool};

use super::entity::notification_counter::{Entity, Model};

/// New notifications of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    pub all: i64,
    /// Those that are shown, and so counted: as unread.
    pub shown: i64,
}

/// Makes room for so many new notifications of each recipient, and returns the last position that each had before.
/// The rows stay locked until the transaction ends, so that positions become visible in their order, without a gap.
///
/// The rows are locked in the order of recipients, so that two transactions never wait for each other here.
///
/// # Errors
/// Those of the database.
pub async fn advance_in_tx(
    connection: &mut PgConnection,
    added: &BTreeMap<&str, Added>,
) -> sqlx::Result<HashMap<String, i64>> {
    let recipients: Vec<_> = added.keys().copied().collect();
    let all: Vec<_> = added.values().map(|added| added.all).collect();
    let shown: Vec<_> = added.values().map(|added| added.shown).collect();
    let last_positions: Vec<(String, i64)> = sqlx::query_as(
        "INSERT INTO notification_counters AS counter (recipient, last_position, unread, read, archived, version)
         SELECT recipient, added, shown, 0, 0, 1
         FROM UNNEST($1::text[], $2::bigint[], $3::bigint[]) AS new (recipient, added, shown)
         ORDER BY recipient COLLATE \"C\"
         ON CONFLICT (recipient) DO UPDATE
            SET last_position = counter.last_position + excluded.last_position,
                unread = counter.unread + excluded.unread,
                version = counter.version + 1
         RETURNING recipient, last_position",
    )
    .bind(recipients)
    .bind(all)
    .bind(shown)
    .fetch_all(connection)
    .await?;
    let before = last_positions.into_iter().map(|(recipient, last)| {
        let added = added.get(recipient.as_str()).copied().unwrap_or_default();
        (recipient, last - added.all)
    });
    Ok(before.collect())
}

/// The last positions of those of these users who were ever notified.
///
/// # Errors
/// Those of the database.
pub async fn last_positions(pool: &PgPool, users: &[Arc<str>]) -> sqlx::Result<Vec<(String, i64)>> {
    let users: Vec<&str> = users.iter().map(AsRef::as_ref).collect();
    // A subquery for each user is always planned as a look-up in the primary key.
    let positions: Vec<(String, Option<i64>)> = sqlx::query_as(
        "SELECT recipient, (SELECT last_position FROM notification_counters AS counter
                            WHERE counter.recipient = watched.recipient)
         FROM UNNEST($1::text[]) AS watched (recipient)",
    )
    .bind(users)
    .fetch_all(pool)
    .await?;
    Ok(positions.into_iter().filter_map(|(user, position)| Some((user, position?))).collect())
}

/// Locks the rows of these recipients, and makes those that are missing, in the order in which everybody does.
///
/// # Errors
/// Those of the database.
pub async fn lock_all_in_tx(connection: &mut PgConnection, recipients: &BTreeSet<&str>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO notification_counters AS counter (recipient, last_position, unread, read, archived, version)
         SELECT recipient, 0, 0, 0, 0, 0 FROM UNNEST($1::text[]) AS wanted (recipient)
         ORDER BY recipient COLLATE \"C\"
         ON CONFLICT (recipient) DO UPDATE SET last_position = counter.last_position",
    )
    .bind(recipients.iter().copied().collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Positions that a recipient needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub count: i64,
    /// Up to here, none is free.
    pub after: i64,
}

/// So many positions of each recipient that no notification has, the lowest first. The rows have to be locked.
///
/// # Errors
/// Those of the database.
pub async fn free_positions_in_tx(
    connection: &mut PgConnection,
    wanted: &BTreeMap<&str, Wanted>,
) -> sqlx::Result<HashMap<String, VecDeque<i64>>> {
    // Gaps before what is there, in its order, so that it is read no further than to the last place that is wanted; then what
    // comes behind it.
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT wanted.recipient, free.place
         FROM UNNEST($1::text[], $2::bigint[], $3::bigint[]) AS wanted (recipient, count, after)
         CROSS JOIN LATERAL (
             SELECT place
             FROM ((SELECT place
                    FROM (SELECT lag(position, 1, wanted.after) OVER (ORDER BY position) AS before, position
                          FROM notifications
                          WHERE notifications.recipient = wanted.recipient AND position > wanted.after) AS taken
                    CROSS JOIN LATERAL generate_series(before + 1, least(position - 1, before + wanted.count)) AS place
                    ORDER BY position, place LIMIT wanted.count)
                   UNION ALL
                   SELECT generate_series(highest + 1, highest + wanted.count)
                   FROM (SELECT greatest(max(position), wanted.after) AS highest
                         FROM notifications WHERE notifications.recipient = wanted.recipient) AS last) AS candidate
             ORDER BY place LIMIT wanted.count
         ) AS free
         ORDER BY wanted.recipient, free.place",
    )
    .bind(wanted.keys().copied().collect::<Vec<_>>())
    .bind(wanted.values().map(|wanted| wanted.count).collect::<Vec<_>>())
    .bind(wanted.values().map(|wanted| wanted.after).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let mut free = HashMap::<_, VecDeque<_>>::new();
    for (recipient, place) in rows {
        free.entry(recipient).or_default().push_back(place);
    }
    Ok(free)
}

/// Counts notifications that were given back: how many are shown, and the highest position among them, of each recipient.
/// The rows have to be locked.
///
/// # Errors
/// Those of the database.
pub async fn add_in_tx(connection: &mut PgConnection, restored: &BTreeMap<&str, (i64, i64)>) -> sqlx::Result<()> {
    if restored.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE notification_counters AS counter
         SET last_position = greatest(counter.last_position, added.highest), unread = counter.unread + added.shown,
             version = counter.version + 1
         FROM UNNEST($1::text[], $2::bigint[], $3::bigint[]) AS added (recipient, shown, highest)
         WHERE counter.recipient = added.recipient",
    )
    .bind(restored.keys().copied().collect::<Vec<_>>())
    .bind(restored.values().map(|(shown, _)| *shown).collect::<Vec<_>>())
    .bind(restored.values().map(|(_, highest)| *highest).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts the notifications of these recipients again. The rows have to be locked.
///
/// # Errors
/// Those of the database.
pub async fn recount_in_tx(connection: &mut PgConnection, recipients: &[&str]) -> sqlx::Result<()> {
    if recipients.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE notification_counters AS counter
         SET last_position = greatest(counter.last_position, counted.last_position), unread = counted.unread,
             read = counted.read, archived = counted.archived, version = counter.version + 1
         FROM UNNEST($1::text[]) AS wanted (recipient)
         CROSS JOIN LATERAL (
             SELECT max(position) AS last_position,
                    count(*) FILTER (WHERE status = 'unread' AND NOT muted) AS unread,
                    count(*) FILTER (WHERE status = 'read' AND NOT muted) AS read,
                    count(*) FILTER (WHERE status = 'archived' AND NOT muted) AS archived
             FROM notifications WHERE notifications.recipient = wanted.recipient
         ) AS counted
         WHERE counter.recipient = wanted.recipient",
    )
    .bind(recipients)
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks a user's row, and with it everything that changes the user's notifications. `None`: never notified.
pub(super) async fn lock_in_tx(transaction: &DatabaseTransaction, recipient: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(recipient).lock_exclusive().one(transaction).await
}

/// Counts so many notifications under another status. The row has to be locked.
pub(super) async fn move_in_tx(
    transaction: &DatabaseTransaction,
    counter: Model,
    from: NotificationStatus,
    to: NotificationStatus,
    count: i64,
) -> Result<(), DbErr> {
    if count == 0 {
        return Ok(());
    }
    let (mut counts, version) = (counts(&counter), counter.version + 1);
    *count_of(&mut counts, from) -= count;
    *count_of(&mut counts, to) += count;
    let mut counter = counter.into_active_model();
    counter.unread = Set(counts.unread);
    counter.read = Set(counts.read);
    counter.archived = Set(counts.archived);
    counter.version = Set(version);
    counter.update(transaction).await?;
    Ok(())
}

pub(super) const fn counts(counter: &Model) -> NotificationCounts {
    NotificationCounts { unread: counter.unread, read: counter.read, archived: counter.archived }
}

const fn count_of(counts: &mut NotificationCounts, status: NotificationStatus) -> &mut i64 {
    match status {
        NotificationStatus::Unread => &mut counts.unread,
        NotificationStatus::Read => &mut counts.read,
        NotificationStatus::Archived => &mut counts.archived,
    }
}
