//! What a sink is: its tables, its event types, and what each event changes.

use std::collections::BTreeMap;

use coursebus_consumer::OnPoison;
use coursebus_schemas::{
    Event, EventType, OrderKey, WriterSchema, decode,
    json::{order_key_of_json, to_json},
};

use crate::Value;

/// The kind of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `TEXT`
    Text,
    /// `BIGINT`
    Int,
    /// `DOUBLE PRECISION`
    Float,
    /// `BOOLEAN`
    Bool,
    /// `TIMESTAMPTZ`; RFC 3339 text on SQLite, `DATETIME(6)` in UTC on MySQL.
    Time,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
}

/// A table of a sink. Its migration makes it; this says what the kit may write to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, without the sink's.
    pub name: &'static str,
    /// The columns of the primary key, in their order.
    pub key: &'static [Column],
    /// All other columns.
    pub columns: &'static [Column],
}

impl Table {
    /// All columns, those of the key first.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.key.iter().chain(self.columns)
    }

    /// Makes a row what the values say, and leaves its other columns alone.
    #[must_use]
    pub fn upsert<const K: usize, const C: usize>(
        &'static self,
        key: [Value; K],
        set: [(&'static str, Value); C],
    ) -> Change {
        debug_assert_eq!(K, self.key.len(), "a key has all its columns");
        debug_assert!(set.iter().all(|(name, _)| self.columns.iter().any(|c| c.name == *name)), "columns exist");
        Change { table: self, key: key.into(), set: Some(set.into()) }
    }

    /// Removes a row.
    #[must_use]
    pub fn delete<const K: usize>(&'static self, key: [Value; K]) -> Change {
        debug_assert_eq!(K, self.key.len(), "a key has all its columns");
        Change { table: self, key: key.into(), set: None }
    }
}

/// What an event does to one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The table.
    pub table: &'static Table,
    /// The row's key.
    pub key: Vec<Value>,
    /// Columns to set; `None` removes the row.
    pub set: Option<Vec<(&'static str, Value)>>,
}

impl Change {
    /// The row's key as a JSON array, the text by which the audit knows the row.
    #[must_use]
    pub fn key_text(&self) -> String {
        key_text(&self.key)
    }
}

pub(crate) fn key_text(key: &[Value]) -> String {
    serde_json::Value::Array(key.iter().map(Value::to_json).collect()).to_string()
}

/// An event whose contents cannot be put into the tables. Its record is held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct EffectError {
    /// The field, as in the schema.
    pub field: &'static str,
    /// What is wrong with it, without its value.
    pub reason: &'static str,
}

/// Which row of which table an event of a type touches: for the auditor, which reads it from the event's JSON with a decoder
/// of its own and so does not rely on the effect functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The table.
    pub table: &'static Table,
    /// Per key column the path of its field, `enrollment.user.id`.
    pub key: &'static [&'static str],
}

type EffectFn = Box<dyn Fn(&WriterSchema, &[u8]) -> Result<Vec<Change>, EffectFailure> + Send + Sync>;

type OrderFn = fn(&WriterSchema, &[u8]) -> Option<OrderKey>;

pub(crate) enum EffectFailure {
    Decode(decode::DecodeError),
    Refused(EffectError),
}

pub(crate) struct Subscription {
    pub(crate) event_type: &'static EventType,
    pub(crate) touches: &'static [Touch],
    pub(crate) effect: EffectFn,
    pub(crate) order: OrderFn,
}

/// The order key of a datum; `None` where it cannot be read, not even field by field.
fn order_key<E: Event>(writer: &WriterSchema, datum: &[u8]) -> Option<OrderKey> {
    let mut key = OrderKey::new();
    match decode::decode::<E>(writer, datum) {
        Ok(event) => event.order_key(&mut key),
        Err(_) => order_key_of_json(E::TYPE, &to_json(writer, datum).ok()?, &mut key).ok()?,
    }
    Some(key)
}

