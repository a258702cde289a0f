"""The whole way: a view commits, the relay publishes, a consumer of another service receives."""

import json
import os
import subprocess
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from bus import Bus, running, wait_for
from catalogue import CATALOGUE, SIGNALS, USABLE, records
from django.db import connections
from django.test import Client
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import get_producer
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED
from service.events import enrollment

from coursebus_openedx.consumer import decode

TOPIC = "course-enrollment-lifecycle"


def url_of(alias: str) -> str:
    """The database as `--db` takes it."""
    database = connections[alias].settings_dict
    if connections[alias].vendor == "sqlite":
        return f"sqlite:{database['NAME']}"
    scheme = "postgres" if connections[alias].vendor == "postgresql" else "mysql"
    user = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    return f"{scheme}://{user}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def coursebus(bus: Bus, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [os.environ["COURSEBUS_BIN"], *arguments, "--bus", f"kafka://{bus.bootstrap}"]
    command += ["--registry", bus.registry, "--topic-prefix", bus.prefix]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def relay(on_bus: Bus) -> Bus:
    if coursebus(on_bus, "relay", "run", "--help").returncode != 0:
        pytest.skip("this coursebus has no relay")
    applied = coursebus(on_bus, "apply")
    assert applied.returncode == 0, applied.stderr
    return on_bus


def test_what_a_view_commits_reaches_another_service(alias: str, relay: Bus, received: list[Any]) -> None:
    empty(alias)
    for user in (1, 2, 3):
        assert Client().get(f"/enroll/?user={user}").status_code == 200
    received.clear()  # the service's own signals

    publish(relay, alias)

    with running(TOPIC, f"group-{uuid.uuid4().hex[:8]}"):
        wait_for("three events", lambda: len(received) == 3)
    assert [event["enrollment"] for event in received] == [enrollment(user) for user in (1, 2, 3)]
    assert {event["metadata"].event_type for event in received} == {COURSE_ENROLLMENT_CREATED.event_type}
    assert {event["from_event_bus"] for event in received} == {True}

    shown = tail(relay)
    assert {event["source"] for event in shown} == {"openedx/lms/web"}
    assert {event["id"] for event in shown} == {str(event["metadata"].id) for event in received}


def test_every_type_that_a_service_can_emit_is_published_as_it_was(alias: str, relay: Bus) -> None:
    """What is full, what is false, and what was seen of the Python services."""
    empty(alias)
    sent: dict[str, Any] = {}
    for event_type in USABLE:
        signal, entry = SIGNALS[event_type], CATALOGUE[event_type]
        for record in records(event_type):
            metadata = EventsMetadata(event_type=event_type)
            data = {name: decode._object(record[name], kind, 0) for name, kind in signal.init_data.items()}
            get_producer().send(
                signal=signal,
                topic=entry["topic"],
                event_key_field=entry["key"],
                event_data=data,
                event_metadata=metadata,
            )
            sent[str(metadata.id)] = (event_type, metadata.time.isoformat(), record)
    publish(relay, alias)
    shown = {event["id"]: (event["type"], event["time"].replace("Z", "+00:00"), event["data"]) for event in tail(relay)}
    assert shown == sent


def empty(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM coursebus_outbox")


def publish(bus: Bus, alias: str) -> None:
    """Runs the relay until the outbox is empty; nothing may be held."""
    done = coursebus(bus, "relay", "run", "--until-empty", "--db", url_of(alias))
    assert done.returncode == 0, done.stderr
    with connections[alias].cursor() as cursor:
        for table in ("coursebus_outbox", "coursebus_outbox_held"):
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            assert cursor.fetchone()[0] == 0, table


def tail(bus: Bus) -> list[Any]:
    shown = coursebus(bus, "event", "tail", "--from", "earliest", "--until-end")
    assert shown.returncode == 0, shown.stderr
    return [json.loads(line) for line in shown.stdout.splitlines()]
