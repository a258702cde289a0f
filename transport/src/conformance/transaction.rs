//! Transactions: all or nothing, and one writer at a time.

use std::time::Duration;

use super::{
    Fixture,
    fixture::{noise, noise_of, numbers, partition, texts, valued},
};
use crate::{AppendError, Fetched, NewRecord, Offset, ReaderSettings, TopicSpec};

/// Before the commit nothing is visible, after it everything, in all partitions; and the commit says where.
pub async fn all_records_become_visible_together(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 1, 1).await;
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    for round in 0..2 {
        tx.begin().await.expect("it begins");
        for i in 0..10 {
            tx.append(valued(&topic, i % 2, &format!("{round}:{i}"))).await.expect("it is taken");
        }
        let before = f.read_all(&topic, 2).await.len();
        assert_eq!(before, 1 + round * 10, "nothing is visible before the commit");
        let end = f.log.range(&partition(&topic, 1)).await.expect("a range").latest;
        assert!(end.0 <= 6 * round as i64, "the end of what a committed reader sees is {end}");
        let appended = tx.commit().await.expect("it is committed");
        let seen = f.read_all(&topic, 2).await;
        assert_eq!(seen.len(), 1 + (round + 1) * 10);
        assert_eq!(appended.len(), 10);
        for (i, at) in appended.iter().enumerate() {
            let found = seen.iter().find(|seen| (seen.partition, seen.offset) == (at.partition, at.offset.0));
            assert_eq!(found.map(|seen| seen.text()), Some(format!("{round}:{i}")));
        }
    }
}

/// What was aborted is never seen; the end is told behind the holes, and later records are read.
pub async fn an_aborted_transaction_stays_invisible(f: &Fixture) {
    let topic = f.topic(1).await;
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    for (round, commit) in [(0, true), (1, false), (2, true), (3, false)] {
        tx.begin().await.expect("it begins");
        tx.append(valued(&topic, 0, &round.to_string())).await.expect("it is taken");
        f.until_stored(partition(&topic, 0), &round.to_string()).await;
        if commit {
            tx.commit().await.expect("it is committed");
        } else {
            tx.abort().await.expect("it is aborted");
        }
    }
    // The end of a partition whose last records are holes is told too.
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), ["0", "2"]);
    let range = f.log.range(&partition(&topic, 0)).await.expect("a range");
    f.append(vec![valued(&topic, 0, "4")]).await;
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), ["0", "2", "4"]);
    let mut tail = f.reader(&[(partition(&topic, 0), range.latest.0)]).await;
    assert_eq!(texts(&f.until_ends(&mut *tail, 1).await, 0), ["4"]);
}

/// A transaction that is open when another begins is given up.
pub async fn beginning_aborts_what_is_open(f: &Fixture) {
    let topic = f.topic(1).await;
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    tx.begin().await.expect("it begins");
    tx.append(valued(&topic, 0, "given up")).await.expect("it is taken");
    f.until_stored(partition(&topic, 0), "given up").await;
    tx.begin().await.expect("it begins");
    tx.append(valued(&topic, 0, "kept")).await.expect("it is taken");
    assert_eq!(tx.commit().await.expect("it is committed").len(), 1);
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), ["kept"]);
}

/// From when a newer writer of the same id is there, the older one commits nothing; the newer one works.
pub async fn a_newer_writer_fences_the_older(f: &Fixture) {
    let topic = f.topic(1).await;
    let id = f.unique("tx");
    let mut older = f.log.transactional(&id).await.expect("a writer");
    older.begin().await.expect("it begins");
    older.append(valued(&topic, 0, "older")).await.expect("it is taken");
    f.until_stored(partition(&topic, 0), "older").await;
    let mut newer = f.reopen().await.transactional(&id).await.expect("a newer writer");
    let fenced = f.within("the older one is told", older.commit()).await;
    assert!(matches!(&fenced, Err(AppendError::Fenced { id: i }) if *i == id), "{fenced:?}");
    newer.begin().await.expect("it begins");
    newer.append(valued(&topic, 0, "newer")).await.expect("it is taken");
    newer.commit().await.expect("it is committed");
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), ["newer"]);
    let other_id = f.log.transactional(&f.unique("other")).await;
    assert!(other_id.is_ok());
    newer.begin().await.expect("a writer of another id fences nobody");
    newer.commit().await.expect("it is committed");
}

