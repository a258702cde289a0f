use coursebus_transport::TopicPartition;
use proptest::prelude::*;

use super::*;

const BOUNDS: HeldBounds = HeldBounds { keys_max: 100, bytes_max: 1 << 20 };

fn record(offset: i64, key: Option<&str>) -> Record {
    let partition = TopicPartition::new("t", 0);
    Record::of_parts(&partition, Offset(offset), 0, key.map(str::as_bytes), Some(b"value"), &[])
}

fn parked(offset: i64, record_key: Option<&str>, order_key: Option<&str>) -> Parked {
    let order_key = order_key.map(|key| key.as_bytes().into());
    let note = Note { code: "refused".to_owned(), reason: String::new(), order_key, behind: None };
    Parked::new(&record(offset, record_key), note)
}

/// Parks as a lane does: behind what is held, or as a hold of its own.
fn park(book: &mut Book, offset: i64, record_key: Option<&str>, order_key: Option<&str>, first: Option<Instant>) {
    let parked = parked(offset, record_key, order_key);
    let order = order_key.map(str::as_bytes);
    let key = book.hold_of(order, record_key.map(str::as_bytes), Offset(offset));
    let key = key.unwrap_or_else(|| Book::new_hold(&parked.record, order));
    book.park(&key, parked, first);
}

/// Handles whatever has its turn; the offsets, in order.
fn drain(book: &mut Book, now: Instant) -> Vec<i64> {
    let mut done = Vec::new();
    while let Some(key) = book.take_due(now) {
        done.push(book.head(&key).expect("a hold has a head").record.offset().0);
        book.resolved(&key, now);
    }
    done
}

#[test]
fn a_key_comes_back_in_its_order_and_only_then_is_free() {
    let (mut book, now) = (Book::new(BOUNDS), Instant::now());
    for offset in [3, 5, 9] {
        park(&mut book, offset, Some("r"), Some("k"), Some(now));
    }
    assert_eq!(book.hold_of(Some(b"k"), Some(b"r"), Offset(99)), Some(HoldKey::Order(b"k"[..].into())));
    assert_eq!(book.hold_of(Some(b"other"), Some(b"r"), Offset(99)), None, "other order keys of the record key flow");
    let key = book.take_due(now).expect("it is due");
    assert_eq!(book.take_due(now), None, "one of a key at a time");
    book.resolved(&key, now);
    assert!(book.hold_of(Some(b"k"), Some(b"r"), Offset(99)).is_some(), "two are left");
    assert_eq!(drain(&mut book, now), [5, 9]);
    assert!(book.is_empty() && book.bytes == 0 && book.due.is_empty());
}

#[test]
fn poison_waits_until_someone_asks_and_a_failure_for_now_does_not() {
    let (mut book, now) = (Book::new(BOUNDS), Instant::now());
    park(&mut book, 1, Some("r"), Some("poison"), None);
    park(&mut book, 2, Some("r"), Some("away"), Some(now + Duration::from_secs(1)));
    assert_eq!(drain(&mut book, now), [] as [i64; 0]);
    assert_eq!(book.next_due(), Some(now + Duration::from_secs(1)));
    let key = book.take_due(now + Duration::from_secs(1)).expect("it is due");
    let wait = Duration::from_secs(2);
    book.failed(&key, &Failed::Transient { wait }, "x".to_owned(), String::new(), now);
    assert_eq!((book.waited(&key), book.next_due()), (wait, Some(now + wait)));
    let filter = HeldFilter { code: Some("refused".to_owned()), ..HeldFilter::default() };
    assert_eq!(book.retry(&filter, now).iter().map(|held| held.offset.0).collect::<Vec<_>>(), [1]);
    assert_eq!(drain(&mut book, now), [1]);
    assert_eq!(drain(&mut book, now + wait), [2]);
}