/// A sink: a consumer group that keeps tables current.
pub struct SinkSpec {
    /// Its name: of the database schema, the file, the read API's path.
    pub name: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// Its tables.
    pub tables: &'static [&'static Table],
    /// SQL by number and name, run in order; portable, with PostgreSQL's type names, which are translated for MySQL: tables,
    /// indexes, columns that are added.
    pub migrations: &'static [(i64, &'static str, &'static str)],
    /// Whether the ids of applied events are kept, because an effect applied twice differs from one applied once. Upserts do
    /// not need it: the position alone makes them exactly-once.
    pub inbox: bool,
    /// What becomes of a record that cannot be applied, and of those behind it. Default: park.
    pub on_poison: OnPoison,
    pub(crate) subscriptions: BTreeMap<&'static str, Subscription>,
}

impl SinkSpec {
    /// A sink without event types.
    #[must_use]
    pub fn new(name: &'static str, description: &'static str, tables: &'static [&'static Table]) -> Self {
        let subscriptions = BTreeMap::new();
        Self { name, description, tables, migrations: &[], inbox: false, on_poison: OnPoison::Park, subscriptions }
    }

    /// The SQL that makes its tables.
    #[must_use]
    pub fn migrations(mut self, migrations: &'static [(i64, &'static str, &'static str)]) -> Self {
        self.migrations = migrations;
        self
    }

    /// Keeps the ids of applied events.
    #[must_use]
    pub fn with_inbox(mut self) -> Self {
        self.inbox = true;
        self
    }

    /// Chooses what becomes of a record that cannot be applied.
    #[must_use]
    pub fn on_poison(mut self, on_poison: OnPoison) -> Self {
        self.on_poison = on_poison;
        self
    }

    /// What an event of type `E` changes. Pure: the same event always makes the same changes.
    #[must_use]
    pub fn on<E: Event>(
        mut self,
        touches: &'static [Touch],
        effect: impl Fn(&E) -> Result<Vec<Change>, EffectError> + Send + Sync + 'static,
    ) -> Self {
        let effect: EffectFn = Box::new(move |writer, datum| {
            let event: E = decode::decode(writer, datum).map_err(EffectFailure::Decode)?;
            effect(&event).map_err(EffectFailure::Refused)
        });
        let order = order_key::<E>;
        self.subscriptions.insert(E::TYPE.name, Subscription { event_type: E::TYPE, touches, effect, order });
        self
    }

    /// The consumer group, `coursebus-<name>`.
    #[must_use]
    pub fn group(&self) -> String {
        format!("coursebus-{}", self.name)
    }

    /// The event types it reads.
    pub fn event_types(&self) -> impl Iterator<Item = &'static EventType> {
        self.subscriptions.values().map(|s| s.event_type)
    }

    /// The full names of the topics it reads, sorted.
    #[must_use]
    pub fn topics(&self, prefix: &str) -> Vec<String> {
        let mut topics: Vec<String> = self.event_types().map(|t| t.topic.full_topic(prefix)).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

impl SinkSpec {
    /// The kit's migrations and the sink's. One that a newer version has run is left alone, so that the previous version
    /// still starts.
    pub(crate) fn migrator(&self) -> sqlx::migrate::Migrator {
        use sqlx::{
            SqlSafeStr,
            migrate::{Migration, MigrationType, Migrator},
        };
        let own = [
            (1, "kit", include_str!("../migrations/0001_kit.sql")),
            (2, "held", include_str!("../migrations/0002_held.sql")),
            (20, "gaps", include_str!("../migrations/0020_gaps.sql")),
        ];
        let all = own.iter().chain(self.migrations).map(|(number, name, sql)| {
            Migration::new(*number, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
        });
        let mut migrator = Migrator::with_migrations(all.collect());
        migrator.set_ignore_missing(true);
        migrator
    }
}

impl std::fmt::Debug for SinkSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SinkSpec({})", self.name)
    }
}
