//! Questions about groups, and positions set from outside. Every call blocks, at most as long as its `wait`.

use std::{ffi::c_int, ptr::NonNull, time::Duration};

use rdkafka::{bindings, bindings::rd_kafka_admin_op_t as Op};

use super::{
    Code, List, NativeError, Position,
    admin::{AdminClient, Owned},
    c_string, list, text,
};

// With an integer for the state: a broker may have one that the bindings' enum has not, see `error.rs`.
unsafe extern "C" {
    #[link_name = "rd_kafka_ConsumerGroupDescription_state"]
    fn group_state(group: *const bindings::rd_kafka_ConsumerGroupDescription_t) -> c_int;
}

const PREPARING_REBALANCE: c_int = 1;
const COMPLETING_REBALANCE: c_int = 2;

/// A group that was found.
pub(crate) struct DescribedGroup {
    /// Each with its id, its host, and what it has.
    pub(crate) members: Vec<(String, String, Vec<Position>)>,
    pub(crate) rebalancing: bool,
}

impl AdminClient {
    /// The names of all groups that this client may see, in no particular order.
    pub(crate) fn groups(&self, wait: Duration) -> Result<Vec<String>, NativeError> {
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call.
            unsafe { bindings::rd_kafka_ListConsumerGroups(rk, options, queue) }
        })?;
        let (mut count, mut failed) = (0, 0);
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_ListConsumerGroups_result(event.as_ptr());
            let errors = bindings::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut failed);
            // One broker that does not answer hides its groups: an answer that looks whole would be wrong.
            if failed > 0 {
                return Err(NativeError::read(*errors));
            }
            let found = bindings::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut count);
            Ok((0..count).map(|i| text(bindings::rd_kafka_ConsumerGroupListing_group_id(*found.add(i)))).collect())
        }
    }

    /// One group; one that does not exist has no members.
    pub(crate) fn describe_group(&self, name: &str, wait: Duration) -> Result<DescribedGroup, NativeError> {
        let name = c_string(name);
        let mut names = [name.as_ptr()];
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the name.
            unsafe { bindings::rd_kafka_DescribeConsumerGroups(rk, names.as_mut_ptr(), names.len(), options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_DescribeConsumerGroups_result(event.as_ptr());
            let groups = bindings::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
            if count == 0 {
                return Err(NativeError::new(Code::GROUP_NOT_FOUND));
            }
            let error = bindings::rd_kafka_ConsumerGroupDescription_error(*groups);
            if !error.is_null() && Code::from_native_error(error) != Code::NONE {
                return Err(NativeError::read(error));
            }
            Ok(described(*groups))
        }
    }

    /// Sets positions of a group that has no members. Each position has a code of its own.
    pub(crate) fn alter_group_offsets(
        &self,
        group: &str,
        positions: &[(&str, i32, i64)],
        wait: Duration,
    ) -> Result<Vec<Position>, NativeError> {
        let group = c_string(group);
        let asked = List::new(positions.iter().copied());
        // SAFETY: both live through the call and are copied; it aborts rather than return null.
        let request = unsafe { bindings::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), asked.as_ptr()) };
        let request = NonNull::new(request).expect("librdkafka aborts when memory runs out");
        let mut request = Owned { ptr: request, destroy: bindings::rd_kafka_AlterConsumerGroupOffsets_destroy };
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the request.
            unsafe { bindings::rd_kafka_AlterConsumerGroupOffsets(rk, request.array(), 1, options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_AlterConsumerGroupOffsets_result(event.as_ptr());
            let groups = bindings::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &raw mut count);
            if count == 0 {
                return Ok(Vec::new());
            }
            let error = bindings::rd_kafka_group_result_error(*groups);
            if !error.is_null() {
                return Err(NativeError::read(error));
            }
            Ok(list::positions(bindings::rd_kafka_group_result_partitions(*groups)))
        }
    }
}

/// # Safety
/// `group` lives through the call.
unsafe fn described(group: *const bindings::rd_kafka_ConsumerGroupDescription_t) -> DescribedGroup {
    // SAFETY: all that is asked belongs to the description; a member's assignment may be null while the group agrees.
    unsafe {
        let members = (0..bindings::rd_kafka_ConsumerGroupDescription_member_count(group)).map(|i| {
            let member = bindings::rd_kafka_ConsumerGroupDescription_member(group, i);
            let assignment = bindings::rd_kafka_MemberDescription_assignment(member);
            let partitions = if assignment.is_null() {
                Vec::new()
            } else {
                list::positions(bindings::rd_kafka_MemberAssignment_partitions(assignment))
            };
            (
                text(bindings::rd_kafka_MemberDescription_consumer_id(member)),
                text(bindings::rd_kafka_MemberDescription_host(member)),
                partitions,
            )
        });
        let members = members.collect();
        let state = group_state(group);
        DescribedGroup { members, rebalancing: state == PREPARING_REBALANCE || state == COMPLETING_REBALANCE }
    }
}
