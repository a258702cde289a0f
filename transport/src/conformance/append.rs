//! Appending: order, durability, what is kept and what is refused.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Fixture,
    fixture::{append, header, noise, noise_of, numbers, partition, record, texts, valued},
};
use crate::{AppendError, Class, Confirm, NewRecord, OutcomeCell, RecordRef, TopicSpec, Writer, WriterSettings};

/// Many tasks write to several partitions; what one task writes to one partition lies there in its order, without a
/// gap.
pub async fn order_is_kept_within_each_partition(f: &Fixture) {
    const TASKS: usize = 6;
    const RECORDS: usize = 200;
    let topic = f.topic(3).await;
    let writer = f.writer().await;
    let write = |task: usize| {
        let (topic, writer) = (topic.clone(), writer.clone());
        async move {
            let records = (0..RECORDS).map(|i| valued(&topic, i as i32 % 3, &format!("{task}:{i}"))).collect();
            append(&writer, records).await;
        }
    };
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(write(task))).collect();
    for task in tasks {
        task.await.expect("the task ends well");
    }
    let seen = f.read_all(&topic, 3).await;
    assert_eq!(seen.len(), TASKS * RECORDS);
    for p in 0..3 {
        let offsets: Vec<_> = seen.iter().filter(|s| s.partition == p).map(|s| s.offset).collect();
        assert_eq!(offsets, (0..offsets.len() as i64).collect::<Vec<_>>(), "partition {p}");
        for task in 0..TASKS {
            let mine: Vec<_> =
                texts(&seen, p).into_iter().filter(|text| text.starts_with(&format!("{task}:"))).collect();
            let written: Vec<_> = (0..RECORDS).filter(|i| *i as i32 % 3 == p).map(|i| format!("{task}:{i}")).collect();
            assert_eq!(mine, written, "partition {p}, task {task}");
        }
    }
}

/// The offset in a receipt is the one at which the record is read.
pub async fn receipts_tell_where_records_lie(f: &Fixture) {
    let topic = f.topic(2).await;
    let records: Vec<_> = (0..100).map(|i| valued(&topic, i % 2, &i.to_string())).collect();
    let appended = f.append(records).await;
    let mut told: Vec<_> =
        appended.iter().enumerate().map(|(i, at)| (at.partition, at.offset.0, i.to_string())).collect();
    let seen = f.read_all(&topic, 2).await;
    let mut read: Vec<_> = seen.iter().map(|s| (s.partition, s.offset, s.text())).collect();
    told.sort();
    read.sort();
    assert_eq!(told, read);
}

/// What was confirmed is there for an opening that was made afterwards, when the first one is gone.
pub async fn confirmed_records_are_there_after_reopening(f: &Fixture) {
    let topic = f.topic(1).await;
    let other = f.reopen().await;
    let writer = other.writer(WriterSettings::default()).await.expect("a writer");
    append(&writer, (0..50).map(|i| valued(&topic, 0, &i.to_string())).collect()).await;
    drop((writer, other));
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), numbers(0..50));
}

/// Null and empty are different, for keys and for values; a null value is a tombstone.
pub async fn null_and_empty_differ(f: &Fixture) {
    let topic = f.topic(1).await;
    let given = [None, Some(""), Some("x")];
    let pairs: Vec<_> = given.iter().flat_map(|key| given.iter().map(move |value| (*key, *value))).collect();
    f.append(pairs.iter().map(|(key, value)| record(&topic, 0, *key, *value)).collect()).await;
    let seen = f.read_all(&topic, 1).await;
    let bytes = |text: &Option<&str>| text.map(|text| text.as_bytes().to_vec());
    let expected: Vec<_> = pairs.iter().map(|(key, value)| (bytes(key), bytes(value))).collect();
    let found: Vec<_> = seen.into_iter().map(|s| (s.key, s.value)).collect();
    assert_eq!(found, expected);
}

/// Headers come back in their order, with repeated names, with null values and empty ones; none are none.
pub async fn headers_keep_order_repeats_and_nulls(f: &Fixture) {
    let topic = f.topic(1).await;
    let headers = vec![
        header("z", Some("1")),
        header("a", None),
        header("z", Some("2")),
        header("empty", Some("")),
        header("a", Some("3")),
        header("größe", Some("ü")),
    ];
    let with = NewRecord { headers: headers.clone(), ..valued(&topic, 0, "with") };
    f.append(vec![with, valued(&topic, 0, "without")]).await;
    let seen = f.read_all(&topic, 1).await;
    let expected: Vec<_> =
        headers.iter().map(|h| (h.name.to_string(), h.value.as_ref().map(|value| value.to_vec()))).collect();
    assert_eq!(seen[0].headers, expected);
    assert_eq!(seen[1].headers, []);
}

