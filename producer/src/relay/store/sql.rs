//! The statements, for all three databases, and the store that is made of them. In the statements `?` is a parameter; `{in}` and
//! `{not in}` are lists of ids, `{delete rows}` deletes those of a list and waits for no writer, `{now}` is the database's clock in
//! milliseconds, `{written}` is `created_at` as RFC 3339.

pub(super) const IDENTITY: &str = "SELECT value FROM coursebus_outbox_meta WHERE name = 'identity'";
pub(super) const ACQUIRE: &str =
    "UPDATE coursebus_outbox_lease SET holder = ?, token = token + 1, until_ms = {now} + ?,
    idle = FALSE WHERE name = 'relay' AND until_ms < {now}";
pub(super) const LEASE: &str = "SELECT token, batch FROM coursebus_outbox_lease WHERE name = 'relay'";
pub(super) const RENEW: &str =
    "UPDATE coursebus_outbox_lease SET until_ms = {now} + ? WHERE name = 'relay' AND token = ?";
pub(super) const RELEASE: &str =
    "UPDATE coursebus_outbox_lease SET until_ms = 0, holder = '', idle = FALSE WHERE name = 'relay' AND token = ?";
/// One row, locked: until the transaction ends nobody takes the lease.
pub(super) const OWN: &str =
    "UPDATE coursebus_outbox_lease SET batch = {greatest}(batch, ?) WHERE name = 'relay' AND token = ?";
pub(super) const IDLE: &str = "UPDATE coursebus_outbox_lease SET idle = ? WHERE name = 'relay' AND token = ?";

/// The columns of a row, in the order of `read_row`.
pub(super) const ROW: &str =
    "id, event_id, event_type, source, COALESCE(occurred_at, {written}), payload_format, minor_version,
    CASE WHEN LENGTH(payload) <= 16777216 THEN payload END, CASE WHEN LENGTH(record_key) <= 65536 THEN record_key END,
    subject, causation_id, traceparent, CAST(NULL AS {bigint})";
pub(super) const READ: &str = "FROM coursebus_outbox WHERE id {not in} ORDER BY id LIMIT ?";
/// The same columns of a held row: an edit stands in for the payload.
pub(super) const HELD_ROW: &str = "row_id, event_id, event_type, source, COALESCE(occurred_at, {written}),
    CASE WHEN edited_payload IS NULL THEN payload_format ELSE 'json' END,
    CASE WHEN edited_payload IS NULL THEN minor_version END,
    CASE WHEN edited_payload IS NOT NULL THEN edited_payload WHEN LENGTH(payload) <= 16777216 THEN payload END,
    CASE WHEN edited_payload IS NULL AND LENGTH(record_key) <= 65536 THEN record_key END,
    subject, causation_id, traceparent, seq";
pub(super) const WAITING: &str = "FROM coursebus_outbox_held WHERE block = ? AND state = 'parked' ORDER BY seq LIMIT ?";
pub(super) const ONE: &str = "FROM coursebus_outbox_held WHERE row_id = ? AND state = 'parked'";
pub(super) const ASKED: &str =
    "SELECT row_id, block FROM coursebus_outbox_held WHERE asked_ms IS NOT NULL ORDER BY asked_ms, seq LIMIT 1";
pub(super) const ASK_AGAIN: &str =
    "UPDATE coursebus_outbox_held SET asked_ms = {now} WHERE state = 'parked' AND behind IS NULL
    AND asked_ms IS NULL AND code = ? AND held_ms <= {now} - ?";

pub(super) const EVENTS: &str = "SELECT id, source, event_id FROM coursebus_outbox WHERE id {in}";
pub(super) const HELD_EVENTS: &str = "SELECT row_id, source, event_id FROM coursebus_outbox_held WHERE row_id {in}";
pub(super) const FORGET_BATCH: &str =
    "UPDATE coursebus_outbox_lease SET batch = {greatest}(batch, ?) WHERE name = 'relay'";
pub(super) const DELETE: &str = "{delete rows}";
pub(super) const RETURNED_NOTE: &str = "INSERT INTO coursebus_outbox_held_log (row_id, at_ms, verb, who, detail)
    SELECT row_id, {now}, 'applied', 'the relay', '' FROM coursebus_outbox_held WHERE state = 'parked' AND row_id {in}";
pub(super) const RETURNED_EDITED: &str =
    "UPDATE coursebus_outbox_held SET state = 'applied', asked_ms = NULL, behind = NULL
    WHERE edited_payload IS NOT NULL AND row_id {in}";
