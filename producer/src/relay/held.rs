//! Rows of an outbox, as operators see them.

/// A row that was not published: a refused one, or one that waits behind it. Its identity is the outbox and the row's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    /// Its id in the outbox.
    pub id: i64,
    /// `ce_id`.
    pub event_id: String,
    /// `ce_type`.
    pub event_type: String,
    /// `ce_source`.
    pub source: String,
    /// `json` or `avro`.
    pub payload_format: String,
    /// The minor version of the payload's schema.
    pub minor_version: Option<i32>,
    /// As it was written; `None` where it is larger than 16 MiB.
    pub payload: Option<Vec<u8>>,
    /// As it was written.
    pub record_key: Option<Vec<u8>>,
    /// `parked`, `discarded` or `applied` (published as edited).
    pub state: String,
    /// Why, as a code with a page in docs/errors/.
    pub code: String,
    /// Why, as a sentence.
    pub reason: String,
    /// The topic that it is for, without the prefix, where its type is known.
    pub topic: Option<String>,
    /// The bytes of its order key, where it can be told.
    pub order_key: Option<Vec<u8>>,
    /// The row that it waits behind; `None` for a cause.
    pub behind: Option<i64>,
    /// When it was held, in milliseconds since 1970, UTC.
    pub held_ms: i64,
    /// Since when someone asks for it to be tried.
    pub asked_ms: Option<i64>,
    /// How often it was tried and refused again.
    pub tries: i32,
    /// The JSON that is published in its payload's place.
    pub edited_payload: Option<Vec<u8>>,
}

/// A row that carries an event that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// Its id in the outbox.
    pub id: i64,
    /// `ce_type`.
    pub event_type: String,
    /// `ce_source`.
    pub source: String,
    /// `ce_time`: when it happened, RFC 3339, as it was written.
    pub occurred_at: String,
    /// When the row was written by the database's clock, RFC 3339, UTC.
    pub written_at: String,
    /// `waiting` to be published, or a held row's state.
    pub state: String,
    /// Why it is held, as a code with a page in docs/errors/; else empty.
    pub code: String,
    /// Why, as a sentence; else empty.
    pub reason: String,
}

/// What an operator does to a held row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldMark {
    /// It is to be tried again.
    Retry,
    /// It is given up; those behind it are tried.
    Discard,
    /// This JSON is published in its payload's place when it is tried.
    Edit(Vec<u8>),
}

impl HeldMark {
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
            Self::Edit(_) => "edit",
        }
    }
}

/// What was done to a held row, or came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldNote {
    /// The row.
    pub id: i64,
    /// When, in milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// `retry`, `discard`, `edit`; `applied`, `failed`.
    pub verb: String,
    /// Who.
    pub who: String,
    /// More.
    pub detail: String,
}

/// What is in an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Tells this outbox from every other.
    pub identity: String,
    /// Rows that are not published yet.
    pub waiting: i64,
    /// How long the oldest of them has been there, in milliseconds.
    pub oldest_ms: Option<i64>,
    /// Held rows that wait for an operator.
    pub held: i64,
    /// The active relay: host and process; `None` where none is.
    pub relay: Option<String>,
    /// How many batches were published.
    pub batches: i64,
}
