//! What handlers hold, as the command shows it.

use std::sync::Arc;

use coursebus_consumer::{EngineSettings, HandlerError, Handlers, HandlersSettings, Until, run};
use coursebus_registry_tools::{LogRegistry, StoreSettings};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_tests::{Cli, matrix};
use coursebus_transport::{GroupSettings, Log, Settings, Sync, embedded::EmbeddedLog};
use serde_json::{Value, json};

use super::{CREATED, SOUND, enrollment};

const GROUP: &str = "coursebus-mailer";

/// Runs a group of handlers on the bus of a folder, to the end: the second learner's event is poison.
async fn handle_all(cli: &Cli) {
    let log: Arc<dyn Log> =
        Arc::new(EmbeddedLog::open(&cli.dir().join(".coursebus"), Sync::Disk, &Settings::default()).unwrap());
    let registry = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await.unwrap());
    let topics = ["dev-course-enrollment-lifecycle".to_owned()];
    let handlers = Handlers::new(log.clone(), registry, GROUP, &topics, HandlersSettings::default()).await.unwrap();
    let handlers = handlers.on(|event: CourseEnrollmentCreated| async move {
        if event.enrollment.user.id == 1 { Err(HandlerError::Poison("no".to_owned())) } else { Ok(()) }
    });
    let group = GroupSettings::new(GROUP, topics.to_vec());
    let settings = EngineSettings { until: Until::CaughtUp, ..EngineSettings::new(group) };
    run(log, settings, Arc::new(handlers), std::future::pending()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_handlers_hold_is_listed_and_shown_and_not_touched() {
    matrix("held", "embedded", "none");
    let cli = Cli::new();
    let event = |learner: i64, number: i64| {
        json!({"id": format!("{learner}-{number}"), "source": "lms", "data": enrollment(learner, 0, SOUND)}).to_string()
    };
    let lines = [event(0, 0), event(1, 0), event(1, 1), event(2, 0)].join("\n");
    cli.run_with(["event", "emit", CREATED], &lines).ok();
    handle_all(&cli).await;

    let list = |more: &[&str]| -> Vec<Value> {
        let rows = cli.run([&["held", "list", "--group", GROUP, "-o", "json"], more].concat()).json();
        rows.as_array().unwrap().clone()
    };
    let causes = list(&[]);
    assert_eq!(causes.len(), 1, "{causes:?}");
    let cause = &causes[0];
    assert_eq!(
        (&cause["group"], &cause["state"], &cause["code"]),
        (&json!(GROUP), &json!("parked"), &json!("refused"))
    );
    assert_eq!((&cause["type"], &cause["id"]), (&json!(CREATED), &json!("1-0")));
    assert_eq!((&cause["count"], &cause["waiting"]), (&json!(2), &json!(1)));
    let flat = list(&["--flat"]);
    assert_eq!(flat.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), [json!("1-0"), json!("1-1")]);
    assert_eq!(flat[1]["behind"], flat[0]["offset"]);

    let place = format!("dev-course-enrollment-lifecycle/{}", cause["partition"]);
    let offset = cause["offset"].to_string();
    let shown = cli.run(["held", "show", "--group", GROUP, &place, &offset, "-o", "json"]).json();
    assert_eq!(shown["data"]["enrollment"]["user"]["id"], 1);
    let refused = cli.run(["held", "retry", "--group", GROUP, "--code", "refused"]).code(2);
    assert!(refused.stderr().contains("by the process that runs them"), "{refused}");
    let missing = cli.run(["held", "show", "--group", GROUP, &place, "99"]).code(1);
    assert!(missing.stderr().starts_with("error[not-held]: "), "{missing}");
    let unknown = cli.run(["held", "list", "--group", "nobody"]).code(1);
    assert!(unknown.stderr().starts_with("error[not-found]: "), "{unknown}");
    assert_eq!(list(&["--flat"]), flat, "looking changes nothing");
}
