//! Held records in a sink's database. The statements are the same on every one; a macro gives each its own.

use async_trait::async_trait;
use coursebus_transport::{Offset, TopicPartition};

use super::StoreError;
use crate::held::{Edited, HeldBrief, HeldPlace, HeldRecord};

/// What an operator wants of held records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Try them.
    Retry,
    /// Give them up; those that wait behind are tried.
    Discard,
    /// Apply this in place of the original.
    Edit(Edited),
}

impl Mark {
    /// The word in the log of what was done.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
            Self::Edit(_) => "edit",
        }
    }
}

/// Who did something to a held record, when, and a word on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// A person, or the sink itself.
    pub who: String,
    /// The reason that was given, or what came of it.
    pub detail: String,
}

/// One line of what was done to held records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLogEntry {
    /// Which record.
    pub place: HeldPlace,
    /// `retry`, `edit`, `discard`; `applied`, `failed` by the sink.
    pub verb: String,
    /// Who, when and a word on it.
    pub note: Note,
}

/// What became of a held record that the sink has looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It has taken effect. An edited one is kept, because the topic says something else.
    Applied {
        /// Whether it was edited.
        edited: bool,
    },
    /// It was tried and cannot be applied: it is a cause now.
    Failed {
        /// Why, as a code.
        code: String,
        /// Why, as a sentence.
        reason: String,
        /// Its order key, where it is known.
        order_key: Option<Vec<u8>>,
    },
    /// It waits behind another cause than before.
    Behind {
        /// The cause.
        cause: Offset,
        /// The cause's code.
        code: String,
    },
    /// What was asked is answered; nothing else has changed.
    Answered,
}

/// What became of one held record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// The record.
    pub offset: Offset,
    /// Its version when it was looked at; when it has another one by now, nothing of the transaction happens.
    pub version: i32,
    /// What became of it.
    pub to: Settled,
}

/// Reading held records, and what operators do to them.
#[async_trait]
pub trait HeldStore: Send + Sync {
    /// What is parked of a partition, and what else is asked for, by offset. Without values.
    async fn waiting(&self, group: &str, partition: &TopicPartition) -> Result<Vec<HeldBrief>, StoreError>;

    /// Whether anything of a partition is parked or dead, so that an operator may ask for it.
    async fn holds(&self, group: &str, partition: &TopicPartition) -> Result<bool, StoreError>;

    /// Where something is asked for and not answered yet.
    async fn asked(&self, group: &str) -> Result<Vec<HeldPlace>, StoreError>;

    /// One held record, whole, in whichever state.
    async fn held_at(&self, group: &str, place: &HeldPlace) -> Result<Option<HeldRecord>, StoreError>;

    /// Marks records that are parked or dead, in one transaction, and notes who did it; says of each whether it was so.
    async fn mark(&self, group: &str, places: &[HeldPlace], mark: &Mark, note: &Note) -> Result<Vec<bool>, StoreError>;

    /// What was done to held records of a group, oldest first, the last `limit`.
    async fn held_log(&self, group: &str, limit: u32) -> Result<Vec<HeldLogEntry>, StoreError>;
}

/// Held records inside a sink's transaction.
#[async_trait]
pub trait HeldTx: Send {
    /// Whether the epoch of a partition is still the given one; locks it against a take-over until the end.
    async fn own(&mut self, group: &str, partition: &TopicPartition, epoch: i64) -> Result<bool, StoreError>;

    /// Holds records; one that is held already stays as it is.
    async fn hold(&mut self, group: &str, held: &[HeldRecord]) -> Result<(), StoreError>;

    /// Notes what became of held records. False when an operator has changed one of them since it was read: the transaction
    /// is of no use then.
    async fn settle(
        &mut self,
        group: &str,
        partition: &TopicPartition,
        settles: &[Settle],
        at_ms: i64,
    ) -> Result<bool, StoreError>;
}

pub(super) const COLUMNS: &str = "topic, partition, record_offset, state, code, reason, event_type, event_id, record_key,
    record_value, headers, emitted_ms, held_ms, behind, order_key, asked_ms, tries, version, edited_value, edited_headers";
pub(super) const INSERT: &str =
    "INSERT INTO bus_held (consumer_group, topic, partition, record_offset, state, code, reason,
    event_type, event_id, record_key, record_value, headers, emitted_ms, held_ms, behind, order_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING";
