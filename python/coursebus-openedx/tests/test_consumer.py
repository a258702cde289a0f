"""The consumer on a real Kafka: what arrives, what is tried again, what is put aside, where it goes on."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from bus import Bus, Running, headers_of, running, wait_for
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED
from service.events import EMAIL, enrollment

from coursebus_openedx.consumer import group as group_module
from coursebus_openedx.errors import StoppedError


def users(received: list[Any]) -> list[int]:
    return [event["enrollment"].user.id for event in received]


@contextmanager
def receiver(call: Callable[[int], None]) -> Iterator[None]:
    """Another receiver of enrollments: it is given the user's id."""

    def receive(**kwargs: Any) -> None:
        call(kwargs["enrollment"].user.id)

    COURSE_ENROLLMENT_CREATED.connect(receive)
    try:
        yield
    finally:
        COURSE_ENROLLMENT_CREATED.disconnect(receive)


def stopped(topic: str, group: str) -> str:
    """Runs a consumer until it stops by itself, and returns why."""
    consumer = Running(topic, group)
    consumer.join()
    assert isinstance(consumer.ended, StoppedError), consumer.ended
    return str(consumer.ended)


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex[:8]}"


def test_events_arrive_in_order_and_once_while_nothing_fails(on_bus: Bus, group: str, received: list[Any]) -> None:
    topic = on_bus.topic()
    for user in range(1, 6):
        _, headers = on_bus.enroll(topic, user)
    with running(topic, group):
        wait_for("five events", lambda: len(received) == 5)
    assert users(received) == [1, 2, 3, 4, 5]
    assert received[4]["enrollment"] == enrollment(5)
    assert received[4]["from_event_bus"] is True
    assert str(received[4]["metadata"].id).encode() == dict(headers)["ce_id"]
    assert on_bus.committed(group, topic) == 5

    on_bus.enroll(topic, 6)
    with running(topic, group) as consumer:
        wait_for("the sixth", lambda: len(received) == 6)
        assert consumer.consumer.counts.handled == 1
    assert users(received) == [1, 2, 3, 4, 5, 6]


def test_a_receiver_that_fails_is_called_again_and_only_it(on_bus: Bus, group: str, received: list[Any]) -> None:
    topic = on_bus.topic()
    for user in (1, 2, 3):
        on_bus.enroll(topic, user)
    calls: list[int] = []

    def fails_three_times(user: int) -> None:
        calls.append(user)
        if user == 2 and calls.count(2) < 4:
            raise ConnectionError

    with receiver(fails_three_times), running(topic, group) as consumer:
        wait_for("the third", lambda: calls[-1:] == [3])
    assert calls == [1, 2, 2, 2, 2, 3]
    assert users(received) == [1, 2, 3]
    assert (consumer.consumer.counts.retried, consumer.consumer.counts.dead) == (3, 0)


