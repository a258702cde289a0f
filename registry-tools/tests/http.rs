//! The registry over HTTP, as other programs' clients and our own speak to it, and the topic that it stands on.
#![cfg(feature = "server")]

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
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
use coursebus_registry_tools::{
    HttpRegistry, Level, LogRegistry, Mode, Registered, Registration, Registry, RegistryError, SchemaId, StoreSettings,
    VersionRef, record, server,
};
use coursebus_transport::{Class, Log, NewRecord, Settings, Sync, TopicSpec, WriterSettings, embedded::EmbeddedLog};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

const STRING: &str = r#""string""#;
const LONG: &str = r#""long""#;
/// As openedx-events writes the key of a topic.
const COURSE_KEY: &str = r#"{"name": "course_key", "type": "string"}"#;

fn matrix() {
    // In one write to the stream itself: the test harness captures only what the print macros print.
    let _ = std::io::stderr().write_all(b"MATRIX suite=registry-http backend=embedded database=none\n");
}

/// Routes on a free port of this machine, gone with the value.
struct Served {
    url: String,
    task: JoinHandle<()>,
}

impl Served {
    async fn new(routes: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { url, task }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A registry on a log of its own, behind HTTP.
struct Fixture {
    dir: TempDir,
    registry: Arc<LogRegistry>,
    served: Served,
}

impl Fixture {
    async fn new() -> Self {
        matrix();
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self::on(dir).await
    }

    async fn on(dir: TempDir) -> Self {
        let registry = Arc::new(registry(log(&dir)).await);
        let served = Served::new(server::routes(registry.clone())).await;
        Self { dir, registry, served }
    }

    /// Sends a request as it stands: the path is not encoded here.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.served.url));
        if let Some(body) = body {
            request = request.header("content-type", "application/vnd.schemaregistry.v1+json").body(body.to_string());
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {path}: not JSON: {text}")))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, path, Some(body)).await
    }
}

fn log(dir: &TempDir) -> Arc<dyn Log> {
    Arc::new(EmbeddedLog::open(dir.path(), Sync::Os, &Settings::default()).expect("the log opens"))
}

async fn registry(log: Arc<dyn Log>) -> LogRegistry {
    LogRegistry::open(log, StoreSettings::default()).await.expect("the registry opens")
}

fn registration<'a>(subject: &'a str, schema: &'a str) -> Registration<'a> {
    Registration { subject, schema, import: None }
}

/// A record schema that differs from those of other numbers.
fn numbered(number: usize) -> String {
    json!({"type": "record", "name": format!("R{number}"), "fields": [{"name": "f", "type": "string"}]}).to_string()
}

#[tokio::test]
async fn answers_the_calls_that_open_edx_makes() {
    let fixture = Fixture::new().await;
    let topic = "dev-course-catalog-info-changed";
    let subject = format!("{topic}-org.openedx.content_authoring.course.catalog_info.changed.v1.CloudEvent");
    let event = json!({
        "name": "CloudEvent", "type": "record", "doc": "Avro Event Format for CloudEvents created with openedx_events/schema",
        "fields": [{"name": "catalog_info", "type": {"name": "CourseCatalogData", "type": "record", "fields": [
            {"name": "course_key", "type": "string"}, {"name": "name", "type": ["null", "string"], "default": null}]}}],
        "namespace": "org.openedx.content_authoring.course.catalog_info.changed.v1"
    });
    // The producer registers the key's schema, then the value's.
    for (subject, schema, id) in
        [(format!("{topic}-string"), COURSE_KEY.to_owned(), 1), (subject, event.to_string(), 2)]
    {
        let path = format!("/subjects/{subject}/versions?normalize=False");
        let body = json!({"schema": schema, "schemaType": "AVRO", "references": []});
        for _ in 0..2 {
            let (status, reply) = fixture.post(&path, body.clone()).await;
            assert_eq!((status, &reply["id"]), (200, &json!(id)), "{reply}");
        }
    }
    // The consumer asks with the name of a subject that there is not.
    let (status, reply) = fixture.get(&format!("/schemas/ids/2?subject={topic}-value")).await;
    assert_eq!(status, 200);
    let schema: Value = serde_json::from_str(reply["schema"].as_str().expect("text")).expect("a schema is JSON");
    assert_eq!(schema, event);
    // And for associations, where only 404 and 200 are harmless.
    let query = "resourceType=topic&associationType=value";
    let (status, _) = fixture.get(&format!("/associations/resources/-/{topic}?{query}")).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn registers_looks_up_and_lists() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.get("/").await, (200, json!({})));
    assert_eq!(fixture.get("/subjects").await, (200, json!([])));
    assert_eq!(fixture.get("/schemas/types").await, (200, json!(["AVRO"])));
    let schema = |text: &str| json!({"schema": text});
    let registered =
        |id, version, text: &str| json!({"id": id, "version": version, "schemaType": "AVRO", "schema": text});
    assert_eq!(fixture.post("/subjects/b/versions", schema(COURSE_KEY)).await, (200, registered(1, 1, STRING)));
    assert_eq!(fixture.post("/subjects/b/versions", schema(LONG)).await, (200, registered(2, 2, LONG)));
    assert_eq!(fixture.post("/subjects/a/versions", schema(STRING)).await, (200, registered(1, 1, STRING)));
    // Clients say 'none given' with -1, null, or an empty type.
    let none = json!({"schema": LONG, "schemaType": "", "id": -1, "version": -1, "metadata": null});
    assert_eq!(fixture.post("/subjects/b/versions", none).await, (200, registered(2, 2, LONG)));

    let found =
        |subject, version, id, text: &str| json!({"subject": subject, "version": version, "id": id, "schema": text});
    assert_eq!(fixture.get("/subjects").await, (200, json!(["a", "b"])));
    assert_eq!(fixture.get("/subjects/b/versions").await, (200, json!([1, 2])));
    assert_eq!(fixture.get("/subjects/b/versions/1").await, (200, found("b", 1, 1, STRING)));
    for latest in ["latest", "-1", "2"] {
        assert_eq!(fixture.get(&format!("/subjects/b/versions/{latest}")).await, (200, found("b", 2, 2, LONG)));
    }
    assert_eq!(fixture.get("/subjects/b/versions/2/schema").await, (200, json!("long")));
    assert_eq!(fixture.post("/subjects/b", schema(COURSE_KEY)).await, (200, found("b", 1, 1, STRING)));
    assert_eq!(fixture.get("/schemas/ids/1").await, (200, json!({"schema": STRING})));
    assert_eq!(fixture.get("/schemas/ids/1/schema").await, (200, json!("string")));
    assert_eq!(fixture.get("/schemas/ids/1/subjects").await, (200, json!(["a", "b"])));
    let pair = |subject, version| json!({"subject": subject, "version": version});
    assert_eq!(fixture.get("/schemas/ids/1/versions").await, (200, json!([pair("a", 1), pair("b", 1)])));
}

#[tokio::test]
async fn keeps_levels_and_modes() {
    let fixture = Fixture::new().await;
    fixture.post("/subjects/s/versions", json!({"schema": STRING})).await;
    assert_eq!(fixture.get("/config").await, (200, json!({"compatibilityLevel": "BACKWARD"})));
    let put = json!({"compatibility": "full_transitive"});
    assert_eq!(fixture.put("/config/s", put).await, (200, json!({"compatibility": "FULL_TRANSITIVE"})));
    assert_eq!(fixture.put("/config", json!({"compatibility": "NONE"})).await.0, 200);
    assert_eq!(fixture.get("/config/s").await, (200, json!({"compatibilityLevel": "FULL_TRANSITIVE"})));
    assert_eq!(fixture.get("/config").await, (200, json!({"compatibilityLevel": "NONE"})));

    assert_eq!(fixture.get("/mode").await, (200, json!({"mode": "READWRITE"})));
    assert_eq!(fixture.put("/mode/s", json!({"mode": "READONLY"})).await, (200, json!({"mode": "READONLY"})));
    assert_eq!(fixture.get("/mode/s").await, (200, json!({"mode": "READONLY"})));
    let (status, reply) = fixture.post("/subjects/s/versions", json!({"schema": LONG})).await;
    assert_eq!((status, &reply["error_code"]), (422, &json!(42205)));
    assert_eq!(fixture.post("/subjects/s/versions", json!({"schema": STRING})).await.0, 200, "it is there already");
    assert_eq!(fixture.post("/subjects/t/versions", json!({"schema": LONG})).await.0, 200, "another subject");

    // Schemas move in with their ids.
    assert_eq!(fixture.put("/mode", json!({"mode": "import"})).await, (200, json!({"mode": "IMPORT"})));
    let import = |id, schema| json!({"schema": schema, "id": id, "version": 7});
    let (status, reply) = fixture.post("/subjects/u/versions", import(34, STRING)).await;
    assert_eq!((status, &reply["id"], &reply["version"]), (200, &json!(34), &json!(7)));
    let (status, reply) = fixture.post("/subjects/u/versions", import(34, LONG)).await;
    assert_eq!((status, &reply["error_code"]), (422, &json!(42207)));

    // All of it is on the topic.
    let reopened = registry(log(&fixture.dir)).await;
    assert_eq!(reopened.compatibility(Some("s")).await.expect("a level"), Some(Level::FullTransitive));
    assert_eq!(reopened.mode(None).await.expect("a mode"), Some(Mode::Import));
    assert_eq!(reopened.version("u", VersionRef::Latest).await.expect("a version").id, SchemaId(34));
}

#[tokio::test]
async fn refuses_with_confluents_codes() {
    let fixture = Fixture::new().await;
    fixture.post("/subjects/s/versions", json!({"schema": STRING})).await;
    let schema = |text: &str| Some(json!({"schema": text}));
    let level = |text: &str| Some(json!({"compatibility": text}));
    let mode = |text: &str| Some(json!({"mode": text}));
    let protobuf = Some(json!({"schema": "syntax = \"proto3\";", "schemaType": "PROTOBUF"}));
    let refers = Some(json!({"schema": STRING, "references": [{"name": "n", "subject": "s", "version": 1}]}));
    let all = [
        (Method::GET, "/subjects/none/versions", None, 404, 40401),
        (Method::POST, "/subjects/none", schema(STRING), 404, 40401),
        (Method::GET, "/subjects/none/versions/1", None, 404, 40401),
        (Method::GET, "/subjects/s/versions/2", None, 404, 40402),
        (Method::GET, "/subjects/s/versions/2/schema", None, 404, 40402),
        (Method::POST, "/subjects/s", schema(LONG), 404, 40403),
        (Method::GET, "/schemas/ids/7", None, 404, 40403),
        (Method::GET, "/schemas/ids/7/versions", None, 404, 40403),
        (Method::GET, "/config/s", None, 404, 40408),
        (Method::GET, "/mode/s", None, 404, 40409),
        (Method::POST, "/subjects/s/versions", schema("{"), 422, 42201),
        (Method::POST, "/subjects/s/versions", schema(r#"{"type":"record"}"#), 422, 42201),
        (Method::POST, "/subjects/s/versions", schema(r#""strong""#), 422, 42201),
        (Method::POST, "/subjects/s/versions", Some(json!({})), 422, 42201),
        (Method::POST, "/subjects/s/versions", Some(json!("text")), 422, 42201),
        (Method::POST, "/subjects/s/versions", protobuf, 422, 42201),
        (Method::POST, "/subjects/s/versions", refers, 422, 42201),
        (Method::GET, "/subjects/s/versions/0", None, 422, 42202),
        (Method::GET, "/subjects/s/versions/one", None, 422, 42202),
        (Method::PUT, "/config/s", level("BACKWARDS"), 422, 42203),
        (Method::PUT, "/config", Some(json!({})), 422, 42203),
        (Method::PUT, "/mode/s", mode("READ"), 422, 42204),
        (Method::POST, "/subjects/s/versions", Some(json!({"schema": LONG, "id": 9})), 422, 42205),
        (Method::GET, "/schemas/ids/one", None, 404, 404),
        (Method::GET, "/nothing", None, 404, 404),
        (Method::PATCH, "/subjects", None, 405, 405),
    ];
    for (method, path, body, status, code) in all {
        let what = format!("{method} {path} {body:?}");
        let (found, reply) = fixture.call(method, path, body).await;
        assert_eq!((found, &reply["error_code"]), (status, &json!(code)), "{what}: {reply}");
        assert!(reply["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}: {reply}");
    }
    assert_eq!(fixture.registry.subjects().await.expect("subjects"), ["s"], "nothing of it took effect");
    assert_eq!(fixture.registry.versions("s").await.expect("versions"), [1]);
}

#[tokio::test]
async fn subjects_have_any_name() {
    let fixture = Fixture::new().await;
    let client = HttpRegistry::new(&fixture.served.url).expect("a URL");
    // As a client writes it in a path, and as it is.
    let names = [
        ("a%2Fb%2Fversions", "a/b/versions"),
        ("a%20b", "a b"),
        ("100%25", "100%"),
        ("a%3Fb%23c%26d%3De%2B", "a?b#c&d=e+"),
        ("Zo%C3%AB%20%F0%9F%8E%93", "Zoë 🎓"),
        ("%2E.%2E", "..."),
        ("latest", "latest"),
        ("quote%22back%5C", "quote\"back\\"),
        ("a+b", "a+b"),
    ];
    for (encoded, name) in names {
        let (status, reply) = fixture.post(&format!("/subjects/{encoded}/versions"), json!({"schema": STRING})).await;
        assert_eq!(status, 200, "{name}: {reply}");
        assert_eq!(fixture.get(&format!("/subjects/{encoded}/versions")).await, (200, json!([1])), "{name}");
        assert_eq!(client.lookup(name, STRING).await.expect(name).subject, name);
        client.set_compatibility(Some(name), Level::Full).await.expect(name);
        assert_eq!(fixture.registry.compatibility(Some(name)).await.expect(name), Some(Level::Full), "{name}");
    }
    let mut expected = names.map(|(_, name)| name);
    expected.sort_unstable();
    assert_eq!(client.subjects().await.expect("subjects"), expected);
    let reopened = registry(log(&fixture.dir)).await;
    assert_eq!(reopened.subjects().await.expect("subjects"), expected);
}

/// The same questions to a registry in the process and to one behind HTTP.
async fn check_registry(registry: &dyn Registry) {
    let registered = |subject: &str, version, id, schema: &str| Registered {
        subject: subject.into(),
        version,
        id: SchemaId(id),
        schema: schema.into(),
    };
    let code = |error: RegistryError| {
        format!("{error:?}").split_once([' ', '{']).map(|(name, _)| name.to_owned()).unwrap_or_default()
    };
    assert_eq!(registry.subjects().await.map_err(code), Ok(Vec::new()));
    assert_eq!(registry.lookup("s", STRING).await.map_err(code), Err("UnknownSubject".into()));
    let first = registry.register(registration("s", COURSE_KEY)).await.map_err(code);
    assert_eq!(first, Ok(registered("s", 1, 1, STRING)));
    assert_eq!(registry.register(registration("s", STRING)).await.map_err(code), first);
    assert_eq!(registry.register(registration("s", LONG)).await.map_err(code), Ok(registered("s", 2, 2, LONG)));
    assert_eq!(registry.register(registration("t", LONG)).await.map_err(code), Ok(registered("t", 1, 2, LONG)));
    assert_eq!(registry.register(registration("s", "{")).await.map_err(code), Err("InvalidSchema".into()));

    assert_eq!(registry.schema(SchemaId(2)).await.map_err(code).as_deref(), Ok(LONG));
    assert_eq!(registry.schema(SchemaId(2)).await.map_err(code).as_deref(), Ok(LONG), "from a cache");
    assert!(matches!(registry.schema(SchemaId(3)).await, Err(RegistryError::UnknownId { id: SchemaId(3) })));
    assert_eq!(registry.lookup("s", LONG).await.map_err(code), Ok(registered("s", 2, 2, LONG)));
    assert_eq!(registry.lookup("t", STRING).await.map_err(code), Err("UnknownSchema".into()));
    assert_eq!(registry.subjects().await.map_err(code), Ok(vec!["s".into(), "t".into()]));
    assert_eq!(registry.versions("s").await.map_err(code), Ok(vec![1, 2]));
    assert_eq!(registry.versions("none").await.map_err(code), Err("UnknownSubject".into()));
    let version = async |version| registry.version("s", version).await;
    assert_eq!(version(VersionRef::Number(1)).await.map_err(code), Ok(registered("s", 1, 1, STRING)));
    assert_eq!(version(VersionRef::Latest).await.map_err(code), Ok(registered("s", 2, 2, LONG)));
    match version(VersionRef::Number(3)).await {
        Err(RegistryError::UnknownVersion { subject, version }) => assert_eq!((&*subject, &*version), ("s", "3")),
        other => panic!("{other:?}"),
    }

    assert_eq!(registry.compatibility(None).await.map_err(code), Ok(Some(Level::Backward)));
    assert_eq!(registry.compatibility(Some("s")).await.map_err(code), Ok(None));
    registry.set_compatibility(Some("s"), Level::None).await.expect("a level is stored");
    assert_eq!(registry.compatibility(Some("s")).await.map_err(code), Ok(Some(Level::None)));
    registry.set_compatibility(None, Level::FullTransitive).await.expect("a level is stored");
    assert_eq!(registry.compatibility(None).await.map_err(code), Ok(Some(Level::FullTransitive)));

    assert_eq!(registry.mode(Some("s")).await.map_err(code), Ok(None));
    let import = |id, schema| Registration { subject: "u", schema, import: Some((SchemaId(id), None)) };
    assert_eq!(registry.register(import(34, STRING)).await.map_err(code), Err("NotPermitted".into()));
    registry.set_mode(Some("u"), Mode::Import).await.expect("a mode is stored");
    assert_eq!(registry.mode(Some("u")).await.map_err(code), Ok(Some(Mode::Import)));
    assert_eq!(registry.mode(None).await.map_err(code), Ok(Some(Mode::ReadWrite)));
    assert_eq!(registry.register(import(34, STRING)).await.map_err(code), Ok(registered("u", 1, 34, STRING)));
    assert!(matches!(registry.register(import(34, LONG)).await, Err(RegistryError::IdTaken { id: SchemaId(34) })));
    registry.set_mode(Some("u"), Mode::ReadOnly).await.expect("a mode is stored");
    assert_eq!(registry.register(registration("u", LONG)).await.map_err(code), Err("NotPermitted".into()));
    // Ids that were imported are not given again.
    let next = numbered(0);
    let next = registry.register(registration("v", &next)).await.expect("it is new");
    assert_eq!(next.id, SchemaId(35));
}

#[tokio::test]
async fn in_the_process_and_behind_http_it_says_the_same() {
    let fixture = Fixture::new().await;
    check_registry(fixture.registry.as_ref()).await;
    let fixture = Fixture::new().await;
    // With a path and a slash at its end, as behind a proxy.
    let proxied = Served::new(Router::new().nest("/registry", server::routes(fixture.registry.clone()))).await;
    check_registry(&HttpRegistry::new(&format!("{}/registry/", proxied.url)).expect("a URL")).await;
}

#[tokio::test]
async fn a_read_only_registry_behind_http_says_so() {
    let fixture = Fixture::new().await;
    fixture.registry.register(registration("s", STRING)).await.expect("it is new");
    let view =
        LogRegistry::open(log(&fixture.dir), StoreSettings { writable: false, ..StoreSettings::default() }).await;
    let view = Arc::new(view.expect("the view opens"));
    assert!(matches!(view.register(registration("s", LONG)).await, Err(RegistryError::ReadOnly)));
    assert_eq!(view.register(registration("s", STRING)).await.expect("it is there already").version, 1);
    let served = Served::new(server::routes(view.clone())).await;
    let client = HttpRegistry::new(&served.url).expect("a URL");
    let refused = client.register(registration("s", LONG)).await;
    assert!(matches!(refused, Err(RegistryError::NotPermitted { .. })), "{refused:?}");
    // What another process registers is there at once.
    fixture.registry.register(registration("s", LONG)).await.expect("it is new");
    assert_eq!(client.lookup("s", LONG).await.expect("it is there").version, 2);
}

#[tokio::test]
async fn a_read_only_registry_of_an_empty_log_fills_when_there_is_one() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let view = LogRegistry::open(log(&dir), StoreSettings { writable: false, ..StoreSettings::default() }).await;
    let view = view.expect("an empty view");
    assert_eq!(view.subjects().await.expect("none"), Vec::<String>::new());
    registry(log(&dir)).await.register(registration("s", STRING)).await.expect("it is new");
    assert_eq!(view.schema(SchemaId(1)).await.expect("it follows").as_ref(), STRING);
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_register_at_once_never_give_one_id_to_two_schemas() {
    const EACH: usize = 100;
    matrix();
    let dir = tempfile::tempdir().expect("a temporary folder");
    // As two processes: a log of its own each, on one folder.
    let both = [registry(log(&dir)).await, registry(log(&dir)).await].map(Arc::new);
    let mut tasks = tokio::task::JoinSet::new();
    for (name, registry) in both.iter().enumerate() {
        for half in 0..2 {
            let registry = registry.clone();
            tasks.spawn(async move {
                let mut given = Vec::new();
                // Even numbers are registered by both, under one subject; odd ones by one of them.
                for i in (half * EACH / 2)..((half + 1) * EACH / 2) {
                    let number = if i % 2 == 0 { i } else { i + (name + 1) * 10_000 };
                    let (subject, schema) = (format!("s{}", number % 7), numbered(number));
                    let registered =
                        registry.register(registration(&subject, &schema)).await.expect("it is registered");
                    given.push((number, registered));
                }
                given
            });
        }
    }
    let given: Vec<(usize, Registered)> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(given.len(), 2 * EACH);
    let mut by_number: BTreeMap<usize, Registered> = BTreeMap::new();
    for (number, registered) in given {
        let first = by_number.entry(number).or_insert_with(|| registered.clone());
        assert_eq!(*first, registered, "one schema has one id and one version, whoever was asked");
    }
    let mut numbers: HashMap<SchemaId, usize> = HashMap::new();
    let mut versions: HashMap<(&str, u32), usize> = HashMap::new();
    for (number, registered) in &by_number {
        assert_eq!(numbers.insert(registered.id, *number), None, "id {} stands for two schemas", registered.id);
        assert_eq!(versions.insert((&registered.subject, registered.version), *number), None);
    }
    assert_eq!(by_number.len(), EACH / 2 * 3);

    let reopened = registry(log(&dir)).await;
    for registry in both.iter().map(AsRef::as_ref).chain([&reopened]) {
        for (number, registered) in &by_number {
            let text = registry.schema(registered.id).await.expect("the id is known");
            assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON")["name"], format!("R{number}"));
            let found = registry.lookup(&registered.subject, &numbered(*number)).await.expect("it is found");
            assert_eq!(found, *registered);
        }
    }
}

/// Writes records of `_schemas` as someone else's registry did.
async fn write_records(dir: &TempDir, records: &[(&str, Option<&str>)]) {
    let log = log(dir);
    log.create_topic(&TopicSpec::new(record::TOPIC, 1).compacted()).await.expect("the topic is made");
    let writer = log.writer(WriterSettings::default()).await.expect("a writer");
    for (key, value) in records {
        let record = NewRecord {
            topic: record::TOPIC.into(),
            partition: 0,
            timestamp_ms: None,
            key: Some((*key).to_owned().into()),
            value: value.map(|value| value.to_owned().into()),
            headers: Vec::new(),
        };
        writer.append(record).await.await.expect("it is appended");
    }
}

/// Karapace's: other white space, other orders of fields, nulls, kinds of its own. Records as in its test data.
#[tokio::test]
async fn comes_up_on_a_topic_that_another_registry_wrote() {
    matrix();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let foo = r#"{\"type\": \"record\", \"name\": \"foo\", \"namespace\": \"awesomity\", \"fields\": [{\"name\": \"coffee\", \"type\": \"string\"}]}"#;
    let schema = |subject: &str, version: u32, id: u32, schema: &str, deleted: bool| {
        format!(
            r#"{{"deleted": {deleted}, "id": {id}, "schema": "{schema}", "subject": "{subject}", "version": {version}}}"#
        )
    };
    let string = r#"\"string\""#;
    let values = [
        schema("wow.first.subject", 1, 3, foo, false),
        schema("subject-1", 1, 1, string, false),
        schema("subject-1", 2, 2, string, false),
        schema("gone", 1, 5, r#"\"int\""#, false),
        schema("gone", 1, 5, r#"\"int\""#, true),
        schema("for-good", 1, 6, r#"\"float\""#, false),
        schema("whole-subject", 1, 7, r#"\"double\""#, false),
        schema("proto", 1, 8, r#"syntax = \\\"proto3\\\";"#, false)
            .replace("{\"deleted", r#"{"schemaType": "PROTOBUF", "deleted"#),
    ];
    write_records(&dir, &[
        (r#"{"keytype":"CONFIG","subject":null,"magic":0}"#, Some(r#"{"compatibilityLevel":"NONE"}"#)),
        (r#"{"keytype":"NOOP","magic":0}"#, None),
        (r#"{"keytype":"SCHEMA","subject":"wow.first.subject","version":1,"magic":1}"#, Some(&values[0])),
        (r#"{"subject": "subject-1", "version": 1, "magic": 1, "keytype": "SCHEMA"}"#, Some(&values[1])),
        ("{\n    \"subject\": \"subject-1\",\n    \"magic\": 1,\n    \"keytype\": \"SCHEMA\",\n    \"version\": 2\n}", Some(&values[2])),
        (r#"{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}"#, Some(&values[3])),
        (r#"{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}"#, Some(&values[4])),
        (r#"{"keytype":"SCHEMA","subject":"for-good","version":1,"magic":1}"#, Some(&values[5])),
        (r#"{"magic":1,"keytype":"SCHEMA","version":1,"subject":"for-good"}"#, Some("null")),
        (r#"{"keytype":"SCHEMA","subject":"whole-subject","version":1,"magic":1}"#, Some(&values[6])),
        (r#"{"keytype":"DELETE_SUBJECT","subject":"whole-subject","magic":0}"#, Some(r#"{"subject":"whole-subject","version":1}"#)),
        (r#"{"keytype":"SCHEMA","subject":"proto","version":1,"magic":1}"#, Some(&values[7])),
        (r#"{"keytype":"CONFIG","subject":"subject-1","magic":0}"#, Some(r#"{"compatibilityLevel": "FULL"}"#)),
        (r#"{"keytype":"SOMETHING","magic":9}"#, Some("{}")),
        // Cut off on the way: left out, and nothing else with it.
        (r#"{"keytype":"SCHEMA","subject":"torn","version":1,"magic":1}"#, Some(r#"{"deleted": false, "id": 99, "schema": "{\"ty"#)),
        ("not JSON", Some("{}")),
    ])
    .await;
    let fixture = Fixture::on(dir).await;
    assert_eq!(fixture.get("/config").await.1["compatibilityLevel"], "NONE");
    assert_eq!(fixture.get("/config/subject-1").await.1["compatibilityLevel"], "FULL");
    assert_eq!(fixture.get("/subjects").await, (200, json!(["proto", "subject-1", "wow.first.subject"])));
    let (_, found) = fixture.get("/subjects/wow.first.subject/versions/latest").await;
    assert_eq!((&found["id"], &found["version"]), (&json!(3), &json!(1)));
    // One schema under two ids, as that registry once gave them: both are answered.
    assert_eq!(fixture.get("/subjects/subject-1/versions/1").await.1["id"], 1);
    assert_eq!(fixture.get("/subjects/subject-1/versions/2").await.1["id"], 2);
    for (id, text) in [(1, STRING), (2, STRING), (5, r#""int""#), (7, r#""double""#)] {
        assert_eq!(fixture.get(&format!("/schemas/ids/{id}")).await, (200, json!({"schema": text})), "{id}");
    }
    for (subject, code) in [("gone", 40401), ("for-good", 40401), ("whole-subject", 40401), ("torn", 40401)] {
        assert_eq!(fixture.get(&format!("/subjects/{subject}/versions")).await.1["error_code"], code, "{subject}");
    }
    // A known schema keeps its smallest id, a new one gets an id that nobody has had.
    let id = async |subject: &str, schema: &str| {
        fixture.post(&format!("/subjects/{subject}/versions"), json!({"schema": schema})).await.1["id"].clone()
    };
    assert_eq!(id("new", COURSE_KEY).await, 1);
    assert_eq!(id("new", LONG).await, 9);
    assert_eq!(id("gone", r#""bytes""#).await, 10);
    assert_eq!(fixture.get("/subjects/gone/versions").await, (200, json!([2])), "numbers go on after a soft delete");
}
