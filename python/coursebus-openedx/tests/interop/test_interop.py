"""coursebus and the bus that Open edX has today, on one Kafka: each reads what the other writes, field for field."""

import json
import os
import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bus import DEADLINE_SECONDS, Bus, running, wait_for
from catalogue import CATALOGUE, SIGNALS, USABLE, Event, adapted, records
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import TopicPartition
from conftest import ran

from coursebus_openedx import serialize

PARTITIONS = 4


@pytest.fixture(scope="module")
def bus(registry: tuple[str, str]) -> Bus:
    """A bus with the catalogue's topics and schemas."""
    ran("openedx-interop", backend="kafka")
    bus = Bus(*registry)
    coursebus(bus, "apply")
    return bus


def coursebus(bus: Bus, *arguments: str, given: str = "") -> list[Any]:
    """Runs the command, and returns its lines of JSON."""
    command = [os.environ["COURSEBUS_BIN"], *arguments, "--bus", f"kafka://{bus.bootstrap}", "-o", "json"]
    command += ["--registry", bus.registry, "--topic-prefix", bus.prefix]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def emitted(bus: Bus) -> dict[str, Event]:
    """Id → what `coursebus event emit` wrote: what the adapters make, and records with every value and with none."""
    written: dict[str, Event] = {}
    for event_type in USABLE:
        events = adapted().get(event_type, []) + [event_of(event_type, record) for record in records(event_type)]
        coursebus(bus, "event", "emit", event_type, given="".join(json.dumps(event) + "\n" for event in events))
        written.update({event["id"]: event for event in events})
    return written


def event_of(event_type: str, record: dict[str, Any]) -> Event:
    time = "2026-01-02T03:04:05.678901+00:00"
    return Event(type=event_type, id=str(uuid.uuid1()), source="openedx/lms/web", time=time, data=record)


