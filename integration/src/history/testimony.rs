//! What the clients and the stream say, laid down in temporary tables beside the database's own, so that a rule is one
//! query over all of it.

use std::time::Duration;

use sqlx::{PgConnection, query, raw_sql};

use super::{
    evidence::Published,
    told::{History, transaction_in},
};

/// Moments are microseconds from the beginning of the run.
const TABLES: &str = "
    CREATE TEMPORARY TABLE payments (key text, payer text, source uuid, destination uuid, amount bigint, told boolean)
        ON COMMIT DROP;
    CREATE TEMPORARY TABLE answers (key text, ended bigint, status integer, body bytea, transaction uuid)
        ON COMMIT DROP;
    CREATE TEMPORARY TABLE told_effects
        (key text, ended bigint, account uuid, sequence bigint, posted bigint, posted_after bigint,
         available_after bigint) ON COMMIT DROP;
    CREATE TEMPORARY TABLE seen_balances
        (account uuid, asked bigint, ended bigint, sequence bigint, posted bigint, available bigint) ON COMMIT DROP;
    CREATE TEMPORARY TABLE seen_transactions (key text, transaction jsonb) ON COMMIT DROP;
    CREATE TEMPORARY TABLE listeners (endpoint uuid) ON COMMIT DROP;
    CREATE TEMPORARY TABLE heard (endpoint uuid, event uuid) ON COMMIT DROP;
    CREATE TEMPORARY TABLE stream (sequence bigint, event uuid, event_text text, subject text, body bytea)
        ON COMMIT DROP";

/// The effects as the events tell them.
const TOLD_BY_EVENTS: &str = "
    CREATE TEMPORARY TABLE parties ON COMMIT DROP AS
    SELECT event.id AS event, event.kind, effect ->> 'owner' AS owner, (effect ->> 'notify')::boolean AS notify,
           (effect ->> 'amount')::bigint AS amount, (effect ->> 'sequence')::bigint AS sequence,
           (effect ->> 'posted_after')::bigint AS posted_after,
           (effect ->> 'available_after')::bigint AS available_after
    FROM transactions.events AS event,
         jsonb_array_elements(convert_from(event.body, 'UTF8')::jsonb -> 'data' -> 'effects') AS effect;
    ANALYZE payments; ANALYZE answers; ANALYZE told_effects; ANALYZE seen_balances; ANALYZE heard; ANALYZE stream; ANALYZE parties";

pub(super) async fn lay_down_in_tx(
    connection: &mut PgConnection,
    history: &History,
    published: &[Published],
) -> anyhow::Result<()> {
    raw_sql(TABLES).execute(&mut *connection).await?;
    lay_down_payments(connection, history).await?;
    lay_down_answers(connection, history).await?;
    lay_down_sights(connection, history).await?;
    lay_down_listeners(connection, history).await?;
    lay_down_stream(connection, published).await?;
    raw_sql(TOLD_BY_EVENTS).execute(connection).await?;
    Ok(())
}

