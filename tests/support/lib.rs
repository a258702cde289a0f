//! What the whole-system tests share: the built command, background processes, real services, bounded waits.
//!
//! A test that needs a service asks for it and returns when there is none; it has then said so loudly, and under
//! `CI=true` it has failed:
//!
//! ```no_run
//! let Some(bootstrap) = coursebus_tests::kafka_bootstrap() else { return };
//! coursebus_tests::matrix("grades", "kafka", "sqlite");
//! let cli = coursebus_tests::Cli::new().env("COURSEBUS_BUS", format!("kafka://{bootstrap}"));
//! cli.run(["topic", "list"]).ok();
//! ```
//!
//! Nothing here knows the workspace's crates: the system is tested through its command and its ports.

mod background;
mod cli;
mod env;
mod line;
mod mysql;
mod outbox;
mod output;
mod postgres;
mod secure;
mod services;
mod wait;

pub use background::Background;
pub use cli::{Cli, coursebus};
pub use line::Line;
pub use mysql::MysqlDatabase;
pub use outbox::{OutboxConnection, OutboxDb};
pub use output::Output;
pub use postgres::Database;
pub use secure::SecureKafka;
pub use services::{
    can_strike, kafka_bootstrap, kafka_turn, matrix, mysql_url, oulad, postgres_url, say, seed, skipped, strike, unique,
};
pub use wait::{until, wait_until};
