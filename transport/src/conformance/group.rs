//! Groups: who has which partitions, when they move, and what a member is told.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    Fixture,
    fixture::{Seen, noise, noise_of, numbers, partition, partitions_of, texts, valued},
    worker::Worker,
};
use crate::{Event, GroupSettings, NewRecord, Offset, ReadError};

/// Two members, of two openings, have half of the partitions each, and every record is handled once.
pub async fn members_divide_the_partitions(f: &Fixture) {
    let topic = f.topic(4).await;
    let group = f.group("group", &[&topic]);
    let a = Worker::join(&f.log, group.clone()).await;
    let b = Worker::join(&f.reopen().await, group).await;
    f.eventually("each has two partitions", || async { a.owns(2) && b.owns(2) }).await;
    f.fill(&topic, 4, 100).await;
    f.eventually("all records are taken", || async { a.seen().len() + b.seen().len() >= 400 }).await;
    // Looked at before one leaves, because the other may then have all of them.
    assert!(a.state().owned.is_disjoint(&b.state().owned));
    let all: Vec<_> = [a.leave().await.seen, b.leave().await.seen].concat();
    for p in 0..4 {
        assert_eq!(texts(&all, p), numbers(0..100), "partition {p}");
    }
}

/// When a member comes, only what goes to it is revoked; the rest stays with its owner, who is told nothing about it.
pub async fn only_partitions_that_move_are_revoked(f: &Fixture) {
    let topic = f.topic(4).await;
    let group = f.group("group", &[&topic]);
    let a = Worker::join(&f.log, group.clone()).await;
    f.eventually("one member has all", || async { a.owns(4) }).await;
    let b = Worker::join(&f.log, group.clone()).await;
    f.eventually("each has two", || async { a.owns(2) && b.owns(2) }).await;
    let (kept, moved) = (a.state().owned.clone(), b.state().owned.clone());
    b.leave().await;
    f.eventually("the other has all again", || async { a.owns(4) }).await;
    let a = a.leave().await;
    let revoked: BTreeSet<_> = a.revoked.iter().flatten().cloned().collect();
    assert_eq!((a.revoked.iter().map(Vec::len).sum::<usize>(), &revoked), (2, &moved));
    let assigned_later: BTreeSet<_> = a.assigned.iter().skip(1).flatten().cloned().collect();
    assert_eq!(assigned_later, moved);
    assert!(kept.is_disjoint(&revoked));
}

/// What a member had goes to the one that stays, from the committed position on, without waiting for a session to end.
pub async fn a_member_that_leaves_hands_over(f: &Fixture) {
    let topic = f.topic(2).await;
    let slow = GroupSettings { session_timeout: 2 * f.profile.patience, ..f.group("group", &[&topic]) };
    let a = Worker::join(&f.log, slow.clone()).await;
    let b = Worker::join(&f.log, slow).await;
    f.eventually("each has one", || async { a.owns(1) && b.owns(1) }).await;
    f.fill(&topic, 2, 10).await;
    f.eventually("all is taken", || async { a.seen().len() + b.seen().len() == 20 }).await;
    let gone = a.leave().await;
    f.eventually("the other has both", || async { b.owns(2) }).await;
    f.fill(&topic, 2, 10).await;
    f.eventually("all is taken", || async { gone.seen.len() + b.seen().len() >= 40 }).await;
    let all = [gone.seen, b.leave().await.seen].concat();
    for p in 0..2 {
        let mut offsets: Vec<_> = all.iter().filter(|seen| seen.partition == p).map(|seen| seen.offset).collect();
        offsets.sort_unstable();
        assert_eq!(offsets, (0..20).collect::<Vec<_>>(), "partition {p}");
    }
}

/// With more members than partitions the first event of the last one is an assignment of nothing; it takes over later.
pub async fn a_member_too_many_is_told_so(f: &Fixture) {
    let topic = f.topic(1).await;
    let group = f.group("group", &[&topic]);
    let a = Worker::join(&f.log, group.clone()).await;
    f.eventually("one member has the partition", || async { a.owns(1) }).await;
    let mut b = f.log.join(group).await.expect("the member joins");
    let first = f.assigned(&mut *b).await;
    assert_eq!(first.partitions, []);
    first.start(Vec::new());
    a.leave().await;
    let second = f.assigned(&mut *b).await;
    assert_eq!(second.partitions, [partition(&topic, 0)]);
    second.start(Vec::new());
    f.leave(b).await;
}

