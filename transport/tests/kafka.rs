//! The contract of a log, on a real Kafka cluster: the one that `KAFKA_BOOTSTRAP` names.
#![allow(clippy::disallowed_methods, reason = "tests are told by variables where their services are")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use coursebus_transport::{
    Log, Settings,
    conformance::{Backend, Profile},
    kafka::KafkaLog,
};

coursebus_transport::conformance_tests! { backend = backend() }

struct Kafka {
    bootstrap: String,
}

/// `None`, loudly, when there is no cluster.
fn backend() -> Option<Arc<dyn Backend>> {
    match std::env::var("KAFKA_BOOTSTRAP") {
        Ok(bootstrap) if !bootstrap.is_empty() => Some(Arc::new(Kafka { bootstrap })),
        _ => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "KAFKA_BOOTSTRAP is not set, and CI allows no skip");
            eprintln!("SKIPPED: KAFKA_BOOTSTRAP is not set, so this was not tested on Kafka");
            None
        }
    }
}

#[async_trait]
impl Backend for Kafka {
    async fn open(&self) -> Arc<dyn Log> {
        Arc::new(KafkaLog::open(&self.bootstrap, &Settings::default()).expect("the log opens"))
    }

    fn address(&self) -> Option<String> {
        Some(format!("kafka://{}", self.bootstrap))
    }

    async fn open_absent(&self) -> Option<Arc<dyn Log>> {
        // The port of a listener that is gone: nobody answers there.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        let settings = Settings { request_timeout: Duration::from_secs(2), ..Settings::default() };
        Some(Arc::new(KafkaLog::open(&gone.to_string(), &settings).expect("the log opens")))
    }

    fn profile(&self) -> Profile {
        Profile {
            patience: Duration::from_secs(45),
            // A broker looks at retention only half a minute after its start.
            cleanup_patience: Duration::from_secs(90),
            session_timeout: Duration::from_secs(6),
            quick_cleanup: Profile::quick_cleanup(),
            shows_uncommitted: true,
        }
    }
}
