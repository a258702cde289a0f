//! A process that was stopped inside a transaction.

use std::time::{Duration, Instant};

use coursebus_sinks_kit::StoreError;
use coursebus_transport::Offset;

use crate::{
    fixture::{Fixture, GROUP, Place},
    steps::{Step, partition, take_over},
};

contract!(a_stopped_transaction_is_in_the_way_for_a_bounded_time_only);

/// A process that was stopped in the middle of a transaction holds its locks.
async fn a_stopped_transaction_is_in_the_way_for_a_bounded_time_only(fixture: &Fixture) {
    let ((stopped, process), next) = (fixture.open_in_process().await, fixture.open().await);
    let (epoch, _) = take_over(stopped.as_ref()).await;
    let mut tx = stopped.begin().await.expect("a transaction");
    let partition_0 = partition(0).partition;
    assert!(tx.advance(GROUP, &partition_0, epoch, Offset(7)).await.expect("it owns the partition"));

    if let Some(process) = &process {
        process.stop();
    }
    let began = Instant::now();
    let first = next.take_over(GROUP, &[partition(0)]).await;
    assert!(began.elapsed() < Duration::from_secs(8), "waited {:?}", began.elapsed());
    match fixture.place {
        // A file cannot evict a writer: the error names who is in the way, and goes when it has gone.
        Place::Sqlite(_) => {
            let error = first.expect_err("the writer is still there");
            assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
            drop(tx);
        }
        // A server ends the session of whoever does nothing inside a transaction.
        Place::Postgres { .. } | Place::Mysql { .. } | Place::Memory(_) => {
            if let Err(error) = first {
                assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
                take_over(next.as_ref()).await;
            }
            if let Some(process) = &process {
                process.go_on();
            }
            assert!(tx.advance(GROUP, &partition_0, epoch, Offset(9)).await.is_err(), "its session is gone");
        }
    }
    let (now, position) = take_over(next.as_ref()).await;
    assert!(now > epoch);
    assert_eq!(position, None, "nothing of the transaction is left");
    let late = Step::new(epoch, 8, Vec::new()).apply(stopped.as_ref()).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
}