/// A commit that is made after the revocation was handed out and before its release is taken, and the new owner starts
/// there.
pub async fn commits_before_the_release_count(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 2, 10).await;
    let group = f.group("group", &[&topic]);
    let mut a = f.only_member(group.clone()).await;
    f.taken(&mut *a, 20).await;
    let joining = tokio::spawn({
        let log = f.log.clone();
        async move { log.join(group).await.expect("the member joins") }
    });
    let revocation = f.revoked(&mut *a).await;
    assert_eq!((revocation.partitions.len(), revocation.lost), (1, false));
    let moved = revocation.partitions[0].clone();
    a.committer().commit(&[(moved.clone(), Offset(7))]).await.expect("the owner's commit is taken");
    revocation.release();
    let mut b = joining.await.expect("no panic");
    // The new member may be told that it has nothing yet.
    let assignment = loop {
        let assignment = f.assigned(&mut *b).await;
        if !assignment.partitions.is_empty() {
            break assignment;
        }
    };
    assert_eq!(assignment.partitions, std::slice::from_ref(&moved));
    assignment.start(Vec::new());
    let seen = f.taken(&mut *b, 3).await;
    assert_eq!(seen.iter().map(|seen| seen.offset).collect::<Vec<_>>(), [7, 8, 9]);
    let late = a.committer().commit(&[(moved, Offset(8))]).await;
    assert!(matches!(late, Err(ReadError::Fenced { .. })), "{late:?}");
    f.leave(a).await;
    f.leave(b).await;
}

/// Partitions that are not released in time go to others all the same, and the former owner's commits are refused.
pub async fn a_late_release_is_fenced(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 2, 10).await;
    let group = GroupSettings { release_timeout: Duration::from_millis(800), ..f.group("group", &[&topic]) };
    let mut a = f.only_member(group.clone()).await;
    f.taken(&mut *a, 20).await;
    let b = Worker::join(&f.reopen().await, group.clone()).await;
    let held = f.revoked(&mut *a).await;
    let moved = held.partitions[0].clone();
    f.eventually("the new member has it", || async { b.state().owned.contains(&moved) }).await;
    f.eventually("the new member reads it", || async { b.seen().len() == 10 }).await;
    let late = a.committer().commit(&[(moved.clone(), Offset(1))]).await;
    match late {
        Err(ReadError::Fenced { partition, group: of }) => {
            assert_eq!((partition, of), (moved.clone(), group.group.clone()))
        }
        other => panic!("{other:?}"),
    }
    let stayed = partition(&topic, 1 - moved.partition);
    a.committer().commit(&[(stayed.clone(), Offset(5))]).await.expect("what stayed is still its own");
    let committed = f.log.committed(&group.group, &[moved, stayed]).await.expect("positions");
    assert_eq!(committed, [Some(Offset(10)), Some(Offset(5))]);
    drop(held);
    f.leave(a).await;
    b.leave().await;
}

/// Records are there, but the member is handed none before it has said where to start.
pub async fn nothing_is_handed_out_before_the_start(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 5).await;
    let mut member = f.log.join(f.group("group", &[&topic])).await.expect("the member joins");
    let assignment = f.assigned(&mut *member).await;
    let early = tokio::time::timeout(Duration::from_millis(500), member.next()).await;
    assert!(early.is_err(), "{early:?}");
    assignment.start(Vec::new());
    assert_eq!(texts(&f.taken(&mut *member, 5).await, 0), numbers(0..5));
    f.leave(member).await;
}

/// A caller that takes nothing for longer than the session time-out keeps its partitions, and misses nothing.
pub async fn a_slow_taker_stays_in_the_group(f: &Fixture) {
    let topic = f.topic(2).await;
    let group = GroupSettings { ahead_bytes_max: 20_000, ..f.group("group", &[&topic]) };
    let filler = noise(1000);
    let records =
        (0..600).map(|i| NewRecord { key: Some(filler.clone()), ..valued(&topic, i % 2, &(i / 2).to_string()) });
    let mut member = f.only_member(group.clone()).await;
    f.append(records.collect()).await;
    let other = tokio::time::sleep(group.session_timeout + group.session_timeout / 2);
    let mut seen = f.taken(&mut *member, 1).await;
    other.await;
    seen.extend(f.taken(&mut *member, 600 - seen.len()).await);
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(0..300), numbers(0..300)));
    let all: Vec<_> = partitions_of(&topic, 2).into_iter().map(|p| (p, Offset(300))).collect();
    member.committer().commit(&all).await.expect("it is still a member");
    f.leave(member).await;
}

