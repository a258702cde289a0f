//! Records that no producer of ours would write, and what becomes of each.

use coursebus_registry_tools::{SchemaId, record};
use coursebus_schemas::{
    Event, EventId, Metadata,
    authoring::{CourseRunCreated, CourseRunData},
    encode,
    wire::frame,
};
use coursebus_transport::{Header, NewRecord, Offset, WriterSettings};
use time::macros::datetime;

use crate::bed::Bed;

/// A record's bytes.
#[derive(Debug, Clone)]
pub struct Raw {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The code under which a record is held by each kind of reader; `None` where it is none of its business.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    pub sqlite: Option<&'static str>,
    pub postgres: Option<&'static str>,
    /// A handler that asks for no header.
    pub plain: Option<&'static str>,
    /// A handler that asks for all.
    pub metadata: Option<&'static str>,
}

pub struct Case {
    pub name: &'static str,
    pub codes: Codes,
    /// The title of the course run in it, where one is.
    pub title: String,
    pub raw: Raw,
    /// Where it lies; known once it does.
    pub offset: Offset,
}

/// Schemas of the registry.
pub struct Ids {
    value: SchemaId,
    key: SchemaId,
    unknown_type: SchemaId,
    misfit: SchemaId,
}

/// An id whose text in the registry is no schema.
const UNUSABLE: SchemaId = SchemaId(4_242);
/// An id that no registry has given.
const NOBODY: SchemaId = SchemaId(999_999);

impl Ids {
    pub async fn register(bed: &Bed) -> Self {
        let (value, key) = bed.register(CourseRunCreated::TYPE).await;
        let event = |namespace: &str, course_key: &str| {
            format!(
                r#"{{"type":"record","name":"CloudEvent","namespace":"{namespace}","fields":[{{"name":"course_run","type":
                {{"type":"record","name":"CourseRunData","fields":[{{"name":"course_key","type":"{course_key}"}}]}}}}]}}"#
            )
        };
        let unknown_type = bed.schema("other", &event("org.example.nobody.knows.v1", "string")).await;
        let misfit = bed.schema("misfit", &event(CourseRunCreated::TYPE.name, "long")).await;
        // Written by a registry that takes anything.
        let value_text = format!(r#"{{"subject":"odd","version":1,"id":{UNUSABLE},"schema":"{{}}","deleted":false}}"#);
        let odd = NewRecord {
            topic: record::TOPIC.into(),
            partition: 0,
            timestamp_ms: None,
            key: Some(r#"{"keytype":"SCHEMA","subject":"odd","version":1,"magic":1}"#.into()),
            value: Some(value_text.into()),
            headers: Vec::new(),
        };
        let writer = bed.schemas.writer(WriterSettings::default()).await.unwrap();
        writer.append(odd).await.await.unwrap();
        Self { value, key, unknown_type, misfit }
    }
}

/// An event that every sink can apply.
pub fn course_run(title: &str) -> CourseRunCreated {
    CourseRunCreated {
        course_run: CourseRunData {
            course_key: format!("course-v1:edX+{}+2026", title.replace(' ', "_")),
            org: "edX".into(),
            course: "Bad".into(),
            run: "2026".into(),
            title: title.into(),
            start: "2026-01-01T00:00:00+00:00".into(),
            end: None,
            pacing: "self".into(),
            enrollment_start: None,
            enrollment_end: None,
            invitation_only: false,
        },
    }
}

impl Raw {
    /// A record as the producer writes it.
    fn of(event: &CourseRunCreated, ids: &Ids) -> Self {
        let mut value = Vec::new();
        frame(ids.value, &mut value);
        encode::encode(event, &mut value).unwrap();
        let mut key = Vec::new();
        frame(ids.key, &mut key);
        event.key().encode(&mut key);
        let id = EventId::new(event.course_run.title.clone()).unwrap();
        let metadata = Metadata::new(CourseRunCreated::TYPE, id, "openedx/cms/web", datetime!(2026-01-01 00:00 UTC));
        let headers = metadata.headers(CourseRunCreated::TYPE).into_iter();
        let headers = headers.map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec()))).collect();
        Self { key: Some(key), value: Some(value), headers }
    }

    pub fn record(&self, topic: &str) -> NewRecord {
        let header = |(name, value): &(String, Option<Vec<u8>>)| Header {
            name: name.clone().into(),
            value: value.clone().map(Into::into),
        };
        NewRecord {
            topic: topic.into(),
            partition: 0,
            timestamp_ms: None,
            key: self.key.clone().map(Into::into),
            value: self.value.clone().map(Into::into),
            headers: self.headers.iter().map(header).collect(),
        }
    }

    fn value(&mut self) -> &mut Vec<u8> {
        self.value.as_mut().unwrap()
    }

    /// Puts the frame of another schema before another datum.
    fn framed(&mut self, id: SchemaId, datum: &[u8]) {
        self.value().clear();
        frame(id, self.value());
        self.value().extend(datum);
    }

    fn remove(&mut self, header: &str) {
        self.headers.retain(|(name, _)| name != header);
    }

    fn add(&mut self, header: &str, value: Option<&[u8]>) {
        self.headers.push((header.to_owned(), value.map(<[u8]>::to_vec)));
    }

    /// Gives a header another value, in its place.
    fn replace(&mut self, header: &str, value: Option<&[u8]>) {
        let found = self.headers.iter_mut().find(|(name, _)| name == header).unwrap();
        found.1 = value.map(<[u8]>::to_vec);
    }
}

