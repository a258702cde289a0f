//! The line on a broker with TLS, SCRAM and an authorizer: each role with the rights that docs/operations/kafka-security.md
//! lists, and none besides.

use std::{fs, path::Path, thread};

use coursebus_tests::{Cli, Output, SecureKafka, kafka_turn, matrix, unique};
use sqlx::Connection;

const RUN: &str = "coursebus.authoring.course_run.created.v1";
const ACLS: &str = "org.apache.kafka.tools.AclCommand";
/// How many of Kafka's tools run at once: each is a JVM.
const TOOLS: usize = 3;

/// A right, as the page lists it.
#[derive(Debug, Clone)]
struct Right {
    user: String,
    operations: Vec<String>,
    resource: String,
    name: String,
    pattern: String,
}

/// The rows of the page's last table.
fn rights() -> Vec<Right> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations/kafka-security.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let [user, operations, resource, name, pattern] = cells.try_into().ok()?;
        let is_row = ["literal", "prefixed"].contains(&pattern.as_str());
        let operations = operations.split(',').map(str::to_owned).collect();
        is_row.then_some(Right { user, operations, resource, name, pattern })
    });
    rows.collect()
}

/// Gives the rights, with the test's own topic prefix in place of the page's.
fn grant(kafka: &SecureKafka, prefix: &str, rights: &[Right]) {
    for some in rights.chunks(TOOLS) {
        thread::scope(|scope| {
            for right in some {
                scope.spawn(|| {
                    let own = right.name.strip_prefix("dev-").map(|rest| format!("{prefix}-{rest}"));
                    let name = own.unwrap_or_else(|| right.name.clone());
                    let mut args =
                        vec!["--add".to_owned(), "--allow-principal".to_owned(), format!("User:{}", right.user)];
                    args.extend(right.operations.iter().flat_map(|o| ["--operation".to_owned(), o.clone()]));
                    args.extend([format!("--{}", right.resource), name]);
                    args.extend(["--resource-pattern-type".to_owned(), right.pattern.clone()]);
                    kafka.tool(ACLS, &args);
                });
            }
        });
    }
}

/// Holds that a command was refused in three lines, the first of which says what was, and the last what to do.
#[track_caller]
fn refused(output: Output, said: &str) {
    let output = output.code(1);
    let lines: Vec<&str> = output.stderr().lines().filter(|line| !line.contains(" WARN ")).collect();
    assert!(lines.iter().any(|line| line.starts_with("error[bus-refused]: ") && line.contains(said)), "{output}");
    assert!(lines.last().is_some_and(|line| line.starts_with("   do: ") && line.contains("rights")), "{output}");
    assert!(!output.stderr().contains("sasl.password"), "{output}");
}

/// Rows of an outbox, as a service writes them.
fn write_rows(file: &Path, payloads: &[String]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut service = sqlx::SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        for payload in payloads {
            let row = "INSERT INTO coursebus_outbox (event_id, event_type, source, payload) VALUES (?, ?, 'test', ?)";
            let row = sqlx::query(row).bind(unique("row")).bind(RUN).bind(payload.as_bytes());
            row.execute(&mut service).await.unwrap();
        }
        service.close().await.unwrap();
    });
}

