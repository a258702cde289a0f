//! Writers: each has keys of its own and writes their events in order, in transactions that are committed late, rolled back, or
//! held for long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use coursebus_tests::{OutboxConnection, OutboxDb, unique};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{runtime::Runtime, task::JoinHandle};

use super::Plan;

const RENEWED: &str = "coursebus.subscription.license.renewed.v1";
/// Keys of each writer.
const KEYS: usize = 6;

/// How many transactions of each database stay open for long.
const LONG: u64 = 2;

/// What was committed: of each key the ids, in their order.
pub type Committed = Vec<(String, Vec<String>)>;

pub struct Writers {
    stop: Arc<AtomicBool>,
    long: Arc<AtomicU64>,
    rolled_back: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<Committed>>,
}

impl Writers {
    pub fn start(runtime: &Runtime, db: &OutboxDb, plan: Plan) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        // Of one file only one transaction at a time can be written to.
        let count = if db.name() == "sqlite" { plan.writers.min(4) } else { plan.writers };
        let (long, rolled_back) = (Arc::new(AtomicU64::new(LONG)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..count)
            .map(|number| {
                let connection = runtime.block_on(db.connect());
                let writer = Writer {
                    connection,
                    random: StdRng::seed_from_u64(plan.seed ^ number << 32),
                    name: unique(db.name()),
                    hold: plan.hold,
                    long: long.clone(),
                    rolled_back: rolled_back.clone(),
                    stop: stop.clone(),
                    is_alone: db.name() == "sqlite",
                };
                runtime.spawn(writer.run())
            })
            .collect();
        Self { stop, long, rolled_back, tasks }
    }

    /// Ends when each has ended its transaction. Also says, for people, what became of those that were not simply committed.
    pub async fn finish(self, hold: Duration) -> (Committed, String) {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Committed::new();
        for task in self.tasks {
            let committed = tokio::time::timeout(hold * 4 + Duration::from_secs(60), task).await;
            all.extend(committed.expect("a writer ends").expect("a writer does not panic"));
        }
        let held = LONG - self.long.load(Ordering::Relaxed);
        let rolled_back = self.rolled_back.load(Ordering::Relaxed);
        (all, format!("{rolled_back} transactions rolled back, {held} held open for {hold:?}"))
    }
}

struct Writer {
    connection: OutboxConnection,
    random: StdRng,
    name: String,
    hold: Duration,
    /// How many long transactions there may still be.
    long: Arc<AtomicU64>,
    rolled_back: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    is_alone: bool,
}

impl Writer {
    async fn run(mut self) -> Committed {
        let mut committed: Committed = (0..KEYS).map(|key| (format!("{}-{key}", self.name), Vec::new())).collect();
        let mut number = 0_u64;
        while !self.stop.load(Ordering::Relaxed) {
            self.connection.begin().await.expect("it begins");
            let mut written = Vec::new();
            for _ in 0..self.random.random_range(1..=6) {
                let key = self.random.random_range(0..KEYS);
                number += 1;
                let (license, id) = (&committed[key].0, format!("{}-{key}-{number}", self.name));
                let payload = format!(
                    r#"{{"license":{{"license_uuid":"{license}","plan_uuid":"p","user_id":{number},"status":"activated","expires":"2027-01-01T00:00:00Z"}}}}"#
                );
                self.connection.insert(&id, RENEWED, &payload, &[]).await.expect("it is written");
                written.push((key, id));
            }
            self.wait(number).await;
            if self.random.random_range(0..100) < 15 {
                self.connection.execute("ROLLBACK").await.expect("it is rolled back");
                self.rolled_back.fetch_add(1, Ordering::Relaxed);
            } else {
                self.connection.execute("COMMIT").await.expect("it is committed");
                for (key, id) in written {
                    committed[key].1.push(id);
                }
            }
            // Writers of one file take turns.
            let pause = if self.is_alone { 8 } else { 3 };
            tokio::time::sleep(Duration::from_millis(self.random.random_range(0..pause))).await;
        }
        committed
    }

    /// Mostly not at all, at times for long.
    async fn wait(&mut self, number: u64) {
        let is_long = number > 60
            && self.long.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        let most = if self.is_alone { 4 } else { 40 };
        let wait = match self.random.random_range(0..4) {
            _ if is_long => self.hold,
            0 => Duration::from_millis(self.random.random_range(0..most)),
            _ => return,
        };
        tokio::time::sleep(wait).await;
    }
}
