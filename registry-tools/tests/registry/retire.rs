//! Deleting for good: only what no record needs, in the process and behind HTTP.

use std::time::Duration;

use coursebus_registry_tools::{
    HttpRegistry, LogRegistry, Registry, RegistryError, SchemaId,
    retire::{Care, Request, RetireError, Retired, Stranded, retire},
};
use coursebus_schemas::wire::frame;
use coursebus_transport::{Log, NewRecord, TopicSpec, WriterSettings};

use crate::support::{Fixture, numbered, registration};

const LONG_AFTER: i64 = i64::MAX;
const AT_ONCE: i64 = 0;

struct Scene {
    fixture: Fixture,
    over_http: bool,
}

impl Scene {
    async fn new(over_http: bool) -> Self {
        Self { fixture: Fixture::new().await, over_http }
    }

    fn log(&self) -> std::sync::Arc<dyn Log> {
        crate::support::log(&self.fixture.dir)
    }

    /// A topic with one record of the id.
    async fn record(&self, topic: TopicSpec, id: SchemaId) {
        let (log, name) = (self.log(), topic.name.clone());
        log.create_topic(&topic).await.expect("the topic is made");
        let mut value = Vec::new();
        frame(id, &mut value);
        let writer = log.writer(WriterSettings::default()).await.expect("a writer");
        let record = NewRecord {
            topic: name.as_str().into(),
            partition: 0,
            timestamp_ms: None,
            key: Some(b"k".to_vec().into()),
            value: Some(value.into()),
            headers: Vec::new(),
        };
        writer.append(record).await.await.expect("it is appended");
    }

    /// The registry as it is asked.
    async fn with<T>(&self, ask: impl AsyncFnOnce(&dyn Registry) -> T) -> T {
        if self.over_http {
            ask(&HttpRegistry::new(&self.fixture.served.url).expect("a client")).await
        } else {
            ask(self.fixture.registry.as_ref() as &LogRegistry).await
        }
    }

    async fn register(&self, subject: &str, number: usize) -> SchemaId {
        let schema = numbered(number);
        self.with(async |registry| registry.register(registration(subject, &schema)).await).await.expect("it is new").id
    }

    async fn softly(&self, subject: &str) {
        self.with(async |registry| registry.delete(subject, None, false).await).await.expect("it is there");
    }

    async fn for_good(&self, subject: &str, care: Care, now_ms: i64) -> Result<Retired, RetireError> {
        let request = Request { subject, version: None, topic: None, care, now_ms };
        let log = self.log();
        self.with(async |registry| retire(log.as_ref(), registry, request).await).await
    }
}

fn kept_for_an_hour(name: &str) -> TopicSpec {
    TopicSpec { retention: Some(Duration::from_secs(3600)), ..TopicSpec::new(name, 2) }
}

fn one_record(topic: &str) -> Stranded {
    Stranded { topic: topic.to_owned(), records: 1, partition: 0, offset: 0 }
}

#[tokio::test]
async fn a_schema_stays_until_the_retention_has_passed() {
    for over_http in [false, true] {
        let scene = Scene::new(over_http).await;
        let id = scene.register("orders-value", 1).await;
        scene.record(kept_for_an_hour("orders"), id).await;
        let live = scene.for_good("orders-value", Care::Force, LONG_AFTER).await;
        let live = live.expect_err("it is not deleted softly");
        assert!(matches!(live, RetireError::Registry(RegistryError::SubjectNotSoftDeleted { .. })), "{live}");
        scene.softly("orders-value").await;

        let early = scene.for_good("orders-value", Care::Retention, AT_ONCE).await.expect_err("records may need it");
        let RetireError::TooEarly { topic, left, .. } = &early else { panic!("{early}") };
        assert_eq!((topic.as_str(), *left), ("orders", Duration::from_secs(3600)));
        assert!(early.to_string().contains("for 1 h 0 min more"), "{early}");
        let used = scene.for_good("orders-value", Care::Scan, LONG_AFTER).await.expect_err("a record needs it");
        assert!(matches!(&used, RetireError::InUse { found } if *found == one_record("orders")), "{used}");

        let gone = scene.for_good("orders-value", Care::Retention, LONG_AFTER).await.expect("the time is over");
        assert_eq!(gone, Retired { versions: vec![1], stranded: Vec::new() });
        let unknown = scene.for_good("orders-value", Care::Force, LONG_AFTER).await.expect_err("it is gone");
        assert!(matches!(unknown, RetireError::Registry(RegistryError::UnknownSubject { .. })), "{unknown}");
    }
}

#[tokio::test]
async fn no_time_is_long_enough_for_a_compacted_topic_and_force_says_what_it_strands() {
    for over_http in [false, true] {
        let scene = Scene::new(over_http).await;
        let id = scene.register("courses-value", 1).await;
        scene.record(TopicSpec::new("courses", 1).compacted(), id).await;
        // What handlers hold of the topic is looked at, other topics are not.
        scene.record(TopicSpec::new("g.held.courses", 1).compacted(), id).await;
        scene.record(kept_for_an_hour("cours"), id).await;
        scene.softly("courses-value").await;
        let kept = scene.for_good("courses-value", Care::Retention, LONG_AFTER).await.expect_err("it is compacted");
        assert!(matches!(kept, RetireError::KeptForever { .. }), "{kept}");
        let gone = scene.for_good("courses-value", Care::Force, AT_ONCE).await.expect("it is forced");
        assert_eq!(gone.stranded, [one_record("courses"), one_record("g.held.courses")]);
    }
}

#[tokio::test]
async fn an_id_that_another_subject_uses_strands_nothing() {
    for over_http in [false, true] {
        let scene = Scene::new(over_http).await;
        let id = scene.register("grades-value", 1).await;
        assert_eq!(scene.register("other", 1).await, id);
        scene.record(TopicSpec::new("grades", 1).compacted(), id).await;
        scene.softly("grades-value").await;
        let gone = scene.for_good("grades-value", Care::Retention, AT_ONCE).await.expect("another one has the id");
        assert_eq!(gone, Retired { versions: vec![1], stranded: Vec::new() });
        // Now it is the last one.
        scene.softly("other").await;
        let unknown = scene.for_good("other", Care::Retention, LONG_AFTER).await.expect_err("which topic?");
        assert!(matches!(unknown, RetireError::NoTopic { .. }), "{unknown}");
        let used = scene.for_good("other", Care::Scan, LONG_AFTER).await.expect_err("all topics are looked at");
        assert!(matches!(&used, RetireError::InUse { found } if *found == one_record("grades")), "{used}");
    }
}

#[tokio::test]
async fn a_version_goes_alone_and_one_that_came_back_is_young_again() {
    let scene = Scene::new(false).await;
    let first = scene.register("runs-value", 1).await;
    scene.record(kept_for_an_hour("runs"), first).await;
    scene.softly("runs-value").await;
    scene.register("runs-value", 1).await;
    let kept = scene.fixture.registry.kept("runs-value").await.expect("it is there");
    let live: Vec<u32> = kept.iter().filter(|one| !one.deleted).map(|one| one.version).collect();
    assert_eq!(live, [2], "{kept:?}");
    let request =
        Request { subject: "runs-value", version: Some(2), topic: None, care: Care::Force, now_ms: LONG_AFTER };
    let log = scene.log();
    let live = retire(log.as_ref(), scene.fixture.registry.as_ref(), request).await.expect_err("it is not deleted");
    assert!(matches!(live, RetireError::Registry(RegistryError::VersionNotSoftDeleted { version: 2, .. })), "{live}");
}
