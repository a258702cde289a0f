//! What an operator does with a sink's database: move positions, accept gaps, count.
//!
//! The statements are the same on every database; a macro binds them to each, because sqlx's types differ.

use async_trait::async_trait;
use coursebus_transport::Offset;

use super::{PartitionId, Position, StoreError};
use crate::{SinkSpec, gap::Gap};

/// A position that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The partition as the log has it now.
    pub id: PartitionId,
    /// The next offset to apply.
    pub to: Offset,
}

/// What moving positions changed beside them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Held records that were removed, because they are met again.
    pub held: u64,
    /// Remembered events that were forgotten, because they are to be applied again.
    pub inbox: u64,
    /// Whether audit columns were removed: an audit refuses this database from now on.
    pub audit: bool,
}

/// How many records are held for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCount {
    /// The full name of the topic.
    pub topic: String,
    /// Counted from 0.
    pub partition: i32,
    /// What is to become of them.
    pub state: String,
    /// Why they are held.
    pub code: String,
    /// How many.
    pub count: u64,
}

/// The operator's part of a sink's database. Each call is one transaction.
#[async_trait]
pub trait Operate: Send + Sync {
    /// Moves positions, and with them all that hangs on them, or changes nothing:
    /// - epochs rise, so that a member that runs can write nothing more;
    /// - records held at or after the new position go, because they are met again: kept, they would be applied twice. Where
    ///   the position was of a topic that is gone they stay, under `<topic>@<its id>`: nobody will meet them again;
    /// - when any position goes back, the events that the group remembers are forgotten (a new generation of the inbox), or
    ///   the inbox would drop what is to be applied again;
    /// - when any position changes, audit columns go and auditing ends: they would count what was skipped or repeated on
    ///   purpose as faults.
    async fn move_positions(&self, group: &str, moves: &[Move]) -> Result<Moved, StoreError>;

    /// Goes on behind a gap, and notes that. Audit columns go, as above.
    ///
    /// # Errors
    /// `Fenced` when the epoch is not the position's any more; nothing is changed.
    async fn accept_gap(&self, group: &str, epoch: i64, gap: &Gap, noted_ms: i64) -> Result<(), StoreError>;

    /// How many gaps were accepted in each partition, by topic and partition.
    async fn gaps(&self, group: &str) -> Result<Vec<(String, i32, u64)>, StoreError>;

    /// Held records, counted by partition and cause.
    async fn held_counts(&self, group: &str) -> Result<Vec<HeldCount>, StoreError>;

    /// How many records are held at or after a position.
    async fn held_from(&self, group: &str, position: &Move) -> Result<u64, StoreError>;

    /// Whether no sink has written anything here: no position, no held record, no row.
    async fn is_untouched(&self, spec: &SinkSpec) -> Result<bool, StoreError>;
}

pub(super) const SET_POSITION: &str = "UPDATE bus_positions SET position = $5, cluster = $6, topic_id = $7
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND epoch = $4";
pub(super) const DROP_HELD: &str =
    "DELETE FROM bus_held WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND record_offset >= $4";
pub(super) const COUNT_HELD: &str = "SELECT count(*) FROM bus_held
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND record_offset >= $4";
/// The topic's id tells them apart from what the new topic of that name may hold at the same offsets.
pub(super) const SET_HELD_ASIDE: &str =
    "UPDATE bus_held SET topic = $4 WHERE consumer_group = $1 AND topic = $2 AND partition = $3";
pub(super) const END_AUDIT: &str = "UPDATE bus_meta SET value = 'off' WHERE name = 'audit' AND value = 'on'";
pub(super) const DROP_AUDIT: &str = "DELETE FROM bus_audit";
pub(super) const DROP_INBOX: &str = "DELETE FROM bus_inbox WHERE consumer_group = $1";
pub(super) const INSERT_GAP: &str =
    "INSERT INTO bus_gaps (consumer_group, topic, partition, cause, position, resumed_at,
    cluster, topic_id, noted_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
pub(super) const COUNT_GAPS: &str = "SELECT topic, partition, count(*) FROM bus_gaps WHERE consumer_group = $1
    GROUP BY topic, partition ORDER BY topic, partition";
pub(super) const COUNT_HELD_BY_CAUSE: &str = "SELECT topic, partition, state, code, count(*) FROM bus_held
    WHERE consumer_group = $1 GROUP BY topic, partition, state, code ORDER BY topic, partition, state, code";
