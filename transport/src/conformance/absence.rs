//! A log that does not answer: every call ends in time and says so.

use std::time::{Duration, Instant};

use super::{
    Fixture,
    fixture::{partition, valued},
};
use crate::{AdminError, AppendError, Class, GroupSettings, Offset, ReadError, ReaderSettings, WriterSettings};

/// The request time-out of an absent log is two seconds; this is far above.
const IN_TIME: Duration = Duration::from_secs(12);

/// Questions, readers, members and transactions fail as unavailable, not before long.
pub async fn a_log_that_is_not_there_is_reported_in_time(f: &Fixture) {
    let Some(absent) = f.open_absent().await else { return };
    let topic: std::sync::Arc<str> = f.unique("topic").into();
    let first = partition(&topic, 0);
    let firsts = [first.clone()];
    let begun = Instant::now();
    let (cluster, topics, described, range, committed, reader, joined, tx) = tokio::join!(
        absent.cluster(),
        absent.topics(),
        absent.topic(&topic),
        absent.range(&first),
        absent.committed("group", &firsts),
        absent.reader(vec![(first.clone(), Offset(0))], ReaderSettings::default()),
        absent.join(GroupSettings::new("group", vec![topic.to_string()])),
        absent.transactional("tx"),
    );
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    for error in [cluster.err(), topics.err(), described.err(), range.err(), committed.err()] {
        let error = error.expect("an error");
        assert!(matches!(error, AdminError::Unavailable { .. }) && error.class() == Class::Transient, "{error:?}");
    }
    for error in [reader.err(), joined.err()] {
        let error = error.expect("an error");
        assert!(matches!(error, ReadError::Unavailable { .. }) && error.class() == Class::Transient, "{error:?}");
    }
    let tx = tx.err().expect("an error");
    assert!(matches!(tx, AppendError::Unconfirmed { .. }) && tx.class() == Class::Transient, "{tx:?}");
}

/// A record that never went out is said to be nowhere after the delivery time-out; a flush gives up at its own deadline and says how much is left.
pub async fn a_writer_without_a_log_says_not_sent_and_unflushed(f: &Fixture) {
    let Some(absent) = f.open_absent().await else { return };
    let topic = f.unique("topic").into();
    let settings = WriterSettings { delivery_timeout: Duration::from_secs(2), ..WriterSettings::default() };
    let writer = absent.writer(settings).await.expect("a writer needs no log yet");
    let begun = Instant::now();
    let receipt = writer.append(valued(&topic, 0, "x")).await;
    let unflushed = writer.flush(Duration::from_millis(100)).await.expect_err("nothing can be confirmed");
    assert!(unflushed.bytes > 0, "{unflushed}");
    assert!(begun.elapsed() < Duration::from_secs(2), "the flush kept its own deadline: {:?}", begun.elapsed());
    let lost = receipt.await.expect_err("it cannot be confirmed");
    assert!(matches!(lost, AppendError::NotSent { .. }) && lost.class() == Class::Transient, "{lost:?}");
    assert!(!lost.is_in_doubt());
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    writer.flush(Duration::from_secs(1)).await.expect("nothing is in flight any more");
}

/// What a writer gives up has its outcome at once, long before its time-out.
pub async fn a_writer_that_gives_up_says_so_of_each_record(f: &Fixture) {
    let Some(absent) = f.open_absent().await else { return };
    let topic = f.unique("topic").into();
    let settings = WriterSettings { delivery_timeout: Duration::from_secs(3600), ..WriterSettings::default() };
    let writer = absent.writer(settings).await.expect("a writer needs no log yet");
    let receipts = [writer.append(valued(&topic, 0, "x")).await, writer.append(valued(&topic, 1, "y")).await];
    writer.give_up();
    for receipt in receipts {
        let lost = tokio::time::timeout(f.profile.patience, receipt).await.expect("an outcome").expect_err("no log");
        assert!(matches!(lost, AppendError::NotSent { .. }), "{lost:?}");
    }
}
