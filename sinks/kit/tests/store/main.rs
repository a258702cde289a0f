//! The contract of a sink's database: one suite for SQLite, for the PostgreSQL that `DATABASE_URL` names, for the MariaDB or
//! MySQL that `MYSQL_URL` names, and for the database in memory, on which simulations rely.

/// Each test on every database.
macro_rules! contract {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let fixture = crate::fixture::Fixture::sqlite();
                super::$test(&fixture).await;
                fixture.end().await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some(fixture) = crate::fixture::Fixture::postgres().await else { return };
                super::$test(&fixture).await;
                fixture.end().await;
            })+
        }
        mod mysql {
            $(#[tokio::test]
            async fn $test() {
                let Some(fixture) = crate::fixture::Fixture::mysql().await else { return };
                super::$test(&fixture).await;
                fixture.end().await;
            })+
        }
        mod memory {
            $(#[tokio::test(start_paused = true)]
            async fn $test() {
                let fixture = crate::fixture::Fixture::memory();
                super::$test(&fixture).await;
                fixture.end().await;
            })+
        }
    };
}

mod batches;
mod evict;
mod fixture;
mod holding;
mod model;
mod mysql;
mod operate;
mod positions;
mod rows;
mod steps;
mod values;
