//! What every database's store does in the same steps. A macro gives each its own, because sqlx's types differ.

use std::collections::HashMap;

use coursebus_transport::{Offset, TopicPartition};

use crate::{
    HeldPlace,
    chain::RowName,
    held::{Edited, parse_headers},
};

type PlaceRow = (String, i32, i64);

pub(super) fn place((topic, partition, offset): PlaceRow) -> HeldPlace {
    HeldPlace { partition: TopicPartition::new(topic, partition), offset: Offset(offset) }
}

pub(super) fn edited(at: PlaceRow, value: Vec<u8>, headers: Option<String>) -> (HeldPlace, Edited) {
    let headers = parse_headers(headers.as_deref().unwrap_or("[]"));
    (place(at), Edited { value, headers })
}

/// The tables that rows are of, by name: what a database answers has another lifetime.
pub(super) fn table_names(rows: &[RowName]) -> HashMap<&'static str, &'static str> {
    rows.iter().map(|(table, _)| (*table, *table)).collect()
}

/// Implements [`super::Store`] for a store, and of [`super::Tx`] what does not differ. The store's module has
/// - `$store::write()`, which begins a transaction, `pool()`, which reads, and `snapshot()`, which begins to read as of one
///   moment;
/// - `query(text)`, whose parameters are owned; `bind` and `read`, which know what values are in this database;
/// - `take_over_one(transaction, group, id)` and `wrong(error, what was tried)`;
/// - `behind(table)`, which says what comes behind a key, and `AUDIT_MODE`.
macro_rules! store_sql {
    ($store:ty, $tx:ident, $row:ty) => {
        fn read_row(table: &Table, row: &$row) -> Result<Vec<Value>, sqlx::Error> {
            table.all_columns().enumerate().map(|(index, column)| read(row, index, column.kind)).collect()
        }

        fn read_position(row: &$row) -> Result<Position, sqlx::Error> {
            let topic: String = row.try_get(0)?;
            Ok(Position {
                id: PartitionId {
                    partition: TopicPartition::new(topic, row.try_get(1)?),
                    cluster: row.try_get(2)?,
                    topic_id: row.try_get(3)?,
                },
                epoch: row.try_get(4)?,
                next: row.try_get::<Option<i64>, _>(5)?.map(Offset),
            })
        }

        fn read_audit(row: &$row) -> Result<((String, String), AuditRow), sqlx::Error> {
            let chain: String = row.try_get(3)?;
            let columns =
                AuditRow { applied: row.try_get(2)?, chain: AuditRow::parse_chain(&chain), deleted: row.try_get(4)? };
            Ok(((row.try_get(0)?, row.try_get(1)?), columns))
        }

        #[async_trait]
        impl Store for $store {
            async fn take_over(&self, group: &str, partitions: &[PartitionId]) -> Result<Vec<Position>, StoreError> {
                let wrong = |e| wrong(e, "take partitions over");
                let mut tx = self.write().await?;
                // In one order, so that two that take over at once do not wait for each other in a circle.
                let mut order: Vec<usize> = (0..partitions.len()).collect();
                order.sort_by_key(|i| &partitions[*i].partition);
                let mut positions: Vec<Option<Position>> = vec![None; partitions.len()];
                for i in order {
                    positions[i] = Some(take_over_one(&mut tx, group, &partitions[i]).await.map_err(wrong)?);
                }
                tx.commit().await.map_err(wrong)?;
                Ok(positions.into_iter().flatten().collect())
            }

            async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
                Ok(Box::new($tx(self.write().await?)))
            }

            async fn positions(&self, group: &str) -> Result<Vec<Position>, StoreError> {
                let wrong = |e| wrong(e, "read positions");
                let text = format!("{} ORDER BY topic, partition", statements::POSITIONS);
                let rows = query(text).bind(group.to_owned()).fetch_all(self.pool()).await.map_err(wrong)?;
                rows.iter().map(read_position).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn rows(
                &self,
                table: &'static Table,
                after: Option<&[Value]>,
                limit: u32,
            ) -> Result<Vec<Vec<Value>>, StoreError> {
                let wrong = |e| wrong(e, "read rows");
                let select = query(statements::select_page(table, after.map(|_| behind(table)), limit));
                let select = after.into_iter().flatten().fold(select, bind);
                let rows = select.fetch_all(self.pool()).await.map_err(wrong)?;
                rows.iter().map(|row| read_row(table, row)).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn row(&self, table: &'static Table, key: &[Value]) -> Result<Option<Vec<Value>>, StoreError> {
                let wrong = |e| wrong(e, "read a row");
                let select = key.iter().fold(query(statements::select_row(table)), bind);
                let row = select.fetch_optional(self.pool()).await.map_err(wrong)?;
                row.map(|row| read_row(table, &row)).transpose().map_err(wrong)
            }

            async fn audit_state(&self, group: &str) -> Result<AuditState, StoreError> {
                self.read_audit_state(group).await.map_err(|e| wrong(e, "read audit columns"))
            }

            async fn audit_mode(&self, on: bool) -> Result<bool, StoreError> {
                let wrong = |e| wrong(e, "note the audit mode");
                let mut tx = self.write().await?;
                query(AUDIT_MODE).bind(on).execute(&mut *tx).await.map_err(wrong)?;
                let row = query(statements::IS_AUDITED).fetch_one(&mut *tx).await.map_err(wrong)?;
                let value: String = row.try_get(0).map_err(wrong)?;
                tx.commit().await.map_err(wrong)?;
                Ok(value == "on")
            }

            async fn held(&self, group: &str) -> Result<Vec<HeldRecord>, StoreError> {
                let wrong = |e| wrong(e, "read held records");
                let columns = super::held::COLUMNS;
                let text = format!(
                    "SELECT {columns} FROM bus_held WHERE consumer_group = $1 ORDER BY topic, partition, record_offset"
                );
                let rows = query(text).bind(group.to_owned()).fetch_all(self.pool()).await.map_err(wrong)?;
                rows.iter().map(read_held).collect::<Result<_, _>>().map_err(wrong)
            }
        }

        impl $store {
            async fn read_audit_state(&self, group: &str) -> Result<AuditState, sqlx::Error> {
                let mut tx = self.snapshot().await?;
                let group = || group.to_owned();
                let positions = query(statements::POSITIONS).bind(group()).fetch_all(&mut *tx).await?;
                let complete = query(statements::IS_AUDITED).fetch_optional(&mut *tx).await?;
                let rows = query(statements::AUDIT_COLUMNS).fetch_all(&mut *tx).await?;
                let held = query(statements::AUDIT_HELD).bind(group()).fetch_all(&mut *tx).await?;
                let edited = query(statements::AUDIT_EDITED).bind(group()).fetch_all(&mut *tx).await?;
                let at = |row: &$row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
                let edit = |row: &$row| Ok(shared::edited(at(row)?, row.try_get(3)?, row.try_get(4)?));
                let complete: Option<String> = complete.map(|row| row.try_get(0)).transpose()?;
                Ok(AuditState {
                    complete: complete.is_some_and(|value| value == "on"),
                    positions: positions.iter().map(read_position).collect::<Result<_, _>>()?,
                    rows: rows.iter().map(read_audit).collect::<Result<_, _>>()?,
                    held: held.iter().map(|row| at(row).map(shared::place)).collect::<Result<_, _>>()?,
                    edited: edited.iter().map(edit).collect::<Result<_, sqlx::Error>>()?,
                })
            }
        }

        impl $tx {
            async fn move_position(
                &mut self,
                group: &str,
                partition: &TopicPartition,
                epoch: i64,
                next: Offset,
            ) -> Result<bool, StoreError> {
                let update = query(statements::ADVANCE).bind(group.to_owned()).bind(partition.topic.to_string());
                let update = update.bind(partition.partition).bind(epoch).bind(next.0);
                let done = update.execute(&mut *self.0).await.map_err(|e| wrong(e, "move the position"))?;
                Ok(done.rows_affected() == 1)
            }

            async fn read_standing(
                &mut self,
                group: &str,
                partition: &TopicPartition,
            ) -> Result<Option<(i64, Option<Offset>)>, StoreError> {
                let wrong = |e| wrong(e, "read the position");
                let select = query(statements::STANDING).bind(group.to_owned()).bind(partition.topic.to_string());
                let row = select.bind(partition.partition).fetch_optional(&mut *self.0).await.map_err(wrong)?;
                let standing = |row: $row| Ok((row.try_get(0)?, row.try_get::<Option<i64>, _>(1)?.map(Offset)));
                row.map(standing).transpose().map_err(wrong)
            }
        }

        super::held::held_sql!($store, $tx, $row, wrong);
        super::operate::operate!($store, $row, wrong);
    };
}

/// `take_over_one` where an `INSERT` can answer with the row.
macro_rules! take_over_returning {
    ($database:ty) => {
        /// Raises the epoch of one partition.
        async fn take_over_one(
            tx: &mut Transaction<'static, $database>,
            group: &str,
            id: &PartitionId,
        ) -> Result<Position, sqlx::Error> {
            let insert = query(statements::TAKE_OVER).bind(group.to_owned()).bind(id.partition.topic.to_string());
            let insert = insert.bind(id.partition.partition).bind(id.cluster.clone()).bind(id.topic_id.clone());
            read_position(&insert.fetch_one(&mut **tx).await?)
        }
    };
}
pub(super) use {store_sql, take_over_returning};
