"""The producer: an event and the data that it is about are committed together, or neither."""

import asyncio
import json
import logging
import socket
import time
from importlib import resources
from typing import Any
from uuid import UUID

import pytest
from conftest import REPOSITORY
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import get_producer
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED
from service.events import COURSE, EMAIL, enrollment
from service.models import Enrollment
from service.views import ViewError

from coursebus_openedx import outbox, strict
from coursebus_openedx.errors import (
    EventNotWrittenError,
    EventRefusedError,
    EventTooLargeError,
    EventUsedAgainError,
    OutboxUnavailableError,
)

COLUMNS = "event_id, event_type, source, occurred_at, payload_format, minor_version, payload, record_key, created_at"


def rows(alias: str) -> list[dict[str, Any]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM coursebus_outbox ORDER BY id")
        names = COLUMNS.split(", ")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(autouse=True)
def empty_outbox(request: pytest.FixtureRequest) -> None:
    if "alias" in request.fixturenames:
        alias = request.getfixturevalue("alias")
        with connections[alias].cursor() as cursor:
            cursor.execute("DELETE FROM coursebus_outbox")


def data(alias: str) -> int:
    return Enrollment.objects.using(alias).count()


def send(**other: Any) -> None:
    arguments: dict[str, Any] = {
        "signal": COURSE_ENROLLMENT_CREATED,
        "topic": "course-enrollment-lifecycle",
        "event_key_field": "enrollment.course.course_key",
        "event_data": {"enrollment": enrollment()},
        "event_metadata": EventsMetadata(event_type=COURSE_ENROLLMENT_CREATED.event_type),
    }
    get_producer().send(**{**arguments, **other})


def test_a_view_commits_its_data_and_its_event(alias: str) -> None:
    assert Client().get("/enroll/").status_code == 200
    assert data(alias) == 1
    (row,) = rows(alias)
    assert str(UUID(row["event_id"])) == row["event_id"]
    assert row["event_type"] == "org.openedx.learning.course.enrollment.created.v1"
    assert row["source"] == "openedx/lms/web"
    assert row["occurred_at"].endswith("+00:00")
    assert row["payload_format"] == "json"
    assert row["minor_version"] is None
    assert row["record_key"] is None
    assert row["created_at"] is not None
    assert json.loads(bytes(row["payload"]))["enrollment"] == {
        "course": {"course_key": COURSE, "display_name": "Demonstration Course", "end": None, "start": None},
        "created_by": None,
        "creation_date": "2026-01-02T03:04:05.678901+00:00",
        "is_active": True,
        "mode": "verified",
        "user": {"id": 42, "is_active": True, "pii": {"email": EMAIL, "name": "Ada Lovelace", "username": "ada"}},
    }


def test_a_view_that_raises_after_emitting_leaves_nothing(alias: str) -> None:
    with pytest.raises(ViewError):
        Client().get("/enroll/?fail=1")
    assert (data(alias), rows(alias)) == (0, [])


def test_a_wrong_event_fails_its_view(alias: str) -> None:
    with pytest.raises(EventRefusedError, match=r"UserData\.id is no long but str"):
        Client().get("/enroll/?user=nobody")
    assert (data(alias), rows(alias)) == (0, [])


def test_a_wrong_event_that_is_swallowed_fails_the_transaction_all_the_same(alias: str) -> None:
    Client().get("/enroll/?user=nobody&swallow=1")
    assert (data(alias), rows(alias)) == (0, [])


def test_a_caller_that_wants_to_go_on_without_the_event_says_so_with_a_savepoint(alias: str) -> None:
    with transaction.atomic(using=alias):
        Enrollment.objects.using(alias).create(user_id=1, course_key="x")
        with pytest.raises(EventRefusedError), transaction.atomic(using=alias):
            send(event_data={"enrollment": enrollment("nobody")})
    assert (data(alias), rows(alias)) == (1, [])


def test_without_a_transaction_the_row_is_there_at_once(alias: str) -> None:
    COURSE_ENROLLMENT_CREATED.send_event(enrollment=enrollment())
    assert not connections[alias].in_atomic_block
    connections[alias].close()
    assert len(rows(alias)) == 1


def test_other_receivers_still_fail_without_failing_the_view(alias: str) -> None:
    def broken(**_: Any) -> None:
        raise ViewError

    COURSE_ENROLLMENT_CREATED.connect(broken)
    try:
        assert Client().get("/enroll/").status_code == 200
    finally:
        COURSE_ENROLLMENT_CREATED.disconnect(broken)
    assert (data(alias), len(rows(alias))) == (1, 1)


def test_the_broker_away_costs_a_view_nothing(alias: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    connections[alias].ensure_connection()

    def no_network(*_: Any) -> None:
        raise AssertionError("a view opened a connection")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    began = time.monotonic()
    for _ in range(50):
        assert Client().get("/enroll/").status_code == 200
    assert time.monotonic() - began < 5
    assert len(rows(alias)) == 50


def test_an_id_that_is_used_again_is_refused(alias: str, settings: Any) -> None:
    metadata = EventsMetadata(event_type=COURSE_ENROLLMENT_CREATED.event_type)
    send(event_metadata=metadata)
    with pytest.raises(EventUsedAgainError), transaction.atomic(using=alias):
        send(event_metadata=metadata, event_data={"enrollment": enrollment(7)})
    assert len(rows(alias)) == 1


def test_a_type_with_two_topics_is_written_once(alias: str, settings: Any) -> None:
    event_type = COURSE_ENROLLMENT_CREATED.event_type
    topic = {"event_key_field": "enrollment.course.course_key", "enabled": True}
    off = {**topic, "enabled": False}
    settings.EVENT_BUS_PRODUCER_CONFIG = {event_type: {"off": off, "one": topic, "two": topic}}
    assert Client().get("/enroll/").status_code == 200
    assert len(rows(alias)) == 1


def test_a_null_key_and_an_event_that_is_too_large_are_refused(alias: str, settings: Any) -> None:
    with pytest.raises(EventRefusedError, match="course_id is not there, or null"):
        send(event_key_field="enrollment.course.course_id")
    settings.COURSEBUS_PAYLOAD_BYTES_MAX = 500
    with pytest.raises(EventTooLargeError, match="at most 500"):
        send(event_data={"enrollment": enrollment(mode="x" * 500)})
    assert rows(alias) == []


def test_a_database_without_the_table_fails_the_transaction(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_INSERT", outbox._INSERT.replace("coursebus_outbox", "coursebus_nowhere"))
    with pytest.raises(OutboxUnavailableError, match="migrate coursebus_openedx"):
        Client().get("/enroll/")
    assert (data(alias), rows(alias)) == (0, [])


def test_whatever_keeps_the_row_from_being_written_is_raised(alias: str, settings: Any) -> None:
    async def asynchronous_view() -> None:
        COURSE_ENROLLMENT_CREATED.send_event(enrollment=enrollment())

    with pytest.raises(OutboxUnavailableError, match="SynchronousOnlyOperation"):
        asyncio.run(asynchronous_view())
    settings.COURSEBUS_OUTBOX_DATABASE = "nowhere"
    with pytest.raises(OutboxUnavailableError, match="ConnectionDoesNotExist"):
        COURSE_ENROLLMENT_CREATED.send_event(enrollment=enrollment())
    settings.COURSEBUS_OUTBOX_DATABASE = None
    settings.COURSEBUS_PAYLOAD_BYTES_MAX = "much"
    with pytest.raises(OutboxUnavailableError, match="ImproperlyConfigured"):
        COURSE_ENROLLMENT_CREATED.send_event(enrollment=enrollment())
    assert rows(alias) == []


def test_no_error_and_no_log_has_personal_data(alias: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "coursebus_openedx")
    wrong = [enrollment(EMAIL), enrollment(mode=5), enrollment(creation_date=EMAIL), enrollment(mode=float("nan"))]
    for event in wrong:
        with pytest.raises(EventNotWrittenError) as caught:
            send(event_data={"enrollment": event})
        chain: BaseException | None = caught.value
        while chain is not None:
            assert EMAIL not in str(chain)
            assert "Ada" not in str(chain)
            chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    assert EMAIL not in caplog.text


def test_migrating_again_and_back(alias: str) -> None:
    call_command("migrate", "coursebus_openedx", "zero", database=alias, verbosity=0)
    assert not [name for name in connections[alias].introspection.table_names() if name.startswith("coursebus_outbox")]
    run_sql(alias)  # as `coursebus outbox install` would have done before
    call_command("migrate", "coursebus_openedx", database=alias, verbosity=0)
    send()
    with pytest.raises(RuntimeError, match="not published"):
        call_command("migrate", "coursebus_openedx", "zero", database=alias, verbosity=0)


def run_sql(alias: str) -> None:
    file = {"default": "sqlite", "postgres": "postgres", "mysql": "mysql"}[alias]
    script = resources.files("coursebus_openedx").joinpath("sql", f"{file}.sql").read_text()
    with connections[alias].cursor() as cursor:
        for statement in connections[alias].ops.prepare_sql_script(script):
            cursor.execute(statement)


def test_the_sql_is_that_of_outbox_install() -> None:
    theirs = REPOSITORY / "producer" / "migrations" / "outbox"
    if not theirs.is_dir():
        pytest.skip("producer/migrations/outbox is not in this tree yet")
    for file in sorted(theirs.glob("*.sql")):
        ours = resources.files("coursebus_openedx").joinpath("sql", file.name)
        copy = f"cp {theirs}/*.sql python/coursebus-openedx/src/coursebus_openedx/sql/"
        assert ours.read_text() == file.read_text(), f"the package's SQL differs: {copy}"


def test_checks_say_what_openedx_events_only_warns_of(settings: Any) -> None:
    from coursebus_openedx import checks  # noqa: PLC0415

    def check() -> list[str | None]:
        return [message.id for message in checks.check_settings()]

    assert check() == []
    settings.EVENT_BUS_PRODUCER = "coursebus_openedx.Produser"
    assert check() == ["coursebus_openedx.E001"]
    settings.EVENT_BUS_PRODUCER = "coursebus_openedx.Producer"
    settings.COURSEBUS_OUTBOX_DATABASE = "nowhere"
    assert check() == ["coursebus_openedx.E003"]
    settings.COURSEBUS_OUTBOX_DATABASE = 5
    assert check() == ["coursebus_openedx.E002"]
    settings.COURSEBUS_OUTBOX_DATABASE = "default"
    topic = {"event_key_field": "enrollment.course.course_key", "enabled": True}
    settings.EVENT_BUS_PRODUCER_CONFIG = {COURSE_ENROLLMENT_CREATED.event_type: {"one": topic, "two": topic}}
    assert check() == ["coursebus_openedx.W001"]


def test_installing_twice_wraps_once() -> None:
    before = type(COURSE_ENROLLMENT_CREATED).send_event
    strict.install()
    assert type(COURSE_ENROLLMENT_CREATED).send_event is before
