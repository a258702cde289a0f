//! Questions about the cluster, and changes of its topics. Every call blocks, at most as long as its `wait`.

use std::{
    collections::BTreeMap,
    ffi::{CStr, c_char, c_int},
    ptr::{self, NonNull},
    sync::Arc,
    time::Duration,
};

use rdkafka::{ClientConfig, bindings, bindings::rd_kafka_admin_op_t as Op};

use super::{
    Code, List, NativeError, Position, c_string,
    client::{Client, Kind},
    event::{Event, Queue},
    list, millis, text,
};

// With an integer for the code, see `error.rs`.
unsafe extern "C" {
    #[link_name = "rd_kafka_topic_result_error"]
    fn topic_result_error(result: *const bindings::rd_kafka_topic_result_t) -> c_int;
    #[link_name = "rd_kafka_ConfigResource_error"]
    fn config_resource_error(resource: *const bindings::rd_kafka_ConfigResource_t) -> c_int;
}

/// A client for administration.
pub(crate) struct AdminClient {
    client: Arc<Client>,
}

/// A topic to be created.
pub(crate) struct NewTopic<'a> {
    pub(crate) name: &'a str,
    pub(crate) partitions: i32,
    pub(crate) replication: i32,
    pub(crate) settings: &'a BTreeMap<String, String>,
}

/// A topic that was found.
pub(crate) struct Described {
    pub(crate) name: String,
    /// Unpadded base 64, as Kafka's tools print it.
    pub(crate) id: String,
    pub(crate) internal: bool,
    /// How many partitions there are.
    pub(crate) partitions: usize,
    /// How many of them have a leader.
    pub(crate) led: usize,
    /// The replicas of the first partition.
    pub(crate) replication: usize,
}

/// A topic, or the name of one that could not be described, and why.
pub(crate) type DescribedOrNot = Result<Described, (String, NativeError)>;

/// Which offset is asked for.
#[derive(Clone, Copy)]
pub(crate) enum OffsetSpec {
    Earliest,
    /// The last stable one, for readers of committed records.
    Latest,
    /// The first at this time (milliseconds since 1970) or later; -1 where there is none.
    At(i64),
}

impl AdminClient {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, NativeError> {
        Ok(Self { client: Client::new(&Kind::Admin, config)? })
    }

    /// The cluster's id, as its brokers tell it.
    pub(crate) fn cluster_id(&self, wait: Duration) -> Result<String, NativeError> {
        // SAFETY: the client lives; the string returned is ours to free, null when no broker answered.
        unsafe {
            let id = bindings::rd_kafka_clusterid(self.client.as_ptr(), millis(wait));
            let copied = text(id);
            if id.is_null() {
                return Err(NativeError::new(Code::TIMED_OUT).after(self.client.last_failure()));
            }
            bindings::rd_kafka_mem_free(self.client.as_ptr(), id.cast());
            Ok(copied)
        }
    }

    /// The number of brokers, and the names of all topics.
    pub(crate) fn metadata(&self, wait: Duration) -> Result<(usize, Vec<String>), NativeError> {
        let mut metadata = ptr::null();
        // SAFETY: the client lives; the pointer is ours to be written to.
        NativeError::check(Code::from_native(unsafe {
            bindings::rd_kafka_metadata(self.client.as_ptr(), 1, ptr::null_mut(), &raw mut metadata, millis(wait))
        }))
        .map_err(|error| error.after(self.client.last_failure()))?;
        // SAFETY: the call succeeded, so the metadata is ours until it is destroyed; the arrays have the lengths beside
        // them.
        unsafe {
            let found = &*metadata;
            let count = usize::try_from(found.topic_cnt).unwrap_or(0);
            let names = (0..count).map(|i| text((&raw const (*found.topics.add(i)).topic).read())).collect();
            let brokers = usize::try_from(found.broker_cnt).unwrap_or(0);
            bindings::rd_kafka_metadata_destroy(metadata);
            Ok((brokers, names))
        }
    }