/// A record that the log does not take is refused at once or by the commit; nothing of the transaction is seen then.
pub async fn a_refused_record_leaves_nothing_behind(f: &Fixture) {
    let topic = f.topic(1).await;
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    let large = NewRecord { value: Some(noise(2 << 20)), ..valued(&topic, 0, "") };
    let missing = valued(&f.unique("missing").into(), 0, "");
    for bad in [large, valued(&topic, 7, ""), missing] {
        tx.begin().await.expect("it begins");
        tx.append(valued(&topic, 0, "good")).await.expect("it is taken");
        let refused = match tx.append(bad).await {
            Err(error) => error,
            Ok(()) => tx.commit().await.expect_err("the commit is refused"),
        };
        let is_typed = matches!(
            refused,
            AppendError::TooLarge { .. } | AppendError::UnknownPartition { .. } | AppendError::UnknownTopic { .. }
        );
        assert!(is_typed, "{refused:?}");
        tx.abort().await.expect("it is aborted");
    }
    assert_eq!(f.read_all(&topic, 1).await, []);
    tx.begin().await.expect("it begins");
    tx.append(valued(&topic, 0, "after")).await.expect("it is taken");
    tx.commit().await.expect("it is committed");
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), ["after"]);
}

/// Committing nothing and aborting nothing are fine.
pub async fn an_empty_transaction_is_fine(f: &Fixture) {
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    tx.begin().await.expect("it begins");
    assert_eq!(tx.commit().await.expect("it is committed"), []);
    tx.begin().await.expect("it begins");
    tx.abort().await.expect("it is aborted");
}

/// A reader that asks for it is shown the records of open and aborted transactions, where the backend has them.
pub async fn uncommitted_records_are_shown_on_request(f: &Fixture) {
    if !f.profile.shows_uncommitted {
        return;
    }
    let topic = f.topic(1).await;
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    tx.begin().await.expect("it begins");
    tx.append(valued(&topic, 0, "open")).await.expect("it is taken");
    let settings = ReaderSettings { uncommitted: true, ..ReaderSettings::default() };
    let mut reader = f.log.reader(vec![(partition(&topic, 0), Offset(0))], settings).await.expect("a reader");
    assert_eq!(texts(&f.until_count(&mut *reader, 1).await, 0), ["open"]);
    let mut committed = f.reader(&[(partition(&topic, 0), 0)]).await;
    assert_eq!(f.until_ends(&mut *committed, 1).await, []);
    tx.abort().await.expect("it is aborted");
    let Fetched { records, .. } = committed.next(Duration::from_millis(300)).await.expect("nothing");
    assert!(records.is_empty(), "{records:?}");
}

/// Many small records of one transaction get into a topic whose limit is below their sum.
pub async fn small_records_of_one_transaction_fit_a_small_topic(f: &Fixture) {
    let spec = TopicSpec { record_bytes_max: Some(10_000), ..TopicSpec::new(f.unique("topic"), 1) };
    let topic = f.topic_of(spec).await;
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    tx.begin().await.expect("it begins");
    for i in 0..60 {
        let record = NewRecord { key: Some(noise_of(i, 900)), ..valued(&topic, 0, &i.to_string()) };
        tx.append(record).await.expect("it is taken");
    }
    let appended = f.within("it is committed", tx.commit()).await.expect("it is committed");
    assert_eq!(appended.iter().map(|at| at.offset.0).collect::<Vec<_>>(), (0..60).collect::<Vec<_>>());
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), numbers(0..60));
}