pub(super) const WAITING: &str =
    "SELECT record_offset, state, code, behind, record_key, order_key, asked_ms, tries, version,
    CAST(COALESCE(LENGTH(record_key), 0) + COALESCE(LENGTH(record_value), 0) + LENGTH(headers) AS BIGINT)
    FROM bus_held WHERE consumer_group = $1 AND topic = $2 AND partition = $3
    AND (state = 'parked' OR asked_ms IS NOT NULL) ORDER BY record_offset";
pub(super) const HOLDS: &str = "SELECT 1 FROM bus_held WHERE consumer_group = $1 AND topic = $2 AND partition = $3
    AND state IN ('parked', 'dead') LIMIT 1";
pub(super) const ASKED: &str = "SELECT topic, partition, record_offset FROM bus_held
    WHERE consumer_group = $1 AND asked_ms IS NOT NULL ORDER BY topic, partition, record_offset";
pub(super) const NOTE: &str =
    "INSERT INTO bus_held_log (consumer_group, topic, partition, record_offset, at_ms, verb, who,
    detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
pub(super) const LOG: &str = "SELECT topic, partition, record_offset, verb, at_ms, who, detail FROM bus_held_log
    WHERE consumer_group = $1 ORDER BY at_ms DESC, topic DESC, partition DESC, record_offset DESC LIMIT $2";
pub(super) const OWN: &str = "UPDATE bus_positions SET epoch = epoch
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND epoch = $4";

/// The row that a statement is about: parameters 1 to 4. A record that was looked at is changed only if it is as it was.
pub(super) const PLACE: &str = "WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND record_offset = $4";
pub(super) const RETRY: &str = "UPDATE bus_held SET asked_ms = $5, version = version + 1";
pub(super) const DISCARD: &str = "UPDATE bus_held SET version = version + 1,
    asked_ms = CASE WHEN state = 'parked' THEN CAST($5 AS BIGINT) ELSE NULL END, state = 'discarded'";
pub(super) const EDIT: &str = "UPDATE bus_held SET edited_value = $5, edited_headers = $6, version = version + 1";
pub(super) const OPEN: &str = "AND state IN ('parked', 'dead')";
pub(super) const APPLIED: &str = "DELETE FROM bus_held";
pub(super) const APPLIED_EDITED: &str =
    "UPDATE bus_held SET state = 'applied', asked_ms = NULL, behind = NULL, version = version + 1";
pub(super) const FAILED: &str =
    "UPDATE bus_held SET code = $6, reason = $7, order_key = $8, behind = NULL, asked_ms = NULL,
    tries = tries + 1, version = version + 1";
pub(super) const BEHIND: &str = "UPDATE bus_held SET code = $6, reason = $7, behind = $8, asked_ms = NULL,
    version = version + 1";
pub(super) const ANSWERED: &str = "UPDATE bus_held SET asked_ms = NULL, version = version + 1";

