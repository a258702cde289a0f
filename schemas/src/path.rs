//! The path of a field inside an event, for error messages.

use std::fmt;

/// Where in an event something is: `thread.user_course_roles[2]`. An entry of a map is `*`, because its
/// key is data and data does not belong in a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(String);

impl FieldPath {
    /// The path as text; empty for the event as a whole.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts the enclosing field in front. Errors gather their path on the way up, so that success costs nothing.
    pub(crate) fn prepend_field(&mut self, name: &str) {
        if !self.0.is_empty() && !self.0.starts_with('[') {
            self.0.insert(0, '.');
        }
        self.0.insert_str(0, name);
    }

    pub(crate) fn prepend_index(&mut self, index: usize) {
        if !self.0.is_empty() && !self.0.starts_with('[') {
            self.0.insert(0, '.');
        }
        self.0.insert_str(0, &format!("[{index}]"));
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "the event" } else { &self.0 })
    }
}

impl From<&[&str]> for FieldPath {
    fn from(segments: &[&str]) -> Self {
        Self(segments.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_grow_at_the_front() {
        let mut path = FieldPath::default();
        assert_eq!(path.to_string(), "the event");
        path.prepend_field("id");
        path.prepend_index(2);
        path.prepend_index(0);
        path.prepend_field("users");
        path.prepend_field("course");
        assert_eq!(path.as_str(), "course.users[0][2].id");
    }
}