#[test]
fn what_cannot_be_decoded_holds_its_record_key() {
    let (mut book, now) = (Book::new(BOUNDS), Instant::now());
    park(&mut book, 1, Some("r"), Some("r/a"), None);
    park(&mut book, 2, Some("r"), None, None);
    park(&mut book, 3, Some("r"), Some("r/a"), None);
    park(&mut book, 4, None, None, None);
    assert_eq!(book.keys(), 3, "an order key, a record key, and one alone");
    assert_eq!(book.hold_of(Some(b"r/b"), Some(b"r"), Offset(1)), None, "it lies before");
    let by_record = book.hold_of(Some(b"r/b"), Some(b"r"), Offset(99)).expect("any order key of it waits");
    assert_eq!(by_record, HoldKey::Record(b"r"[..].into()));
    // The record key comes back first: what is also behind the order key goes there.
    book.retry(&HeldFilter { from: Some(Offset(2)), until: Some(Offset(3)), ..HeldFilter::default() }, now);
    let key = book.take_due(now).expect("it is due");
    book.resolved(&key, now);
    let key = book.take_due(now).expect("the next is due");
    let order = HoldKey::Order(b"r/a"[..].into());
    book.move_head(&key, &order, now);
    assert_eq!(book.hold_of(Some(b"r/a"), Some(b"r"), Offset(99)), Some(order));
    book.retry(&HeldFilter::all(), now);
    assert_eq!(drain(&mut book, now), [1, 3, 4]);
    assert!(book.is_empty() && book.bytes == 0);
}

#[test]
fn a_discarded_record_lets_the_later_ones_come_back() {
    let (mut book, now) = (Book::new(BOUNDS), Instant::now());
    for offset in 1..5 {
        park(&mut book, offset, Some("r"), Some("k"), None);
    }
    let filter = HeldFilter { until: Some(Offset(3)), ..HeldFilter::default() };
    let chosen = book.discard(&filter);
    assert_eq!(chosen.iter().map(|(_, held)| held.offset.0).collect::<Vec<_>>(), [1, 2]);
    assert!(book.discard(&filter).is_empty(), "they are on their way");
    assert!(book.retry(&HeldFilter::all(), now).is_empty());
    // The later ones wait until it is durable, in whatever order that is told.
    book.discarded(&chosen[1].0, Offset(2), now);
    assert_eq!(book.next_due(), None);
    book.discarded(&chosen[0].0, Offset(1), now);
    assert_eq!(drain(&mut book, now), [3, 4]);
    assert!(book.is_empty() && book.bytes == 0);
}

#[test]
fn a_record_in_hand_is_not_discarded() {
    let (mut book, now) = (Book::new(BOUNDS), Instant::now());
    book.park_in_hand(&HoldKey::Order(b"k"[..].into()), parked(1, None, Some("k")));
    assert!(book.discard(&HeldFilter::all()).is_empty());
    assert!(book.retry(&HeldFilter::all(), now).is_empty());
}

#[test]
fn a_record_that_is_being_given_up_is_not_tried_when_it_comes_first() {
    let (mut book, now) = (Book::new(BOUNDS), Instant::now());
    let key = HoldKey::Order(b"k"[..].into());
    book.park_in_hand(&key, parked(1, None, Some("k")));
    book.park(&key, parked(2, None, Some("k")), None);
    assert_eq!(book.discard(&HeldFilter::all()).len(), 1);
    book.resolved(&key, now);
    assert_eq!(book.next_due(), None);
    book.discarded(&key, Offset(2), now);
    assert!(book.is_empty() && book.bytes == 0 && book.due.is_empty());
}

#[test]
fn it_says_when_it_is_full() {
    let mut book = Book::new(HeldBounds { keys_max: 2, bytes_max: 1 << 20 });
    for offset in 0..3 {
        assert!(!book.is_over());
        park(&mut book, offset, Some("r"), Some(&offset.to_string()), None);
    }
    assert!(book.is_over());
    let mut book = Book::new(HeldBounds { keys_max: 2, bytes_max: 300 });
    for offset in 0..3 {
        assert!(!book.is_over());
        park(&mut book, offset, Some("r"), Some("k"), None);
    }
    assert!(book.is_over());
}

fn event(offset: i64, state: HeldState, behind: Option<i64>, code: &str) -> HeldEvent {
    HeldEvent {
        state,
        code: code.to_owned(),
        reason: String::new(),
        order_key: Some(b"k"[..].into()),
        behind: behind.map(Offset),
        at_ms: 0,
        record: record(offset, Some("r")),
    }
}

