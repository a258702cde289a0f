//! What each kind of client is told, and why.

use std::time::Duration;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

use super::settings::KafkaSettings;
use crate::{GroupSettings, ReaderSettings, WriterSettings};

/// How long a topic may be unknown before it counts as missing: a new one takes a moment to reach every broker.
pub(super) const TOPIC_WAIT: Duration = Duration::from_secs(3);

/// Batches stay below the limit that topics have by default, 1 MiB: a broker refuses the whole batch of several records
/// that is over it.
pub(super) const BATCH_BYTES_MAX: usize = 1_000_000;

/// Beyond this librdkafka refuses a record itself; brokers take requests up to 100 MiB.
pub(super) const RECORD_BYTES_MAX: usize = 100_000_000;

/// The configurations of the clients of one log.
#[derive(Clone, Debug)]
pub(super) struct Configs {
    bootstrap: String,
    settings: KafkaSettings,
}

impl Configs {
    pub(super) fn new(bootstrap: &str, settings: &KafkaSettings) -> Self {
        Self { bootstrap: bootstrap.to_owned(), settings: settings.clone() }
    }

    pub(super) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(super) fn admin(&self) -> ClientConfig {
        self.client(&[])
    }

    /// `batch_bytes_max` is for topics with a smaller limit than others.
    pub(super) fn writer(&self, settings: &WriterSettings, batch_bytes_max: usize) -> ClientConfig {
        // librdkafka wants a record to live longer than it lingers.
        let linger = settings.linger.min(settings.delivery_timeout / 2);
        let batch = batch_bytes_max.clamp(1, BATCH_BYTES_MAX).to_string();
        let mut config = self.producer();
        config
            .set("linger.ms", (linger.as_secs_f64() * 1000.0).to_string())
            .set("batch.size", batch)
            .set("message.timeout.ms", at_least_one_ms(settings.delivery_timeout));
        config
    }

    pub(super) fn transactional(&self, id: &str) -> ClientConfig {
        let mut config = self.producer();
        config.set("transactional.id", id).set("message.timeout.ms", "10000");
        // Of a writer that died nothing may block committed readers for long. A file may set another time.
        set_default(&mut config, "transaction.timeout.ms", "10000");
        config
    }

    pub(super) fn reader(&self, settings: &ReaderSettings) -> ClientConfig {
        let isolation = if settings.uncommitted { "read_uncommitted" } else { "read_committed" };
        let mut config = self.consumer(settings.ahead_bytes_max);
        // librdkafka wants a group name even where no group is joined. Nothing is ever committed under it.
        config.set("group.id", "coursebus-reader").set("isolation.level", isolation);
        config
    }

    pub(super) fn member(&self, settings: &GroupSettings) -> ClientConfig {
        // The group waits this long for a member to take part in a rebalance, so letting go must fit in; librdkafka
        // also wants it to be no shorter than the session.
        let rejoin = settings.release_timeout + settings.session_timeout.max(Duration::from_secs(10));
        let session = settings.session_timeout.max(Duration::from_secs(6));
        // A member learns of a rebalance from the answer to a heartbeat: every other member waits for the slowest.
        let heartbeat = (session / 6).min(Duration::from_secs(1));
        let mut config = self.consumer(settings.ahead_bytes_max);
        config
            .set("group.id", settings.group.as_str())
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", session.as_millis().to_string())
            .set("max.poll.interval.ms", rejoin.max(session).as_millis().to_string());
        if let Some(instance) = &settings.instance {
            config.set("group.instance.id", instance.as_str());
        }
        set_default(&mut config, "heartbeat.interval.ms", &heartbeat.as_millis().to_string());
        // How soon new topics and partitions are seen.
        let refresh = crate::NEW_TOPICS_WITHIN.as_millis().to_string();
        set_default(&mut config, "topic.metadata.refresh.interval.ms", &refresh);
        config
    }

