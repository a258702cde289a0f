//! The whole system, through its command and its ports: one file a flow. A file that is not named here is not compiled; a
//! test holds that each is.
#![allow(clippy::unwrap_used, reason = "tests")]

mod audit;
mod bad_input;
mod bed;
mod cli;
mod demo;
mod embedded_faults;
mod full_disk;
mod goldens;
mod held;
mod kafka_security;
mod kills;
mod openedx_types;
mod oulad;
mod outbox;
mod simulation;
mod stopped;