#[test]
fn the_next_owner_goes_on_where_the_last_one_was() {
    use HeldState::{Dead, Discarded, Parked, Resolved};
    let check = |events: &[(i64, HeldState, Option<i64>, &str)], expected: &[i64]| {
        let mut fold = Fold::default();
        events.iter().for_each(|(offset, state, behind, code)| fold.add(event(*offset, *state, *behind, code)));
        let now = Instant::now();
        let mut book = fold.into_book(BOUNDS, now, |code| code == "away");
        assert_eq!(book.next_due(), None, "nothing was read yet: {events:?}");
        book.read(Offset(9), now);
        assert_eq!(drain(&mut book, now), expected, "{events:?}");
    };
    check(&[(1, Parked, None, "refused"), (2, Parked, Some(1), "refused")], &[]);
    check(&[(1, Parked, None, "away"), (2, Parked, Some(1), "away")], &[1, 2]);
    check(&[(1, Parked, None, "refused"), (2, Parked, Some(1), "refused"), (1, Resolved, None, "")], &[2]);
    check(&[(1, Parked, None, "away"), (2, Parked, Some(1), "away"), (2, Discarded, None, "")], &[1]);
    check(&[(1, Dead, None, "refused")], &[]);
    check(&[(1, Parked, None, "away"), (1, Parked, None, "refused")], &[]);
}

#[test]
fn what_is_delivered_again_has_its_place_before_what_is_held() {
    let (mut fold, now, key) = (Fold::default(), Instant::now(), HoldKey::Order(b"k"[..].into()));
    fold.add(event(5, HeldState::Parked, None, "away"));
    fold.add(event(4, HeldState::Resolved, None, ""));
    assert_eq!(fold.settled(), [Offset(4), Offset(5)].into());
    let mut book = fold.into_book(BOUNDS, now, |code| code == "away");
    let behind = |book: &Book, offset| book.hold_of(Some(b"k"), Some(b"r"), Offset(offset)).is_some();
    assert!(!behind(&book, 3) && behind(&book, 7), "what lies before what is held does not wait behind it");
    book.park(&key, parked(3, Some("r"), Some("k")), Some(now));
    book.read(Offset(4), now);
    assert_eq!(drain(&mut book, now), [3]);
    book.read(Offset(6), now);
    assert_eq!(drain(&mut book, now), [5]);
    assert!(book.is_empty() && book.bytes == 0);
}

proptest! {
    /// Whatever is parked, tried, failed and asked for: records of one order key come back in the order of their offsets.
    #[test]
    fn order_is_kept(steps in prop::collection::vec((0..4u8, 0..3u8, 0..2u8, any::<bool>()), 0..120)) {
        let (mut book, mut now, mut offset) = (Book::new(BOUNDS), Instant::now(), 0);
        let mut in_hand: Vec<HoldKey> = Vec::new();
        let mut done: HashMap<(String, String), i64> = HashMap::new();
        for (step, order, record_key, flag) in steps {
            now += Duration::from_millis(500);
            match step {
                0 => {
                    offset += 1;
                    let (record_key, order) = (format!("r{record_key}"), format!("r{record_key}/{order}"));
                    let order = (!flag).then_some(&*order);
                    park(&mut book, offset, Some(&record_key), order, flag.then_some(now));
                }
                1 => {
                    if let Some(key) = book.take_due(now) {
                        prop_assert!(!in_hand.contains(&key));
                        let head = book.head(&key).expect("a head");
                        let order = head.note.order_key.clone();
                        let other = order.map(|order| HoldKey::Order((*order).into()));
                        match other.filter(|other| *other != key && book.head(other).is_some()) {
                            Some(other) => book.move_head(&key, &other, now),
                            None => in_hand.push(key),
                        }
                    }
                }
                2 if !in_hand.is_empty() => {
                    let key = in_hand.remove(usize::from(order) % in_hand.len());
                    if flag {
                        book.failed(&key, &Failed::Transient { wait: Duration::from_secs(1) }, String::new(), String::new(), now);
                    } else {
                        let head = book.head(&key).expect("a head");
                        if let Some(order) = &head.note.order_key {
                            let name = (String::from_utf8_lossy(order).into_owned(), String::new());
                            let before = done.insert(name, head.record.offset().0);
                            prop_assert!(before.is_none_or(|before| before < head.record.offset().0));
                        }
                        book.resolved(&key, now);
                    }
                }
                _ => drop(book.retry(&HeldFilter::all(), now)),
            }
        }
        in_hand.iter().for_each(|key| book.failed(key, &Failed::Poison, String::new(), String::new(), now));
        let parked = book.list(&HeldFilter::all()).len();
        let chosen = book.discard(&HeldFilter::all());
        prop_assert_eq!(chosen.len(), parked);
        chosen.iter().for_each(|(key, held)| book.discarded(key, held.offset, now));
        prop_assert!(book.is_empty() && book.bytes == 0 && book.due.is_empty());
    }
}
