//! Reading from given positions.

use std::time::{Duration, Instant};

use super::{
    Fixture,
    fixture::{append, noise, numbers, partition, partitions_of, texts, valued},
};
use crate::{Fetched, NewRecord, Offset, ReadError, Reader, ReaderSettings, TopicPartition};

/// A position is the next record to read, wherever it is.
pub async fn from_the_beginning_the_middle_and_the_end(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 10).await;
    for from in [0, 4, 9, 10] {
        let mut reader = f.reader(&[(partition(&topic, 0), from)]).await;
        let seen = f.until_ends(&mut *reader, 1).await;
        assert_eq!(texts(&seen, 0), numbers(from as usize..10), "from {from}");
    }
}

/// An end is told once, after all records before it; what is appended later is read, and then there is another end.
pub async fn an_end_is_told_once_and_reading_goes_on(f: &Fixture) {
    let topic = f.topic(1).await;
    let writer = f.writer().await;
    let mut reader = f.reader(&[(partition(&topic, 0), 0)]).await;
    let (mut records, mut ends) = (Vec::new(), Vec::new());
    let mut written = 0;
    for batch in [0, 5, 1, 3] {
        append(&writer, (written..written + batch).map(|i| valued(&topic, 0, &i.to_string())).collect()).await;
        written += batch;
        let reading = async {
            while ends.last() != Some(&(written as i64)) {
                let fetched = reader.next(Duration::from_secs(1)).await.expect("records");
                records.extend(fetched.records.iter().map(|record| record.offset().0));
                for (_, end) in fetched.ends {
                    assert_eq!(end.0, records.len() as i64, "an end comes after the records before it");
                    ends.push(end.0);
                }
            }
        };
        f.within("the end is told", reading).await;
    }
    assert_eq!(records, (0..9).collect::<Vec<_>>());
    // Batches may be read in parts, with an end after each part; but no end is told twice.
    let mut once = ends.clone();
    once.dedup();
    assert_eq!(ends, once);
    let idle = reader.next(Duration::from_millis(300)).await.expect("nothing");
    assert!(idle.records.is_empty() && idle.ends.is_empty(), "an idle partition tells nothing: {idle:?}");
}

/// One reader reads several partitions of several topics, each in its order, and tells the end of each.
pub async fn several_partitions_are_read_together(f: &Fixture) {
    let topic = f.topic(5).await;
    let other = f.topic_of(crate::TopicSpec::new(f.unique("other"), 1)).await;
    f.fill(&topic, 4, 300).await;
    f.fill(&other, 1, 20).await;
    let mut from: Vec<_> = partitions_of(&topic, 5).into_iter().map(|p| (p, 0)).collect();
    from.push((partition(&other, 0), 10));
    let seen = f.until_ends(&mut *f.reader(&from).await, 6).await;
    let (ours, others): (Vec<_>, Vec<_>) = seen.into_iter().partition(|seen| *seen.topic == *topic);
    for p in 0..4 {
        assert_eq!(texts(&ours, p), numbers(0..300), "partition {p}");
    }
    assert_eq!(texts(&ours, 4), numbers(0..0));
    assert_eq!(texts(&others, 0), numbers(10..20));
}

/// A position that is not there is an error that names what is; reading never begins elsewhere instead.
pub async fn a_position_out_of_range_is_an_error(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 3).await;
    for from in [4, 1000, -1] {
        let mut reader = f.reader(&[(partition(&topic, 0), from)]).await;
        match f.within("the error is told", first(&mut *reader)).await {
            Err(ReadError::OutOfRange { partition: p, position, earliest, latest }) => {
                assert_eq!((p, position), (partition(&topic, 0), Offset(from)));
                assert_eq!((earliest, latest), (Offset(0), Offset(3)));
            }
            other => panic!("from {from}: {other:?}"),
        }
    }
}

/// Giving up a `next` before it answers loses no record and no end.
pub async fn a_reader_that_gives_up_waiting_loses_nothing(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 2, 2000).await;
    let mut reader = f.reader(&[(partition(&topic, 0), 0), (partition(&topic, 1), 0)]).await;
    let (mut seen, mut ended) = (Vec::new(), 0);
    let reading = async {
        for patience_us in (0..).map(|i| i % 700) {
            let patience = Duration::from_micros(patience_us);
            let Ok(fetched) = tokio::time::timeout(patience, reader.next(Duration::from_secs(5))).await else {
                continue;
            };
            let Fetched { records, ends } = fetched.expect("records");
            seen.extend(records.iter().map(super::fixture::Seen::from));
            ended += ends.len();
            if ended == 2 {
                break;
            }
        }
    };
    f.within("both ends are told", reading).await;
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(0..2000), numbers(0..2000)));
}