pub(super) const COUNT_TOUCHES: &str = "SELECT (SELECT count(*) FROM bus_positions WHERE position IS NOT NULL)
    + (SELECT count(*) FROM bus_held)";

/// What a move does to the rows that hang on a position, as it was stored before.
pub(super) struct Consequences {
    /// The position is another one than before.
    pub(super) changes: bool,
    /// Events are to be applied again.
    pub(super) goes_back: bool,
    /// The position was of a topic that is gone.
    pub(super) of_another: bool,
}

impl Consequences {
    pub(super) fn new(before: &Position, position: &Move) -> Self {
        let of_another = before.next.is_some() && before.id != position.id;
        Self {
            changes: of_another || before.next != Some(position.to),
            goes_back: of_another || before.next.is_some_and(|next| position.to < next),
            of_another,
        }
    }
}

/// Under which name records of a topic that is gone stay held.
pub(super) fn aside(id: &PartitionId) -> String {
    format!("{}@{}", id.partition.topic, id.topic_id)
}

/// Implements [`Operate`] for a store, whose module has what [`super::shared`] asks for.
macro_rules! operate {
    ($store:ty, $row:ty, $wrong:path) => {
        #[async_trait::async_trait]
        impl $crate::store::Operate for $store {
            async fn move_positions(
                &self,
                group: &str,
                moves: &[$crate::store::Move],
            ) -> Result<$crate::store::Moved, StoreError> {
                use $crate::store::operate as sql;
                let wrong = |e| $wrong(e, "move positions");
                let mut tx = self.write().await?;
                let mut moved = $crate::store::Moved::default();
                let (mut changes, mut goes_back) = (false, false);
                // In one order, so that two that move at once do not wait for each other in a circle.
                let mut moves: Vec<_> = moves.iter().collect();
                moves.sort_by_key(|m| &m.id.partition);
                for position in moves {
                    let (id, to) = (&position.id, position.to);
                    let before = take_over_one(&mut tx, group, id).await.map_err(wrong)?;
                    query(sql::SET_POSITION)
                        .bind(group.to_owned())
                        .bind(id.partition.topic.to_string())
                        .bind(id.partition.partition)
                        .bind(before.epoch)
                        .bind(to.0)
                        .bind(id.cluster.clone())
                        .bind(id.topic_id.clone())
                        .execute(&mut *tx)
                        .await
                        .map_err(wrong)?;
                    let then = sql::Consequences::new(&before, position);
                    changes |= then.changes;
                    goes_back |= then.goes_back;
                    let held = query(if then.of_another { sql::SET_HELD_ASIDE } else { sql::DROP_HELD })
                        .bind(group.to_owned())
                        .bind(id.partition.topic.to_string())
                        .bind(id.partition.partition);
                    if then.of_another {
                        held.bind(sql::aside(&before.id)).execute(&mut *tx).await.map_err(wrong)?;
                    } else {
                        moved.held += held.bind(to.0).execute(&mut *tx).await.map_err(wrong)?.rows_affected();
                    }
                }
                if goes_back {
                    let forgotten =
                        query(sql::DROP_INBOX).bind(group.to_owned()).execute(&mut *tx).await.map_err(wrong)?;
                    moved.inbox = forgotten.rows_affected();
                }
                if changes {
                    let ended = query(sql::END_AUDIT).execute(&mut *tx).await.map_err(wrong)?;
                    moved.audit = ended.rows_affected() > 0;
                    query(sql::DROP_AUDIT).execute(&mut *tx).await.map_err(wrong)?;
                }
                tx.commit().await.map_err(wrong)?;
                Ok(moved)
            }

            async fn accept_gap(
                &self,
                group: &str,
                epoch: i64,
                gap: &$crate::Gap,
                noted_ms: i64,
            ) -> Result<(), StoreError> {
                use $crate::store::operate as sql;
                let wrong = |e| $wrong(e, "accept a gap");
                let partition = &gap.id.partition;
                let mut tx = self.write().await?;
                let set = query(sql::SET_POSITION)
                    .bind(group.to_owned())
                    .bind(partition.topic.to_string())
                    .bind(partition.partition)
                    .bind(epoch)
                    .bind(gap.resume.0)
                    .bind(gap.id.cluster.clone())
                    .bind(gap.id.topic_id.clone())
                    .execute(&mut *tx)
                    .await
                    .map_err(wrong)?;
                if set.rows_affected() != 1 {
                    return Err(StoreError::Fenced { partition: partition.clone() });
                }
                query(sql::INSERT_GAP)
                    .bind(group.to_owned())
                    .bind(partition.topic.to_string())
                    .bind(partition.partition)
                    .bind(gap.cause.as_str())
                    .bind(gap.position.0)
                    .bind(gap.resume.0)
                    .bind(gap.stored.cluster.clone())
                    .bind(gap.stored.topic_id.clone())
                    .bind(noted_ms)
                    .execute(&mut *tx)
                    .await
                    .map_err(wrong)?;
                if gap.stored != gap.id {
                    query(sql::SET_HELD_ASIDE)
                        .bind(group.to_owned())
                        .bind(partition.topic.to_string())
                        .bind(partition.partition)
                        .bind(sql::aside(&gap.stored))
                        .execute(&mut *tx)
                        .await
                        .map_err(wrong)?;
                }
                query(sql::END_AUDIT).execute(&mut *tx).await.map_err(wrong)?;
                query(sql::DROP_AUDIT).execute(&mut *tx).await.map_err(wrong)?;
                tx.commit().await.map_err(wrong)
            }

            async fn gaps(&self, group: &str) -> Result<Vec<(String, i32, u64)>, StoreError> {
                let wrong = |e| $wrong(e, "count gaps");
                let select = query($crate::store::operate::COUNT_GAPS).bind(group.to_owned());
                let rows = select.fetch_all(self.pool()).await.map_err(wrong)?;
                let count =
                    |row: &$row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get::<i64, _>(2)?.unsigned_abs()));
                rows.iter().map(count).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn held_counts(&self, group: &str) -> Result<Vec<$crate::store::HeldCount>, StoreError> {
                let wrong = |e| $wrong(e, "count held records");
                let select = query($crate::store::operate::COUNT_HELD_BY_CAUSE).bind(group.to_owned());
                let rows = select.fetch_all(self.pool()).await.map_err(wrong)?;
                let count = |row: &$row| {
                    Ok($crate::store::HeldCount {
                        topic: row.try_get(0)?,
                        partition: row.try_get(1)?,
                        state: row.try_get(2)?,
                        code: row.try_get(3)?,
                        count: row.try_get::<i64, _>(4)?.unsigned_abs(),
                    })
                };
                rows.iter().map(count).collect::<Result<_, _>>().map_err(wrong)
            }

            async fn held_from(&self, group: &str, position: &$crate::store::Move) -> Result<u64, StoreError> {
                let wrong = |e| $wrong(e, "count held records");
                let at = &position.id.partition;
                let select = query($crate::store::operate::COUNT_HELD).bind(group.to_owned());
                let select = select.bind(at.topic.to_string()).bind(at.partition).bind(position.to.0);
                let row = select.fetch_one(self.pool()).await.map_err(wrong)?;
                row.try_get::<i64, _>(0).map(i64::unsigned_abs).map_err(wrong)
            }

            async fn is_untouched(&self, spec: &$crate::SinkSpec) -> Result<bool, StoreError> {
                let wrong = |e| $wrong(e, "look whether it is empty");
                let looks = spec.tables.iter().map(|table| {
                    let name = $crate::store::sql::quoted(table.name);
                    format!("SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 1) AS t")
                });
                let mut found = 0_i64;
                for look in [$crate::store::operate::COUNT_TOUCHES.to_owned()].into_iter().chain(looks) {
                    let row = query(look).fetch_one(self.pool()).await.map_err(wrong)?;
                    found += row.try_get::<i64, _>(0).map_err(wrong)?;
                }
                Ok(found == 0)
            }
        }
    };
}
pub(super) use operate;

#[cfg(test)]
mod tests {
    use coursebus_transport::TopicPartition;

    use super::*;

    #[test]
    fn a_move_knows_what_it_means() {
        let id = |topic_id: &str| PartitionId {
            partition: TopicPartition::new("t", 0),
            cluster: "c".to_owned(),
            topic_id: topic_id.to_owned(),
        };
        let check = |stored: (&str, Option<i64>), to: i64, expected: (bool, bool, bool)| {
            let before = Position { id: id(stored.0), epoch: 1, next: stored.1.map(Offset) };
            let then = Consequences::new(&before, &Move { id: id("a"), to: Offset(to) });
            assert_eq!((then.changes, then.goes_back, then.of_another), expected, "{stored:?} to {to}");
        };
        check(("a", Some(5)), 5, (false, false, false));
        check(("a", Some(5)), 6, (true, false, false));
        check(("a", Some(5)), 4, (true, true, false));
        check(("a", None), 0, (true, false, false));
        check(("b", Some(5)), 5, (true, true, true));
    }
}