async fn lay_down_payments(connection: &mut PgConnection, history: &History) -> sqlx::Result<()> {
    let payments = &history.payments;
    query(
        "INSERT INTO payments
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::boolean[])",
    )
    .bind(column(payments, |payment| payment.key.clone()))
    .bind(column(payments, |payment| payment.payer.clone()))
    .bind(column(payments, |payment| payment.request.source.uuid()))
    .bind(column(payments, |payment| payment.request.destination.uuid()))
    .bind(column(payments, |payment| payment.request.amount.get()))
    .bind(column(payments, |payment| payment.is_told()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn lay_down_answers(connection: &mut PgConnection, history: &History) -> sqlx::Result<()> {
    let answers = history.payments.iter().flat_map(|payment| {
        payment.answers().map(|(attempt, answer)| (&payment.key, micros(attempt.ended), answer, transaction_in(answer)))
    });
    let answers: Vec<_> = answers.collect();
    query("INSERT INTO answers SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::integer[], $4::bytea[], $5::uuid[])")
        .bind(column(&answers, |(key, ..)| (*key).clone()))
        .bind(column(&answers, |(_, ended, ..)| *ended))
        .bind(column(&answers, |(_, _, answer, _)| i32::from(answer.status)))
        .bind(column(&answers, |(_, _, answer, _)| answer.body.clone()))
        .bind(column(&answers, |(.., transaction)| transaction.as_ref().map(|transaction| transaction.id.uuid())))
        .execute(&mut *connection)
        .await?;

    let effects = answers.iter().flat_map(|(key, ended, _, transaction)| {
        let effects = transaction.iter().flat_map(|transaction| &transaction.effects);
        effects.filter_map(move |effect| Some((*key, *ended, *effect, effect.balance?)))
    });
    let effects: Vec<_> = effects.collect();
    query(
        "INSERT INTO told_effects
         SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[],
                              $7::bigint[])",
    )
    .bind(column(&effects, |(key, ..)| (*key).clone()))
    .bind(column(&effects, |(_, ended, ..)| *ended))
    .bind(column(&effects, |(_, _, effect, _)| effect.account.uuid()))
    .bind(column(&effects, |(.., balance)| balance.sequence))
    .bind(column(&effects, |(_, _, effect, _)| effect.amount.get()))
    .bind(column(&effects, |(.., balance)| balance.posted_after.get()))
    .bind(column(&effects, |(.., balance)| balance.available_after.map(|available| available.get())))
    .execute(connection)
    .await?;
    Ok(())
}

async fn lay_down_sights(connection: &mut PgConnection, history: &History) -> anyhow::Result<()> {
    let balances = &history.balances;
    query(
        "INSERT INTO seen_balances
         SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])",
    )
    .bind(column(balances, |seen| seen.account.id.uuid()))
    .bind(column(balances, |seen| micros(seen.asked)))
    .bind(column(balances, |seen| micros(seen.ended)))
    .bind(column(balances, |seen| seen.account.version))
    .bind(column(balances, |seen| seen.account.balances.posted.get()))
    .bind(column(balances, |seen| seen.account.balances.available.map(|available| available.get())))
    .execute(&mut *connection)
    .await?;

    let transactions = &history.transactions;
    let bodies = transactions.iter().map(|seen| seen.transaction.as_ref().map(serde_json::to_value).transpose());
    query("INSERT INTO seen_transactions SELECT * FROM UNNEST($1::text[], $2::jsonb[])")
        .bind(column(transactions, |seen| seen.key.clone()))
        .bind(bodies.collect::<Result<Vec<_>, _>>()?)
        .execute(connection)
        .await?;
    Ok(())
}

async fn lay_down_listeners(connection: &mut PgConnection, history: &History) -> sqlx::Result<()> {
    let listeners = &history.listeners;
    query("INSERT INTO listeners SELECT * FROM UNNEST($1::uuid[])")
        .bind(column(listeners, |listener| listener.endpoint.uuid()))
        .execute(&mut *connection)
        .await?;
    for listener in listeners {
        query("INSERT INTO heard SELECT $1, * FROM UNNEST($2::uuid[])")
            .bind(listener.endpoint.uuid())
            .bind(column(&listener.heard, |event| event.uuid()))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn lay_down_stream(connection: &mut PgConnection, published: &[Published]) -> anyhow::Result<()> {
    const AT_ONCE: usize = 10_000;
    for published in published.chunks(AT_ONCE) {
        let sequences: Result<Vec<_>, _> = published.iter().map(|message| i64::try_from(message.sequence)).collect();
        query("INSERT INTO stream SELECT * FROM UNNEST($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::bytea[])")
            .bind(sequences?)
            .bind(column(published, |message| message.event.uuid()))
            .bind(column(published, |message| message.event.to_string()))
            .bind(column(published, |message| message.subject.clone()))
            .bind(column(published, |message| message.body.clone()))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn column<Row, Value>(rows: &[Row], value: impl Fn(&Row) -> Value) -> Vec<Value> {
    rows.iter().map(value).collect()
}

fn micros(moment: Duration) -> i64 {
    i64::try_from(moment.as_micros()).unwrap_or(i64::MAX)
}
