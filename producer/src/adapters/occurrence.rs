//! When a fact happened and which of its kind it is: what an event's metadata follows from.

use coursebus_schemas::{Event, EventId, Key, Metadata, OrderKey, metadata::format_time};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::emit::default_source;

/// The namespace of the ids. Another one would make every fact that is said again new to every sink.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d0f_37c1_52ab_4f0e_8b1d_90c4_2e7a_61f3);
/// The longest `ce_subject`, in characters: what a row of the outbox takes. A longer one is left out.
const SUBJECT_CHARS_MAX: usize = 255;

/// One occurrence of a fact.
///
/// The id of its event follows from the event's type, its order key, and the revision; where there is none, from the time in
/// microseconds and the content. So a service that says a fact again, after a crash or a time-out, says it under the same id,
/// and whoever keeps ids counts it once. With a revision the content may be read anew; it must then be one of its own for each
/// fact of this type and order key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    time: OffsetDateTime,
    revision: Option<String>,
    caused_by: Option<EventId>,
}

/// An event and its metadata, ready for `Producer::emit_with` or `outbox::enqueue_with`. The source is that of the type's
/// owner; a service with another name replaces it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated<E> {
    /// What happened.
    pub event: E,
    /// Id, source, time, what it is about (its record key), and what led to it.
    pub metadata: Metadata,
}

impl Occurrence {
    /// A fact of this time, to the microsecond: that which the service keeps beside the fact, not the time of emitting.
    #[must_use]
    pub fn at(time: OffsetDateTime) -> Self {
        Self { time, revision: None, caused_by: None }
    }

    /// The answer to a request: led to by it, and the only one of its type, whenever it is given.
    #[must_use]
    pub fn answering(request: &EventId, time: OffsetDateTime) -> Self {
        Self::at(time).revision(request.as_str()).because_of(request)
    }

    /// Names the fact beside its type and order key: the number of the row's version, of the history's entry, of the visit.
    #[must_use]
    pub fn revision(self, revision: impl Into<String>) -> Self {
        Self { revision: Some(revision.into()), ..self }
    }

    /// Another event led to this fact.
    #[must_use]
    pub fn because_of(self, event: &EventId) -> Self {
        Self { caused_by: Some(event.clone()), ..self }
    }

    /// The event with its metadata. The same for the same occurrence of the same fact.
    #[must_use]
    pub fn of<E: Event>(&self, event: E) -> Stated<E> {
        let mut metadata = Metadata::new(E::TYPE, self.id(&event), default_source(E::TYPE), self.time);
        env!("CARGO_PKG_VERSION").clone_into(&mut metadata.source_lib);
        metadata.subject = subject(event.key());
        metadata.causation_id = self.caused_by.as_ref().map(|id| id.as_str().to_owned());
        Stated { event, metadata }
    }

    fn id<E: Event>(&self, event: &E) -> EventId {
        let mut about = OrderKey::new();
        event.order_key(&mut about);
        // An event is structs of texts and numbers: nothing in it is without JSON.
        let content = || serde_json::to_string(event).unwrap_or_default();
        let which = match &self.revision {
            Some(revision) => format!("revision\n{revision}"),
            None => format!("time\n{}\n{}", format_time(self.time), content()),
        };
        // Neither a type nor a key in JSON holds a line feed, so no two facts have one name.
        Uuid::new_v5(&NAMESPACE, format!("{}\n{about}\n{which}", E::TYPE.name).as_bytes()).into()
    }
}

fn subject(key: Key<'_>) -> Option<String> {
    let text = match key {
        Key::Null => return None,
        Key::Bool(value) => value.to_string(),
        Key::Int(value) => value.to_string(),
        Key::Long(value) => value.to_string(),
        Key::Str(text) => text.to_owned(),
    };
    Some(text).filter(|text| text.chars().count() <= SUBJECT_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use coursebus_schemas::subscription::{LicenseExpired, LicenseRevoked};
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::adapters::{
        Learner,
        license_manager::{License, license_expired, license_revoked},
        lms::access::{AccessRole, role_added},
    };

    const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn license(uuid: &str) -> License {
        License { uuid: uuid.into(), plan_uuid: "p".into(), user_id: Some(7), expires: NOON }
    }

    fn expired(occurrence: &Occurrence, uuid: &str) -> Stated<LicenseExpired> {
        occurrence.of(license_expired(&license(uuid)))
    }

    #[test]
    fn a_fact_said_again_has_its_id_and_another_fact_another() {
        let at = Occurrence::at(NOON);
        let id = |occurrence: &Occurrence, uuid: &str| expired(occurrence, uuid).metadata.id;
        let first = id(&at, "a");
        assert_eq!(
            first,
            id(&Occurrence::at(NOON.to_offset(time::macros::offset!(+2))), "a"),
            "one time, another zone"
        );
        let other: Stated<LicenseRevoked> = at.of(license_revoked(&license("a")));
        let others = [
            id(&at, "b"),
            id(&Occurrence::at(NOON + Duration::MICROSECOND), "a"),
            id(&at.clone().revision("1"), "a"),
            id(&at.revision("2"), "a"),
            other.metadata.id,
        ];
        assert!(!others.contains(&first));
        assert!(others.iter().enumerate().all(|(at, id)| !others[..at].contains(id)), "{others:?}");
    }

    #[test]
    fn two_facts_of_one_moment_and_key_are_two() {
        let role = |role: &str| {
            let user =
                Learner { id: 7, is_active: true, username: "a".into(), email: String::new(), name: String::new() };
            role_added(&AccessRole { user, org: "o".into(), course_key: "c".into(), role: role.into() })
        };
        let at = Occurrence::at(NOON);
        assert_ne!(at.of(role("staff")).metadata.id, at.of(role("instructor")).metadata.id);
        assert_eq!(at.of(role("staff")).metadata.id, at.of(role("staff")).metadata.id);
        let named = at.revision("12");
        assert_eq!(
            named.of(role("staff")).metadata.id,
            named.of(role("stuff")).metadata.id,
            "the revision names it alone"
        );
    }

    #[test]
    fn an_answer_is_one_whenever_it_is_given() {
        let request = EventId::new("r-1").expect("an id");
        let now = expired(&Occurrence::answering(&request, NOON), "a").metadata;
        let later = expired(&Occurrence::answering(&request, NOON + Duration::HOUR), "a").metadata;
        assert_eq!((&now.id, now.causation_id.as_deref()), (&later.id, Some("r-1")));
        let other = EventId::new("r-2").expect("an id");
        assert_ne!(expired(&Occurrence::answering(&other, NOON), "a").metadata.id, now.id);
    }

    #[test]
    fn a_subject_too_long_for_the_outbox_is_left_out() {
        let at = Occurrence::at(NOON);
        assert_eq!(expired(&at, &"é".repeat(255)).metadata.subject, Some("é".repeat(255)));
        assert_eq!(expired(&at, &"é".repeat(256)).metadata.subject, None);
        assert_eq!(subject(Key::Long(-7)).as_deref(), Some("-7"));
    }
}