    pub(crate) fn create_topic(&self, topic: &NewTopic<'_>, wait: Duration) -> Result<(), NativeError> {
        let name = c_string(topic.name);
        let mut said = [0 as c_char; 512];
        // SAFETY: name and buffer live through the call; null for arguments that librdkafka refuses.
        let new_topic = unsafe {
            bindings::rd_kafka_NewTopic_new(
                name.as_ptr(),
                topic.partitions,
                topic.replication,
                said.as_mut_ptr(),
                said.len(),
            )
        };
        let Some(new_topic) = NonNull::new(new_topic) else {
            // SAFETY: librdkafka wrote a string that ends with NUL.
            return Err(NativeError::with_text(Code::INVALID_ARGUMENT, unsafe { text(said.as_ptr()) }));
        };
        let mut new_topic = Owned { ptr: new_topic, destroy: bindings::rd_kafka_NewTopic_destroy };
        for (name, value) in topic.settings {
            let (name, value) = (c_string(name), c_string(value));
            // SAFETY: all three live through the call and are copied.
            NativeError::check(Code::from_native(unsafe {
                bindings::rd_kafka_NewTopic_set_config(new_topic.ptr.as_ptr(), name.as_ptr(), value.as_ptr())
            }))?;
        }
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_CREATETOPICS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the topic.
            unsafe { bindings::rd_kafka_CreateTopics(rk, new_topic.array(), 1, options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_CreateTopics_result(event.as_ptr());
            let results = bindings::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
            first_topic_error(results, count)
        }
    }

    pub(crate) fn grow_topic(&self, name: &str, partitions: usize, wait: Duration) -> Result<(), NativeError> {
        let name = c_string(name);
        let mut said = [0 as c_char; 512];
        // SAFETY: name and buffer live through the call; null for arguments that librdkafka refuses.
        let growth =
            unsafe { bindings::rd_kafka_NewPartitions_new(name.as_ptr(), partitions, said.as_mut_ptr(), said.len()) };
        let Some(growth) = NonNull::new(growth) else {
            // SAFETY: librdkafka wrote a string that ends with NUL.
            return Err(NativeError::with_text(Code::INVALID_ARGUMENT, unsafe { text(said.as_ptr()) }));
        };
        let mut growth = Owned { ptr: growth, destroy: bindings::rd_kafka_NewPartitions_destroy };
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies what it is given.
            unsafe { bindings::rd_kafka_CreatePartitions(rk, growth.array(), 1, options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_CreatePartitions_result(event.as_ptr());
            let results = bindings::rd_kafka_CreatePartitions_result_topics(result, &raw mut count);
            first_topic_error(results, count)
        }
    }

    pub(crate) fn delete_topic(&self, name: &str, wait: Duration) -> Result<(), NativeError> {
        let name = c_string(name);
        // SAFETY: the name lives through the call; it aborts rather than return null.
        let topic = unsafe { bindings::rd_kafka_DeleteTopic_new(name.as_ptr()) };
        let topic = NonNull::new(topic).expect("librdkafka aborts when memory runs out");
        let mut topic = Owned { ptr: topic, destroy: bindings::rd_kafka_DeleteTopic_destroy };
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_DELETETOPICS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the name.
            unsafe { bindings::rd_kafka_DeleteTopics(rk, topic.array(), 1, options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_DeleteTopics_result(event.as_ptr());
            let results = bindings::rd_kafka_DeleteTopics_result_topics(result, &raw mut count);
            first_topic_error(results, count)
        }
    }

    /// Describes topics; never creates one. In no particular order.
    pub(crate) fn describe_topics(&self, names: &[String], wait: Duration) -> Result<Vec<DescribedOrNot>, NativeError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = names.iter().map(|name| c_string(name)).collect();
        let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        // SAFETY: the names live through the call and are copied; it aborts rather than return null.
        let topics =
            unsafe { bindings::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()) };
        let topics = NonNull::new(topics).expect("librdkafka aborts when memory runs out");
        let topics = Owned { ptr: topics, destroy: bindings::rd_kafka_TopicCollection_destroy };
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the names.
            unsafe { bindings::rd_kafka_DescribeTopics(rk, topics.ptr.as_ptr(), options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_DescribeTopics_result(event.as_ptr());
            let found = bindings::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
            Ok((0..count).map(|i| described(*found.add(i))).collect())
        }
    }

    /// The settings of topics, by topic. Topics that cannot be asked are left out.
    pub(crate) fn topic_settings(
        &self,
        names: &[String],
        wait: Duration,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, NativeError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let resources: Vec<_> = names.iter().map(|name| config_resource(name)).collect();
        let mut pointers: Vec<_> = resources.iter().map(|resource| resource.ptr.as_ptr()).collect();
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the resources.
            unsafe { bindings::rd_kafka_DescribeConfigs(rk, pointers.as_mut_ptr(), pointers.len(), options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_DescribeConfigs_result(event.as_ptr());
            let found = bindings::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
            Ok((0..count)
                .map(|i| *found.add(i))
                .filter(|resource| Code::from_raw(config_resource_error(*resource)) == Code::NONE)
                .map(|resource| (text(bindings::rd_kafka_ConfigResource_name(resource)), settings(resource)))
                .collect())
        }
    }

    /// Offsets of partitions, as a reader of committed records sees them. Each position has a code of its own.
    pub(crate) fn offsets(
        &self,
        partitions: &[(&str, i32)],
        spec: OffsetSpec,
        wait: Duration,
    ) -> Result<Vec<Position>, NativeError> {
        let spec = match spec {
            OffsetSpec::Earliest => bindings::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
            OffsetSpec::Latest => bindings::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64,
            // Negative times have a meaning of their own in the protocol.
            OffsetSpec::At(time) => time.max(0),
        };
        let asked = List::new(partitions.iter().map(|(topic, partition)| (*topic, *partition, spec)));
        let committed = bindings::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS, Some(committed), wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the list.
            unsafe { bindings::rd_kafka_ListOffsets(rk, asked.as_ptr(), options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_ListOffsets_result(event.as_ptr());
            let found = bindings::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
            Ok((0..count)
                .map(|i| list::position(bindings::rd_kafka_ListOffsetsResultInfo_topic_partition(*found.add(i))))
                .collect())
        }
    }

    /// What a group has committed, on these partitions ([`List::NO_OFFSET`] where it has nothing) or on all where it has
    /// something. Each position has a code of its own.
    pub(crate) fn group_offsets(
        &self,
        group: &str,
        partitions: Option<&[(&str, i32)]>,
        wait: Duration,
    ) -> Result<Vec<Position>, NativeError> {
        let group = c_string(group);
        let asked = partitions
            .map(|asked| List::new(asked.iter().map(|(topic, partition)| (*topic, *partition, List::NO_OFFSET))));
        let asked_ptr = asked.as_ref().map_or(ptr::null_mut(), List::as_ptr);
        // SAFETY: both live through the call and are copied, and null asks for all partitions; it aborts rather than return
        // null.
        let request = unsafe { bindings::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), asked_ptr) };
        let request = NonNull::new(request).expect("librdkafka aborts when memory runs out");
        let mut request = Owned { ptr: request, destroy: bindings::rd_kafka_ListConsumerGroupOffsets_destroy };
        let event = self.ask(Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, None, wait, |rk, options, queue| {
            // SAFETY: everything lives through the call, which copies the request.
            unsafe { bindings::rd_kafka_ListConsumerGroupOffsets(rk, request.array(), 1, options, queue) }
        })?;
        let mut count = 0;
        // SAFETY: the event is the answer to this request; what it gives lives as long as it.
        unsafe {
            let result = bindings::rd_kafka_event_ListConsumerGroupOffsets_result(event.as_ptr());
            let groups = bindings::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
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

    /// Sends a request and waits for its answer.
    pub(super) fn ask(
        &self,
        op: Op,
        isolation: Option<bindings::rd_kafka_IsolationLevel_t>,
        wait: Duration,
        send: impl FnOnce(
            *mut bindings::rd_kafka_t,
            *const bindings::rd_kafka_AdminOptions_t,
            *mut bindings::rd_kafka_queue_t,
        ),
    ) -> Result<Event, NativeError> {
        let queue = Queue::new(self.client.clone());
        // SAFETY: the client lives; the call aborts rather than return null for an operation that it knows.
        let options = unsafe { bindings::rd_kafka_AdminOptions_new(self.client.as_ptr(), op) };
        let options = NonNull::new(options).expect("the operation is one of librdkafka's");
        let options = Owned { ptr: options, destroy: bindings::rd_kafka_AdminOptions_destroy };
        let mut said = [0 as c_char; 256];
        // SAFETY: options and buffer live. A wait outside librdkafka's range is refused, and its default of a minute
        // holds; the wait below is the bound then.
        unsafe {
            bindings::rd_kafka_AdminOptions_set_request_timeout(
                options.ptr.as_ptr(),
                millis(wait),
                said.as_mut_ptr(),
                said.len(),
            );
            if let Some(isolation) = isolation {
                NativeError::take(bindings::rd_kafka_AdminOptions_set_isolation_level(
                    options.ptr.as_ptr(),
                    isolation,
                ))?;
            }
        }
        send(self.client.as_ptr(), options.ptr.as_ptr(), queue.as_ptr());
        // A little longer than the request itself may take, so that its own error is seen.
        let event = queue
            .poll(wait + Duration::from_millis(250))
            .ok_or_else(|| NativeError::new(Code::TIMED_OUT).after(self.client.last_failure()))?;
        event.check().map_err(|error| match error.code {
            Code::TIMED_OUT => error.after(self.client.last_failure()),
            _ => error,
        })?;
        Ok(event)
    }
}

/// Something that librdkafka made and that is destroyed with this value.
pub(super) struct Owned<T> {
    pub(super) ptr: NonNull<T>,
    pub(super) destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// As an array of one.
    pub(super) fn array(&mut self) -> *mut *mut T {
        (&raw mut self.ptr).cast()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: made by the function that belongs to `destroy`, and not used afterwards.
        unsafe { (self.destroy)(self.ptr.as_ptr()) };
    }
}

fn config_resource(topic: &str) -> Owned<bindings::rd_kafka_ConfigResource_t> {
    let name = c_string(topic);
    // SAFETY: the name lives through the call and is copied; null only for a kind that librdkafka does not know.
    let resource = unsafe {
        bindings::rd_kafka_ConfigResource_new(bindings::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, name.as_ptr())
    };
    let ptr = NonNull::new(resource).expect("librdkafka knows topics");
    Owned { ptr, destroy: bindings::rd_kafka_ConfigResource_destroy }
}

/// # Safety
/// `resource` lives through the call.
unsafe fn settings(resource: *const bindings::rd_kafka_ConfigResource_t) -> BTreeMap<String, String> {
    let mut count = 0;
    // SAFETY: the entries belong to the resource; a value may be null, for a secret.
    unsafe {
        let entries = bindings::rd_kafka_ConfigResource_configs(resource, &raw mut count);
        (0..count)
            .map(|i| *entries.add(i))
            .map(|entry| {
                (text(bindings::rd_kafka_ConfigEntry_name(entry)), text(bindings::rd_kafka_ConfigEntry_value(entry)))
            })
            .collect()
    }
}

/// # Safety
/// `topic` lives through the call.
unsafe fn described(topic: *const bindings::rd_kafka_TopicDescription_t) -> DescribedOrNot {
    // SAFETY: all that is asked belongs to the description; a partition without a leader has a null one.
    unsafe {
        let name = text(bindings::rd_kafka_TopicDescription_name(topic));
        let error = bindings::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() && Code::from_native_error(error) != Code::NONE {
            return Err((name, NativeError::read(error)));
        }
        let (mut partitions, mut replication) = (0, 0);
        let found = bindings::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions);
        let led = (0..partitions)
            .map(|i| bindings::rd_kafka_TopicPartitionInfo_leader(*found.add(i)))
            .filter(|leader| !leader.is_null() && bindings::rd_kafka_Node_id(*leader) >= 0)
            .count();
        if partitions > 0 {
            bindings::rd_kafka_TopicPartitionInfo_replicas(*found, &raw mut replication);
        }
        let id = bindings::rd_kafka_Uuid_base64str(bindings::rd_kafka_TopicDescription_topic_id(topic));
        let internal = bindings::rd_kafka_TopicDescription_is_internal(topic) != 0;
        Ok(Described { name, id: text(id), internal, partitions, led, replication })
    }
}

/// # Safety
/// `results` has `count` entries that live through the call.
unsafe fn first_topic_error(
    results: *mut *const bindings::rd_kafka_topic_result_t,
    count: usize,
) -> Result<(), NativeError> {
    for i in 0..count {
        // SAFETY: the caller vouches for the entries; the string, which may be null, belongs to the entry.
        let (code, said) = unsafe {
            let result = *results.add(i);
            let said = bindings::rd_kafka_topic_result_error_string(result);
            (Code::from_raw(topic_result_error(result)), if said.is_null() { c"" } else { CStr::from_ptr(said) })
        };
        if code != Code::NONE {
            return Err(NativeError::with_text(code, said.to_string_lossy()));
        }
    }
    Ok(())
}
