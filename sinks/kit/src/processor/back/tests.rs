use coursebus_schemas::Key;
use proptest::prelude::*;

use super::*;

/// A parked record: its keys, whether it is asked for, and whether it can be applied when it is tried.
#[derive(Debug, Clone)]
struct Rec {
    record: Option<u8>,
    order: Option<u8>,
    asked: bool,
    sound: bool,
}

fn any_record() -> impl Strategy<Value = Rec> {
    let record = prop::option::weighted(0.9, 0..2_u8);
    let order = prop::option::weighted(0.8, 0..3_u8);
    (record, order, any::<bool>(), prop::bool::weighted(0.7)).prop_map(|(record, order, asked, sound)| Rec {
        record,
        order,
        asked,
        sound,
    })
}

fn conflict(a: &Rec, b: &Rec) -> bool {
    a.record.is_some() && a.record == b.record && (a.order.is_none() || b.order.is_none() || a.order == b.order)
}

fn brief(at: usize, rec: &Rec, behind: Option<usize>) -> HeldBrief {
    let order = |value: u8| {
        let mut key = OrderKey::new();
        key.push(Key::Long(value.into()));
        key.as_bytes().to_vec()
    };
    let offset = |at: usize| Offset(i64::try_from(at).expect("small"));
    HeldBrief {
        offset: offset(at),
        state: "parked".into(),
        code: "refused".into(),
        behind: behind.map(offset),
        key: rec.record.map(|key| vec![key]),
        order_key: rec.order.map(order),
        asked: rec.asked,
        tries: 0,
        version: 0,
        bytes: 1,
    }
}

/// One walk, in steps of a few: which were applied, and which stay, each with what it is behind.
fn walk(briefs: &[(HeldBrief, bool)], size: usize) -> (Vec<usize>, Vec<(usize, Option<usize>)>) {
    let at = |offset: Offset| usize::try_from(offset.0).expect("an index");
    let (mut applied, mut stay) = (Vec::new(), Vec::new());
    let mut gate = Gate::default();
    for chunk in briefs.chunks(size) {
        let mut step = Step::new(&gate);
        for (brief, sound) in chunk {
            let order = brief.order();
            let keys = Keys { record: brief.key.as_deref(), order: order.as_ref() };
            match what_to_do(&step.draft, brief, keys) {
                Do::Note(_) => unreachable!("all are parked"),
                Do::Stay => {
                    step.draft.hold(keys, brief.cause(), 1);
                    stay.push((at(brief.offset), None));
                }
                Do::StayBehind(cause) => {
                    // A record that cannot be read stays a cause of its own.
                    stay.push((at(brief.offset), brief.behind.map(|_| at(cause.offset))));
                    step.stay_behind(brief, keys, cause);
                }
                Do::Try if *sound => {
                    applied.push(at(brief.offset));
                    step.note(brief, false, Tried::Applied(None));
                }
                Do::Try => {
                    stay.push((at(brief.offset), None));
                    step.note(brief, false, Tried::Failed(refused_by_database(), order.clone()));
                }
            }
        }
        let held = step.draft.finish();
        gate.merge(held);
    }
    (applied, stay)
}

/// Behind what each record is when all are held: the first that it conflicts with; one that cannot be read is a cause.
fn parked(records: &[Rec]) -> Vec<(HeldBrief, bool)> {
    let behind = |at: usize| (0..at).find(|before| conflict(&records[*before], &records[at]));
    let brief = |at: usize| {
        let rec = &records[at];
        (brief(at, rec, behind(at).filter(|_| rec.order.is_some())), rec.sound)
    };
    (0..records.len()).map(brief).collect()
}

proptest! {
    /// Nothing is applied behind a record of its key that stays, and nothing is left that could have been tried.
    #[test]
    fn a_walk_keeps_the_order_of_each_key(records in prop::collection::vec(any_record(), 0..30), size in 1..7_usize) {
        let (applied, stay) = walk(&parked(&records), size);
        for at in &applied {
            let before = stay.iter().find(|(s, _)| s < at && conflict(&records[*s], &records[*at]));
            prop_assert_eq!(before, None, "{} was applied", at);
        }
        for (at, behind) in &stay {
            let blocked = stay.iter().find(|(s, _)| s < at && conflict(&records[*s], &records[*at]));
            prop_assert_eq!(*behind, blocked.map(|(s, _)| *s).filter(|_| records[*at].order.is_some()), "{}", at);
            // It stays because of another, or nobody asked, or it failed.
            prop_assert!(blocked.is_some() || !records[*at].asked || !records[*at].sound);
        }
        prop_assert_eq!(applied.len() + stay.len(), records.len());
    }

    /// Once everything can be applied, asking for the causes brings everything back, in order.
    #[test]
    fn all_come_back_when_their_causes_are_asked_for(
        records in prop::collection::vec(any_record(), 0..30),
        size in 1..7_usize,
    ) {
        let mut briefs = parked(&records);
        for (brief, sound) in &mut briefs {
            (brief.asked, *sound) = (brief.behind.is_none(), true);
        }
        let (applied, stay) = walk(&briefs, size);
        prop_assert_eq!(stay, vec![]);
        prop_assert_eq!(applied, (0..records.len()).collect::<Vec<_>>());
    }
}
