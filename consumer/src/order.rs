//! Whether the records of a subscription's topics have an order, which more partitions would break. Pure.

use std::collections::HashMap;

use coursebus_schemas::{Topic, catalog};
use coursebus_transport::TopicPartition;

/// Which topics of a subscription may be given partitions while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Order {
    /// Topics of the catalogue have as many partitions as it says: their records have keys, which would move to others. A
    /// partition beyond that stops the engine. Topics that the catalogue does not have may grow.
    #[default]
    Catalogue,
    /// These topics, by full name, have so many partitions. All others may grow.
    Partitions(HashMap<String, i32>),
    /// The subscription needs no order: every topic may grow.
    None,
}

impl Order {
    /// How many partitions a topic has by contract; none where it may be given more.
    pub(crate) fn partitions(&self, topic: &str) -> Option<i32> {
        match self {
            Self::Catalogue => of_catalogue(topic).map(|topic| topic.partitions),
            Self::Partitions(topics) => topics.get(topic).copied(),
            Self::None => None,
        }
    }

    /// The first of the partitions that there should not be, with how many there should be.
    pub(crate) fn broken_by<'p>(&self, partitions: &'p [TopicPartition]) -> Option<(&'p TopicPartition, i32)> {
        partitions.iter().find_map(|partition| {
            let count = self.partitions(&partition.topic)?;
            (partition.partition >= count).then_some((partition, count))
        })
    }
}

/// The catalogue's topic of this full name, `<prefix>-<topic>`; of several whose names end alike the longest.
fn of_catalogue(full: &str) -> Option<&'static Topic> {
    let is_name = |topic: &&&'static Topic| full.strip_suffix(topic.name).is_some_and(|prefix| prefix.ends_with('-'));
    catalog().topics().iter().filter(is_name).max_by_key(|topic| topic.name.len()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_beyond_the_contract_breaks_the_order() {
        let at = |topic: &str, numbers: std::ops::Range<i32>| -> Vec<TopicPartition> {
            numbers.map(|number| TopicPartition::new(topic, number)).collect()
        };
        let (ours, other) = (at("prod-eu-course-enrollment-lifecycle", 0..5), at("prod-eu-other", 0..9));
        let broken = Order::Catalogue.broken_by(&ours);
        assert_eq!(broken, Some((&ours[4], 4)));
        assert_eq!(Order::Catalogue.broken_by(&ours[..4]), None);
        assert_eq!(Order::Catalogue.broken_by(&other), None);
        assert_eq!(Order::Catalogue.broken_by(&at("course-enrollment-lifecycle", 0..9)), None, "it has no prefix");
        assert_eq!(Order::None.broken_by(&ours), None);
        let own = Order::Partitions(HashMap::from([("prod-eu-other".to_owned(), 8)]));
        assert_eq!((own.broken_by(&ours), own.broken_by(&other)), (None, Some((&other[8], 8))));
    }
}
