//! What explains a chain that is not the expected one. Pure.

use crate::{AppliedEvent, ChainLink};

/// How many effects are missing, too many, or in the wrong place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) out_of_order: u64,
}

/// Tries single faults, then falls back on the count. `applied` is how many effects made the chain, where that is known.
pub(super) fn diagnose(events: &[AppliedEvent], stored: Option<ChainLink>, applied: Option<u64>) -> Finding {
    let expected = events.len() as u64;
    let lost = |lost| Finding { lost, ..Finding::default() };
    let Some(stored) = stored else { return lost(expected) };
    let prefixes: Vec<ChainLink> = std::iter::once(ChainLink::default())
        .chain(events.iter().scan(ChainLink::default(), |link, event| {
            *link = link.next(&event.source, &event.id);
            Some(*link)
        }))
        .collect();
    // The first so many only.
    if let Some(count) = prefixes.iter().position(|link| *link == stored) {
        return lost(expected - count as u64);
    }
    let then = |link: ChainLink, rest: &[AppliedEvent]| rest.iter().fold(link, |link, e| link.next(&e.source, &e.id));
    for (i, event) in events.iter().enumerate() {
        let (before, after) = (prefixes[i], &events[i + 1..]);
        if then(before, after) == stored {
            return lost(1);
        }
        let once = before.next(&event.source, &event.id);
        if then(once.next(&event.source, &event.id), after) == stored {
            return Finding { duplicated: 1, ..Finding::default() };
        }
        // This one and a later one in each other's place.
        for (j, other) in after.iter().enumerate() {
            let between = then(before.next(&other.source, &other.id), &after[..j]);
            if then(between.next(&event.source, &event.id), &after[j + 1..]) == stored {
                return Finding { out_of_order: 1, ..Finding::default() };
            }
        }
    }
    match applied {
        Some(applied) if applied < expected => lost(expected - applied),
        Some(applied) if applied > expected => Finding { duplicated: applied - expected, ..Finding::default() },
        _ => Finding { out_of_order: 1, ..Finding::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize) -> AppliedEvent {
        AppliedEvent { source: "s".into(), id: id.to_string() }
    }

    fn check(applied: &[usize], expected: Finding) {
        let events: Vec<AppliedEvent> = (0..4).map(event).collect();
        let link = applied.iter().fold(ChainLink::default(), |link, id| link.next("s", &event(*id).id));
        let stored = (!applied.is_empty()).then_some(link);
        assert_eq!(diagnose(&events, stored, Some(applied.len() as u64)), expected, "{applied:?}");
    }

    #[test]
    fn single_faults_are_told_apart() {
        let lost = |lost| Finding { lost, ..Finding::default() };
        let duplicated = |duplicated| Finding { duplicated, ..Finding::default() };
        let out_of_order = Finding { out_of_order: 1, ..Finding::default() };
        check(&[], lost(4));
        check(&[0, 1], lost(2));
        check(&[0, 2, 3], lost(1));
        check(&[1, 2, 3], lost(1));
        check(&[0, 1, 1, 2, 3], duplicated(1));
        check(&[1, 0, 2, 3], out_of_order);
        check(&[3, 1, 2, 0], out_of_order);
        check(&[0, 3, 3], lost(1));
        check(&[3, 3, 0, 0, 1, 1], duplicated(2));
    }
}
