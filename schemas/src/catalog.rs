//! The catalogue: every event type and topic there is, as static data generated from `catalog.toml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::event::EventType;
use crate::generated;
use crate::topic::Topic;

/// All event types and topics.
#[derive(Debug)]
pub struct Catalog {
    by_name: HashMap<&'static str, &'static EventType>,
}

/// The catalogue that this build was made with.
pub fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog { by_name: generated::EVENTS.iter().map(|event| (event.name, *event)).collect() });
    &CATALOG
}

impl Catalog {
    /// All event types, each at its newest minor version, in the order of the catalogue.
    pub fn events(&self) -> &'static [&'static EventType] {
        generated::EVENTS
    }

    /// All topics, by name.
    pub fn topics(&self) -> &'static [&'static Topic] {
        generated::TOPICS
    }

    /// The event type with this name (`ce_type`).
    pub fn by_name(&self, name: &str) -> Option<&'static EventType> {
        self.by_name.get(name).copied()
    }

    /// The topic with this name, without the prefix.
    pub fn topic(&self, name: &str) -> Option<&'static Topic> {
        generated::TOPICS.iter().copied().find(|topic| topic.name == name)
    }

    /// The event types on a topic, in the order of the catalogue.
    pub fn events_on<'a>(&self, topic: &'a Topic) -> impl Iterator<Item = &'static EventType> + use<'a> {
        generated::EVENTS.iter().copied().filter(move |event| event.topic.name == topic.name)
    }
}