    fn consumer(&self, ahead_bytes_max: usize) -> ClientConfig {
        let kib = |bytes: usize| (bytes / 1024).max(1);
        let mut config = self.client(&[
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            // A position that is not there is an error, never silently another one.
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
        ]);
        // Half of the bound is for what waits inside librdkafka. It may hold one answer per broker more.
        let queued = kib(ahead_bytes_max / 2).clamp(64, 2_097_151).to_string();
        let fetch = (ahead_bytes_max / 2).clamp(1 << 20, 50 << 20).to_string();
        let partition_fetch = (ahead_bytes_max / 4).clamp(64 << 10, 1 << 20).to_string();
        for (name, value) in [
            ("queued.max.messages.kbytes", queued.as_str()),
            ("queued.min.messages", "1000000"),
            ("fetch.max.bytes", fetch.as_str()),
            ("fetch.message.max.bytes", partition_fetch.as_str()),
            // An end is only known after a request that found nothing: this is how late it is told.
            ("fetch.wait.max.ms", "100"),
            // The default of a second would stall a reader whose queue was full for a moment.
            ("fetch.queue.backoff.ms", "10"),
        ] {
            set_default(&mut config, name, value);
        }
        config
    }

    fn producer(&self) -> ClientConfig {
        let mut config = self.client(&[
            ("enable.idempotence", "true"),
            ("acks", "all"),
            // No limit of librdkafka's: the writer's own budget of bytes is the bound, so that its queue is never full.
            ("queue.buffering.max.messages", "0"),
            ("queue.buffering.max.kbytes", "2147483647"),
            // The topic's limit decides.
            ("message.max.bytes", "100000000"),
        ]);
        // A sixth of the bytes for no time that shows: docs/figures.md, compression and linger.
        set_default(&mut config, "compression.type", "lz4");
        config
    }

    /// The backend's own settings, the file's, and defaults that differ from librdkafka's. The file cannot hold any of
    /// the first kind.
    fn client(&self, own: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        // Lines go to `tracing`, whose own filter decides.
        config.set_log_level(RDKafkaLogLevel::Info);
        for (name, value) in self.settings.iter().chain(own.iter().copied()) {
            config.set(name, value);
        }
        config
            .set("bootstrap.servers", self.bootstrap.as_str())
            .set("allow.auto.create.topics", "false")
            .set("topic.metadata.propagation.max.ms", TOPIC_WAIT.as_millis().to_string());
        for (name, value) in [
            ("client.id", "coursebus"),
            ("socket.keepalive.enable", "true"),
            ("log.connection.close", "false"),
            // A broker that comes back is noticed in two seconds, not in ten.
            ("reconnect.backoff.max.ms", "2000"),
        ] {
            set_default(&mut config, name, value);
        }
        config
    }
}

fn set_default(config: &mut ClientConfig, name: &str, value: &str) {
    if config.get(name).is_none() {
        config.set(name, value);
    }
}

fn at_least_one_ms(duration: Duration) -> String {
    duration.as_millis().clamp(1, i32::MAX as u128).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs() -> Configs {
        Configs::new("127.0.0.1:1", &KafkaSettings::default())
    }

    #[test]
    fn librdkafka_takes_them_all() {
        let group = GroupSettings::new("g", vec!["t".into()]);
        for config in [
            configs().admin(),
            configs().writer(&WriterSettings::default(), 10),
            configs().transactional("id"),
            configs().reader(&ReaderSettings { ahead_bytes_max: 1, uncommitted: true }),
            configs().reader(&ReaderSettings { ahead_bytes_max: usize::MAX, uncommitted: false }),
            configs().member(&group),
            configs().member(&GroupSettings { instance: Some("a".into()), ..group.clone() }),
        ] {
            config.create_native_config().expect("good names and values");
        }
    }

    #[test]
    fn the_bound_of_a_record_is_what_producers_are_told() {
        assert_eq!(configs().transactional("id").get("message.max.bytes"), Some(RECORD_BYTES_MAX.to_string().as_str()));
    }

    #[test]
    fn a_file_goes_before_defaults() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "compression.type=zstd\nheartbeat.interval.ms=1234\n").expect("written");
        let configs = Configs::new("127.0.0.1:1", &KafkaSettings::from_file(file.path()).expect("good settings"));
        assert_eq!(configs.writer(&WriterSettings::default(), 1).get("compression.type"), Some("zstd"));
        let member = configs.member(&GroupSettings::new("g", vec![]));
        assert_eq!(member.get("heartbeat.interval.ms"), Some("1234"));
    }

    #[test]
    fn waits_for_a_member_longer_than_letting_go_takes() {
        let group = GroupSettings { release_timeout: Duration::from_secs(60), ..GroupSettings::new("g", vec![]) };
        let rejoin = configs().member(&group).get("max.poll.interval.ms").and_then(|ms| ms.parse::<u64>().ok());
        assert!(rejoin > Some(60_000), "{rejoin:?}");
    }
}
