//! Events as rows of a service's own database, written in the transaction that changes its data.
//!
//! [`enqueue`] validates and encodes the event there and then, so that a wrong event fails the transaction; it needs neither
//! the broker nor the registry. `coursebus relay run` (the feature `relay`) publishes the rows and deletes them. The tables
//! are described in docs/outbox.md; `coursebus outbox install` makes them.
//!
//! ```no_run
//! use coursebus_producer::outbox;
//! use coursebus_schemas::subscription::PlanCreated;
//!
//! async fn create_plan(pool: &sqlx::PgPool, event: &PlanCreated) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut tx = pool.begin().await?;
//!     // … change the data in `tx` …
//!     outbox::enqueue(&mut tx, event).await?;
//!     tx.commit().await?;
//!     Ok(())
//! }
//! ```

mod database;
mod error;

use coursebus_schemas::{Event, EventId, Key, Metadata, encode, metadata::format_time};
use sqlx::Transaction;

use self::database::NewRow;
pub use self::{database::OutboxDatabase, error::EnqueueError};
use crate::emit::{default_source, now};

/// The largest event that is taken, in bytes: what a topic takes unless its limit was raised, less its headers.
pub const EVENT_BYTES_MAX: usize = 1_000_000;
/// How long the text of a column may be, in characters.
pub const TEXT_MAX: usize = 255;

/// Writes an event that happens now as a row of the outbox, from its type's owner. It is published after the transaction
/// commits, and never if it does not.
///
/// # Errors
/// Every [`EnqueueError`] means that no row was written. After `Database` the transaction is of no more use on PostgreSQL;
/// after the others it is as it was.
pub async fn enqueue<E: Event, D: OutboxDatabase>(
    tx: &mut Transaction<'_, D>,
    event: &E,
) -> Result<EventId, EnqueueError> {
    let metadata = Metadata::new(E::TYPE, uuid::Uuid::new_v4().into(), default_source(E::TYPE), now());
    enqueue_with(tx, event, metadata).await
}

/// As [`enqueue`], with metadata of the caller's own: id, source, time, trace, what caused it. The source's host and library
/// are those of the relay.
pub async fn enqueue_with<E: Event, D: OutboxDatabase>(
    tx: &mut Transaction<'_, D>,
    event: &E,
    metadata: Metadata,
) -> Result<EventId, EnqueueError> {
    let row = row(event, &metadata)?;
    let written = D::insert(&mut **tx, row).await;
    match written.map_err(|source| EnqueueError::Database { event_type: E::TYPE.name, source })? {
        true => Ok(metadata.id),
        false => Err(EnqueueError::IdUsed { event_type: E::TYPE.name, id: metadata.id }),
    }
}

/// Pure: the row of an event, checked.
fn row<'a, E: Event>(event: &'a E, metadata: &'a Metadata) -> Result<NewRow<'a>, EnqueueError> {
    let event_type = E::TYPE.name;
    if metadata.source.is_empty() {
        return Err(EnqueueError::NoSource { event_type });
    }
    let texts = [
        ("event_id", Some(metadata.id.as_str())),
        ("source", Some(metadata.source.as_str())),
        ("subject", metadata.subject.as_deref()),
        ("causation_id", metadata.causation_id.as_deref()),
        ("traceparent", metadata.traceparent.as_deref()),
    ];
    if let Some((column, _)) = texts.iter().find(|(_, text)| text.is_some_and(|text| !fits(text))) {
        return Err(EnqueueError::Text { event_type, column });
    }
    let key = event.key();
    if key == Key::Null {
        return Err(EnqueueError::NullKey { event_type });
    }
    let (mut record_key, mut payload) = (Vec::with_capacity(48), Vec::with_capacity(256));
    key.encode(&mut record_key);
    encode::encode(event, &mut payload).map_err(|source| EnqueueError::Unfit { event_type, source })?;
    let bytes = payload.len() + record_key.len();
    if bytes > EVENT_BYTES_MAX {
        return Err(EnqueueError::TooLarge { event_type, bytes });
    }
    Ok(NewRow {
        event_id: metadata.id.as_str(),
        event_type,
        source: &metadata.source,
        occurred_at: format_time(metadata.time),
        minor_version: i32::try_from(E::TYPE.minor).unwrap_or(i32::MAX),
        payload,
        record_key,
        subject: metadata.subject.as_deref(),
        causation_id: metadata.causation_id.as_deref(),
        traceparent: metadata.traceparent.as_deref(),
    })
}

/// Whether a column takes a text. PostgreSQL takes no NUL.
fn fits(text: &str) -> bool {
    text.chars().count() <= TEXT_MAX && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use coursebus_schemas::{
        EventId,
        subscription::{PlanCreated, PlanData},
    };
    use time::macros::datetime;

    use super::*;

    fn plan(title: &str) -> PlanCreated {
        PlanCreated {
            plan: PlanData {
                plan_uuid: "p".into(),
                title: title.into(),
                starts: "2026-01-01T00:00:00+00:00".into(),
                expires: "2027-01-01T00:00:00+00:00".into(),
                enterprise_customer_uuid: None,
                auto_applies_licenses: false,
            },
        }
    }

    fn metadata(id: &str, source: &str) -> Metadata {
        let id = EventId::new(id).expect("an id");
        Metadata::new(PlanCreated::TYPE, id, source, datetime!(2026-04-05 06:07:08 UTC))
    }

    #[test]
    fn a_row_has_the_bare_datum_and_the_bare_key() {
        let (event, metadata) = (plan("Team"), metadata("1", "here"));
        let row = row(&event, &metadata).expect("a row");
        let mut datum = Vec::new();
        encode::encode(&event, &mut datum).expect("it fits");
        assert_eq!((row.payload, row.record_key), (datum, vec![2, b'p']));
        assert_eq!(row.occurred_at, "2026-04-05T06:07:08+00:00");
    }

    #[test]
    fn what_the_table_or_the_relay_would_refuse_is_refused_here() {
        let code = |event: &PlanCreated, metadata: &Metadata| row(event, metadata).err().map(|error| error.code());
        let long = "x".repeat(256);
        assert_eq!(code(&plan("a"), &metadata("1", "here")), None);
        assert_eq!(code(&plan("a"), &metadata(&long, "here")), Some("event-does-not-fit"));
        assert_eq!(code(&plan("a"), &metadata("1", "a\0b")), Some("event-does-not-fit"));
        assert_eq!(code(&plan("a"), &metadata("1", "")), Some("event-does-not-fit"));
        assert_eq!(code(&plan(&"x".repeat(EVENT_BYTES_MAX)), &metadata("1", "here")), Some("record-too-large"));
    }
}
