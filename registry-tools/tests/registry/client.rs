//! The client: tries, credentials, caches.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use coursebus_registry_tools::{ClientSettings, Credentials, HttpRegistry, Registry, RegistryError, SchemaId};
use coursebus_transport::Class;
use serde_json::json;

use crate::support::*;

/// A server that fails so many times and then answers.
async fn failing(times: usize, with: StatusCode) -> (Served, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let answer = move || -> Response {
        if counted.fetch_add(1, Ordering::SeqCst) < times {
            return (with, "<html>busy</html>").into_response();
        }
        json!({"schema": STRING}).to_string().into_response()
    };
    (Served::new(Router::new().fallback(move || std::future::ready(answer()))).await, calls)
}

#[tokio::test]
async fn the_client_tries_again_a_bounded_number_of_times() {
    matrix();
    for with in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS] {
        let (served, calls) = failing(2, with).await;
        let client = HttpRegistry::new(&served.url).expect("a URL");
        assert_eq!(client.schema(SchemaId(1)).await.expect("the third try").as_ref(), STRING);
        assert_eq!(client.schema(SchemaId(1)).await.expect("from the cache").as_ref(), STRING);
        assert_eq!(calls.load(Ordering::SeqCst), 3);

        let (served, calls) = failing(usize::MAX, with).await;
        let error =
            HttpRegistry::new(&served.url).expect("a URL").schema(SchemaId(1)).await.expect_err("it never answers");
        assert_eq!((error.class(), calls.load(Ordering::SeqCst)), (Class::Transient, 3), "{error}");
    }
    // A failure is not remembered, and what is no failure of the moment is not tried again.
    for with in [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND] {
        let (served, calls) = failing(1, with).await;
        let client = HttpRegistry::new(&served.url).expect("a URL");
        let error = client.schema(SchemaId(1)).await.expect_err("the first try");
        assert_eq!((error.class(), calls.load(Ordering::SeqCst)), (Class::Fatal, 1), "{error}");
        assert_eq!(client.schema(SchemaId(1)).await.expect("the second").as_ref(), STRING);
    }
}

