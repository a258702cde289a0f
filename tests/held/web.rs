//! Held records over HTTP.

use coursebus_tests::{Cli, matrix, until};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::{CREATED, LIMIT, enrollment};

#[tokio::test]
async fn held_records_are_seen_and_given_up_over_http() {
    matrix("held", "embedded", "sqlite");
    let cli = Cli::new();
    let mut up = cli.start(["up", "--listen", "127.0.0.1:0", "--registry-listen", "127.0.0.1:0"]);
    let node = up.ready()["node"].as_str().unwrap().to_owned();
    let events = [enrollment(1, 0, "tomorrow"), enrollment(1, 1, "2026-01-01T00:00:00+00:00")];
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    cli.run_with(["event", "emit", CREATED], &events.join("\n")).ok();

    let url = format!("{node}/held/credentials");
    let list = async || Client::new().get(&url).send().await.unwrap().json::<Value>().await.unwrap();
    let held = until("two held records", LIMIT, async || {
        let held = list().await;
        (held["held"].as_array().unwrap().len() == 2).then_some(held)
    })
    .await;
    assert_eq!(held["held"][1]["behind"], held["held"][0]["offset"]);

    let post = async |verb: &str, body: Value| {
        let answer = Client::new().post(format!("{url}/{verb}")).json(&body).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let place = json!({"topic": held["held"][0]["topic"], "partition": held["held"][0]["partition"], "offset": held["held"][0]["offset"]});
    assert_eq!(post("retry", json!({"filter": {}})).await.0, StatusCode::BAD_REQUEST, "choosing all must be said");
    let (status, dry) = post("retry", json!({"filter": {"code": "refused"}, "dry_run": true})).await;
    assert_eq!((status, &dry["asked"]), (StatusCode::OK, &json!([place])), "what waits behind comes with its cause");
    assert_eq!(post("retry", json!({"filter": {"code": "refused"}, "by": "web"})).await.0, StatusCode::ACCEPTED);
    let verbs = || {
        let log = cli.run(["held", "log", "credentials", "-o", "json"]).ok().json();
        log.as_array().unwrap().iter().map(|e| e["verb"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    until("the answer of the sink", LIMIT, async || (verbs() == ["retry", "failed"]).then_some(())).await;

    let one = format!("{url}/{}/{}/{}", place["topic"].as_str().unwrap(), place["partition"], place["offset"]);
    let get = async |url: &str| {
        let answer = Client::new().get(url).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let (status, whole) = get(&one).await;
    assert_eq!((status, &whole["data"]["enrollment"]["creation_date"]), (StatusCode::OK, &json!("tomorrow")));
    assert_eq!(get(&format!("{url}/nosuch/0/0")).await.0, StatusCode::NOT_FOUND);
    let put = async |body: Value| {
        let answer = Client::new().put(&one).json(&body).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let mut event = whole["data"].clone();
    event["enrollment"].as_object_mut().unwrap().remove("mode");
    let (status, refused) = put(json!({"event": event})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["detail"].as_str().unwrap().contains("enrollment.mode"), "{refused}");
    let (status, edited) = put(json!({"event": whole["data"], "by": "web"})).await;
    assert_eq!((status, &edited["edited_data"]), (StatusCode::OK, &whole["data"]));
    let (at, offset) =
        (format!("{}/{}", place["topic"].as_str().unwrap(), place["partition"]), place["offset"].to_string());
    let in_editor = ["held", "edit", "credentials", &at, &offset, "--editor", "sed -i s/mode-0/mode-9/"];
    assert_eq!(cli.run(in_editor).ok().json()["edited_data"]["enrollment"]["mode"], "mode-9");
    let (_, log) = get(&format!("{url}/log?last=2")).await;
    assert_eq!((&log["log"][0]["verb"], &log["log"][0]["by"]), (&json!("edit"), &json!("web")));

    assert_eq!(post("discard", json!({"filter": place})).await.0, StatusCode::BAD_REQUEST, "it needs a reason");
    let (status, gone) = post("discard", json!({"filter": place, "reason": "no time"})).await;
    assert_eq!((status, &gone["discarded"]), (StatusCode::ACCEPTED, &json!([place])));
    let row = until("the row of the event behind", LIMIT, async || {
        let key = "course-v1%3AedX%2BHeld%2B2026/1";
        let answer = Client::new().get(format!("{node}/credentials/enrollments/{key}")).send().await.unwrap();
        if answer.status() == StatusCode::OK { answer.json::<Value>().await.ok() } else { None }
    })
    .await;
    assert_eq!(row["mode"], "mode-1");
    assert_eq!(Client::new().get(format!("{node}/held/nobody")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    up.interrupt();
    up.end_within(LIMIT).ok();
}
