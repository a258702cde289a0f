//! The id of an event.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

/// The id of an event, unique within its source. Any text but the empty one; ours are UUIDs.
///
/// A text as short as a UUID's stands in the value itself: each event that is emitted has one.
#[derive(Clone)]
pub struct EventId(Text);

#[derive(Clone)]
enum Text {
    Short { bytes: [u8; SHORT_MAX], len: u8 },
    Long(Box<str>),
}

/// The length of a UUID's text.
const SHORT_MAX: usize = 36;

impl EventId {
    /// An event id from text; `None` for the empty text, which names nothing.
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        match id.len() {
            0 => None,
            len @ 1..=SHORT_MAX => {
                let mut bytes = [0; SHORT_MAX];
                bytes[..len].copy_from_slice(id.as_bytes());
                Some(Self(Text::Short { bytes, len: len as u8 }))
            }
            _ => Some(Self(Text::Long(id.into()))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Short { bytes, len } => {
                std::str::from_utf8(&bytes[..usize::from(*len)]).expect("it was made of text")
            }
            Text::Long(text) => text,
        }
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short { bytes, len } => &bytes[..usize::from(*len)],
            Text::Long(text) => text.as_bytes(),
        }
    }
}

impl From<uuid::Uuid> for EventId {
    fn from(id: uuid::Uuid) -> Self {
        let mut bytes = [0; SHORT_MAX];
        id.hyphenated().encode_lower(&mut bytes);
        Self(Text::Short { bytes, len: SHORT_MAX as u8 })
    }
}

impl PartialEq for EventId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for EventId {}

impl PartialOrd for EventId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for EventId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventId").field(&self.as_str()).finish()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_of_text_comes_back() {
        assert_eq!(EventId::new(""), None);
        for length in [1, 35, 36, 37, 200] {
            let text = "é".repeat(length)[..length / 2 * 2].to_owned() + if length % 2 == 1 { "a" } else { "" };
            let id = EventId::new(text.clone()).expect("it is not empty");
            assert_eq!((id.as_str(), id.to_string()), (&*text, text.clone()));
            assert_eq!(id, EventId::new(text).expect("the same"));
        }
        let uuid = uuid::Uuid::from_u128(0x00ab_cdef_0000_0000_0000_0000_0000_0001);
        assert_eq!(EventId::from(uuid), EventId::new(uuid.to_string()).expect("text"));
        assert_eq!(format!("{:?}", EventId::new("a").expect("text")), r#"EventId("a")"#);
    }
}
