//! What nobody should send: no answer of 500 and above, no end of the process, no request that takes long.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Fixture;

const PATHS: [(&str, Method); 6] = [
    ("/subjects/s/versions", Method::POST),
    ("/subjects/s", Method::POST),
    ("/compatibility/subjects/s/versions", Method::POST),
    ("/compatibility/subjects/s/versions/latest?verbose=true", Method::POST),
    ("/config/s", Method::PUT),
    ("/mode/s", Method::PUT),
];

/// JSON of every shape, with the names that bodies have.
fn json_of_any_shape() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "schema",
        "schemaType",
        "references",
        "metadata",
        "ruleSet",
        "id",
        "version",
        "name",
        "subject",
        "type",
        "fields",
        "items",
        "symbols",
        "size",
        "compatibility",
        "normalize",
        "mode",
        "tags",
        "properties",
        "domainRules",
        "default",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec!["record", "enum", "string", "fixed", "AVRO", "", "BACKWARD", "IMPORT"])
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner.clone()), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            // A schema is JSON inside a text.
            inner.prop_map(|inner| json!({ "schema": inner.to_string() })),
        ]
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => json_of_any_shape().prop_map(|json| json.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_body_is_answered() {
    let fixture = Fixture::new().await;
    fixture.post("/subjects/s/versions", json!({ "schema": r#"{"type":"record","name":"R","fields":[]}"# })).await;
    let url = fixture.served.url.clone();
    let runtime = tokio::runtime::Handle::current();
    let checked = tokio::task::spawn_blocking(move || {
        let client = reqwest::Client::new();
        let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
        let requests = (prop::sample::select(PATHS.to_vec()), bodies());
        runner.run(&requests, |((path, method), body)| {
            let request = client.request(method, format!("{url}{path}")).header("content-type", "application/json");
            let sent = runtime.block_on(request.body(body).send());
            let status = sent.map_err(|e| TestCaseError::fail(e.to_string()))?.status().as_u16();
            prop_assert!(matches!(status, 200 | 404 | 409 | 422), "{status}");
            Ok(())
        })
    });
    checked.await.expect("it ran").expect("each is answered");
    assert_eq!(fixture.get("/").await, (200, json!({})), "the server is there");
}

#[tokio::test]
async fn content_types_that_are_not_json_are_refused() {
    let fixture = Fixture::new().await;
    let client = reqwest::Client::new();
    let url = format!("{}/subjects/s/versions", fixture.served.url);
    let status = async |kind: &str| {
        let request = client.post(&url).header("content-type", kind).body(r#"{"schema":"\"int\""}"#);
        request.send().await.expect("it answers").status().as_u16()
    };
    assert_eq!(status("text/plain").await, 415);
    assert_eq!(status("application/x-www-form-urlencoded").await, 415);
    for kind in ["application/json; charset=utf-8", "application/octet-stream", "application/vnd.schemaregistry+json"] {
        assert_eq!(status(kind).await, 200, "{kind}");
    }
    let request = client.get(&url).header("accept", "text/html").send().await.expect("it answers");
    assert_eq!(request.status().as_u16(), 406);
    let request = client.get(&url).header("accept", "application/json").send().await.expect("it answers");
    assert_eq!(request.headers()["content-type"], "application/json");
}