/// A pause ends with the ownership: a partition that went to another member and came back is fetched.
pub async fn a_partition_that_comes_back_is_not_paused(f: &Fixture) {
    let topic = f.topic(2).await;
    let group = f.group("group", &[&topic]);
    let mut a = f.only_member(group.clone()).await;
    a.pause(&[partition(&topic, 0), partition(&topic, 1)], true);
    let b = Worker::join(&f.log, group).await;
    let goes = async {
        loop {
            if let Event::Revoked(revocation) = a.next().await.expect("an event") {
                let gone = revocation.partitions[0].clone();
                revocation.release();
                break gone;
            }
        }
    };
    let gone = f.within("one goes to the other", goes).await;
    f.eventually("the other has it", || async { b.owns(1) }).await;
    b.leave().await;
    let comes = async {
        loop {
            if let Event::Assigned(assignment) = a.next().await.expect("an event") {
                let is_back = assignment.partitions.contains(&gone);
                assignment.start(Vec::new());
                if is_back {
                    break;
                }
            }
        }
    };
    f.within("it comes back", comes).await;
    f.append(vec![valued(&topic, gone.partition, "fetched")]).await;
    let seen = f.taken(&mut *a, 1).await;
    assert_eq!((seen[0].partition, seen[0].text()), (gone.partition, "fetched".to_owned()));
    f.leave(a).await;
}

/// A paused partition rests when what was fetched of it is taken; others go on; it continues where it was.
pub async fn paused_partitions_rest_and_go_on(f: &Fixture) {
    let topic = f.topic(2).await;
    let mut member = f.only_member(f.group("group", &[&topic])).await;
    let (rests, goes_on) = (partition(&topic, 0), partition(&topic, 1));
    f.fill(&topic, 2, 10).await;
    f.taken(&mut *member, 20).await;
    for round in 1..4 {
        member.pause(std::slice::from_ref(&rests), true);
        // Once the pause is in force only the other partition gives records. What is fetched before may still come.
        let (mut marks, mut early) = (0, Vec::new());
        while marks < 3 {
            f.append(vec![valued(&topic, 1, &format!("mark {round}"))]).await;
            early.extend(f.taken(&mut *member, 1).await);
            marks = early.iter().filter(|seen| seen.partition == 1).count();
        }
        assert_eq!(texts(&early, 0), numbers(0..0));
        f.append((0..5).map(|i| valued(&topic, 0, &format!("{round}:{i}"))).collect()).await;
        f.append(vec![valued(&topic, 1, "beside")]).await;
        let beside = f.taken(&mut *member, 1).await;
        assert_eq!((beside[0].partition, beside[0].text()), (goes_on.partition, "beside".to_owned()));
        let quiet = async {
            loop {
                if let Event::Fetched(fetched) = member.next().await.expect("an event") {
                    assert!(fetched.records.is_empty(), "a paused partition gave {:?}", fetched.records);
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(300), quiet).await;
        member.pause(std::slice::from_ref(&rests), false);
        let seen = f.taken(&mut *member, 5).await;
        assert_eq!(texts(&seen, 0), (0..5).map(|i| format!("{round}:{i}")).collect::<Vec<_>>());
    }
    member.pause(&[partition(&"unknown".into(), 9)], true);
    f.leave(member).await;
}

/// Giving up a `next` before it answers loses no event.
pub async fn a_taker_that_gives_up_loses_nothing(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 2, 1500).await;
    let mut member = f.log.join(f.group("group", &[&topic])).await.expect("the member joins");
    let mut seen = Vec::new();
    let taking = async {
        for patience_us in (0..).map(|i| i % 700) {
            let patience = Duration::from_micros(patience_us);
            match tokio::time::timeout(patience, member.next()).await {
                Ok(Ok(Event::Assigned(assignment))) => assignment.start(Vec::new()),
                Ok(Ok(Event::Fetched(fetched))) => seen.extend(fetched.records.iter().map(Seen::from)),
                Ok(other) => panic!("{other:?}"),
                Err(_given_up) => {}
            }
            if seen.len() >= 3000 {
                break;
            }
        }
    };
    f.within("everything is taken", taking).await;
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(0..1500), numbers(0..1500)));
    f.leave(member).await;
}

