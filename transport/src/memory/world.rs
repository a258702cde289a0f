//! What a simulation decides: the time, how long calls take, which of them fail, and which processes live.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{sync::Notify, time::Instant};

/// One seeded source of chance and one clock for everything that takes part. Cloning shares it.
///
/// Nothing here is random but by the seed: two runs of the same program on a current-thread runtime with a paused clock
/// go through the same states.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    chance: Mutex<StdRng>,
    began: Instant,
    wall: Mutex<Wall>,
    faults: Mutex<BTreeMap<&'static str, Fault>>,
    slow: Mutex<Slow>,
}

/// The time of day, which a simulation sets forward and back; time-outs are measured on tokio's clock, which it does not.
struct Wall {
    base_ms: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Fault {
    probability: f64,
    hits: u64,
}

/// How long calls take.
#[derive(Debug, Clone, Copy)]
struct Slow {
    /// Most calls take up to this.
    usual: Duration,
    /// One in a hundred takes up to this.
    rare: Duration,
}

impl World {
    /// A world in which nothing takes time and nothing fails, until it is told otherwise.
    #[must_use]
    pub fn calm(seed: u64) -> Self {
        Self(Arc::new(Inner {
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
            began: Instant::now(),
            wall: Mutex::new(Wall { base_ms: 1_750_000_000_000 }),
            faults: Mutex::default(),
            slow: Mutex::new(Slow { usual: Duration::ZERO, rare: Duration::ZERO }),
        }))
    }

    /// From now on calls take up to `usual`, and one in a hundred up to `rare`.
    pub fn slow_down(&self, usual: Duration, rare: Duration) {
        *lock(&self.0.slow) = Slow { usual, rare };
    }

    /// From now on `fault` strikes with this probability, each time that it could.
    pub fn set(&self, fault: &'static str, probability: f64) {
        lock(&self.0.faults).entry(fault).or_default().probability = probability;
    }

    /// From now on no fault strikes. How often each did is remembered.
    pub fn calm_down(&self) {
        lock(&self.0.faults).values_mut().for_each(|fault| fault.probability = 0.0);
        self.slow_down(Duration::ZERO, Duration::ZERO);
    }

    /// Whether the fault strikes now. Draws only where it can, so that a fault that is off changes no other draw.
    #[must_use]
    pub fn strikes(&self, fault: &'static str) -> bool {
        let probability = lock(&self.0.faults).get(fault).map_or(0.0, |fault| fault.probability);
        if probability <= 0.0 || !self.chance(probability) {
            return false;
        }
        self.count(fault);
        true
    }

    /// Counts a fault that the simulation itself has done.
    pub fn count(&self, fault: &'static str) {
        lock(&self.0.faults).entry(fault).or_default().hits += 1;
    }

    /// How often each fault struck.
    #[must_use]
    pub fn hits(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.0.faults).iter().map(|(name, fault)| (*name, fault.hits)).collect()
    }

    /// True with a probability.
    #[must_use]
    pub fn chance(&self, probability: f64) -> bool {
        lock(&self.0.chance).random_bool(probability)
    }

    /// A number below `bound`, which is at least 1.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        lock(&self.0.chance).random_range(0..bound.max(1))
    }

    /// A time up to `bound`.
    #[must_use]
    pub fn time_up_to(&self, bound: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(bound.as_micros()).unwrap_or(u64::MAX)))
    }

    /// The time of day in this world: milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let since = i64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        lock(&self.0.wall).base_ms.saturating_add(since)
    }

    /// Sets the time of day forward or back.
    pub fn jump_clock(&self, by_ms: i64) {
        lock(&self.0.wall).base_ms += by_ms;
    }

    fn pause(&self) -> Duration {
        let slow = *lock(&self.0.slow);
        if slow.usual.is_zero() && slow.rare.is_zero() {
            return Duration::ZERO;
        }
        self.time_up_to(if self.chance(0.01) { slow.rare } else { slow.usual })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process of the simulation: whatever it does to the outside goes through [`Process::step`]. One that is killed never
/// comes back from there, one that stands still comes back when it goes on: to the outside that is the same as a signal,
/// and a call can be cut off before its effect and after it.
#[derive(Clone)]
pub struct Process {
    world: World,
    life: Arc<(Mutex<Life>, Notify)>,
    /// Whether faults and delays pass it by.
    observes: bool,
}

/// Whether a process goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// It goes on.
    Runs,
    /// It stands still since then.
    StandsStill(Instant),
    /// It is gone since then.
    Killed(Instant),
}

impl Process {
    /// A new process.
    #[must_use]
    pub fn start(world: &World) -> Self {
        Self { world: world.clone(), life: Arc::new((Mutex::new(Life::Runs), Notify::new())), observes: false }
    }

    /// A process that faults and delays pass by, and that uses up no chance: whoever checks what the others do.
    #[must_use]
    pub fn observer(world: &World) -> Self {
        Self { observes: true, ..Self::start(world) }
    }

    /// Whether a fault hits what it does now.
    #[must_use]
    pub fn strikes(&self, fault: &'static str) -> bool {
        !self.observes && self.world.strikes(fault)
    }

    /// The world it is in.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Ends it without a word, as `kill -9` does.
    pub fn kill(&self) {
        *lock(&self.life.0) = Life::Killed(Instant::now());
    }

    /// Makes it stand still, as `kill -STOP` does.
    pub fn stop(&self) {
        let mut life = lock(&self.life.0);
        if *life == Life::Runs {
            *life = Life::StandsStill(Instant::now());
        }
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        let mut life = lock(&self.life.0);
        if matches!(*life, Life::StandsStill(_)) {
            *life = Life::Runs;
        }
        drop(life);
        self.life.1.notify_waiters();
    }

    fn life(&self) -> Life {
        *lock(&self.life.0)
    }

    /// Since when it gives no sign of life.
    #[must_use]
    pub fn silent_since(&self) -> Option<Instant> {
        match self.life() {
            Life::Runs => None,
            Life::StandsStill(since) | Life::Killed(since) => Some(since),
        }
    }

    /// Whether it was killed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        matches!(self.life(), Life::Killed(_))
    }

    /// One step to the outside: takes its time, while the process lives.
    pub async fn step(&self) {
        self.gate().await;
        let pause = if self.observes { Duration::ZERO } else { self.world.pause() };
        if pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(pause).await;
        }
        self.gate().await;
    }

    /// Runs `work` as a part of this process: while the process stands still, and once it is gone, nothing of it runs.
    pub async fn living<F: Future>(&self, work: F) -> F::Output {
        let mut work = Box::pin(work);
        let mut still: Option<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = None;
        std::future::poll_fn(move |context| {
            if self.silent_since().is_some() {
                let still = still.get_or_insert_with(|| Box::pin(self.gate()));
                std::task::ready!(still.as_mut().poll(context));
            }
            still = None;
            work.as_mut().poll(context)
        })
        .await
    }

    /// Waits while the process stands still; for ever when it is gone.
    pub async fn gate(&self) {
        loop {
            let mut changed = std::pin::pin!(self.life.1.notified());
            changed.as_mut().enable();
            match self.life() {
                Life::Runs => return,
                Life::Killed(_) => std::future::pending::<()>().await,
                Life::StandsStill(_) => changed.await,
            }
        }
    }
}