pub(super) const RETURNED: &str = "DELETE FROM coursebus_outbox_held WHERE edited_payload IS NULL AND row_id {in}";

pub(super) const HOLD: &str = "INSERT INTO coursebus_outbox_held (row_id, event_id, event_type, source, occurred_at,
    payload_format, minor_version, payload, record_key, subject, causation_id, traceparent, created_at, state, code, reason,
    topic, order_key, block, behind, held_ms)
    SELECT id, event_id, event_type, source, occurred_at, payload_format, minor_version, payload, record_key, subject,
    causation_id, traceparent, created_at, 'parked', ?, ?, ?, ?, ?, ?, {now} FROM coursebus_outbox WHERE id = ?";
pub(super) const DELETE_ONE: &str = "DELETE FROM coursebus_outbox WHERE id = ?";
pub(super) const HOLD_ON: &str =
    "UPDATE coursebus_outbox_held SET code = ?, reason = ?, topic = ?, order_key = ?, block = ?,
    behind = ?, held_ms = {now}, asked_ms = NULL, tries = tries + ? WHERE row_id = ? AND state = 'parked'";
pub(super) const ANSWERED: &str = "UPDATE coursebus_outbox_held SET asked_ms = NULL WHERE row_id = ?";
pub(super) const NEXT: &str =
    "UPDATE coursebus_outbox_held SET asked_ms = {now}, behind = NULL WHERE row_id = ? AND state = 'parked'";

pub(super) const BLOCKS: &str = "SELECT block, row_id, seq, code FROM coursebus_outbox_held WHERE state = 'parked'
    AND block IS NOT NULL ORDER BY seq DESC";

pub(super) const STATUS: &str = "SELECT
    (SELECT COUNT(*) FROM coursebus_outbox), (SELECT {oldest} FROM coursebus_outbox ORDER BY id LIMIT 1),
    (SELECT COUNT(*) FROM coursebus_outbox_held WHERE state = 'parked'),
    CASE WHEN until_ms >= {now} THEN holder END, batch FROM coursebus_outbox_lease WHERE name = 'relay'";
pub(super) const HELD: &str = "SELECT row_id, event_id, event_type, source, payload_format, minor_version,
    CASE WHEN LENGTH(payload) <= 16777216 THEN payload END, CASE WHEN LENGTH(record_key) <= 65536 THEN record_key END,
    state, code, reason, topic, order_key, behind, held_ms, asked_ms, tries, edited_payload
    FROM coursebus_outbox_held ORDER BY seq";
/// No index begins with the event's id: the table is looked through.
pub(super) const FIND: &str = "SELECT id, event_type, source, COALESCE(occurred_at, {written}), {written},
    'waiting', '', '' FROM coursebus_outbox WHERE event_id = ?
    UNION ALL SELECT row_id, event_type, source, COALESCE(occurred_at, {written}), {written},
    state, code, reason FROM coursebus_outbox_held WHERE event_id = ? ORDER BY 1 LIMIT 1000";
pub(super) const RETRY: &str =
    "UPDATE coursebus_outbox_held SET asked_ms = {now} WHERE row_id = ? AND state = 'parked'";
pub(super) const DISCARD: &str =
    "UPDATE coursebus_outbox_held SET asked_ms = {now}, state = 'discarded' WHERE row_id = ? AND state = 'parked'";
pub(super) const EDIT: &str =
    "UPDATE coursebus_outbox_held SET edited_payload = ? WHERE row_id = ? AND state = 'parked'";
pub(super) const NOTE: &str =
    "INSERT INTO coursebus_outbox_held_log (row_id, at_ms, verb, who, detail) VALUES (?, {now}, ?, ?, ?)";
pub(super) const LOG: &str =
    "SELECT row_id, at_ms, verb, who, detail FROM coursebus_outbox_held_log ORDER BY seq DESC LIMIT ?";

