//! Subscriptions that name topics by a pattern. Pure.
//!
//! One syntax: `*` in the **full** name of a topic, prefix included, stands for any characters but a dot. Other characters
//! stand for themselves. The prefix is part of what is matched, because it keeps apart what shares a cluster: a pattern that
//! begins with it never reads another installation's topics. A dot is not matched, because topics that belong to a group are
//! named with dots (`<group>.held.<topic>`): no group can come to read what it writes itself. A name that begins with `_` is
//! only matched by a pattern that does, for topics of that kind are the cluster's own.

/// Whether an entry of a subscription is a pattern. A topic's name has no `*` in it.
#[must_use]
pub fn is_pattern(entry: &str) -> bool {
    entry.contains('*')
}

/// Whether an entry of a subscription, a topic's full name or a pattern, means this topic.
#[must_use]
pub fn matches(entry: &str, topic: &str) -> bool {
    if !is_pattern(entry) {
        return entry == topic;
    }
    if topic.starts_with('_') && !entry.starts_with('_') {
        return false;
    }
    let (entry, topic) = (entry.as_bytes(), topic.as_bytes());
    let (mut e, mut t) = (0, 0);
    // Where the last `*` stands, and how far it reaches: it takes one more when what follows does not fit.
    let mut star: Option<(usize, usize)> = None;
    while t < topic.len() {
        if entry.get(e) == Some(&b'*') {
            star = Some((e, t));
            e += 1;
        } else if entry.get(e) == Some(&topic[t]) {
            (e, t) = (e + 1, t + 1);
        } else {
            let Some((at, reach)) = star.filter(|(_, reach)| topic[*reach] != b'.') else { return false };
            star = Some((at, reach + 1));
            (e, t) = (at + 1, reach + 1);
        }
    }
    entry[e..].iter().all(|byte| *byte == b'*')
}

/// The same as an extended regular expression of POSIX, as librdkafka takes it; a topic's name as it is.
pub(crate) fn subscription(entry: &str) -> String {
    if !is_pattern(entry) {
        return entry.to_owned();
    }
    let mut regex = String::from("^");
    for (index, c) in entry.chars().enumerate() {
        match c {
            '*' if index == 0 => regex.push_str("([^._][^.]*)?"),
            '*' => regex.push_str("[^.]*"),
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => regex.push(c),
            // No topic has another character in its name, so what it stands for cannot be met.
            c => regex.extend(['[', c, ']']),
        }
    }
    regex.push('$');
    regex
}

/// Why an entry of a subscription cannot be one.
pub(crate) fn check(entry: &str) -> Result<(), &'static str> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*');
    if entry.is_empty() || !entry.chars().all(good) {
        return Err("a pattern has letters, digits, '.', '_', '-' and '*' only");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_but_a_dot() {
        for (entry, topic, expected) in [
            ("dev-a", "dev-a", true),
            ("dev-a", "dev-ab", false),
            ("dev-*", "dev-", true),
            ("dev-*", "dev-course", true),
            ("dev-*", "prod-course", false),
            ("dev-*", "dev-course.held.x", false),
            ("dev-*-lifecycle", "dev-course-lifecycle", true),
            ("dev-*-lifecycle", "dev-lifecycle-lifecycle-lifecycle", true),
            ("dev-*-lifecycle", "dev-lifecycle-x", false),
            ("*", "anything", true),
            ("*", "_schemas", false),
            ("*", "g.held.t", false),
            ("*.held.*", "g.held.t", true),
            ("_*", "_schemas", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("a**c", "abc", true),
        ] {
            assert_eq!(matches(entry, topic), expected, "{entry} and {topic}");
        }
    }

    #[test]
    fn brokers_are_told_the_same() {
        assert_eq!(subscription("dev-a.b"), "dev-a.b");
        assert_eq!(subscription("dev.eu-*-x"), "^dev[.]eu-[^.]*-x$");
        assert_eq!(subscription("*-x"), "^([^._][^.]*)?-x$");
        assert!(check("a b*").is_err() && check("dev-*").is_ok());
    }
}