/// Any bytes come back as they were, also many.
pub async fn bytes_come_back_as_they_were(f: &Fixture) {
    let topic = f.topic(1).await;
    let (key, value) = (noise(1000), noise(700_000));
    let mut big = valued(&topic, 0, "");
    big.key = Some(key.clone());
    big.value = Some(value.clone());
    big.headers = vec![crate::Header::new("binary", noise(5000))];
    f.append(vec![valued(&topic, 0, "before"), big, valued(&topic, 0, "after")]).await;
    let seen = f.read_all(&topic, 1).await;
    assert_eq!(seen.len(), 3);
    assert!(seen[1].key.as_deref() == Some(&key[..]), "the key");
    assert!(seen[1].value.as_deref() == Some(&value[..]), "the value");
    assert!(seen[1].headers == [("binary".to_owned(), Some(noise(5000).to_vec()))], "the header");
}

/// A record over the topic's limit is refused and not written, and takes none of its neighbours with it.
pub async fn a_record_too_large_is_refused_alone(f: &Fixture) {
    let spec = TopicSpec { record_bytes_max: Some(20_000), ..TopicSpec::new(f.unique("topic"), 1) };
    let topic = f.topic_of(spec).await;
    let writer = f.writer().await;
    let large = |i: usize| NewRecord { value: Some(noise(20_001 + i)), ..valued(&topic, 0, "") };
    // Together the small ones are far over the limit too: that is no reason to refuse them.
    let small = |i: usize| NewRecord { key: Some(noise_of(i, 900)), ..valued(&topic, 0, &i.to_string()) };
    let mut receipts = Vec::new();
    for i in 0..300 {
        let is_large = i % 50 == 25;
        receipts.push((is_large, writer.append(if is_large { large(i) } else { small(i) }).await));
    }
    for (is_large, receipt) in receipts {
        match f.within("the record is confirmed or refused", receipt).await {
            Ok(_) => assert!(!is_large),
            Err(error @ AppendError::TooLarge { .. }) => {
                assert!(is_large && error.class() == Class::Poison, "{error}");
                assert!(matches!(error, AppendError::TooLarge { bytes: 20_001.., bytes_max: 20_000, .. }), "{error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    let expected: Vec<_> = (0..300).filter(|i| i % 50 != 25).map(|i: usize| i.to_string()).collect();
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), expected);
}

/// The limit of a topic may be above the default.
pub async fn a_topic_may_take_larger_records(f: &Fixture) {
    let spec = TopicSpec { record_bytes_max: Some(4 << 20), ..TopicSpec::new(f.unique("topic"), 1) };
    let topic = f.topic_of(spec).await;
    let value = noise(3 << 20);
    let big = NewRecord { value: Some(value.clone()), ..valued(&topic, 0, "") };
    f.append(vec![big, valued(&topic, 0, "after")]).await;
    let seen = f.read_all(&topic, 1).await;
    assert!(seen[0].value.as_deref() == Some(&value[..]), "the value");
    assert_eq!(seen[1].text(), "after");
}

/// A compacted topic refuses a record without a key, and only that one.
pub async fn a_compacted_topic_wants_keys(f: &Fixture) {
    let topic = f.topic_of(TopicSpec::new(f.unique("topic"), 1).compacted()).await;
    let writer = f.writer().await;
    let mut receipts = Vec::new();
    for i in 0..20 {
        let key = (i != 10).then(|| format!("key {i}"));
        receipts.push(writer.append(record(&topic, 0, key.as_deref(), Some(&i.to_string()))).await);
    }
    for (i, receipt) in receipts.into_iter().enumerate() {
        match f.within("the record is confirmed or refused", receipt).await {
            Ok(_) => assert_ne!(i, 10),
            Err(error @ AppendError::KeyRequired { .. }) => {
                assert!(i == 10 && error.class() == Class::Poison, "{i}: {error}");
            }
            Err(error) => panic!("{i}: {error}"),
        }
    }
}

/// Appending to a topic that does not exist fails in bounded time; once it is there, the same writer writes.
pub async fn an_unknown_topic_is_refused_until_it_is_there(f: &Fixture) {
    let writer = f.writer().await;
    let topic: Arc<str> = f.unique("later").into();
    let receipt = writer.append(valued(&topic, 0, "early")).await;
    let refused = f.within("the record is refused", receipt).await;
    assert!(matches!(&refused, Err(AppendError::UnknownTopic { topic: t }) if **t == *topic), "{refused:?}");
    let never = writer.append(valued(&"not a name".into(), 0, "")).await.await;
    assert!(matches!(never, Err(AppendError::UnknownTopic { .. })), "{never:?}");
    f.topic_of(TopicSpec::new(&*topic, 1)).await;
    append(&writer, vec![valued(&topic, 0, "late")]).await;
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), ["late"]);
}

/// A partition that the topic does not have is refused, and records beside it are written.
pub async fn an_unknown_partition_is_refused(f: &Fixture) {
    let topic = f.topic(2).await;
    let writer = f.writer().await;
    let mut outcomes = BTreeMap::new();
    for p in [-1, 0, 1, 2] {
        let receipt = writer.append(valued(&topic, p, "x")).await;
        outcomes.insert(p, f.within("the record is confirmed or refused", receipt).await);
    }
    assert!(outcomes[&0].is_ok() && outcomes[&1].is_ok(), "{outcomes:?}");
    for p in [-1, 2] {
        let expected = partition(&topic, p);
        let refused = &outcomes[&p];
        assert!(
            matches!(refused, Err(AppendError::UnknownPartition { partition }) if *partition == expected),
            "{refused:?}"
        );
    }
}

