//! Members in processes of their own: one that stands still, one that is killed.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::mpsc,
};

use super::{
    Fixture,
    fixture::{numbers, partition, texts},
    worker::Worker,
};
use crate::{BusAddress, Event, GroupSettings, Offset, ReadError, Settings};

/// A process that stood still for longer than its session owns nothing any more: its commit is refused, and it is told.
pub async fn a_member_that_stood_still_is_fenced(f: &Fixture) {
    let Some(address) = f.address() else { return };
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 10).await;
    let group = f.group("group", &[&topic]);
    let mut process = MemberProcess::start(&address, &group);
    f.within("the process has read", process.hears("read 10")).await;
    process.tells("commit 4").await;
    f.within("its commit is taken", process.hears("committed")).await;
    process.signal("STOP");
    let worker = Worker::join(&f.log, group.clone()).await;
    f.eventually("another member reads from what was committed", || async { worker.seen().len() == 6 }).await;
    assert_eq!(texts(&worker.seen(), 0), numbers(4..10));
    process.signal("CONT");
    process.tells("commit 2").await;
    f.within("its commit is refused and it is told what it lost", process.hears_all(["fenced", "lost 1"])).await;
    let committed = f.log.committed(&group.group, &[partition(&topic, 0)]).await.expect("positions");
    assert_eq!(committed, [Some(Offset(10))]);
    process.kill();
    worker.leave().await;
}

/// The partitions of a process that is gone without a word go to others, at the latest after its session time-out.
pub async fn the_partitions_of_a_killed_process_go_to_others(f: &Fixture) {
    let Some(address) = f.address() else { return };
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 10).await;
    let group = f.group("group", &[&topic]);
    let mut process = MemberProcess::start(&address, &group);
    f.within("the process has read", process.hears("read 10")).await;
    process.tells("commit 7").await;
    f.within("its commit is taken", process.hears("committed")).await;
    process.kill();
    let worker = Worker::join(&f.log, group).await;
    f.eventually("another member goes on", || async { worker.seen().len() == 3 }).await;
    assert_eq!(texts(&worker.leave().await.seen, 0), numbers(7..10));
}

/// The other process: this test program again, with orders on its standard input.
struct MemberProcess {
    child: std::process::Child,
    heard: mpsc::Receiver<String>,
    orders: std::process::ChildStdin,
}

impl MemberProcess {
    fn start(address: &str, group: &GroupSettings) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["--exact", "member_process", "--nocapture", "--quiet"])
            .env(VARIABLE, order(address, group))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let (orders, answers) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let (said, heard) = mpsc::channel(1000);
        std::thread::spawn(move || {
            use std::io::BufRead;
            for line in std::io::BufReader::new(answers).lines().map_while(Result::ok) {
                if said.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, heard, orders }
    }

    async fn hears(&mut self, expected: &str) {
        self.hears_all([expected]).await;
    }

    /// In whichever order.
    async fn hears_all<const N: usize>(&mut self, expected: [&str; N]) {
        let mut heard = Vec::new();
        while !expected.iter().all(|line| heard.iter().any(|h| h == line)) {
            match self.heard.recv().await {
                Some(line) => heard.push(line),
                None => panic!("the process ended before it said {expected:?}: {heard:?}"),
            }
        }
    }

    async fn tells(&mut self, order: &str) {
        use std::io::Write;
        writeln!(self.orders, "{order}").expect("the process listens");
        self.orders.flush().expect("the process listens");
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(done.expect("there is a kill command").success(), "the signal {signal}");
    }

    fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for MemberProcess {
    fn drop(&mut self) {
        // After a failure in between; a process that is gone already is no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const VARIABLE: &str = "COURSEBUS_CONFORMANCE_MEMBER";

fn order(address: &str, group: &GroupSettings) -> String {
    format!("{address} {} {} {}", group.group, group.topics[0], group.session_timeout.as_millis())
}

/// What the other process does: joins the group, reads, says `read N`, commits when told `commit N`, says `committed`
/// or
/// `fenced`, and `lost N` when partitions are gone. Does nothing in a process that was not started for it.
#[allow(clippy::disallowed_methods, reason = "a process is told by a variable that it is such a member")]
pub async fn member_process() {
    let Ok(order) = std::env::var(VARIABLE) else { return };
    let [address, group, topic, session_ms] = order.split(' ').collect::<Vec<_>>()[..] else { panic!("{order}") };
    let address: BusAddress = address.parse().expect("an address");
    let log = crate::open(&address, &Settings::default()).expect("the log opens");
    let settings = GroupSettings {
        session_timeout: Duration::from_millis(session_ms.parse().expect("milliseconds")),
        ..GroupSettings::new(group, vec![topic.to_owned()])
    };
    let mut member = log.join(settings).await.expect("the member joins");
    let committer = member.committer();
    let ours = partition(&Arc::from(topic), 0);
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let mut read = 0;
    loop {
        tokio::select! {
            event = member.next() => take(event, &mut read),
            order = orders.next_line() => {
                let Some(order) = order.expect("orders") else { return };
                let position = order.strip_prefix("commit ").and_then(|n| n.parse().ok()).expect("an order");
                match committer.commit(&[(ours.clone(), Offset(position))]).await {
                    Ok(()) => println!("committed"),
                    Err(ReadError::Fenced { .. }) => println!("fenced"),
                    Err(error) => println!("{error:?}"),
                }
            }
        }
    }
}

fn take(event: Result<Event, ReadError>, read: &mut usize) {
    match event.expect("an event") {
        Event::Assigned(assignment) => assignment.start(Vec::new()),
        Event::Revoked(revocation) if revocation.lost => println!("lost {}", revocation.partitions.len()),
        Event::Revoked(revocation) => revocation.release(),
        Event::Fetched(fetched) => {
            *read += fetched.records.len();
            if !fetched.records.is_empty() {
                println!("read {read}");
            }
        }
    }
}