/// Nobody can read it.
fn by_all(code: &'static str) -> Codes {
    Codes { sqlite: Some(code), postgres: Some(code), plain: Some(code), metadata: Some(code) }
}

/// Who asks for the identity cannot read it.
fn by_identity(code: &'static str) -> Codes {
    Codes { plain: None, ..by_all(code) }
}

/// Only who asks for all headers cannot read it.
fn by_metadata(code: &'static str) -> Codes {
    Codes { sqlite: None, postgres: None, ..by_identity(code) }
}

/// The sink cannot put it into its tables.
fn by_sinks(code: &'static str) -> Codes {
    Codes { metadata: None, ..by_identity(code) }
}

const NOT_HELD: Codes = Codes { sqlite: None, postgres: None, plain: None, metadata: None };

/// A zigzag number, as Avro writes lengths and branches.
fn number(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// Every case, each with a course run of its own.
pub fn cases(ids: &Ids) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &'static str, codes: Codes, change: &dyn Fn(&mut Raw)| {
        let title = if name.starts_with("refuse") {
            format!("refuse {}", cases.len())
        } else {
            format!("case {}", cases.len())
        };
        let mut raw = Raw::of(&course_run(&title), ids);
        change(&mut raw);
        cases.push(Case { name, codes, title, raw, offset: Offset(-1) });
    };
    add("a null value", by_all("no-value"), &|raw| raw.value = None);
    add("an empty value", by_all("malformed-frame"), &|raw| raw.value().clear());
    add("a frame cut off", by_all("malformed-frame"), &|raw| raw.value().truncate(3));
    add("a wrong first byte", by_all("malformed-frame"), &|raw| raw.value()[0] = 1);
    add("JSON", by_all("malformed-frame"), &|raw| *raw.value() = b"{\"course_run\":{}}".to_vec());
    add("a frame and nothing else", by_all("malformed-datum"), &|raw| raw.value().truncate(5));
    add("a datum cut off", by_all("malformed-datum"), &|raw| {
        raw.value().pop();
    });
    add("a datum cut in half", by_all("malformed-datum"), &|raw| {
        let half = raw.value().len() / 2;
        raw.value().truncate(half);
    });
    add("bytes left over", by_all("trailing-bytes"), &|raw| raw.value().push(0));
    add("another record behind it", by_all("trailing-bytes"), &|raw| {
        let again = raw.value().clone();
        raw.value().extend(again);
    });
    add("an unknown schema", by_all("unknown-schema"), &|raw| {
        raw.value()[1..5].copy_from_slice(&NOBODY.0.to_be_bytes())
    });
    add("the largest schema id", by_all("unknown-schema"), &|raw| raw.value()[1..5].fill(0xff));
    add("a schema that is none", by_all("unusable-schema"), &|raw| raw.framed(UNUSABLE, &[]));
    add("a type of no catalogue", by_all("unknown-event-type"), &|raw| raw.framed(ids.unknown_type, b"\x02a"));
    add("the schema of a key", by_all("unknown-event-type"), &|raw| raw.framed(ids.key, b"\x02a"));
    add("a record that does not fit its type", by_all("does-not-fit"), &|raw| raw.framed(ids.misfit, &number(7)));
    for (name, length) in [("a length of 2^31", 1 << 31), ("the largest length", i64::MAX), ("a negative length", -1)] {
        add(name, by_all("malformed-datum"), &|raw| {
            let datum = [number(length), b"course-v1:edX".to_vec()].concat();
            raw.framed(ids.value, &datum);
        });
    }
    add("a length without an end", by_all("malformed-datum"), &|raw| raw.framed(ids.value, &[0xff; 32]));
    add("text that is not UTF-8", by_all("malformed-datum"), &|raw| raw.value()[6..8].copy_from_slice(&[0xff, 0xfe]));

    for header in ["ce_type", "ce_id", "ce_source"] {
        add("a header of the identity missing", by_identity("identity"), &|raw| raw.remove(header));
        add("a header of the identity twice", by_identity("identity"), &|raw| {
            let (_, value) = raw.headers.iter().find(|(name, _)| name == header).unwrap().clone();
            raw.add(header, value.as_deref());
        });
        add("a header of the identity empty", by_identity("identity"), &|raw| raw.replace(header, Some(b"")));
        add("a header of the identity null", by_identity("identity"), &|raw| raw.replace(header, None));
        add("a header of the identity not UTF-8", by_identity("identity"), &|raw| {
            raw.replace(header, Some(b"\xff\xfe"))
        });
    }
    add("no header at all", by_identity("identity"), &|raw| raw.headers.clear());
    add("another type in the headers", by_identity("type-mismatch"), &|raw| {
        raw.replace("ce_type", Some(b"coursebus.subscription.plan.created.v1"));
    });
    // PostgreSQL's text takes no NUL: what is told about a held record must not keep it from being held.
    add("a type with a NUL in the headers", by_identity("type-mismatch"), &|raw| raw.replace("ce_type", Some(b"a\0b")));
    add("a time in the headers that is none", by_metadata("malformed-headers"), &|raw| {
        raw.replace("ce_time", Some(b"yesterday"));
    });
    add("a known header twice", by_metadata("malformed-headers"), &|raw| {
        raw.add("content-type", Some(b"application/avro"))
    });
    add("a minor version that is no number", by_metadata("malformed-headers"), &|raw| {
        raw.replace("ce_minorversion", Some(b"one"));
    });
    add("headers that nobody knows", NOT_HELD, &|raw| {
        raw.add("other", None);
        raw.add("other", Some(b"\xff\0"));
        raw.add("held_code", Some(b"not-ours"));
    });
    add("a frame and headers that nobody knows", by_all("malformed-frame"), &|raw| {
        raw.add("other", None);
        raw.add("other", Some(b"\xff\0"));
        raw.add("", Some(b"no name"));
        raw.headers.retain(|(name, _)| !name.is_empty());
        raw.add("held_offset", Some(b"-5"));
        raw.add("\u{1f393}", Some(b""));
        raw.value().truncate(1);
    });
    add("no key", NOT_HELD, &|raw| raw.key = None);
    add("no key and no value", by_all("no-value"), &|raw| (raw.key, raw.value) = (None, None));
    add("an empty key and an empty value", by_all("malformed-frame"), &|raw| {
        (raw.key, raw.value) = (Some(Vec::new()), Some(Vec::new()));
    });
    add("a key that is no frame", by_all("trailing-bytes"), &|raw| {
        raw.key = Some((0..=255).collect());
        raw.value().push(7);
    });

    let mut with =
        |name: &'static str, codes: Codes, change: &dyn Fn(&mut CourseRunCreated), then: &dyn Fn(&mut Raw)| {
            add(name, codes, &|raw| {
                let id = raw.headers.iter().find(|(name, _)| name == "ce_id").and_then(|(_, id)| id.clone()).unwrap();
                let mut event = course_run(&String::from_utf8(id).unwrap());
                change(&mut event);
                raw.value = Raw::of(&event, ids).value;
                then(raw);
            });
        };
    let nothing: &dyn Fn(&mut Raw) = &|_| {};
    let times = [
        "",
        "tomorrow",
        "2026-01-01",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00+0100",
        "0000-01-01T00:00:00+12:00",
        "9999-12-31T23:59:59-12:00",
    ];
    for start in times {
        let change = |event: &mut CourseRunCreated| event.course_run.start = start.into();
        with("a time that is none", by_sinks("refused"), &change, nothing);
    }
    with(
        "a time that is none and an id with a NUL",
        by_sinks("refused"),
        &|event| event.course_run.start = "tomorrow".into(),
        &|raw| raw.replace("ce_id", Some(b"a\0b")),
    );
    with("a time without a zone", NOT_HELD, &|event| event.course_run.start = "2026-01-01T00:00:00".into(), nothing);
    with("an id with a NUL", NOT_HELD, &|_| {}, &|raw| raw.replace("ce_id", Some(b"a\0c")));
    // PostgreSQL refuses the whole batch: it is divided until the one record is found.
    let refused = Codes { sqlite: None, ..Codes { plain: None, metadata: None, ..by_all("refused") } };
    with("a NUL in text", refused, &|event| event.course_run.org = "a\0b".into(), nothing);
    with("a NUL in a key", refused, &|event| event.course_run.course_key.push('\0'), nothing);
    let handlers = Codes { sqlite: None, postgres: None, ..by_all("refused") };
    with("refused by its handler", handlers, &|_| {}, nothing);
    cases
}
