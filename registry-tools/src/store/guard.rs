//! Whether a topic is one that may be written to. Pure.

use coursebus_transport::TopicInfo;

use crate::record::TOPIC;

/// The protocol by which Confluent's registries elect who writes. They know nothing of ours, and ours could not fence them.
pub(super) const ELECTION: &str = "sr";

/// Why nothing may be written while these groups of other registries have members; with what to do.
pub(super) fn others_at_work(groups: &[String]) -> Option<String> {
    let group = groups.first()?;
    Some(format!("another registry writes to this cluster (group {group}); stop its servers, then start this one anew"))
}

/// Why a topic as a whole is not safe to write to; with what to do.
pub(super) fn unsafe_topic(topic: &TopicInfo) -> Option<String> {
    if topic.partitions != 1 {
        let partitions = topic.partitions;
        return Some(format!("topic {TOPIC} has {partitions} partitions, so its records have no order; it needs one"));
    }
    let cleanup = topic.settings.get("cleanup.policy").map_or("compact", String::as_str);
    if cleanup == "compact" {
        return None;
    }
    Some(format!("topic {TOPIC} has cleanup.policy={cleanup}, which loses schemas; set it to compact"))
}

#[cfg(test)]
mod tests {
    use coursebus_transport::TopicId;

    use super::*;

    #[test]
    fn another_registry_is_named() {
        assert_eq!(others_at_work(&[]), None);
        assert!(
            others_at_work(&["schema-registry".to_owned()]).is_some_and(|why| why.contains("group schema-registry"))
        );
    }

    #[test]
    fn one_partition_that_is_compacted_alone() {
        let check = |partitions, cleanup: &str| {
            let settings = [("cleanup.policy".to_owned(), cleanup.to_owned())].into();
            let (name, id) = (TOPIC.to_owned(), TopicId(String::new()));
            unsafe_topic(&TopicInfo { name, id, partitions, replication: 1, settings })
        };
        assert_eq!(check(1, "compact"), None);
        assert!(check(2, "compact").is_some_and(|why| why.contains("2 partitions")));
        assert!(check(1, "delete").is_some_and(|why| why.contains("cleanup.policy=delete")));
        assert!(check(1, "compact,delete").is_some());
    }
}
