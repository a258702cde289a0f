//! The registry over HTTP as Open edX's library and our own client speak to it.

use std::sync::Arc;

use axum::Router;
use coursebus_registry_tools::{
    HttpRegistry, Level, LogRegistry, Mode, Registered, Registration, Registry, RegistryError, SchemaId, StoreSettings,
    VersionRef, server,
};
use serde_json::{Value, json};

use crate::support::*;

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
    registry.set_compatibility(Some("s"), Level::None).await.expect("a level is stored");
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
    assert_eq!(registry.compatibility(Some("t")).await.map_err(code), Ok(None));
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
    fixture.registry.set_compatibility(None, Level::None).await.expect("a level is stored");
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
