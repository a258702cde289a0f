//! What becomes of the rows of a batch: published, or held. Pure.

use std::collections::HashMap;

use coursebus_transport::NewRecord;

use super::{
    encode::{Encoded, Refusal},
    row::Block,
};

/// The held row that others wait behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Its row's id.
    pub(crate) id: i64,
    /// Its place among the held ones; `None` for one of this batch or of one that is not stored yet.
    pub(crate) seq: Option<i64>,
    /// Why it is held.
    pub(crate) code: String,
}

/// What holds rows back.
pub(crate) type Blocks = HashMap<Block, Cause>;

/// A row to be published.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) id: i64,
    pub(crate) is_held: bool,
    pub(crate) print: u64,
    pub(crate) record: NewRecord,
}

/// A row to be held, or to stay so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) id: i64,
    pub(crate) is_held: bool,
    pub(crate) code: String,
    pub(crate) reason: String,
    pub(crate) topic: Option<&'static str>,
    pub(crate) order_key: Option<Vec<u8>>,
    pub(crate) block: Option<Block>,
    /// The row that it waits behind; `None` for a cause.
    pub(crate) behind: Option<i64>,
}

/// What becomes of a batch, in the order of its rows.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) publish: Vec<Publish>,
    pub(crate) hold: Vec<Hold>,
    /// What the rows that are held here hold back.
    pub(crate) blocks: Blocks,
}

/// Decides. `blocks` is what is held already; `refused` are rows that the log has refused.
pub(crate) fn plan(encoded: Vec<Encoded>, blocks: &Blocks, refused: &HashMap<i64, Refusal>) -> Plan {
    let mut plan = Plan::default();
    for row in encoded {
        let nothing_is_held = plan.blocks.is_empty() && blocks.is_empty();
        let behind = if nothing_is_held { None } else { cause_of(&row, &plan.blocks, blocks) };
        let outcome = match refused.get(&row.id) {
            Some(refusal) => Err(refusal.clone()),
            None => row.outcome,
        };
        let hold = |code, reason, block, behind| Hold {
            id: row.id,
            is_held: row.seq.is_some(),
            code,
            reason,
            topic: row.keys.topic,
            order_key: row.keys.order_key.as_ref().map(|key| key.as_bytes().to_vec()),
            block,
            behind,
        };
        match (behind, outcome) {
            (Some((block, cause)), _) => {
                let reason = format!("it waits behind row {} of its key", cause.id);
                plan.hold.push(hold(cause.code, reason, Some(block), Some(cause.id)));
            }
            (None, Err(refusal)) => {
                let block = row.keys.own();
                if let Some(block) = block {
                    plan.blocks.insert(block, Cause { id: row.id, seq: row.seq, code: refusal.code.to_owned() });
                }
                plan.hold.push(hold(refusal.code.to_owned(), refusal.reason, block, None));
            }
            (None, Ok(record)) => {
                plan.publish.push(Publish { id: row.id, is_held: row.seq.is_some(), print: row.print, record });
            }
        }
    }
    plan
}

/// What a row waits behind, if anything.
fn cause_of(row: &Encoded, own: &Blocks, held: &Blocks) -> Option<(Block, Cause)> {
    row.keys.blocks().into_iter().flatten().find_map(|block| {
        let earlier = || held.get(&block).filter(|cause| is_before(cause, row.seq));
        own.get(&block).or_else(earlier).map(|cause| (block, cause.clone()))
    })
}

/// A held row waits only behind those that were held before it; a row of the outbox behind all.
fn is_before(cause: &Cause, seq: Option<i64>) -> bool {
    match (cause.seq, seq) {
        (Some(cause), Some(seq)) => cause < seq,
        (_, None) => true,
        (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use coursebus_schemas::{Key, OrderKey};

    use super::{super::encode::Keys, *};

    fn record() -> NewRecord {
        NewRecord { topic: "t".into(), partition: 0, timestamp_ms: None, key: None, value: None, headers: Vec::new() }
    }

    /// A row of record key 0 with an order key; `None` where it cannot be told.
    fn row(id: i64, order: Option<i64>, is_good: bool) -> Encoded {
        let order_key = order.map(|part| {
            let mut key = OrderKey::new();
            key.push(Key::Long(part));
            key
        });
        let keys = Keys { topic: Some("t"), order_key, record_key: Some(vec![0]) };
        let outcome = if is_good { Ok(record()) } else { Err(Refusal::new("record-key", "no")) };
        Encoded { id, seq: None, print: 0, keys, outcome }
    }

    fn shown(plan: &Plan) -> (Vec<i64>, Vec<(i64, Option<i64>)>) {
        (plan.publish.iter().map(|p| p.id).collect(), plan.hold.iter().map(|h| (h.id, h.behind)).collect())
    }

    #[test]
    fn a_refused_row_holds_its_order_key_only() {
        let rows = vec![row(1, Some(7), false), row(2, Some(8), true), row(3, Some(7), true), row(4, Some(7), false)];
        let done = plan(rows, &Blocks::new(), &HashMap::new());
        assert_eq!(shown(&done), (vec![2], vec![(1, None), (3, Some(1)), (4, Some(1))]));
        assert_eq!(done.hold[1].code, "record-key");
    }

    #[test]
    fn a_row_without_an_order_key_holds_its_record_key() {
        let rows = vec![row(1, Some(7), true), row(2, None, false), row(3, Some(7), true), row(4, Some(8), true)];
        let done = plan(rows, &Blocks::new(), &HashMap::new());
        assert_eq!(shown(&done), (vec![1], vec![(2, None), (3, Some(2)), (4, Some(2))]));
    }

    #[test]
    fn a_row_without_any_key_is_held_alone() {
        let mut lost = row(1, None, false);
        lost.keys = Keys::default();
        let done = plan(vec![lost, row(2, Some(7), true)], &Blocks::new(), &HashMap::new());
        assert_eq!(shown(&done), (vec![2], vec![(1, None)]));
        assert_eq!(done.hold[0].block, None);
    }

    #[test]
    fn what_the_log_refuses_is_held() {
        let refused = HashMap::from([(1, Refusal::new("record-too-large", "x"))]);
        let done = plan(vec![row(1, Some(7), true), row(2, Some(7), true)], &Blocks::new(), &refused);
        assert_eq!(shown(&done), (vec![], vec![(1, None), (2, Some(1))]));
    }

    #[test]
    fn held_rows_wait_for_earlier_held_ones_only() {
        let held = |id, seq| Encoded { seq: Some(seq), ..row(id, Some(7), true) };
        let cause = Cause { id: 50, seq: Some(5), code: "c".into() };
        let blocks = Blocks::from([(Block::of_record_key("t", &[0]), cause)]);
        let done = plan(vec![held(1, 4), held(2, 6)], &blocks, &HashMap::new());
        assert_eq!(shown(&done), (vec![1], vec![(2, Some(50))]));
        let late = plan(vec![row(3, Some(7), true)], &blocks, &HashMap::new());
        assert_eq!(shown(&late), (vec![], vec![(3, Some(50))]));
    }
}
