//! A subject's name and the context that rides in it. Pure.
//!
//! `:.ctx:name` is subject `name` in context `.ctx`; a name without that prefix is in the default context `.`. Ids are given
//! per context. Source: Confluent's `QualifiedSubject`, without tenants.

/// The context of names that give none.
pub const DEFAULT_CONTEXT: &str = ".";
/// Stands for all contexts in a prefix.
pub const ALL_CONTEXTS: &str = ":*:";
/// The context whose level and mode hold where a context has none.
pub const GLOBAL: &str = ":.__GLOBAL:";
/// The longest name that is taken, in bytes. A topic's name has 249 characters at most, a type's name 1,000.
pub const NAME_BYTES_MAX: usize = 2_000;

/// A name in its two parts: the context with its leading dot, and the rest.
#[must_use]
pub fn split(subject: &str) -> (&str, &str) {
    let Some(inner) = subject.strip_prefix(':').filter(|rest| rest.starts_with('.')) else {
        return (DEFAULT_CONTEXT, subject);
    };
    inner.split_once(':').unwrap_or((inner, ""))
}

/// The context of a name.
#[must_use]
pub fn context(subject: &str) -> &str {
    split(subject).0
}

/// Whether the name is of a context as a whole, or empty.
#[must_use]
pub fn is_context(subject: &str) -> bool {
    split(subject).1.is_empty()
}

/// The name in the one form that it is stored under: `:.:s` is `s`, `:.ctx` is `:.ctx:`.
#[must_use]
pub fn normalize(subject: &str) -> String {
    let (context, name) = split(subject);
    join(context, name)
}

/// What levels and modes of a whole context are stored under; `None` for the default context, whose are the global ones.
#[must_use]
pub fn context_key(subject: &str) -> Option<String> {
    let context = context(subject);
    (context != DEFAULT_CONTEXT).then(|| join(context, ""))
}

/// A name as it is meant inside a schema of `parent`: in the same context, unless it says another.
#[must_use]
pub fn qualify(parent: &str, subject: &str) -> String {
    match split(subject) {
        (DEFAULT_CONTEXT, name) => join(context(parent), name),
        (context, name) => join(context, name),
    }
}

fn join(context: &str, name: &str) -> String {
    if context == DEFAULT_CONTEXT { name.to_owned() } else { format!(":{context}:{name}") }
}

/// Whether schemas (`settings`: levels and modes) may be stored under the name.
#[must_use]
pub fn is_valid(subject: &str, settings: bool) -> bool {
    let (context, name) = split(subject);
    let reserved =
        matches!(name, "__GLOBAL" | "__EMPTY") || (!settings && (name.is_empty() || format!(":{context}:") == GLOBAL));
    subject.len() <= NAME_BYTES_MAX && !reserved && !subject.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_context() {
        for (subject, expected) in [
            ("s", (".", "s")),
            ("", (".", "")),
            (":.:s", (".", "s")),
            (":.ctx:s", (".ctx", "s")),
            (":.ctx:a:b", (".ctx", "a:b")),
            (":.ctx:", (".ctx", "")),
            (":.ctx", (".ctx", "")),
            (":s", (".", ":s")),
        ] {
            assert_eq!(split(subject), expected, "{subject}");
        }
        assert_eq!(normalize(":.:s"), "s");
        assert_eq!(normalize(":.ctx"), ":.ctx:");
        assert_eq!(qualify(":.ctx:s", "t"), ":.ctx:t");
        assert_eq!(qualify(":.ctx:s", ":.o:t"), ":.o:t");
        assert_eq!(qualify("s", "t"), "t");
        assert_eq!(context_key("s"), None);
        assert_eq!(context_key(":.ctx:s").as_deref(), Some(":.ctx:"));
    }

    #[test]
    fn some_names_are_not_taken() {
        assert!(is_valid("s", false) && is_valid("a/b c?", false) && is_valid(":.ctx:s", false));
        assert!(is_valid(":.ctx:", true) && is_valid(GLOBAL, true));
        for wrong in ["", "a\nb", "__EMPTY", ":.ctx:", ":.__GLOBAL:s", &"x".repeat(NAME_BYTES_MAX + 1)] {
            assert!(!is_valid(wrong, false), "{wrong:?}");
        }
    }
}
