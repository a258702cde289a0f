//! `up` and `registry serve`: what they print, what they serve, how they end.

use std::{fs, time::Duration};

use coursebus_tests::{Background, Cli, matrix, until};
use coursebus_transport::{Log, Settings, Sync, TopicSpec, embedded::EmbeddedLog};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::{PLAN, RUN, emit, names, plan, run};

const LIMIT: Duration = Duration::from_secs(60);

/// Starts `up` on free ports; answers with the URLs of the node and the registry.
fn start(cli: &Cli) -> (Background, String, String) {
    let mut up = cli.start(["up", "--listen", "127.0.0.1:0", "--registry-listen", "127.0.0.1:0"]);
    let ready = up.ready();
    let mut served = names(&ready);
    served.sort_unstable();
    assert_eq!(served, ["node", "registry"]);
    let url = |name: &str| ready[name].as_str().unwrap().to_owned();
    (up, url("node"), url("registry"))
}

async fn get(url: String) -> Response {
    Client::new().get(url).send().await.unwrap()
}

async fn body(url: String) -> Value {
    get(url).await.error_for_status().unwrap().json().await.unwrap()
}

#[tokio::test]
async fn everything_in_one_process_applies_what_others_emit_and_serves_it() {
    matrix("cli", "embedded", "sqlite");
    let cli = Cli::new();
    let (up, node, registry) = start(&cli);
    let keys = ["course-v1:OU+A/B+2013J", "course-v1:OU+AAA+2013J", "course-v1:OU+ÄÖ %+2014B"];
    emit(&cli, RUN, &keys.map(run));
    emit(&cli, PLAN, &[plan("p1")]);

    // Each part of a key is percent-encoded, so that it may hold anything.
    let encoded = [
        "course-v1%3AOU%2BA%2FB%2B2013J",
        "course-v1%3AOU%2BAAA%2B2013J",
        "course-v1%3AOU%2B%C3%84%C3%96%20%25%2B2014B",
    ];
    for (key, encoded) in keys.iter().zip(encoded) {
        let row = until("a row in the read API", LIMIT, async || {
            let answer = get(format!("{node}/discovery/course_runs/{encoded}")).await;
            if answer.status() == StatusCode::OK { answer.json::<Value>().await.ok() } else { None }
        });
        let row = row.await;
        assert_eq!((&row["course_key"], &row["starts"]), (&json!(key), &json!("2026-02-01T00:00:00Z")));
    }
    until("the plan", LIMIT, async || {
        (get(format!("{node}/license_manager/plans/p1")).await.status() == StatusCode::OK).then_some(())
    })
    .await;

    let mut url = reqwest::Url::parse(&format!("{node}/discovery/course_runs")).unwrap();
    url.query_pairs_mut().append_pair("limit", "2");
    let first = body(url.clone().into()).await;
    assert_eq!((names(&first), first["rows"].as_array().unwrap().len()), (vec!["rows", "next"], 2));
    url.query_pairs_mut().append_pair("after", first["next"].as_str().unwrap());
    let second = body(url.into()).await;
    assert_eq!(names(&second), ["rows"], "the last page has no next");
    let pages = [&first, &second].map(|page| page["rows"].as_array().unwrap().clone()).concat();
    assert_eq!(pages.iter().map(|row| row["course_key"].as_str().unwrap()).collect::<Vec<_>>(), keys);
    assert_eq!(body(format!("{node}/discovery/course_runs")).await["rows"], json!(pages));

    for path in ["discovery/course_runs/nosuch", "discovery/course_runs/a/b", "discovery/nosuch", "nosuch/nosuch"] {
        let answer = get(format!("{node}/{path}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((names(&problem), &problem["status"]), (vec!["status", "title", "detail"], &json!(404)), "{path}");
    }
    let wrong = get(format!("{node}/discovery/course_runs?after=nonsense")).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    for path in ["healthz", "readyz"] {
        assert_eq!(get(format!("{node}/{path}")).await.status(), StatusCode::OK, "{path}");
    }

    // The registry of the same bus, for those who speak HTTP.
    let subjects = body(format!("{registry}/subjects")).await;
    let listed = cli.run(["schema", "list", "-o", "json", "--registry", &registry]).ok().json();
    assert_eq!(listed.as_array().unwrap().len(), subjects.as_array().unwrap().len());

    up.interrupt();
    let ended = up.end_within(Duration::from_secs(20)).ok();
    assert_eq!((ended.stdout().lines().count(), ended.stderr().lines().count()), (1, 1), "the bus was new: {ended}");
    // What it had applied is there for the next process.
    assert_eq!(cli.run(["sink", "dump", "discovery"]).ok().json_lines().len(), 3);
}

#[tokio::test]
async fn a_second_up_on_the_same_bus_takes_its_share_and_all_when_the_first_ends() {
    matrix("cli", "embedded", "sqlite");
    let cli = Cli::new();
    let (first, ..) = start(&cli);
    let (second, node, _) = start(&cli);
    let there = async |key: String| {
        until("a row that one of them applied", LIMIT, async || {
            (get(format!("{node}/license_manager/plans/{key}")).await.status() == StatusCode::OK).then_some(())
        })
        .await;
    };
    let keys = |from: usize| (from..from + 20).map(|n| format!("p{n}")).collect::<Vec<_>>();
    emit(&cli, PLAN, &keys(0).iter().map(|key| plan(key)).collect::<Vec<_>>());
    for key in keys(0) {
        there(key).await;
    }
    drop(first.kill());
    emit(&cli, PLAN, &keys(20).iter().map(|key| plan(key)).collect::<Vec<_>>());
    for key in keys(20) {
        there(key).await;
    }
    second.interrupt();
    second.end_within(Duration::from_secs(20)).ok();
}

#[tokio::test]
async fn beyond_this_machine_only_with_credentials() {
    matrix("cli", "embedded", "sqlite");
    let cli = Cli::new();
    for args in [
        &["up", "--listen", "0.0.0.0:0"][..],
        &["up", "--listen", "127.0.0.1:0", "--registry-listen", "[::]:0"],
        &["registry", "serve", "--listen", "0.0.0.0:0"],
    ] {
        let refused = cli.run(args.iter().copied()).code(2);
        assert!(refused.stderr().contains("error[listen-open]: "), "{refused}");
        assert_eq!(refused.stdout(), "");
    }

    fs::write(cli.dir().join("credentials"), "# who may\nreader:open sesame\n").unwrap();
    let args = ["up", "--listen", "0.0.0.0:0", "--registry-listen", "127.0.0.1:0", "--credentials", "credentials"];
    let mut up = cli.start(args);
    let ready = up.ready();
    let (node, registry) = (ready["node"].as_str().unwrap(), ready["registry"].as_str().unwrap());
    assert!(node.starts_with("http://0.0.0.0:"), "{node}");
    for url in [format!("{node}/discovery/course_runs"), format!("{registry}/subjects")] {
        let client = Client::new();
        for request in
            [client.get(&url), client.get(&url).basic_auth("reader", Some("wrong")), client.get(&url).bearer_auth("x")]
        {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{url}");
            assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
        }
        let answer = client.get(&url).basic_auth("reader", Some("open sesame")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
    }
    // The command's own client takes them from the URL.
    let with = registry.replace("http://", "http://reader:open%20sesame@");
    cli.run(["schema", "list", "--registry", &with]).ok();
    let without = cli.run(["schema", "list", "--registry", registry]).code(1);
    assert!(without.stderr().contains("401"), "{without}");
    let wrong = cli
        .run(["schema", "list", "--registry", &registry.replace("http://", "http://reader:nosuchpassword@")])
        .code(1);
    assert!(!wrong.stderr().contains("nosuchpassword"), "{wrong}");
    up.interrupt();
    up.end_within(Duration::from_secs(20)).ok();
}

#[tokio::test]
async fn a_registry_on_a_topic_that_is_not_safe_says_so_when_it_starts() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    let dir = cli.dir().join(".coursebus");
    let log = EmbeddedLog::open(&dir, Sync::Os, &Settings::default()).unwrap();
    log.create_topic(&TopicSpec::new("_schemas", 2).compacted()).await.unwrap();
    let mut server = cli.start(["registry", "serve", "--listen", "127.0.0.1:0"]);
    let ready = server.ready();
    let registry = ready["registry"].as_str().unwrap();
    assert_eq!(body(format!("{registry}/subjects")).await, json!([]));
    server.interrupt();
    let ended = server.end_within(Duration::from_secs(20)).ok();
    assert!(ended.stderr().contains("the registry only reads until its topic is in order"), "{ended}");
    assert!(ended.stderr().contains("2 partitions"), "{ended}");
}

#[tokio::test]
async fn a_registry_alone() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    let mut server = cli.start(["registry", "serve", "--listen", "127.0.0.1:0"]);
    let ready = server.ready();
    assert_eq!(names(&ready), ["registry"]);
    let registry = ready["registry"].as_str().unwrap();
    assert_eq!(body(format!("{registry}/subjects")).await, json!([]));
    let schema = json!({"schema": r#""string""#}).to_string();
    let posted = Client::new()
        .post(format!("{registry}/subjects/s/versions"))
        .header("content-type", "application/json")
        .body(schema);
    let id = posted.send().await.unwrap().error_for_status().unwrap().json::<Value>().await.unwrap();
    let missing = get(format!("{registry}/subjects/nosuch/versions")).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(missing.json::<Value>().await.unwrap()["error_code"], 40_401);
    // Another process, without the server, on the same bus.
    let shown = cli.run(["schema", "show", "s", "-o", "json"]).ok().json();
    assert_eq!(shown["id"], id["id"]);
    server.interrupt();
    server.end_within(Duration::from_secs(20)).ok();
}