/// However little may be fetched ahead, a slow reader gets everything, in order.
pub async fn a_small_bound_loses_nothing(f: &Fixture) {
    let topic = f.topic(2).await;
    let filler = noise(2000);
    let records =
        (0..2000).map(|i| NewRecord { key: Some(filler.clone()), ..valued(&topic, i % 2, &(i / 2).to_string()) });
    f.append(records.collect()).await;
    let from = partitions_of(&topic, 2).into_iter().map(|p| (p, Offset(0))).collect();
    let settings = ReaderSettings { ahead_bytes_max: 50_000, ..ReaderSettings::default() };
    let mut reader = f.log.reader(from, settings).await.expect("a reader");
    let (mut seen, mut pause_at) = (Vec::new(), 1);
    let reading = async {
        while seen.len() < 2000 {
            let fetched = reader.next(Duration::from_secs(1)).await.expect("records");
            seen.extend(fetched.records.iter().map(super::fixture::Seen::from));
            if seen.len() >= pause_at {
                // Long enough for the bound to be reached, and for a backend to do whatever it does then.
                tokio::time::sleep(Duration::from_millis(400)).await;
                pause_at += 400;
            }
        }
    };
    f.within("everything is read", reading).await;
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(0..1000), numbers(0..1000)));
}

/// A record that is larger than all that may be fetched ahead is read all the same.
pub async fn a_record_larger_than_the_bound_is_read(f: &Fixture) {
    let topic = f.topic(1).await;
    let big = |value: &str| NewRecord { key: Some(noise(300_000)), ..valued(&topic, 0, value) };
    f.append(vec![big("0"), big("1"), valued(&topic, 0, "2")]).await;
    let settings = ReaderSettings { ahead_bytes_max: 1000, ..ReaderSettings::default() };
    let mut reader = f.log.reader(vec![(partition(&topic, 0), Offset(0))], settings).await.expect("a reader");
    assert_eq!(texts(&f.until_count(&mut *reader, 3).await, 0), numbers(0..3));
}

/// With nothing to read, `next` comes back about when it was asked to.
pub async fn waiting_for_nothing_ends_in_time(f: &Fixture) {
    let topic = f.topic(1).await;
    let mut reader = f.reader(&[(partition(&topic, 0), 0)]).await;
    f.until_ends(&mut *reader, 1).await;
    let begun = Instant::now();
    let nothing = reader.next(Duration::from_millis(200)).await.expect("nothing");
    assert!(nothing.records.is_empty() && nothing.ends.is_empty(), "{nothing:?}");
    assert!((Duration::from_millis(150)..f.profile.patience).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    let empty = f.log.reader(Vec::new(), ReaderSettings::default()).await;
    let nothing = empty.expect("a reader of nothing").next(Duration::from_millis(10)).await.expect("nothing");
    assert!(nothing.records.is_empty() && nothing.ends.is_empty(), "{nothing:?}");
}

/// A reader whose topic is deleted says so, in bounded time.
pub async fn a_deleted_topic_ends_its_reader(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 1).await;
    let mut reader = f.reader(&[(partition(&topic, 0), 0)]).await;
    f.until_ends(&mut *reader, 1).await;
    f.log.delete_topic(&topic).await.expect("it is deleted");
    let ended = async {
        loop {
            if let Err(error) = reader.next(Duration::from_secs(1)).await {
                return error;
            }
        }
    };
    let error = f.within("the reader ends", ended).await;
    assert!(matches!(&error, ReadError::UnknownTopic { topic: t } if **t == *topic), "{error:?}");
}

/// Records are whole when their reader and its log are gone, on whatever thread they are looked at.
pub async fn records_outlive_their_reader(f: &Fixture) {
    let topic = f.topic(1).await;
    let with = NewRecord { headers: vec![super::fixture::header("h", Some("v"))], ..valued(&topic, 0, "x") };
    f.append(vec![with; 10]).await;
    let other = f.reopen().await;
    let from: Vec<(TopicPartition, Offset)> = vec![(partition(&topic, 0), Offset(0))];
    let mut reader = other.reader(from, ReaderSettings::default()).await.expect("a reader");
    let mut records = Vec::new();
    let reading = async {
        while records.len() < 10 {
            records.extend(reader.next(Duration::from_secs(1)).await.expect("records").records);
        }
    };
    f.within("the records are read", reading).await;
    drop((reader, other));
    let records = std::sync::Arc::new(records);
    let looks: Vec<_> = (0..4)
        .map(|_| {
            let records = records.clone();
            std::thread::spawn(move || records.iter().map(super::fixture::Seen::from).collect::<Vec<_>>())
        })
        .collect();
    for look in looks {
        let seen = look.join().expect("no panic");
        assert!(seen.iter().all(|seen| seen.text() == "x" && seen.headers.len() == 1), "{seen:?}");
    }
}

/// The first answer that is not empty.
async fn first(reader: &mut dyn Reader) -> Result<Fetched, ReadError> {
    loop {
        let fetched = reader.next(Duration::from_secs(1)).await?;
        if !fetched.records.is_empty() || !fetched.ends.is_empty() {
            return Ok(fetched);
        }
    }
}
