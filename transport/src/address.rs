//! The address of a bus: `embedded:DIR` or `kafka://host:port,…`.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::OpenError;

/// When an embedded log calls a record durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sync {
    /// Synced to disk before the confirmation.
    #[default]
    Disk,
    /// Written to the operating system: survives the end of the process, not of the machine (`?sync=os`).
    Os,
}

/// Where the bus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusAddress {
    /// A folder on this machine, shared by all processes that name it.
    Embedded {
        /// The folder.
        dir: PathBuf,
        /// When a record is durable.
        sync: Sync,
    },
    /// A Kafka cluster.
    Kafka {
        /// `host:port`, several with commas between.
        bootstrap: String,
    },
}

impl FromStr for BusAddress {
    type Err = OpenError;

    fn from_str(address: &str) -> Result<Self, Self::Err> {
        let wrong = || OpenError::Address { address: address.to_owned() };
        if let Some(rest) = address.strip_prefix("embedded:") {
            let (dir, sync) = match rest.split_once('?') {
                None => (rest, Sync::Disk),
                Some((dir, "sync=disk")) => (dir, Sync::Disk),
                Some((dir, "sync=os")) => (dir, Sync::Os),
                Some(_) => return Err(wrong()),
            };
            if dir.is_empty() {
                return Err(wrong());
            }
            return Ok(Self::Embedded { dir: dir.into(), sync });
        }
        let bootstrap = address.strip_prefix("kafka://").ok_or_else(wrong)?.trim_end_matches('/');
        let is_broker = |broker: &str| {
            broker.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if bootstrap.split(',').all(is_broker) {
            Ok(Self::Kafka { bootstrap: bootstrap.to_owned() })
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for BusAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded { dir, sync: Sync::Disk } => write!(f, "embedded:{}", dir.display()),
            Self::Embedded { dir, sync: Sync::Os } => write!(f, "embedded:{}?sync=os", dir.display()),
            Self::Kafka { bootstrap } => write!(f, "kafka://{bootstrap}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints() {
        for address in ["embedded:/tmp/x", "embedded:.coursebus?sync=os", "kafka://a:1", "kafka://a:1,b:9092"] {
            assert_eq!(address.parse::<BusAddress>().expect("a good address").to_string(), address);
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for address in
            ["", "embedded:", "embedded:x?sync=no", "kafka://", "kafka://a", "kafka://a:1,", "kafka://:1", "x:y"]
        {
            assert!(address.parse::<BusAddress>().is_err(), "{address}");
        }
    }
}