#[tokio::test]
async fn the_client_sends_credentials_and_never_shows_them() {
    matrix();
    let check = async |request: Request| match request.headers().get("authorization") {
        // user:s3cret
        Some(value) if value == "Basic dXNlcjpzM2NyZXQ=" => json!(["s"]).to_string().into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    };
    let served = Served::new(Router::new().fallback(check)).await;
    let with = |credentials: &str| served.url.replace("http://", &format!("http://{credentials}@"));
    let subjects = async |credentials: &str| HttpRegistry::new(&with(credentials)).expect("a URL").subjects().await;
    assert_eq!(subjects("user:s3cret").await.expect("they are right"), ["s"]);
    let error = subjects("user:s3cres").await.expect_err("they are wrong");
    assert!(matches!(error, RegistryError::Unexpected { status: 401, .. }), "{error:?}");
    drop(served);

    // Nobody listens: after a bounded time, an error without the password in any of its causes.
    let began = Instant::now();
    let client = HttpRegistry::new("http://user:s3cret@127.0.0.1:1").expect("a URL");
    let error = client.subjects().await.expect_err("nobody is there");
    assert_eq!(error.class(), Class::Transient);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(at) = cause {
        assert!(!at.to_string().contains("s3cret"), "{at}");
        cause = at.source();
    }
    for wrong in ["", "registry:8081", "ftp://x", "http://"] {
        assert!(HttpRegistry::new(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_token_is_sent_too() {
    matrix();
    let check = async |request: Request| match request.headers().get("authorization") {
        Some(value) if value == "Bearer t0ken" => json!(["s"]).to_string().into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    };
    let served = Served::new(Router::new().fallback(check)).await;
    let settings =
        ClientSettings { credentials: Some(Credentials::Bearer("t0ken".into())), ..ClientSettings::new(&served.url) };
    assert!(!format!("{settings:?}").contains("t0ken"));
    let client = HttpRegistry::with(settings).expect("settings");
    assert_eq!(client.subjects().await.expect("it is right"), ["s"]);
    assert!(!format!("{client:?}").contains("t0ken"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_ask_at_once_wait_for_one_call() {
    matrix();
    let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
    let (counted, opened) = (calls.clone(), gate.clone());
    let answer = move || {
        let (counted, opened) = (counted.clone(), opened.clone());
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            let _open = opened.acquire().await;
            json!({ "schema": STRING }).to_string()
        }
    };
    let served = Served::new(Router::new().fallback(answer)).await;
    let client = HttpRegistry::new(&served.url).expect("a URL");
    // One that goes away does not take the others' call with it.
    let impatient = tokio::time::timeout(Duration::ZERO, client.schema(SchemaId(1))).await;
    assert!(impatient.is_err(), "nothing is answered yet");
    let asked: Vec<_> = (0..32)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.schema(SchemaId(1)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    gate.add_permits(64);
    for asked in asked {
        assert_eq!(asked.await.expect("it ran").expect("it is answered").as_ref(), STRING);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn another_server_of_the_registry_answers_where_one_does_not() {
    let fixture = Fixture::new().await;
    fixture.registry.register(registration("s", STRING)).await.expect("it is new");
    let (busy, calls) = failing(usize::MAX, StatusCode::SERVICE_UNAVAILABLE).await;
    let urls = format!("http://127.0.0.1:1,{},{}", busy.url, fixture.served.url);
    let client = HttpRegistry::new(&urls).expect("URLs");
    assert_eq!(client.subjects().await.expect("the third answers"), ["s"]);
    assert_eq!(client.versions("s").await.expect("the third answers"), [1]);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "who answered is asked first from then on");
}

#[tokio::test]
async fn a_snapshot_decodes_while_the_registry_is_away() {
    let fixture = Fixture::new().await;
    fixture.registry.register(registration("s", STRING)).await.expect("it is new");
    let file = fixture.dir.path().join("snapshot");
    let settings = |url: &str| ClientSettings { snapshot: Some(file.clone()), ..ClientSettings::new(url) };
    let url = fixture.served.url.clone();
    let client = HttpRegistry::with(settings(&url)).expect("settings");
    client.schema(SchemaId(1)).await.expect("it is there");
    let found = client.lookup("s", STRING).await.expect("it is there");
    drop((client, fixture.served));
    // The end of the file was torn when the service was killed.
    let mut bytes = std::fs::read(&file).expect("the snapshot");
    bytes.extend_from_slice(br#"{"id":2,"sche"#);
    std::fs::write(&file, bytes).expect("it is written");

    let client = HttpRegistry::with(settings(&url)).expect("settings");
    assert_eq!(client.schema(SchemaId(1)).await.expect("from the file").as_ref(), STRING);
    assert_eq!(client.lookup("s", STRING).await.expect("from the file"), found);
    let error = client.schema(SchemaId(2)).await.expect_err("nobody knows it");
    assert_eq!(error.class(), Class::Transient, "{error}");
    let other = HttpRegistry::with(settings("http://127.0.0.1:2")).expect_err("another registry's");
    assert!(other.to_string().contains("snapshot"), "{other}");
}

#[tokio::test]
async fn what_a_schema_refers_to_is_fetched_with_it() {
    let fixture = Fixture::new().await;
    let post = async |subject: &str, schema: &str, references: serde_json::Value| {
        let body = json!({ "schema": schema, "references": references });
        let (status, reply) = fixture.post(&format!("/subjects/{subject}/versions"), body).await;
        assert_eq!(status, 200, "{reply}");
    };
    let refer = |to: &str| json!({ "name": to, "subject": to, "version": 1 });
    post("A", r#"{"type":"record","name":"A","fields":[]}"#, json!([])).await;
    post("B", r#"{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}"#, json!([refer("A")])).await;
    let last = r#"{"type":"record","name":"C","fields":[{"name":"a","type":"A"},{"name":"b","type":"B"}]}"#;
    post("C", last, json!([refer("A"), refer("B")])).await;
    let resolved = concat!(
        r#"{"type":"record","name":"C","fields":[{"name":"a","type":{"type":"record","name":"A","fields":[]}},"#,
        r#"{"name":"b","type":{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}}]}"#
    );
    let client = HttpRegistry::new(&fixture.served.url).expect("a URL");
    assert_eq!(client.schema(SchemaId(3)).await.expect("it stands alone").as_ref(), resolved);
    assert_eq!(fixture.registry.schema(SchemaId(3)).await.expect("it stands alone").as_ref(), resolved);
}
