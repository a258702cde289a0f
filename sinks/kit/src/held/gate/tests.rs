use std::collections::HashSet;

use coursebus_schemas::Key;
use proptest::prelude::*;

use super::*;

/// A record as the gate sees it.
#[derive(Debug, Clone)]
struct Rec {
    record: Option<u8>,
    /// `None`: its value cannot be read.
    order: Option<u8>,
    poison: bool,
}

fn order(value: u8) -> OrderKey {
    let mut key = OrderKey::new();
    key.push(Key::Long(value.into()));
    key
}

fn any_record() -> impl Strategy<Value = Rec> {
    let record = prop::option::weighted(0.9, 0..3_u8);
    let order = prop::option::weighted(0.8, 0..3_u8);
    (record, order, prop::bool::weighted(0.2)).prop_map(|(record, order, poison)| {
        // What cannot be read is poison; an order key is a refinement of the record key.
        Rec { record, order: order.map(|o| o + 10 * record.unwrap_or(9)), poison: poison || order.is_none() }
    })
}

fn conflict(a: &Rec, b: &Rec) -> bool {
    a.record.is_some() && a.record == b.record && (a.order.is_none() || b.order.is_none() || a.order == b.order)
}

fn cause(offset: usize) -> Cause {
    Cause { offset: Offset(i64::try_from(offset).expect("small")), code: "refused".into() }
}

/// Runs records through a gate in batches; says which were applied, by offset, and behind what each other one is.
fn through(records: &[Rec], batch: usize, mut gate: Gate, first: usize) -> (Vec<usize>, Vec<(usize, i64)>, Gate) {
    let (mut applied, mut behind) = (Vec::new(), Vec::new());
    for (start, batch) in records.chunks(batch).enumerate().map(|(n, chunk)| (first + n * batch, chunk)) {
        let mut draft = Draft::new(&gate);
        for (at, rec) in batch.iter().enumerate().map(|(i, rec)| (start + i, rec)) {
            let (key, order) = (rec.record.map(|r| [r]), rec.order.map(order));
            let keys = Keys { record: key.as_ref().map(|k| &k[..]), order: order.as_ref() };
            let by = if draft.touches(keys.record) { draft.blocks(keys).cloned() } else { None };
            match by {
                Some(by) if !rec.poison || rec.order.is_some() => behind.push((at, by.offset.0)),
                _ if rec.poison => {}
                _ => {
                    applied.push(at);
                    continue;
                }
            }
            draft.hold(keys, cause(at), 1);
        }
        let held = draft.finish();
        gate.merge(held);
    }
    (applied, behind, gate)
}

proptest! {
    /// However records are divided into batches, one waits exactly when an earlier held one conflicts with it.
    #[test]
    fn a_record_waits_exactly_when_an_earlier_held_one_conflicts(
        records in prop::collection::vec(any_record(), 0..40),
        batch in 1..8_usize,
    ) {
        let mut held: Vec<usize> = Vec::new();
        let mut expected = Vec::new();
        for (at, rec) in records.iter().enumerate() {
            if rec.poison || held.iter().any(|h| conflict(&records[*h], rec)) {
                held.push(at);
            } else {
                expected.push(at);
            }
        }
        let (applied, behind, gate) = through(&records, batch, Gate::default(), 0);
        prop_assert_eq!(&applied, &expected);
        // What it waits behind is the first that it conflicts with.
        for (at, by) in behind {
            let first = held.iter().find(|h| conflict(&records[**h], &records[at])).expect("one");
            prop_assert_eq!(by, i64::try_from(*first).expect("small"));
        }
        // Counts are those of what is held.
        let keys: HashSet<_> = held.iter().filter(|h| records[**h].record.is_some())
            .map(|h| (records[*h].record, records[*h].order)).collect();
        prop_assert_eq!((gate.count, gate.bytes), (keys.len(), held.len()));
    }

    /// No effect of a key comes after a held one of it, in whichever batch either is: the order of each key is kept.
    #[test]
    fn nothing_of_a_key_is_applied_behind_a_held_record(
        records in prop::collection::vec(any_record(), 0..40),
        batch in 1..8_usize,
    ) {
        let (applied, _, _) = through(&records, batch, Gate::default(), 0);
        for (at, rec) in records.iter().enumerate().filter(|(at, _)| !applied.contains(at)) {
            prop_assert!(!applied.iter().any(|later| *later > at && conflict(rec, &records[*later])));
        }
    }
}

fn keys<'a>(record: &'a [u8], order: Option<&'a OrderKey>) -> Keys<'a> {
    Keys { record: Some(record), order }
}

#[test]
fn the_bounds_are_of_keys_and_of_bytes() {
    let limits = HeldLimits { keys_max: 2, bytes_max: 10 };
    let mut gate = Gate::default();
    let (one, two, three) = (order(1), order(2), order(3));
    let mut draft = Draft::new(&gate);
    assert_eq!(draft.room(limits, keys(b"a", Some(&one)), 99), Ok(()), "one record has room always");
    draft.hold(keys(b"a", Some(&one)), cause(0), 4);
    let held = draft.finish();
    gate.merge(held);
    let mut draft = Draft::new(&gate);
    assert_eq!(draft.room(limits, keys(b"a", Some(&one)), 7), Err(Full::Bytes(10)));
    draft.hold(keys(b"a", Some(&two)), cause(1), 4);
    assert_eq!(draft.room(limits, keys(b"a", Some(&three)), 1), Err(Full::Keys(2)));
    assert_eq!(draft.room(limits, keys(b"a", None), 1), Err(Full::Keys(2)), "the record key is a key, too");
    assert_eq!(draft.room(limits, keys(b"a", Some(&one)), 2), Ok(()), "more of a key that is blocked");
    assert_eq!(draft.room(limits, Keys { record: None, order: None }, 2), Ok(()), "no key is blocked by it");
}

#[test]
fn a_gate_that_is_empty_touches_nothing() {
    let gate = Gate::default();
    assert!(!gate.touches(Some(b"a")) && !gate.touches(None));
}
