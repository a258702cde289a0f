"""Membership in a consumer group: polling, positions, commits. The only file that talks to the broker as a consumer."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka import Consumer as KafkaConsumer

from coursebus_openedx.conf import ConsumerSettings
from coursebus_openedx.consumer.wire import Headers
from coursebus_openedx.errors import StoppedError

logger = logging.getLogger(__name__)

# How long one poll may take: how late a wish to stop is noticed.
POLL_SECONDS = 0.2
# What a crash makes come again at most: so many records, or what was handled within the time.
UNCOMMITTED_MAX = 100
COMMIT_SECONDS = 1.0
REQUEST_SECONDS = 10.0
TOPIC_SECONDS = 30.0
CLOSE_SECONDS = 10.0

_FATAL = {
    KafkaError._AUTHENTICATION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.INCONSISTENT_GROUP_PROTOCOL,
    KafkaError._FATAL,
}
_PARTITION_IS_NEW = -1001


class AbandonedError(Exception):
    """The record in hand is no longer ours to handle: it was not committed, and comes again, here or elsewhere."""


@dataclass(frozen=True)
class Record:
    """What is needed of a record that was polled."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    raw_headers: list[tuple[str, bytes | None]]

    @classmethod
    def of(cls, message: Message) -> "Record":
        """Copies librdkafka's message."""
        headers = [(name, _bytes(value)) for name, value in _pairs(message)]
        partition, offset = message.partition(), message.offset()
        assert partition is not None, "a message that was polled has a partition"
        assert offset is not None, "a message that was polled has an offset"
        return cls(
            topic=str(message.topic()),
            partition=partition,
            offset=offset,
            timestamp_ms=message.timestamp()[1],
            key=_bytes(message.key()),
            value=_bytes(message.value()),
            raw_headers=headers,
        )

    @property
    def headers(self) -> Headers:
        """Its headers, to be read."""
        return Headers(self.raw_headers)

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} offset {self.offset}"