@contextmanager
def peer(bus: Bus, do: str, **task: Any) -> Iterator[tuple[subprocess.Popen[str], "queue.Queue[dict[str, Any]]"]]:
    """The peer's process, and its lines as they come."""
    where = {"bootstrap": bus.bootstrap, "registry": bus.registry, "prefix": bus.prefix}
    environment = {**os.environ, "PEER": json.dumps({"do": do, **where, **task})}
    command = [sys.executable, str(Path(__file__).with_name("peer.py"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    lines: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(json.loads(line))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait(20)
        reader.join(20)
        for pipe in (process.stdin, process.stdout):
            pipe.close()


def difference(expected: Any, seen: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where the two differ: path, expected, seen."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        for name in expected.keys() | seen.keys():
            yield from difference(expected.get(name, "missing"), seen.get(name, "missing"), f"{path}.{name}")
    elif expected != seen or type(expected) is not type(seen):
        yield path, expected, seen


def test_every_usable_type_of_the_catalogue_is_tried() -> None:
    assert len(USABLE) >= 12
    assert len({name for name in USABLE if len(records(name)) > 2}) == 9


def test_what_adapters_make_is_tried() -> None:
    """But for types that the library of Python 3.11 has no schema for, and no adapter makes."""
    forum = "org.openedx.learning.forum.thread."
    untried = {f"{forum}created.v1", f"{forum}response.created.v1", f"{forum}response.comment.created.v1"}
    assert adapted().keys() - set(USABLE) == untried
    assert len(adapted().keys() & set(USABLE)) >= 18


def test_the_consumer_of_today_reads_what_coursebus_emits(bus: Bus, emitted: dict[str, Event]) -> None:
    topics = sorted({CATALOGUE[event_type]["topic"] for event_type in USABLE})
    group = f"group-{uuid.uuid4().hex[:8]}"
    from_the_beginning(bus, group, topics)
    with peer(bus, "consume", topics=topics, group=group) as (_, lines):
        seen = {event["metadata"]["id"]: event for event in (next_line(lines) for _ in emitted)}
    assert seen.keys() == emitted.keys()
    dropped = []
    for event_id, event in emitted.items():
        assert seen[event_id]["type"] == event["type"]
        metadata = seen[event_id]["metadata"]
        assert (metadata["source"], metadata["time"]) == (event["source"], event["time"])
        dropped += list(difference(event["data"], seen[event_id]["data"]))
    # Its own fault: what is false, 0 or "" where the field has a default is read as the default.
    assert [expected for _, expected, _ in dropped if expected not in (False, 0, "", 0.0, [], {})] == []


def test_coursebus_reads_what_the_producer_of_today_writes(bus: Bus) -> None:
    events = [{"type": name, **where(name), "data": record} for name in USABLE for record in every(name)]
    topics = sorted({event["topic"] for event in events})
    before = len(tail(bus, topics))
    with peer(bus, "produce") as (process, lines):
        process.stdin.writelines(json.dumps(event) + "\n" for event in events)  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        sent = {event["metadata"]["id"]: event for event in (next_line(lines) for _ in events)}
        wait_for("all on the topics", lambda: len(tail(bus, topics)) >= before + len(events))
    read = {event["id"]: event for event in tail(bus, topics) if event["id"] in sent}
    assert len(read) == len(events)
    for event_id, event in sent.items():
        ours, metadata = read[event_id], event["metadata"]
        assert list(difference(event["data"], ours["data"])) == []
        assert (ours["type"], ours["source"]) == (event["type"], metadata["source"])
        assert ours["time"].replace("Z", "+00:00") == metadata["time"]
        assert ours["topic"] == f"{bus.prefix}-{CATALOGUE[event['type']]['topic']}"


def test_our_consumer_reads_what_both_write(bus: Bus, emitted: dict[str, Event], settings: Any) -> None:
    """Without the fault of today's consumer: values that are false arrive."""
    for name, value in bus.settings().items():
        setattr(settings, name, value)
    got: dict[str, Any] = {}

    def receive(signal: Any, metadata: Any, **kwargs: Any) -> None:
        data = {name: kwargs[name] for name in signal.init_data}
        got[str(metadata.id)] = json.loads(serialize.to_json(signal, data, 1_000_000))

    topic = "learning-certificate-lifecycle"
    types = [event_type for event_type in USABLE if CATALOGUE[event_type]["topic"] == topic]
    expected = {key: event["data"] for key, event in emitted.items() if event["type"] in types}
    assert expected
    for event_type in types:
        SIGNALS[event_type].connect(receive)
    try:
        with running(topic, f"group-{uuid.uuid4().hex[:8]}") as consumer:
            wait_for("all", lambda: expected.keys() <= got.keys())
        assert consumer.consumer.counts.dead == 0
    finally:
        for event_type in types:
            SIGNALS[event_type].disconnect(receive)
    assert {key: got[key] for key in expected} == expected


def where(event_type: str) -> dict[str, str]:
    entry = CATALOGUE[event_type]
    return {"topic": entry["topic"], "key": entry["key"]}


def every(event_type: str) -> list[dict[str, Any]]:
    return [event["data"] for event in adapted().get(event_type, [])] + records(event_type)


def tail(bus: Bus, topics: list[str]) -> list[Any]:
    return coursebus(bus, "event", "tail", *topics, "--from", "earliest", "--until-end")


def next_line(lines: "queue.Queue[dict[str, Any]]") -> dict[str, Any]:
    return lines.get(timeout=DEADLINE_SECONDS)


def from_the_beginning(bus: Bus, group: str, topics: list[str]) -> None:
    """It begins at the end of a topic, unless its group has a position."""
    consumer = KafkaConsumer({"bootstrap.servers": bus.bootstrap, "group.id": group})
    try:
        for topic in topics:
            zero = [TopicPartition(f"{bus.prefix}-{topic}", number, 0) for number in range(PARTITIONS)]
            consumer.commit(offsets=zero, asynchronous=False)
    finally:
        consumer.close()
