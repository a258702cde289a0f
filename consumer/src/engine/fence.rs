//! A partition that a processor found taken over: by another member, or by someone outside the group.

use std::time::Duration;

use coursebus_transport::TopicPartition;
use tokio::time::Instant;

use super::{Engine, EngineError};
use crate::ProcessError;

/// A partition that a processor found taken over.
pub(super) struct Fence {
    since: Instant,
    /// The group was asked, and takes this member for the owner.
    is_ours: bool,
}

impl Fence {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), is_ours: false }
    }
}

impl Engine {
    /// A partition was taken over. Where the group has moved it (this process stood still for longer than its session), the
    /// member is told, takes part again, and goes on. Where the group still takes this member for the owner, whoever took it
    /// over is no member of this group, and the engine ends: at the second look, because the group's word may be on its way.
    pub(super) async fn check_fenced(&mut self) -> Result<(), EngineError> {
        let patience = self.settings.group.session_timeout * 2 + Duration::from_secs(10);
        let partitions: Vec<TopicPartition> = self.fenced.keys().cloned().collect();
        for partition in partitions {
            let is_ours = self.is_owner(&partition).await;
            let Some(fence) = self.fenced.get_mut(&partition) else { continue };
            if (fence.is_ours && is_ours) || fence.since.elapsed() > patience {
                let error = ProcessError::Fenced { partition: partition.clone() };
                return Err(self.process_error(partition, error));
            }
            fence.is_ours = is_ours;
        }
        Ok(())
    }

    /// Whether the group takes this member for the owner of a partition: whether it takes the position from it that it has
    /// already. False where it does not answer.
    async fn is_owner(&self, partition: &TopicPartition) -> bool {
        let asked = [partition.clone()];
        let Ok(committed) = self.log.committed(&self.settings.group.group, &asked).await else { return false };
        let position = match committed.first().copied().flatten() {
            Some(position) => position,
            None => match self.log.range(partition).await {
                Ok(range) => range.earliest,
                Err(_) => return false,
            },
        };
        self.committer.commit(&[(partition.clone(), position)]).await.is_ok()
    }
}