/// A record that is lent and one that is given keep their order, and each its own headers, whether the log takes what is
/// lent or not; also when lists of headers are used again.
pub async fn lent_records_lie_between_owned_ones(f: &Fixture) {
    const ROUNDS: usize = 20;
    const EACH: usize = 30;
    let topic = f.topic(1).await;
    let writer = f.writer().await;
    for round in 0..ROUNDS {
        for i in 0..EACH {
            let text = format!("{:05}", round * EACH + i);
            // Names and lengths repeat, values do not; every third list is of another shape.
            let wide: [(&'static str, &[u8]); 3] = [("same", b"s"), ("number", text.as_bytes()), ("null", b"")];
            let headers = if i % 3 == 0 { &wide[..2] } else { &wide[..] };
            let (partition, key) = (0, Some(text.as_bytes()));
            let lent = RecordRef { topic: &topic, partition, timestamp_ms: None, key, value: key, headers };
            let outcome = Arc::new(OutcomeCell::default());
            let offered = if i % 7 == 0 { Err(outcome as Arc<dyn Confirm>) } else { writer.offer(&lent, outcome) };
            if let Err(outcome) = offered {
                writer.append_to(lent.to_record(), outcome).await;
            }
        }
        writer.flush(f.profile.patience).await.expect("all is confirmed");
    }
    let seen = f.read_all(&topic, 1).await;
    let expected: Vec<_> = (0..ROUNDS * EACH).map(|number| format!("{number:05}")).collect();
    assert_eq!(texts(&seen, 0), expected);
    for (number, seen) in seen.iter().enumerate() {
        let count = if (number % EACH).is_multiple_of(3) { 2 } else { 3 };
        assert_eq!(seen.headers.len(), count, "{number}");
        assert_eq!(seen.headers[0], ("same".to_owned(), Some(b"s".to_vec())), "{number}");
        assert_eq!(seen.headers[1], ("number".to_owned(), Some(expected[number].clone().into_bytes())), "{number}");
    }
}

/// After a flush every receipt is there.
pub async fn flush_waits_for_everything(f: &Fixture) {
    let topic = f.topic(2).await;
    let writer = f.writer().await;
    let mut receipts = Vec::new();
    for i in 0..1000 {
        receipts.push(writer.append(valued(&topic, i % 2, &i.to_string())).await);
    }
    writer.flush(f.profile.patience).await.expect("all is confirmed");
    for receipt in receipts {
        let outcome =
            tokio::time::timeout(Duration::ZERO, receipt).await.expect("the receipt is there after the flush");
        outcome.expect("the record is confirmed");
    }
}

/// Whatever the budget, records get through it: also more of them than fit, and one that is larger than all of it.
pub async fn a_small_budget_is_enough(f: &Fixture) {
    let topic = f.topic(1).await;
    let settings = WriterSettings { in_flight_bytes_max: 500, ..WriterSettings::default() };
    let writer: Writer = f.log.writer(settings).await.expect("a writer");
    let all = async {
        let mut receipts = Vec::new();
        for i in 0..50 {
            let record = valued(&topic, 0, &i.to_string());
            let record = if i == 25 { NewRecord { key: Some(noise(5000)), ..record } } else { record };
            receipts.push(writer.append(record).await);
        }
        for receipt in receipts {
            receipt.await.expect("the record is confirmed");
        }
    };
    f.within("everything is confirmed", all).await;
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), numbers(0..50));
}

/// A time that is given is kept; where none is, the record has the time of appending.
pub async fn timestamps_are_kept_or_given(f: &Fixture) {
    const HOUR_MS: i64 = 3_600_000;
    let topic = f.topic(1).await;
    let given = 1_600_000_000_123;
    let before = crate::clock::now_ms();
    let dated = NewRecord { timestamp_ms: Some(given), ..valued(&topic, 0, "") };
    f.append(vec![dated, valued(&topic, 0, "")]).await;
    let seen = f.read_all(&topic, 1).await;
    assert_eq!(seen[0].timestamp_ms, given);
    // A broker's clock may differ from ours, but not by hours.
    assert!((before - HOUR_MS..before + HOUR_MS).contains(&seen[1].timestamp_ms), "{}", seen[1].timestamp_ms);
}

/// A writer that is dropped still confirms what was appended.
pub async fn receipts_come_after_the_writer_is_dropped(f: &Fixture) {
    let topic = f.topic(1).await;
    let writer = f.writer().await;
    let mut receipts = Vec::new();
    for i in 0..100 {
        receipts.push(writer.append(valued(&topic, 0, &i.to_string())).await);
    }
    drop(writer);
    for receipt in receipts {
        f.within("the record is confirmed", receipt).await.expect("the record is confirmed");
    }
    assert_eq!(texts(&f.read_all(&topic, 1).await, 0), numbers(0..100));
}
