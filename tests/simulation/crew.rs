//! The processes of a group, and what happens to them from outside.

use std::time::Duration;

use coursebus_transport::memory::{Process, World};
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

/// How long a member may be silent until its partitions go to others.
pub const SESSION: Duration = Duration::from_secs(3);
const MEMBERS_MAX: usize = 5;

/// Starts what a process does; it ends when it is asked to.
type Start = Box<dyn Fn(Process, oneshot::Receiver<()>) -> JoinHandle<()>>;

/// The members of a group.
pub struct Crew {
    world: World,
    start: Start,
    members: Vec<Member>,
}

struct Member {
    process: Process,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Crew {
    /// Two or three members.
    pub fn new(world: &World, start: impl Fn(Process, oneshot::Receiver<()>) -> JoinHandle<()> + 'static) -> Self {
        let mut crew = Self { world: world.clone(), start: Box::new(start), members: Vec::new() };
        (0..2 + world.below(2)).for_each(|_| crew.join());
        crew
    }

    fn member(&self) -> Member {
        let process = Process::start(&self.world);
        let (stop, stopped) = oneshot::channel();
        Member { task: (self.start)(process.clone(), stopped), process, stop: Some(stop) }
    }

    fn join(&mut self) {
        let member = self.member();
        self.members.push(member);
    }

    fn leave(&mut self, at: usize) {
        drop(self.members.remove(at).stop.take());
    }

    /// Does something to the members, or to the clock.
    pub fn strike(&mut self) {
        let at = self.world.below(self.members.len() as u64) as usize;
        match self.world.below(8) {
            0 => {
                self.world.count("a process was killed");
                self.members[at].process.kill();
                self.members[at].task.abort();
                self.members[at] = self.member();
            }
            1 => self.stand_still(at),
            2 if self.members.len() < MEMBERS_MAX => {
                self.world.count("a member joined");
                self.join();
            }
            3 if self.members.len() > 1 => {
                self.world.count("a member left");
                self.leave(at);
            }
            4 => {
                self.world.count("the clock jumped");
                let hours = self.world.below(5) as i64 - 2;
                self.world.jump_clock(hours * 3_600_000);
            }
            5 => self.storm(),
            _ => {}
        }
    }

    /// Stops a process, up to four sessions long, and lets it go on.
    fn stand_still(&self, at: usize) {
        let process = self.members[at].process.clone();
        process.stop();
        let pause = self.world.time_up_to(SESSION * 4);
        self.world.count(if pause > SESSION {
            "a process stood still past its session"
        } else {
            "a process stood still"
        });
        tokio::spawn(async move {
            sleep(pause).await;
            process.go_on();
        });
    }

    /// Members come and go at once: the group is divided anew before it has done so.
    fn storm(&mut self) {
        self.world.count("members came and went at once");
        for _ in 0..2 + self.world.below(4) {
            if self.world.chance(0.5) && self.members.len() < MEMBERS_MAX {
                self.join();
            } else if self.members.len() > 1 {
                let at = self.world.below(self.members.len() as u64) as usize;
                self.leave(at);
            }
        }
    }

    /// Every process goes on.
    pub fn go_on(&self) {
        self.members.iter().for_each(|member| member.process.go_on());
    }
}