/// A member whose caller takes nothing, and whose queue is full, gives partitions up all the same when its time is
/// over.
pub async fn a_full_member_still_lets_go(f: &Fixture) {
    let topic = f.topic(2).await;
    let filler = noise(1000);
    let records =
        (0..600).map(|i| NewRecord { key: Some(filler.clone()), ..valued(&topic, i % 2, &(i / 2).to_string()) });
    f.append(records.collect()).await;
    let group = GroupSettings {
        ahead_bytes_max: 20_000,
        release_timeout: Duration::from_secs(1),
        ..f.group("group", &[&topic])
    };
    let mut a = f.only_member(group.clone()).await;
    f.taken(&mut *a, 1).await;
    let b = Worker::join(&f.log, group).await;
    f.eventually("the other has one", || async { b.owns(1) }).await;
    let moved = f.revoked(&mut *a).await.partitions;
    assert_eq!(moved, b.state().owned.iter().cloned().collect::<Vec<_>>());
    f.eventually("the other reads all of it", || async { b.seen().len() == 300 }).await;
    assert_eq!(texts(&b.leave().await.seen, moved[0].partition), numbers(0..300));
    f.leave(a).await;
}

/// Records that were fetched ahead are not handed out any more once their partition is revoked; those of others are,
/// all.
pub async fn revoked_records_are_not_handed_out(f: &Fixture) {
    const RECORDS: usize = 2500;
    let topic = f.topic(2).await;
    let record =
        |i: usize| NewRecord { key: Some(noise_of(i, 1000)), ..valued(&topic, i as i32 % 2, &(i / 2).to_string()) };
    f.append((0..2 * RECORDS).map(record).collect()).await;
    let group = GroupSettings { release_timeout: Duration::from_secs(1), ..f.group("group", &[&topic]) };
    let mut a = f.only_member(group.clone()).await;
    let mut seen = f.taken(&mut *a, 1).await;
    let b = Worker::join(&f.log, group).await;
    f.eventually("the other has one", || async { b.owns(1) }).await;
    let (mut moved, mut late) = (None, Vec::new());
    let taking = async {
        while seen.iter().filter(|seen| Some(seen.partition) != moved).count() < RECORDS || moved.is_none() {
            match a.next().await.expect("an event") {
                Event::Revoked(revocation) => moved = Some(revocation.partitions[0].partition),
                Event::Fetched(fetched) => {
                    let records = fetched.records.iter().map(Seen::from);
                    late.extend(records.clone().filter(|seen| Some(seen.partition) == moved));
                    seen.extend(records);
                }
                Event::Assigned(assignment) => panic!("{assignment:?}"),
            }
        }
    };
    f.within("what stays is taken", taking).await;
    let moved = moved.expect("one was revoked");
    assert_eq!(late, []);
    assert_eq!(texts(&seen, 1 - moved), numbers(0..RECORDS));
    f.eventually("the other reads all of its own", || async { b.seen().len() == RECORDS }).await;
    b.leave().await;
    f.leave(a).await;
}

/// A partition that is paused at its end and goes on there does not tell that end again.
pub async fn a_pause_at_the_end_tells_it_once(f: &Fixture) {
    let topic = f.topic(1).await;
    let ours = [partition(&topic, 0)];
    let mut member = f.only_member(f.group("group", &[&topic])).await;
    let mut ends = Vec::new();
    for round in 1..4_i64 {
        f.fill(&topic, 1, 1).await;
        let taking = async {
            while ends.last() != Some(&round) {
                match member.next().await.expect("an event") {
                    Event::Fetched(fetched) => ends.extend(fetched.ends.iter().map(|(_, end)| end.0)),
                    other => panic!("{other:?}"),
                }
            }
        };
        f.within("the end is told", taking).await;
        member.pause(&ours, true);
        member.pause(&ours, false);
        let quiet = tokio::time::timeout(Duration::from_millis(400), member.next()).await;
        assert!(quiet.is_err(), "nothing new is there, and yet {quiet:?}");
    }
    let mut once = ends.clone();
    once.dedup();
    assert_eq!(ends, once);
    f.leave(member).await;
}

