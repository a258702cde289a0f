//! Settings for librdkafka out of a file: addresses of certificates, passwords, tuning.

use std::{fmt, fs, path::Path};

use rdkafka::{ClientConfig, error::KafkaError, types::RDKafkaConfRes};

use crate::OpenError;

/// What this backend decides itself, because its guarantees hang on it. A file that sets one of these is refused.
const OWNED: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.offset.reset",
    "batch.size",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "isolation.level",
    "linger.ms",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "max.poll.interval.ms",
    "message.max.bytes",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.required.acks",
    "retries",
    "session.timeout.ms",
    "topic.metadata.propagation.max.ms",
    "transactional.id",
];

/// Settings for librdkafka, by their names there.
///
/// The file has a line `name=value` each; blank lines and lines that begin with `#` are skipped; of two lines with one
/// name the later holds. Each value is checked when the file is read. Printing shows names only: a value may be a
/// secret.
///
/// Source: librdkafka's CONFIGURATION.md.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KafkaSettings(Vec<(String, String)>);

impl KafkaSettings {
    /// Reads a file.
    ///
    /// # Errors
    /// [`OpenError::Settings`] names the file and the line, never a value: a file that cannot be read, a line without
    /// `=`, a name or a value that librdkafka does not take, a setting that the backend decides itself.
    pub fn from_file(path: &Path) -> Result<Self, OpenError> {
        let wrong = |reason: String| OpenError::Settings { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut settings = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let setting = setting(line).map_err(|reason| format!("line {}: {reason}", number + 1))?;
            settings.push(setting);
        }
        Ok(Self(settings))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KafkaSettings")?;
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn setting(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once('=').ok_or("it is not name=value")?;
    let (name, value) = (name.trim(), value.trim());
    if OWNED.contains(&name) {
        return Err(format!("{name} is decided by coursebus and cannot be set here"));
    }
    let mut config = ClientConfig::new();
    config.set(name, value);
    match config.create_native_config() {
        Ok(_) => Ok((name.to_owned(), value.to_owned())),
        Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)) => {
            Err(format!("librdkafka has no setting of the name {name}"))
        }
        Err(_) => Err(format!("librdkafka does not take this value for {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_and_skips_comments() {
        let settings =
            KafkaSettings::parse("# a comment\n\n sasl.username = me \nsasl.password=a=b#c\n").expect("good");
        let found: Vec<_> = settings.iter().collect();
        assert_eq!(found, [("sasl.username", "me"), ("sasl.password", "a=b#c")]);
    }

    #[test]
    fn names_the_line_and_never_the_value() {
        for (text, expected) in [
            ("\nsecret", "line 2: it is not name=value"),
            ("group.id=secret", "line 1: group.id is decided by coursebus and cannot be set here"),
            ("no.such.setting=secret", "line 1: librdkafka has no setting of the name no.such.setting"),
            ("socket.timeout.ms=secret", "line 1: librdkafka does not take this value for socket.timeout.ms"),
            ("security.protocol=secret", "line 1: librdkafka does not take this value for security.protocol"),
        ] {
            assert_eq!(KafkaSettings::parse(text).expect_err(text), expected);
        }
    }

    #[test]
    fn prints_no_value() {
        let settings = KafkaSettings::parse("sasl.password=secret").expect("good");
        assert_eq!(format!("{settings:?}"), r#"KafkaSettings["sasl.password"]"#);
    }

    #[test]
    fn says_which_file_is_missing() {
        let error = KafkaSettings::from_file(Path::new("/no/such/file")).expect_err("missing");
        assert!(error.to_string().starts_with("the Kafka settings in /no/such/file cannot be used: "), "{error}");
    }
}