#[test]
fn each_role_does_its_work_and_nothing_else() {
    let Some(kafka) = SecureKafka::find() else { return };
    matrix("security", "kafka", "sqlite");
    let _turn = kafka_turn();
    let prefix = unique("secure").replace('_', "-");
    grant(&kafka, &prefix, &rights());

    let home = Cli::new();
    let common = |cli: Cli| {
        let db = format!("sqlite:{}", home.dir().join("db").display());
        cli.env("COURSEBUS_BUS", format!("kafka://{}", kafka.bootstrap()))
            .env("COURSEBUS_TOPIC_PREFIX", &prefix)
            .env("COURSEBUS_DB", db)
    };
    let nobody = common(Cli::new());
    let as_user = |user: &str| common(Cli::new()).env("COURSEBUS_KAFKA_CONFIG", kafka.settings(user));
    let registry = as_user("registry");
    let mut server = registry.start(["registry", "serve", "--listen", "127.0.0.1:0"]);
    let url = server.ready()["registry"].as_str().unwrap().to_owned();
    let role = |user: &str| as_user(user).env("COURSEBUS_REGISTRY", &url);
    let (admin, producer, sink, relay) = (role("admin"), role("producer"), role("sink"), role("relay"));
    let run = |key: &str| {
        let fields = r#""org":"OU","course":"C","run":"R","title":"T","start":"2026-02-01T00:00:00Z","pacing":"self""#;
        format!(r#"{{"course_run":{{"course_key":"{key}",{fields}}}}}"#)
    };
    let emit = |cli: &Cli, key: &str| cli.run_with(["event", "emit", RUN], &run(key));

    admin.run(["apply"]).ok();
    let lines: Vec<String> = (0..20).map(|n| run(&format!("course-v1:OU+C+{n}"))).collect();
    producer.run_with(["event", "emit", RUN], &lines.join("\n")).ok();
    sink.run(["sink", "run", "discovery", "--audit", "--until-caught-up"]).ok();
    let audited = sink.run(["sink", "audit", "discovery", "-o", "json"]).ok().json();
    assert_eq!((&audited[0]["expected"], &audited[0]["applied"]), (&20.into(), &20.into()));
    let described = admin.run(["group", "describe", "discovery", "-o", "json"]).ok().json();
    assert!(described["partitions"].as_array().unwrap().iter().all(|p| p["lag_bound"] == 0), "{described}");
    let outbox = format!("sqlite:{}", home.dir().join("service.db").display());
    relay.run(["outbox", "install", "--db", &outbox]).ok();
    let rows: Vec<String> = (20..30).map(|n| run(&format!("course-v1:OU+C+{n}"))).collect();
    write_rows(&home.dir().join("service.db"), &rows);
    let relayed = relay.run(["relay", "run", "--db", &outbox, "--until-empty", "--timeout", "30s"]).ok().json();
    assert_eq!((&relayed["published"], &relayed["held"]), (&10.into(), &0.into()));
    sink.run(["sink", "run", "discovery", "--audit", "--until-caught-up"]).ok();
    let audited = sink.run(["sink", "audit", "discovery", "-o", "json"]).ok().json();
    assert_eq!((&audited[0]["expected"], &audited[0]["applied"]), (&30.into(), &30.into()));
    let topic = described["partitions"][0]["topic"].as_str().unwrap();
    let group = unique("coursebus-plain");
    admin.run(["group", "reset", &group, "--topic", topic, "--to", "latest"]).ok();

    // Without its right each is refused, and told so.
    refused(emit(&sink, "course-v1:OU+C+x"), "authorization failed");
    refused(emit(&admin, "course-v1:OU+C+x"), "authorization failed");
    refused(
        producer.run(["sink", "run", "discovery", "--until-caught-up", "--timeout", "30s"]),
        "authorization failed",
    );
    refused(registry.run(["event", "tail", topic, "--from", "earliest", "--until-end"]), "authorization failed");
    refused(relay.run(["event", "tail", topic, "--from", "earliest", "--until-end"]), "authorization failed");
    refused(sink.run(["group", "reset", "elsewhere", "--topic", topic, "--to", "latest"]), "authorization failed");
    let strange = sink.env("COURSEBUS_TOPIC_PREFIX", "another");
    strange.run(["apply"]).code(1);
    // A relay that may not do its work goes on trying: nothing is published, and nothing is lost.
    write_rows(&home.dir().join("service.db"), &[run("course-v1:OU+C+later")]);
    producer.run(["relay", "run", "--db", &outbox, "--until-empty", "--timeout", "5s"]).code(1);
    assert_eq!(relay.run(["outbox", "status", "--db", &outbox, "-o", "json"]).ok().json()["waiting"], 1);

    // A connection that is not let in at all.
    let plainly = nobody.run(["topic", "list"]).code(1);
    assert!(plainly.stderr().contains("error[bus-unavailable]"), "{plainly}");
    server.interrupt();
}
