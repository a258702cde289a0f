"""A real Kafka and the project's own registry, for tests."""

import itertools
import json
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from openedx_events.data import EventsMetadata
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED
from service.events import enrollment

from coursebus_openedx import Consumer, serialize

DEADLINE_SECONDS = 40.0
T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T], seconds: float = DEADLINE_SECONDS) -> T:
    """Looks until there is something true to see."""
    until = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.02)
    return seen


def start_registry(binary: str, bus: str) -> tuple[subprocess.Popen[str], str]:
    """The registry's process on a bus, and its URL once it answers."""
    command = [binary, "registry", "serve", "--bus", bus, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url: str = json.loads(process.stdout.readline())["registry"]
    return process, url


@dataclass
class Bus:
    """Topics, schemas and records of one test: all names are its own."""

    bootstrap: str
    registry: str
    prefix: str = field(default_factory=lambda: f"py{uuid.uuid4().hex[:8]}")
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": self.bootstrap, "acks": "all", "linger.ms": 0})
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap})
        self.schema_id = 0

    def topic(self, partitions: int = 1) -> str:
        """Makes a topic, and returns its name without the prefix."""
        name = f"topic-{next(self._numbers)}"
        full = f"{self.prefix}-{name}"
        self._admin.create_topics([NewTopic(full, partitions, 1)])[full].result(20)
        return name

    def register(self, topic: str, schema: str) -> int:
        """Registers a value's schema, and returns its id."""
        subject = f"{self.prefix}-{topic}-{COURSE_ENROLLMENT_CREATED.event_type}.CloudEvent"
        request = urllib.request.Request(
            f"{self.registry}/subjects/{subject}/versions",
            data=json.dumps({"schema": schema, "schemaType": "AVRO"}).encode(),
            headers={"content-type": "application/vnd.schemaregistry.v1+json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(json.load(response)["id"])

    def produce(self, topic: str, value: bytes | None, headers: list[tuple[str, Any]], partition: int = 0) -> None:
        failed: list[Any] = []
        self._producer.produce(
            f"{self.prefix}-{topic}",
            value=value,
            key=b"the key",
            headers=headers,
            partition=partition,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        assert self._producer.flush(20) == 0
        assert not failed

    def enroll(self, topic: str, user: int, partition: int = 0) -> tuple[bytes, list[tuple[str, bytes]]]:
        """Writes an enrollment as the Python services do; the user's id tells events apart. Returns value and headers."""
        value, headers = self.enrollment(topic, user)
        self.produce(topic, value, headers, partition)
        return value, headers

    def enrollment(self, topic: str, user: int) -> tuple[bytes, list[tuple[str, bytes]]]:
        signal = COURSE_ENROLLMENT_CREATED
        serializer = AvroSignalSerializer(signal)
        self.schema_id = self.schema_id or self.register(topic, serializer.schema_string())
        record = json.loads(serialize.to_json(signal, {"enrollment": enrollment(user)}, 1_000_000))
        return frame(self.schema_id, serializer.schema, record), headers_of(signal.event_type)

    def read(self, full_topic: str, count: int) -> list[Message]:
        """So many records from the beginning of a topic."""
        group = {"group.id": uuid.uuid4().hex, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        consumer = KafkaConsumer({"bootstrap.servers": self.bootstrap, **group})
        try:
            partitions = consumer.list_topics(full_topic, timeout=20).topics[full_topic].partitions
            consumer.assign([TopicPartition(full_topic, number, 0) for number in partitions])
            found: list[Message] = []

            def look() -> bool:
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    found.append(message)
                return len(found) >= count

            wait_for(f"{count} records on {full_topic}", look)
            return found
        finally:
            consumer.close()

    def committed(self, group: str, topic: str, partition: int = 0) -> int:
        """The group's position; negative where there is none."""
        consumer = KafkaConsumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        try:
            (at,) = consumer.committed([TopicPartition(f"{self.prefix}-{topic}", partition)], timeout=20)
            return int(at.offset)
        finally:
            consumer.close()

    def commit(self, group: str, topic: str, offset: int) -> None:
        consumer = KafkaConsumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        try:
            consumer.commit(offsets=[TopicPartition(f"{self.prefix}-{topic}", 0, offset)], asynchronous=False)
        finally:
            consumer.close()

    def settings(self, **other: Any) -> dict[str, Any]:
        """Of a service whose consumer is on this bus, with the patience of a test."""
        kafka = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 500, "fetch.wait.max.ms": 50}
        return {
            "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL": self.registry,
            "EVENT_BUS_TOPIC_PREFIX": self.prefix,
            "COURSEBUS_KAFKA_CONFIG": kafka,
            "COURSEBUS_RETRY_SECONDS": 0.5,
            "COURSEBUS_RETRY_DELAY_SECONDS_MAX": 0.2,
            **other,
        }


def frame(schema_id: int, schema: Any, record: Any) -> bytes:
    import io  # noqa: PLC0415

    import fastavro  # noqa: PLC0415

    out = io.BytesIO()
    out.write(b"\0" + schema_id.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    return out.getvalue()


def headers_of(event_type: str, **other: str) -> list[tuple[str, bytes]]:
    metadata = EventsMetadata(event_type=event_type)
    headers = {"ce_type": event_type, "ce_id": str(metadata.id), "ce_source": metadata.source, **other}
    return [(name, text.encode()) for name, text in headers.items()]


class Running:
    """A consumer in a thread of its own."""

    def __init__(self, topic: str, group: str) -> None:
        self.consumer = Consumer(topic=topic, group_id=group)
        self.ended: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.consumer.consume_indefinitely()
        except BaseException as error:
            self.ended = error

    def stop(self) -> None:
        self.consumer.stop()
        self.join()

    def join(self) -> None:
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive(), "the consumer did not end"


@contextmanager
def running(topic: str, group: str) -> Iterator[Running]:
    """A consumer that must end without an error."""
    consumer = Running(topic, group)
    try:
        yield consumer
    finally:
        consumer.stop()
    assert consumer.ended is None, consumer.ended