class Group:
    """A member of the group, for one topic. All calls come from one thread; librdkafka calls back within `poll`."""

    def __init__(self, settings: ConsumerSettings, topic: str, group_id: str, stopping: threading.Event) -> None:
        self._settings = settings
        self._topic = topic
        self._group_id = group_id
        self._stopping = stopping
        self._assigned: set[int] = set()
        self._revoked: set[int] = set()
        """Since a wait began: what was taken away and given back within one poll begins at its position again, too."""
        self._done: dict[int, int] = {}
        """Partition → the next offset to read, not committed yet."""
        self._uncommitted = 0
        self._committed_at = time.monotonic()
        self._failing_since: float | None = None
        self._consumer = KafkaConsumer({**_defaults(settings, group_id), **settings.kafka, **_FIXED})

    def join(self) -> int:
        """Waits for the topic, at most TOPIC_SECONDS, and joins the group. Returns the topic's number of partitions."""
        partitions = self._wait_for_topic()
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        return partitions

    def poll(self) -> Record | None:
        """The next record, if one comes within POLL_SECONDS. Commits when that is due."""
        message = self._consumer.poll(POLL_SECONDS)
        self._commit_if_due()
        if message is None:
            return None
        if (error := message.error()) is not None:
            self._trouble(error)
            return None
        return Record.of(message)

    def wait(self, seconds: float, record: Record) -> None:
        """Waits while nothing is fetched, and stays a member.

        Raises AbandonedError when the record's partition was revoked, or the process is to stop.
        """
        until = time.monotonic() + seconds
        self._revoked.clear()
        self._each_assigned(self._consumer.pause)
        try:
            while (left := until - time.monotonic()) > 0:
                message = self._consumer.poll(min(left, POLL_SECONDS))
                self._commit_if_due()
                self._give_back(message)
                if self._stopping.is_set() or record.partition in self._revoked:
                    raise AbandonedError
        finally:
            self._each_assigned(self._consumer.resume)

    def done(self, record: Record) -> None:
        """Takes note that a record was handled; it is committed soon."""
        self._done[record.partition] = record.offset + 1
        self._uncommitted += 1
        self._commit_if_due()

    def close(self) -> None:
        """Commits and leaves the group, within CLOSE_SECONDS: a broker that is away must not hold the exit."""
        ending = threading.Thread(target=self._close, name="coursebus-close", daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)
        if ending.is_alive():
            logger.warning("did not leave the group %s in time; the broker will notice", self._group_id)

    def _close(self) -> None:
        try:
            self._commit()
            self._consumer.close()
        except (KafkaException, RuntimeError, StoppedError) as error:
            logger.warning("left the group %s uncleanly: %s", self._group_id, error)

    def _wait_for_topic(self) -> int:
        deadline = time.monotonic() + TOPIC_SECONDS
        while not self._stopping.is_set():
            partitions = self._partitions()
            if partitions:
                return partitions
            if time.monotonic() > deadline:
                raise StoppedError(
                    f"the topic {self._topic} is not there, or the broker is away: `coursebus apply` makes the topics; "
                    "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS and EVENT_BUS_TOPIC_PREFIX say where it is looked for"
                )
            self._stopping.wait(POLL_SECONDS)
        return 0

    def _partitions(self) -> int:
        try:
            topic = self._consumer.list_topics(self._topic, timeout=REQUEST_SECONDS).topics.get(self._topic)
        except KafkaException:
            return 0
        return len(topic.partitions) if topic is not None and topic.error is None else 0

    def _on_assign(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        committed = consumer.committed(partitions, timeout=REQUEST_SECONDS) if partitions else []
        for partition, known in zip(partitions, committed, strict=True):
            partition.offset = known.offset if known.offset != _PARTITION_IS_NEW else self._start(consumer, partition)
        if _is_cooperative(self._settings):
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)
        self._assigned.update(partition.partition for partition in partitions)
        # A pause outlives a partition's being taken away and given back.
        self._each_assigned(consumer.resume)
        logger.info("%s of %s: reads partitions %s", self._group_id, self._topic, sorted(self._assigned))

    def _start(self, consumer: Any, partition: TopicPartition) -> int:
        if self._settings.start == "earliest":
            return OFFSET_BEGINNING
        _, end = consumer.get_watermark_offsets(partition, timeout=REQUEST_SECONDS)
        # Or a restart before the first commit would begin later, and leave out what came in between.
        self._done.setdefault(partition.partition, end)
        self._uncommitted += 1
        return int(end)

    def _on_revoke(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        self._commit()
        self._on_lost(consumer, partitions)

    def _on_lost(self, _: Any, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._assigned.discard(partition.partition)
            self._revoked.add(partition.partition)
            self._done.pop(partition.partition, None)

    def _commit_if_due(self) -> None:
        late = time.monotonic() - self._committed_at >= COMMIT_SECONDS
        if self._done and (late or self._uncommitted >= UNCOMMITTED_MAX):
            self._commit()

    def _commit(self) -> None:
        if not self._done:
            return
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in self._done.items()]
        self._committed_at = time.monotonic()
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            self._not_committed(error)
            return
        self._done.clear()
        self._uncommitted = 0
        self._failing_since = None

    def _not_committed(self, error: KafkaException) -> None:
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        logger.warning("%s of %s: positions are not committed: %s", self._group_id, self._topic, error)
        if now - self._failing_since > self._settings.away_seconds:
            raise StoppedError(
                f"positions of the group {self._group_id} could not be committed for {self._settings.away_seconds:g} s "
                f"({error}); what was handled since comes again"
            ) from error

    def _each_assigned(self, do: Callable[[list[TopicPartition]], None]) -> None:
        if self._assigned:
            do([TopicPartition(self._topic, partition) for partition in sorted(self._assigned)])

    def _give_back(self, message: Message | None) -> None:
        """A record that was fetched before the pause, or of a partition that came during it, is fetched again."""
        if message is None:
            return
        if (error := message.error()) is not None:
            self._trouble(error)
            return
        record = Record.of(message)
        self._consumer.seek(TopicPartition(record.topic, record.partition, record.offset))
        self._each_assigned(self._consumer.pause)

    def _trouble(self, error: KafkaError) -> None:
        code = error.code()
        if code == KafkaError._AUTO_OFFSET_RESET:
            raise StoppedError(
                f"the position of the group {self._group_id} on {self._topic} is not on the topic any more: events were "
                f"removed before they were read, or the topic was made anew ({error}). To go on and accept the gap, move "
                "the group: kafka-consumer-groups --reset-offsets"
            )
        if code in _FATAL or error.fatal():
            raise StoppedError(f"the broker refuses the consumer of {self._topic}: {error}; see COURSEBUS_KAFKA_CONFIG")
        if code != KafkaError._PARTITION_EOF:
            logger.warning("%s of %s: %s", self._group_id, self._topic, error)


# Not to be set otherwise: positions are committed when the receivers are done, and a gap is never passed silently.
_FIXED: dict[str, Any] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "allow.auto.create.topics": False,
    "isolation.level": "read_committed",
}


def _defaults(settings: ConsumerSettings, group_id: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        "group.id": group_id,
        # What waits in memory; librdkafka's default is 64 MiB a partition.
        "queued.max.messages.kbytes": 16_384,
        # A receiver that takes longer loses its partitions, and its record comes again.
        "max.poll.interval.ms": 300_000,
    }


def _is_cooperative(settings: ConsumerSettings) -> bool:
    return "cooperative" in str(settings.kafka.get("partition.assignment.strategy", ""))


def _pairs(message: Message) -> list[tuple[str, str | bytes | None]]:
    headers = message.headers() or []
    return list(headers.items()) if isinstance(headers, dict) else headers


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
