//! Groups seen and moved from outside.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{
    admin::{Admin, Ask, Failure},
    config::Configs,
    native::{AdminClient, Code, List, NativeError, Position},
};
use crate::{AdminError, GroupInfo, GroupMember, Offset, TopicPartition};

impl Admin {
    pub(super) async fn groups(&self) -> Result<Vec<String>, AdminError> {
        self.ask("list groups".into(), |ask| {
            let mut names = ask.retry(AdminClient::groups)?;
            names.sort_unstable();
            names.dedup();
            Ok(names)
        })
        .await
    }

    pub(super) async fn group(&self, name: &str) -> Result<GroupInfo, AdminError> {
        let name = name.to_owned();
        self.ask(format!("describe group {name}"), move |ask| ask.group(&name)).await
    }

    pub(super) async fn set_positions(
        &self,
        group: &str,
        positions: &[(TopicPartition, Offset)],
    ) -> Result<(), AdminError> {
        if positions.is_empty() {
            return Ok(());
        }
        let (group, positions) = (group.to_owned(), positions.to_vec());
        self.ask(format!("set the positions of group {group}"), move |ask| ask.set_positions(&group, &positions)).await
    }
}

/// The groups with members that speak a protocol. librdkafka's newer call tells of consumers' groups alone.
pub(super) async fn speaking(configs: &Configs, protocol: &str, wait: Duration) -> Result<Vec<String>, AdminError> {
    let unavailable = |source: crate::Cause| AdminError::Unavailable {
        what: "list groups of all protocols".to_owned(),
        waited: wait,
        source,
    };
    let client: BaseConsumer = configs.admin().create().map_err(|error| unavailable(error.into()))?;
    let protocol = protocol.to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        let listed = client.fetch_group_list(None, wait)?;
        let speaks =
            |group: &&rdkafka::groups::GroupInfo| group.protocol_type() == protocol && !group.members().is_empty();
        Ok(listed.groups().iter().filter(speaks).map(|group| group.name().to_owned()).collect())
    });
    match asked.await {
        Ok(Ok(names)) => Ok(names),
        Ok(Err::<_, rdkafka::error::KafkaError>(error)) => Err(unavailable(error.into())),
        Err(ended) => Err(unavailable(ended.into())),
    }
}

impl Ask {
    fn group(&self, name: &str) -> Result<GroupInfo, Failure> {
        let described = self.retry(|client, wait| match client.describe_group(name, wait) {
            Err(error) if error.code == Code::GROUP_NOT_FOUND => Ok(None),
            described => described.map(Some),
        })?;
        let committed = self.retry(|client, wait| match client.group_offsets(name, None, wait) {
            Err(error) if error.code == Code::GROUP_NOT_FOUND => Ok(Vec::new()),
            found => found,
        })?;
        let mut committed: Vec<_> = committed
            .into_iter()
            .filter(|p| p.code == Code::NONE && p.offset != List::NO_OFFSET && p.offset >= 0)
            .map(|p| (TopicPartition::new(p.topic, p.partition), Offset(p.offset)))
            .collect();
        committed.sort_unstable();
        let (members, rebalancing) = described.map_or((Vec::new(), false), |group| (group.members, group.rebalancing));
        let mut members: Vec<GroupMember> = members.into_iter().map(member).collect();
        members.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(GroupInfo { name: name.to_owned(), rebalancing: rebalancing && !members.is_empty(), members, committed })
    }

    fn set_positions(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), Failure> {
        for (partition, _) in positions {
            self.check_partition(partition)?;
        }
        // Told before the broker is asked, which takes positions of a group whose members have none of the partitions.
        self.refuse_active(group)?;
        let asked: Vec<_> = positions.iter().map(|(p, next)| (&*p.topic, p.partition, next.0)).collect();
        let changed = self.retry(|client, wait| {
            let answer = client.alter_group_offsets(group, &asked, wait)?;
            answer.into_iter().find(|p| p.code != Code::NONE).map_or(Ok(()), |p| Err(NativeError::new(p.code)))
        });
        match changed {
            // Someone joined meanwhile: the broker takes positions of members only then.
            Err(Failure::Native(error)) if error.code.is_of_active_group() => {
                self.refuse_active(group)?;
                Err(error.into())
            }
            changed => changed,
        }
    }

    fn refuse_active(&self, group: &str) -> Result<(), Failure> {
        match self.group(group)?.members.len() {
            0 => Ok(()),
            members => Err(AdminError::GroupActive { group: group.to_owned(), members }.into()),
        }
    }
}

fn member((id, place, partitions): (String, String, Vec<Position>)) -> GroupMember {
    let mut partitions: Vec<_> = partitions.into_iter().map(|p| TopicPartition::new(p.topic, p.partition)).collect();
    partitions.sort_unstable();
    GroupMember { id, place, partitions }
}
