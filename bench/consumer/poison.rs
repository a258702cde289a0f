//! One poison key among ten thousand: what the others lose.

use std::{hint::black_box, sync::Arc};

use anyhow::Result;
use coursebus_consumer::{HandlerError, Handlers, HandlersSettings};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use serde_json::json;

use super::{
    dispatch::dispatched,
    scene::{RECORD_BYTES, Scene},
};
use crate::{line::Bench, measure::paired};

const KEYS: usize = 10_000;
/// The learner whose events are refused.
const POISON: i64 = 10_000 + 4321;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    // So many that what is done once, making the held topic and waiting for the last of it to be durable, is small beside them.
    let count = bench.plan.amount(5_000_000);
    let scene = Scene::new(bench, 1).await?;
    let encoded = scene.encoded(KEYS)?;
    let sound = handlers(&scene, "sound", None).await?;
    let mut round = 0;
    let measured = paired(
        &bench.plan,
        async || {
            // A group of its own each time: nothing is held at its beginning.
            round += 1;
            let poisoned = handlers(&scene, &format!("poisoned-{round}"), Some(POISON)).await?;
            dispatched(&poisoned, &encoded, count).await
        },
        async || dispatched(&sound, &encoded, count).await,
    );
    let measured = measured.await?;
    let settings = json!({
        "records": count, "record_bytes": RECORD_BYTES, "order_keys": KEYS,
        "how": "records in memory; the poison key's are parked on an embedded log, each durable before the end",
    });
    let work = "Dispatch with one poison key in 10,000, parked";
    bench.report.add((work, "the same without poison", "records/s"), measured, settings)
}

async fn handlers(scene: &Scene, group: &str, poison: Option<i64>) -> Result<Arc<Handlers>> {
    let handlers = scene.handlers(group, HandlersSettings::default()).await?;
    Ok(Arc::new(handlers.on(move |event: CourseEnrollmentCreated| {
        let refused = Some(event.enrollment.user.id) == poison;
        black_box(&event);
        std::future::ready(if refused { Err(HandlerError::Poison("it is poison".to_owned())) } else { Ok(()) })
    })))
}