/// Implements both traits for a store and its transaction. `$store` has `write()`, which begins a transaction, and `pool()`,
/// which reads.
macro_rules! held_sql {
    ($store:ty, $tx:ty, $row:ty, $wrong:path) => {
        use $crate::{
            held::{
                Edited, HeldBrief, HeldPlace, HeldRecord, OVERHEAD_BYTES, behind_reason, headers_text, parse_headers,
            },
            store::held::{self as sql, HeldLogEntry, HeldStore, HeldTx, Mark, Note, Settle, Settled},
        };

        fn read_held(row: &$row) -> Result<HeldRecord, sqlx::Error> {
            let edited_headers: Option<String> = row.try_get(19)?;
            let edited = row
                .try_get::<Option<Vec<u8>>, _>(18)?
                .map(|value| Edited { value, headers: parse_headers(edited_headers.as_deref().unwrap_or("[]")) });
            Ok(HeldRecord {
                topic: row.try_get(0)?,
                partition: row.try_get(1)?,
                offset: Offset(row.try_get(2)?),
                state: row.try_get(3)?,
                code: row.try_get(4)?,
                reason: row.try_get(5)?,
                event_type: row.try_get(6)?,
                event_id: row.try_get(7)?,
                key: row.try_get(8)?,
                value: row.try_get(9)?,
                headers: parse_headers(&row.try_get::<String, _>(10)?),
                emitted_ms: row.try_get(11)?,
                held_ms: row.try_get(12)?,
                behind: row.try_get::<Option<i64>, _>(13)?.map(Offset),
                order_key: row.try_get(14)?,
                asked_ms: row.try_get(15)?,
                tries: row.try_get(16)?,
                version: row.try_get(17)?,
                edited,
            })
        }

        fn read_brief(row: &$row) -> Result<HeldBrief, sqlx::Error> {
            Ok(HeldBrief {
                offset: Offset(row.try_get(0)?),
                state: row.try_get(1)?,
                code: row.try_get(2)?,
                behind: row.try_get::<Option<i64>, _>(3)?.map(Offset),
                key: row.try_get(4)?,
                order_key: row.try_get(5)?,
                asked: row.try_get::<Option<i64>, _>(6)?.is_some(),
                tries: row.try_get(7)?,
                version: row.try_get(8)?,
                bytes: row.try_get::<i64, _>(9)? + OVERHEAD_BYTES,
            })
        }

        fn read_place(row: &$row) -> Result<HeldPlace, sqlx::Error> {
            let topic: String = row.try_get(0)?;
            let partition = TopicPartition::new(topic, row.try_get(1)?);
            Ok(HeldPlace { partition, offset: Offset(row.try_get(2)?) })
        }

        fn read_entry(row: &$row) -> Result<HeldLogEntry, sqlx::Error> {
            let note = Note { at_ms: row.try_get(4)?, who: row.try_get(5)?, detail: row.try_get(6)? };
            Ok(HeldLogEntry { place: read_place(row)?, verb: row.try_get(3)?, note })
        }

        #[async_trait]
        impl HeldStore for $store {
            async fn waiting(&self, group: &str, partition: &TopicPartition) -> Result<Vec<HeldBrief>, StoreError> {
                let wrong = |e| $wrong(e, "read what is parked");
                let select = query(sql::WAITING)
                    .bind(group.to_owned())
                    .bind(partition.topic.to_string())
                    .bind(partition.partition);
                let rows = select.fetch_all(self.pool()).await.map_err(wrong)?;
                rows.iter().map(read_brief).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn holds(&self, group: &str, partition: &TopicPartition) -> Result<bool, StoreError> {
                let select = query(sql::HOLDS)
                    .bind(group.to_owned())
                    .bind(partition.topic.to_string())
                    .bind(partition.partition);
                let row = select.fetch_optional(self.pool()).await;
                Ok(row.map_err(|e| $wrong(e, "look for held records"))?.is_some())
            }

            async fn asked(&self, group: &str) -> Result<Vec<HeldPlace>, StoreError> {
                let wrong = |e| $wrong(e, "read what is asked for");
                let rows = query(sql::ASKED).bind(group.to_owned()).fetch_all(self.pool()).await.map_err(wrong)?;
                rows.iter().map(read_place).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn held_at(&self, group: &str, place: &HeldPlace) -> Result<Option<HeldRecord>, StoreError> {
                let wrong = |e| $wrong(e, "read a held record");
                let select = query(format!("SELECT {} FROM bus_held {}", sql::COLUMNS, sql::PLACE));
                let select = select.bind(group.to_owned()).bind(place.partition.topic.to_string());
                let row = select.bind(place.partition.partition).bind(place.offset.0).fetch_optional(self.pool()).await;
                row.map_err(wrong)?.map(|row| read_held(&row)).transpose().map_err(wrong)
            }

            async fn mark(
                &self,
                group: &str,
                places: &[HeldPlace],
                mark: &Mark,
                note: &Note,
            ) -> Result<Vec<bool>, StoreError> {
                let wrong = |e| $wrong(e, "mark held records");
                let mut tx = self.write().await?;
                let mut marked = Vec::with_capacity(places.len());
                for place in places {
                    let statement = match mark {
                        Mark::Retry => sql::RETRY,
                        Mark::Discard => sql::DISCARD,
                        Mark::Edit(_) => sql::EDIT,
                    };
                    let update = query(format!("{statement} {} {}", sql::PLACE, sql::OPEN));
                    let update = update.bind(group.to_owned()).bind(place.partition.topic.to_string());
                    let update = update.bind(place.partition.partition).bind(place.offset.0);
                    let update = match mark {
                        Mark::Retry | Mark::Discard => update.bind(note.at_ms),
                        Mark::Edit(edited) => update.bind(edited.value.clone()).bind(headers_text(&edited.headers)),
                    };
                    let done = update.execute(&mut *tx).await.map_err(wrong)?.rows_affected() == 1;
                    if done {
                        let insert = query(sql::NOTE).bind(group.to_owned()).bind(place.partition.topic.to_string());
                        let insert = insert.bind(place.partition.partition).bind(place.offset.0).bind(note.at_ms);
                        let insert = insert.bind(mark.verb()).bind(note.who.clone()).bind(note.detail.clone());
                        insert.execute(&mut *tx).await.map_err(wrong)?;
                    }
                    marked.push(done);
                }
                tx.commit().await.map_err(wrong)?;
                Ok(marked)
            }

            async fn held_log(&self, group: &str, limit: u32) -> Result<Vec<HeldLogEntry>, StoreError> {
                let wrong = |e| $wrong(e, "read what was done to held records");
                let select = query(sql::LOG).bind(group.to_owned()).bind(i64::from(limit));
                let rows = select.fetch_all(self.pool()).await.map_err(wrong)?;
                rows.iter().rev().map(read_entry).collect::<Result<_, _>>().map_err(wrong)
            }
        }

        #[async_trait]
        impl HeldTx for $tx {
            async fn own(&mut self, group: &str, partition: &TopicPartition, epoch: i64) -> Result<bool, StoreError> {
                let update =
                    query(sql::OWN).bind(group.to_owned()).bind(partition.topic.to_string()).bind(partition.partition);
                let done = update.bind(epoch).execute(&mut *self.0).await;
                Ok(done.map_err(|e| $wrong(e, "look at the epoch"))?.rows_affected() == 1)
            }

            async fn hold(&mut self, group: &str, held: &[HeldRecord]) -> Result<(), StoreError> {
                for record in held {
                    query(sql::INSERT)
                        .bind(group.to_owned())
                        .bind(record.topic.clone())
                        .bind(record.partition)
                        .bind(record.offset.0)
                        .bind(record.state.clone())
                        .bind(record.code.clone())
                        .bind(record.reason.clone())
                        .bind(record.event_type.clone())
                        .bind(record.event_id.clone())
                        .bind(record.key.clone())
                        .bind(record.value.clone())
                        .bind(record.headers_text())
                        .bind(record.emitted_ms)
                        .bind(record.held_ms)
                        .bind(record.behind.map(|Offset(offset)| offset))
                        .bind(record.order_key.clone())
                        .execute(&mut *self.0)
                        .await
                        .map_err(|e| $wrong(e, "hold a record"))?;
                }
                Ok(())
            }

            async fn settle(
                &mut self,
                group: &str,
                partition: &TopicPartition,
                settles: &[Settle],
                at_ms: i64,
            ) -> Result<bool, StoreError> {
                let wrong = |e| $wrong(e, "note what became of held records");
                for settle in settles {
                    let (statement, verb, detail) = match &settle.to {
                        Settled::Applied { edited: false } => (sql::APPLIED, Some("applied"), ""),
                        Settled::Applied { edited: true } => (sql::APPLIED_EDITED, Some("applied"), "as edited"),
                        Settled::Failed { code, .. } => (sql::FAILED, Some("failed"), code.as_str()),
                        Settled::Behind { .. } => (sql::BEHIND, None, ""),
                        Settled::Answered => (sql::ANSWERED, None, ""),
                    };
                    let update = query(format!("{statement} {} AND version = $5", sql::PLACE));
                    let update = update.bind(group.to_owned()).bind(partition.topic.to_string());
                    let update = update.bind(partition.partition).bind(settle.offset.0).bind(settle.version);
                    let update = match &settle.to {
                        Settled::Applied { .. } | Settled::Answered => update,
                        Settled::Failed { code, reason, order_key } => {
                            update.bind(code.clone()).bind(reason.clone()).bind(order_key.clone())
                        }
                        Settled::Behind { cause, code } => {
                            update.bind(code.clone()).bind(behind_reason(*cause)).bind(cause.0)
                        }
                    };
                    if update.execute(&mut *self.0).await.map_err(wrong)?.rows_affected() != 1 {
                        return Ok(false);
                    }
                    if let Some(verb) = verb {
                        let insert = query(sql::NOTE).bind(group.to_owned()).bind(partition.topic.to_string());
                        let insert = insert.bind(partition.partition).bind(settle.offset.0).bind(at_ms);
                        let insert = insert.bind(verb).bind("the sink").bind(detail.to_owned());
                        insert.execute(&mut *self.0).await.map_err(wrong)?;
                    }
                }
                Ok(true)
            }
        }
    };
}
pub(super) use held_sql;