/// Implements the contract for a store with `pool()`, `write()` (a transaction that writes), `wake` and the functions `text`
/// (a statement in the database's words), `ids` and `bind_ids` (lists of ids).
macro_rules! outbox_store {
    ($store:ty, $row:ty) => {
        use std::collections::HashSet;

        use futures::TryStreamExt;

        use $crate::relay::{
            held::{FoundRow, HeldMark, HeldNote, HeldRow, OutboxStatus},
            plan::{Blocks, Cause},
            row::{Block, Row, print},
            store::{Asked, Lease, OutboxError, READ_BYTES_MAX, Settle, Store, sql},
        };

        fn wrong(what: &'static str) -> impl Fn(sqlx::Error) -> OutboxError {
            move |error| OutboxError::from_sqlx(error, what)
        }

        /// Bytes of a text or bytes column, whatever the database takes them for.
        fn bytes(row: &$row, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
            row.try_get_unchecked::<Option<Vec<u8>>, _>(index)
        }

        fn string(row: &$row, index: usize, garbled: &mut bool) -> Result<Option<String>, sqlx::Error> {
            let read = |bytes: Vec<u8>| {
                String::from_utf8(bytes).unwrap_or_else(|error| {
                    *garbled = true;
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                })
            };
            Ok(bytes(row, index)?.map(read))
        }

        fn read_row(row: &$row) -> Result<Row, sqlx::Error> {
            let mut garbled = false;
            Ok(Row {
                id: row.try_get(0)?,
                event_id: string(row, 1, &mut garbled)?.unwrap_or_default(),
                event_type: string(row, 2, &mut garbled)?.unwrap_or_default(),
                source: string(row, 3, &mut garbled)?.unwrap_or_default(),
                occurred_at: string(row, 4, &mut garbled)?.unwrap_or_default(),
                format: string(row, 5, &mut garbled)?.unwrap_or_default(),
                minor_version: row.try_get_unchecked(6)?,
                payload: bytes(row, 7)?,
                record_key: bytes(row, 8)?,
                subject: string(row, 9, &mut garbled)?,
                causation_id: string(row, 10, &mut garbled)?,
                traceparent: string(row, 11, &mut garbled)?,
                seq: row.try_get_unchecked(12)?,
                garbled,
            })
        }

        fn read_held(row: &$row) -> Result<HeldRow, sqlx::Error> {
            let mut garbled = false;
            let mut text = |index| string(row, index, &mut garbled);
            Ok(HeldRow {
                id: row.try_get(0)?,
                event_id: text(1)?.unwrap_or_default(),
                event_type: text(2)?.unwrap_or_default(),
                source: text(3)?.unwrap_or_default(),
                payload_format: text(4)?.unwrap_or_default(),
                minor_version: row.try_get_unchecked(5)?,
                payload: bytes(row, 6)?,
                record_key: bytes(row, 7)?,
                state: text(8)?.unwrap_or_default(),
                code: text(9)?.unwrap_or_default(),
                reason: text(10)?.unwrap_or_default(),
                topic: text(11)?,
                order_key: bytes(row, 12)?,
                behind: row.try_get(13)?,
                held_ms: row.try_get(14)?,
                asked_ms: row.try_get(15)?,
                tries: row.try_get(16)?,
                edited_payload: bytes(row, 17)?,
            })
        }

        /// The ids of the rows that still carry the events that were published.
        fn same_events(found: &[$row], published: &HashSet<(i64, u64)>) -> Result<Vec<i64>, sqlx::Error> {
            let mut ids = Vec::new();
            for row in found {
                let id: i64 = row.try_get(0)?;
                let mut garbled = false;
                let (source, event) = (string(row, 1, &mut garbled)?, string(row, 2, &mut garbled)?);
                let print = print(source.unwrap_or_default().as_bytes(), event.unwrap_or_default().as_bytes());
                if published.contains(&(id, print)) {
                    ids.push(id);
                }
            }
            Ok(ids)
        }

        #[async_trait]
        impl Store for $store {
            async fn install(&self) -> Result<(), OutboxError> {
                let migration = sqlx::raw_sql(MIGRATION).execute(self.pool()).await;
                migration.map(drop).map_err(wrong("make the tables"))
            }

            async fn identity(&self) -> Result<String, OutboxError> {
                let wrong = wrong("read the outbox's identity");
                let row = sqlx::query(sql::IDENTITY).fetch_optional(self.pool()).await.map_err(&wrong)?;
                let row = row.ok_or_else(|| OutboxError::NotInstalled { source: "it has no identity".into() })?;
                string(&row, 0, &mut false).map(Option::unwrap_or_default).map_err(wrong)
            }

            async fn acquire(&self, holder: &str, lasts: Duration) -> Result<Option<Lease>, OutboxError> {
                let wrong = wrong("take the lease");
                let mut tx = self.write().await.map_err(&wrong)?;
                let update = sqlx::query(text(sql::ACQUIRE)).bind(holder).bind(millis(lasts));
                if update.execute(&mut *tx).await.map_err(&wrong)?.rows_affected() == 0 {
                    return Ok(None);
                }
                let row = sqlx::query(sql::LEASE).fetch_one(&mut *tx).await.map_err(&wrong)?;
                let lease = Lease { token: row.try_get(0).map_err(&wrong)?, batch: row.try_get(1).map_err(&wrong)? };
                tx.commit().await.map_err(wrong)?;
                Ok(Some(lease))
            }

            async fn renew(&self, token: i64, lasts: Duration) -> Result<bool, OutboxError> {
                let update = sqlx::query(text(sql::RENEW)).bind(millis(lasts)).bind(token);
                let done = update.execute(self.pool()).await.map_err(wrong("prolong the lease"))?;
                Ok(done.rows_affected() == 1)
            }

            async fn release(&self, token: i64) -> Result<(), OutboxError> {
                let update = sqlx::query(text(sql::RELEASE)).bind(token).execute(self.pool()).await;
                update.map(drop).map_err(wrong("release the lease"))
            }

            async fn read(&self, without: &[i64], rows_max: usize) -> Result<Vec<Row>, OutboxError> {
                let wrong = wrong("read the outbox");
                let select = text_with(&["SELECT ", sql::ROW, " ", sql::READ].concat(), without);
                let select = bind_ids(sqlx::query(select), without).bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
                let mut found = select.fetch(self.pool());
                let (mut rows, mut size) = (Vec::new(), 0);
                while let Some(row) = found.try_next().await.map_err(&wrong)? {
                    let row = read_row(&row).map_err(&wrong)?;
                    size += row.size();
                    rows.push(row);
                    if size >= READ_BYTES_MAX {
                        break;
                    }
                }
                Ok(rows)
            }

            async fn forget(&self, published: &[(i64, u64)], batch: i64) -> Result<u64, OutboxError> {
                let wrong = wrong("delete what was published");
                let ids: Vec<i64> = published.iter().map(|(id, _)| *id).collect();
                let published: HashSet<(i64, u64)> = published.iter().copied().collect();
                let mut tx = self.write().await.map_err(&wrong)?;
                let select = bind_ids(sqlx::query(text_with(sql::EVENTS, &ids)), &ids).fetch_all(&mut *tx).await;
                let rows = same_events(&select.map_err(&wrong)?, &published).map_err(&wrong)?;
                let select = bind_ids(sqlx::query(text_with(sql::HELD_EVENTS, &ids)), &ids).fetch_all(&mut *tx).await;
                let held = same_events(&select.map_err(&wrong)?, &published).map_err(&wrong)?;
                for ids in rows.chunks(DELETE_AT_ONCE) {
                    let delete = bind_ids(sqlx::query(text_with(sql::DELETE, ids)), ids);
                    delete.execute(&mut *tx).await.map_err(&wrong)?;
                }
                for statement in [sql::RETURNED_NOTE, sql::RETURNED_EDITED, sql::RETURNED] {
                    if !held.is_empty() {
                        let done = bind_ids(sqlx::query(text_with(statement, &held)), &held);
                        done.execute(&mut *tx).await.map_err(&wrong)?;
                    }
                }
                sqlx::query(text(sql::FORGET_BATCH)).bind(batch).execute(&mut *tx).await.map_err(&wrong)?;
                tx.commit().await.map_err(wrong)?;
                Ok((rows.len() + held.len()) as u64)
            }

            async fn settle(&self, token: i64, settle: &Settle) -> Result<bool, OutboxError> {
                let wrong = wrong("note what became of a batch");
                let mut tx = self.write().await.map_err(&wrong)?;
                let own = sqlx::query(text(sql::OWN)).bind(settle.batch.unwrap_or(0)).bind(token);
                if own.execute(&mut *tx).await.map_err(&wrong)?.rows_affected() == 0 {
                    return Ok(false);
                }
                for ids in settle.published.chunks(DELETE_AT_ONCE) {
                    let delete = bind_ids(sqlx::query(text_with(sql::DELETE, ids)), ids);
                    delete.execute(&mut *tx).await.map_err(&wrong)?;
                }
                let ids = &settle.returned;
                for statement in [sql::RETURNED_NOTE, sql::RETURNED_EDITED, sql::RETURNED] {
                    if !ids.is_empty() {
                        let done = bind_ids(sqlx::query(text_with(statement, ids)), ids);
                        done.execute(&mut *tx).await.map_err(&wrong)?;
                    }
                }
                if let Some(id) = settle.answered {
                    sqlx::query(text(sql::ANSWERED)).bind(id).execute(&mut *tx).await.map_err(&wrong)?;
                }
                for hold in &settle.hold {
                    let statement = if hold.is_held { sql::HOLD_ON } else { sql::HOLD };
                    let block = hold.block.map(|block| block.0.to_vec());
                    let query =
                        sqlx::query(text(statement)).bind(&hold.code).bind(short(&hold.reason)).bind(hold.topic);
                    let mut query = query.bind(&hold.order_key).bind(block).bind(hold.behind);
                    if hold.is_held {
                        query = query.bind(i32::from(hold.behind.is_none()));
                    }
                    query.bind(hold.id).execute(&mut *tx).await.map_err(&wrong)?;
                    if !hold.is_held {
                        let delete = sqlx::query(text(sql::DELETE_ONE)).bind(hold.id);
                        delete.execute(&mut *tx).await.map_err(&wrong)?;
                    } else if hold.behind.is_none() {
                        let note = sqlx::query(text(sql::NOTE)).bind(hold.id).bind("failed");
                        let note = note.bind("the relay").bind(&hold.code);
                        note.execute(&mut *tx).await.map_err(&wrong)?;
                    }
                }
                if let Some(id) = settle.next {
                    sqlx::query(text(sql::NEXT)).bind(id).execute(&mut *tx).await.map_err(&wrong)?;
                }
                tx.commit().await.map_err(wrong)?;
                Ok(true)
            }

            async fn blocks(&self) -> Result<Blocks, OutboxError> {
                let wrong = wrong("read which keys are held");
                let mut blocks = Blocks::new();
                let mut found = sqlx::query(sql::BLOCKS).fetch(self.pool());
                while let Some(row) = found.try_next().await.map_err(&wrong)? {
                    let block = bytes(&row, 0).map_err(&wrong)?.and_then(|bytes| Block::from_bytes(&bytes));
                    let Some(block) = block else { continue };
                    let code = string(&row, 3, &mut false).map_err(&wrong)?.unwrap_or_default();
                    let (id, seq) = (row.try_get(1).map_err(&wrong)?, row.try_get(2).map_err(&wrong)?);
                    // The last one that is read is the first that was held.
                    blocks.insert(block, Cause { id, seq: Some(seq), code });
                }
                Ok(blocks)
            }

            async fn asked(&self, rows_max: usize) -> Result<Option<Asked>, OutboxError> {
                let wrong = wrong("look for what is asked for");
                let found = sqlx::query(sql::ASKED).fetch_optional(self.pool()).await.map_err(&wrong)?;
                let Some(found) = found else { return Ok(None) };
                let id: i64 = found.try_get(0).map_err(&wrong)?;
                let block = bytes(&found, 1).map_err(&wrong)?.and_then(|bytes| Block::from_bytes(&bytes));
                let columns = ["SELECT ", sql::HELD_ROW, " "].concat();
                let limit = i64::try_from(rows_max).unwrap_or(i64::MAX).saturating_add(1);
                let select = match block {
                    Some(block) => {
                        let select = sqlx::query(text(&[&columns, sql::WAITING].concat()));
                        select.bind(block.0.to_vec()).bind(limit)
                    }
                    None => sqlx::query(text(&[&columns, sql::ONE].concat())).bind(id),
                };
                let mut asked = Asked { id, block, ..Asked::default() };
                let mut size = 0;
                let mut rows = select.fetch(self.pool());
                while let Some(row) = rows.try_next().await.map_err(&wrong)? {
                    let row = read_row(&row).map_err(&wrong)?;
                    if asked.rows.len() == rows_max || size >= READ_BYTES_MAX {
                        asked.next = Some((row.id, row.seq));
                        break;
                    }
                    size += row.size();
                    asked.rows.push(row);
                }
                Ok(Some(asked))
            }

            async fn ask_again(&self, codes: &[&str], after: Duration) -> Result<(), OutboxError> {
                for code in codes {
                    let update = sqlx::query(text(sql::ASK_AGAIN)).bind(*code).bind(millis(after));
                    update.execute(self.pool()).await.map_err(wrong("ask for held rows again"))?;
                }
                Ok(())
            }

            async fn set_idle(&self, token: i64, idle: bool) -> Result<(), OutboxError> {
                if !WAKES {
                    return Ok(());
                }
                let update = sqlx::query(text(sql::IDLE)).bind(idle).bind(token).execute(self.pool()).await;
                update.map(drop).map_err(wrong("say whether the relay is idle"))
            }

            async fn wake(&self, wait: Duration) {
                self.wait(wait).await;
            }

            async fn status(&self) -> Result<OutboxStatus, OutboxError> {
                let wrong = wrong("read the outbox's status");
                let row = sqlx::query(text(sql::STATUS)).fetch_one(self.pool()).await.map_err(&wrong)?;
                Ok(OutboxStatus {
                    identity: self.identity().await?,
                    waiting: row.try_get(0).map_err(&wrong)?,
                    oldest_ms: row.try_get_unchecked(1).map_err(&wrong)?,
                    held: row.try_get(2).map_err(&wrong)?,
                    relay: string(&row, 3, &mut false).map_err(&wrong)?,
                    batches: row.try_get(4).map_err(&wrong)?,
                })
            }

            async fn held(&self) -> Result<Vec<HeldRow>, OutboxError> {
                let wrong = wrong("read held rows");
                let rows = sqlx::query(sql::HELD).fetch_all(self.pool()).await.map_err(&wrong)?;
                rows.iter().map(read_held).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn find(&self, event_id: &str) -> Result<Vec<FoundRow>, OutboxError> {
                let wrong = wrong("look for an event");
                let select = sqlx::query(text(sql::FIND)).bind(event_id).bind(event_id);
                let rows = select.fetch_all(self.pool()).await.map_err(&wrong)?;
                let read = |row: &$row| -> Result<FoundRow, sqlx::Error> {
                    let mut garbled = false;
                    let mut text = |index| string(row, index, &mut garbled).map(Option::unwrap_or_default);
                    Ok(FoundRow {
                        id: row.try_get(0)?,
                        event_type: text(1)?,
                        source: text(2)?,
                        occurred_at: text(3)?,
                        written_at: text(4)?,
                        state: text(5)?,
                        code: text(6)?,
                        reason: text(7)?,
                    })
                };
                rows.iter().map(read).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn mark(
                &self,
                ids: &[i64],
                mark: &HeldMark,
                who: &str,
                detail: &str,
            ) -> Result<Vec<bool>, OutboxError> {
                let wrong = wrong("mark held rows");
                let mut tx = self.write().await.map_err(&wrong)?;
                let mut marked = Vec::with_capacity(ids.len());
                for id in ids {
                    let update = match mark {
                        HeldMark::Retry => sqlx::query(text(sql::RETRY)),
                        HeldMark::Discard => sqlx::query(text(sql::DISCARD)),
                        HeldMark::Edit(payload) => sqlx::query(text(sql::EDIT)).bind(payload),
                    };
                    let done = update.bind(id).execute(&mut *tx).await.map_err(&wrong)?.rows_affected() == 1;
                    if done {
                        let note = sqlx::query(text(sql::NOTE)).bind(id).bind(mark.verb()).bind(who).bind(detail);
                        note.execute(&mut *tx).await.map_err(&wrong)?;
                    }
                    marked.push(done);
                }
                tx.commit().await.map_err(wrong)?;
                Ok(marked)
            }

            async fn held_log(&self, limit: u32) -> Result<Vec<HeldNote>, OutboxError> {
                let wrong = wrong("read what was done to held rows");
                let select = sqlx::query(text(sql::LOG)).bind(i64::from(limit));
                let rows = select.fetch_all(self.pool()).await.map_err(&wrong)?;
                let read = |row: &$row| -> Result<HeldNote, sqlx::Error> {
                    let mut garbled = false;
                    let mut text = |index| string(row, index, &mut garbled).map(Option::unwrap_or_default);
                    Ok(HeldNote {
                        id: row.try_get(0)?,
                        at_ms: row.try_get(1)?,
                        verb: text(2)?,
                        who: text(3)?,
                        detail: text(4)?,
                    })
                };
                rows.iter().rev().map(read).collect::<Result<_, _>>().map_err(wrong)
            }
        }
    };
}
pub(super) use outbox_store;

/// A time for a statement.
pub(super) fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A reason for a column: not too long, and without NUL, which PostgreSQL does not take.
pub(super) fn short(reason: &str) -> String {
    reason.chars().take(1_000).map(|c| if c == '\0' { '\u{fffd}' } else { c }).collect()
}