/// However little may be fetched ahead, everything comes, once and in order.
pub async fn a_member_with_a_small_bound_loses_nothing(f: &Fixture) {
    let topic = f.topic(2).await;
    let filler = noise(2000);
    let records =
        (0..1000).map(|i| NewRecord { key: Some(filler.clone()), ..valued(&topic, i % 2, &(i / 2).to_string()) });
    f.append(records.collect()).await;
    let group = GroupSettings { ahead_bytes_max: 30_000, ..f.group("group", &[&topic]) };
    let mut member = f.only_member(group).await;
    let (mut seen, mut pause_at) = (Vec::new(), 1);
    while seen.len() < 1000 {
        seen.extend(f.taken(&mut *member, 1).await);
        if seen.len() >= pause_at {
            // Long enough for the bound to be reached, and for a backend to do whatever it does then.
            tokio::time::sleep(Duration::from_millis(400)).await;
            pause_at += 250;
        }
    }
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(0..500), numbers(0..500)));
    f.leave(member).await;
}

/// Leaving takes no longer than its deadline, also of a member that was never asked for an event or owes an answer.
pub async fn leaving_is_bounded(f: &Fixture) {
    let topic = f.topic(1).await;
    let group = f.group("group", &[&topic]);
    for asks in [false, true] {
        let mut member = f.log.join(group.clone()).await.expect("the member joins");
        let unanswered = if asks { Some(f.assigned(&mut *member).await) } else { None };
        let begun = Instant::now();
        member.leave(Duration::from_secs(3)).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        drop(unanswered);
    }
    let worker = Worker::join(&f.log, group).await;
    f.eventually("the next one has the partition", || async { worker.owns(1) }).await;
    worker.leave().await;
}

/// Members come and go while records are written; each record is handled, in the order of its partition, and what is
/// handled twice is only what was not committed.
pub async fn members_come_and_go_and_every_record_is_handled(f: &Fixture) {
    const RECORDS: usize = 400;
    let topic = f.topic(4).await;
    let group = f.group("group", &[&topic]);
    let writing = tokio::spawn({
        let (topic, writer) = (topic.clone(), f.writer().await);
        async move {
            for i in 0..RECORDS {
                let records = (0..4).map(|p| valued(&topic, p, &i.to_string())).collect();
                super::fixture::append(&writer, records).await;
            }
        }
    });
    let mut all = Vec::new();
    let mut workers = vec![Worker::join(&f.log, group.clone()).await];
    for round in 0..3 {
        workers.push(Worker::join(&f.log, group.clone()).await);
        f.eventually("the new member has partitions", || async { workers.iter().all(|w| !w.owns(0)) }).await;
        if round > 0 {
            all.push(workers.remove(0).leave().await);
        }
    }
    writing.await.expect("the writer ends well");
    let handled = |p: i32, all: &[super::worker::State], workers: &[Worker]| {
        let gone = all.iter().flat_map(|state| state.seen.iter().cloned());
        let here = workers.iter().flat_map(Worker::seen);
        let offsets: BTreeSet<_> =
            gone.chain(here).filter(|seen| seen.partition == p).map(|seen| seen.offset).collect();
        offsets.len()
    };
    f.eventually("every record is handled", || async { (0..4).all(|p| handled(p, &all, &workers) == RECORDS) }).await;
    for worker in workers {
        all.push(worker.leave().await);
    }
    let total: usize = all.iter().map(|state| state.seen.len()).sum();
    // A worker commits before it counts a record as handled and releases in order, so nothing is handled twice here.
    assert_eq!(total, 4 * RECORDS);
    for state in &all {
        for p in 0..4 {
            let offsets: Vec<_> =
                state.seen.iter().filter(|seen| seen.partition == p).map(|seen| seen.offset).collect();
            assert!(offsets.is_sorted(), "partition {p}: {offsets:?}");
        }
    }
    let ends: Vec<_> = f.log.committed(&group.group, &partitions_of(&topic, 4)).await.expect("positions");
    assert_eq!(ends, vec![Some(Offset(RECORDS as i64)); 4]);
}