def test_what_a_receiver_never_takes_is_a_dead_letter(
    on_bus: Bus, group: str, received: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    topic = on_bus.topic(partitions=2)
    value, headers = on_bus.enroll(topic, 1, partition=1)
    on_bus.enroll(topic, 2, partition=1)

    def refuse(user: int) -> None:
        if user == 1:
            raise ValueError(f"{EMAIL} is not welcome")

    with receiver(refuse), running(topic, group) as consumer:
        wait_for("the next one", lambda: users(received) == [1, 2])
    assert consumer.consumer.counts.dead == 1
    assert consumer.consumer.counts.retried > 1
    assert on_bus.committed(group, topic, 1) == 2

    (letter,) = on_bus.read(f"{group}.dead.{on_bus.prefix}-{topic}", 1)
    assert (letter.value(), letter.key(), letter.partition()) == (value, b"the key", 1)
    all_headers: list[Any] = list(letter.headers() or [])
    assert all_headers[: len(headers)] == headers
    ours = dict(all_headers[len(headers) :])
    assert ours["held_state"] == b"dead"
    assert ours["held_code"] == b"cannot-process"
    assert ours["held_reason"] == b"ValueError in receiver.<locals>.receive"
    assert (ours["held_topic"], ours["held_partition"], ours["held_offset"]) == (
        f"{on_bus.prefix}-{topic}".encode(),
        b"1",
        b"0",
    )
    assert int(ours["held_tries"]) == consumer.consumer.counts.retried + 1
    assert not [line for name, _, line in caplog.record_tuples if name.startswith("coursebus") and EMAIL in line]


def test_what_cannot_be_read_is_a_dead_letter_and_the_others_go_on(
    on_bus: Bus, group: str, received: list[Any]
) -> None:
    topic = on_bus.topic()
    value, headers = on_bus.enrollment(topic, 1)
    on_bus.produce(topic, None, headers)
    on_bus.produce(topic, b"\1" + value[1:], headers)
    on_bus.produce(topic, value[:-1], headers)
    on_bus.produce(topic, b"\0\x7f\xff\xff\xff" + value[5:], headers)
    on_bus.produce(topic, value, [("ce_type", b"a"), ("ce_type", b"b")])
    on_bus.produce(topic, value, headers[:1])
    on_bus.enroll(topic, 7)
    with running(topic, group):
        wait_for("the good one", lambda: users(received) == [7])
    letters = on_bus.read(f"{group}.dead.{on_bus.prefix}-{topic}", 6)
    codes = [dict(letter.headers() or [])["held_code"] for letter in letters]
    expected = ["no-value", "malformed-frame", "malformed-datum", "unknown-schema"] + 2 * ["malformed-headers"]
    assert codes == [code.encode() for code in expected]
    assert letters[0].value() is None
    assert letters[2].value() == value[:-1]


def test_types_that_the_service_does_not_know_are_skipped_and_counted(
    on_bus: Bus, group: str, received: list[Any]
) -> None:
    topic = on_bus.topic()
    value, _ = on_bus.enrollment(topic, 1)
    for _ in range(3):
        on_bus.produce(topic, value, headers_of("coursebus.subscription.plan.created.v1"))
    on_bus.enroll(topic, 2)
    with running(topic, group) as consumer:
        wait_for("the known one", lambda: users(received) == [2])
    assert consumer.consumer.counts.skipped == {"coursebus.subscription.plan.created.v1": 3}
    assert consumer.consumer.counts.dead == 0


def test_dead_letters_in_a_row_stop_the_consumer(on_bus: Bus, group: str, settings: Any, received: list[Any]) -> None:
    settings.COURSEBUS_DEAD_IN_A_ROW_MAX = 3
    topic = on_bus.topic()
    _, headers = on_bus.enrollment(topic, 1)
    for count in (2, 10):
        for _ in range(count):
            on_bus.produce(topic, b"nonsense", headers)
        on_bus.enroll(topic, count)
    assert "3 dead letters in a row" in stopped(topic, group)
    # Two, a good one, and three.
    assert on_bus.committed(group, topic) == 6
    assert users(received) == [2]
    assert len(on_bus.read(f"{group}.dead.{on_bus.prefix}-{topic}", 5)) == 5


def test_while_the_registry_is_away_nothing_is_put_aside(
    on_bus: Bus, group: str, settings: Any, received: list[Any]
) -> None:
    topic = on_bus.topic()
    on_bus.enroll(topic, 1)
    settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = "http://127.0.0.1:1"
    settings.COURSEBUS_AWAY_SECONDS = 0.5
    assert "the schema registry http://127.0.0.1:1 is away" in stopped(topic, group)
    assert received == []
    assert on_bus.committed(group, topic) < 0
    settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = on_bus.registry
    with running(topic, group):
        wait_for("the event", lambda: users(received) == [1])


def test_a_topic_that_is_missing_is_told(
    on_bus: Bus, group: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_module, "TOPIC_SECONDS", 0.5)
    assert "coursebus apply" in stopped("nowhere", group)
    settings.EVENT_BUS_TOPIC_PREFIX = 5
    assert "EVENT_BUS_TOPIC_PREFIX is not text" in stopped("nowhere", group)


def test_a_position_that_is_not_on_the_topic_stops_the_consumer(on_bus: Bus, group: str) -> None:
    topic = on_bus.topic()
    on_bus.enroll(topic, 1)
    on_bus.commit(group, topic, 1_000)
    assert "is not on the topic any more" in stopped(topic, group)
    assert on_bus.committed(group, topic) == 1_000


def test_latest_begins_behind_what_is_there_and_stays_there(
    on_bus: Bus, group: str, settings: Any, received: list[Any]
) -> None:
    settings.COURSEBUS_START = "latest"
    topic = on_bus.topic()
    on_bus.enroll(topic, 1)
    with running(topic, group):
        wait_for("a position", lambda: on_bus.committed(group, topic) == 1)
    on_bus.enroll(topic, 2)
    with running(topic, group):
        wait_for("what came while nobody read", lambda: users(received) == [2])


def test_stopping_does_not_wait_for_a_record_that_is_tried_again(on_bus: Bus, group: str, settings: Any) -> None:
    settings.COURSEBUS_RETRY_SECONDS = 600
    settings.COURSEBUS_RETRY_DELAY_SECONDS_MAX = 600
    topic = on_bus.topic()
    on_bus.enroll(topic, 1)
    called = threading.Event()

    def fail(_: int) -> None:
        called.set()
        raise ConnectionError

    began = 0.0
    with receiver(fail), running(topic, group):
        assert called.wait(20)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert on_bus.committed(group, topic) < 0


def test_members_come_and_go_and_each_partition_stays_in_order(on_bus: Bus, group: str, received: list[Any]) -> None:
    """A record may come twice when its partition moves, never before an earlier one has come."""
    topic = on_bus.topic(partitions=4)
    total = 240
    for user in range(total):
        on_bus.enroll(topic, user, partition=user % 4)

    def slow(_: int) -> None:
        time.sleep(0.01)

    with receiver(slow), running(topic, group):
        wait_for("a part", lambda: len(received) >= 20)
        with running(topic, group):
            wait_for("half", lambda: len(set(users(received))) >= total // 2)
        wait_for("all", lambda: set(users(received)) == set(range(total)), 60)
    for partition in range(4):
        first_seen = list(dict.fromkeys(user for user in users(received) if user % 4 == partition))
        assert first_seen == sorted(first_seen)
    assert len(received) < total + 2 * 100, "more came again than a commit's distance"


def test_a_record_that_waits_is_given_up_when_its_partition_moves(
    on_bus: Bus, group: str, settings: Any, received: list[Any]
) -> None:
    settings.COURSEBUS_RETRY_SECONDS = 600
    topic = on_bus.topic()
    on_bus.enroll(topic, 1)
    broken = threading.Event()
    broken.set()

    def fail_for_now(_: int) -> None:
        if broken.is_set():
            raise ConnectionError

    def named(client: str) -> None:
        """The assignor gives the only partition to the first member by name."""
        settings.COURSEBUS_KAFKA_CONFIG = {**on_bus.settings()["COURSEBUS_KAFKA_CONFIG"], "client.id": client}

    named("b")
    with receiver(fail_for_now), running(topic, group) as first:
        wait_for("a try again", lambda: first.consumer.counts.retried > 1)
        named("a")
        with running(topic, group) as second:
            wait_for("the second member's tries", lambda: second.consumer.counts.retried > 1)
            broken.clear()
            wait_for("the event", lambda: second.consumer.counts.handled == 1)
        assert first.consumer.counts.handled == 0
    assert on_bus.committed(group, topic) == 1
