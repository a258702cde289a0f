//! docker-compose.yml, read where no container engine can run it.

use serde_json::Value;

use super::read;

fn compose() -> Value {
    serde_saphyr::from_str(&read("docker-compose.yml")).unwrap()
}

/// Services by name.
fn services(compose: &Value) -> impl Iterator<Item = (&String, &Value)> {
    compose["services"].as_object().unwrap().iter()
}

fn brokers(compose: &Value) -> Vec<(&String, &Value)> {
    services(compose)
        .filter(|(_, service)| service["image"].as_str().is_some_and(|i| i.starts_with("apache/kafka")))
        .collect()
}

/// A setting as text, whether YAML reads it as a number or not.
fn setting(service: &Value, name: &str) -> String {
    match &service["environment"][name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn three_brokers_are_one_quorum() {
    let compose = compose();
    let brokers = brokers(&compose);
    assert_eq!(brokers.len(), 3);
    let voters: Vec<String> =
        brokers.iter().map(|(name, broker)| format!("{}@{name}:9093", setting(broker, "KAFKA_NODE_ID"))).collect();
    let cluster_id = setting(brokers[0].1, "CLUSTER_ID");
    assert_eq!(cluster_id.len(), 22, "{cluster_id}");
    for (name, broker) in &brokers {
        assert_eq!(setting(broker, "KAFKA_CONTROLLER_QUORUM_VOTERS"), voters.join(","), "{name}");
        assert_eq!(setting(broker, "KAFKA_PROCESS_ROLES"), "broker,controller", "{name}");
        assert_eq!(setting(broker, "CLUSTER_ID"), cluster_id, "{name}");
        assert!(broker["volumes"][0].as_str().unwrap().ends_with(&setting(broker, "KAFKA_LOG_DIRS")), "{name}");
    }
}

#[test]
fn one_broker_may_be_lost() {
    let compose = compose();
    for (name, broker) in brokers(&compose) {
        for replication in [
            "KAFKA_DEFAULT_REPLICATION_FACTOR",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR",
        ] {
            assert_eq!(setting(broker, replication), "3", "{name} {replication}");
        }
        for in_sync in [
            "KAFKA_MIN_INSYNC_REPLICAS",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR",
        ] {
            assert_eq!(setting(broker, in_sync), "2", "{name} {in_sync}");
        }
        assert_eq!(setting(broker, "KAFKA_AUTO_CREATE_TOPICS_ENABLE"), "false", "{name}");
    }
}

#[test]
fn advertised_listeners_lead_back_to_the_broker() {
    let compose = compose();
    for (name, broker) in brokers(&compose) {
        let port = broker["ports"][0].as_str().unwrap().rsplit(':').next().unwrap();
        let advertised = setting(broker, "KAFKA_ADVERTISED_LISTENERS");
        assert_eq!(advertised, format!("INTERNAL://{name}:9092,EXTERNAL://127.0.0.1:{port}"));
        assert!(setting(broker, "KAFKA_LISTENERS").contains(&format!("EXTERNAL://:{port}")), "{name}");
    }
}

#[test]
fn ports_are_published_on_loopback_only() {
    let compose = compose();
    let mut published = Vec::new();
    for (name, service) in services(&compose) {
        for port in service["ports"].as_array().into_iter().flatten() {
            let port = port.as_str().unwrap_or_else(|| panic!("{name}: {port} names no address"));
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is published beyond loopback");
            published.push(port.split(':').nth(1).unwrap().to_owned());
        }
    }
    let count = published.len();
    published.sort();
    published.dedup();
    assert_eq!(published.len(), count, "two services want one port");
}

#[test]
fn every_service_says_whether_it_is_healthy() {
    let compose = compose();
    for (name, service) in services(&compose) {
        assert!(service["healthcheck"]["test"].is_array(), "{name} has no healthcheck");
    }
}

#[test]
fn what_is_waited_for_exists_and_is_waited_for_until_healthy() {
    let compose = compose();
    for (name, service) in services(&compose) {
        for (other, wait) in service["depends_on"].as_object().into_iter().flatten() {
            assert!(compose["services"][other].is_object(), "{name} depends on {other}");
            assert_eq!(wait["condition"], "service_healthy", "{name} depends on {other}");
        }
    }
}

#[test]
fn what_listens_beyond_its_container_s_loopback_has_credentials() {
    let compose = compose();
    for name in ["registry", "node"] {
        let service = &compose["services"][name];
        assert!(service["command"].as_array().unwrap().iter().any(|arg| arg.as_str().unwrap().starts_with("0.0.0.0:")));
        assert_eq!(setting(service, "COURSEBUS_CREDENTIALS"), "/run/secrets/credentials", "{name}");
        assert!(service["secrets"].as_array().unwrap().contains(&"credentials".into()), "{name}");
    }
}

#[test]
fn images_are_those_that_the_tests_run_on() {
    let compose = compose();
    let jars = read("xtask/services/kafka/pom.xml");
    for (name, broker) in brokers(&compose) {
        let version = broker["image"].as_str().unwrap().trim_start_matches("apache/kafka:");
        assert!(jars.contains(&format!("<kafka.version>{version}</kafka.version>")), "{name} is {version}");
    }
    let container = read("xtask/src/services/container.rs");
    for (name, constant) in [("postgres", "POSTGRES_IMAGE"), ("mariadb", "MARIADB_IMAGE")] {
        let image = compose["services"][name]["image"].as_str().unwrap();
        assert!(container.contains(&format!("{constant}: &str = \"{image}\"")), "{image}");
    }
}
