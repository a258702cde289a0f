"""`manage.py consume_events` as a process: killed, asked to end, and misconfigured."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bus import Bus, wait_for

MANAGE = Path(__file__).with_name("manage.py")


class Service:
    """A service whose receiver keeps a journal."""

    def __init__(self, bus: Bus, folder: Path) -> None:
        self._bus = bus
        self._folder = folder
        self._journal = folder / "journal"
        self.topic = bus.topic()
        self.group = f"group-{uuid.uuid4().hex[:8]}"

    @contextmanager
    def consumer(self, hang_at: int | None = None, **settings: Any) -> Iterator[subprocess.Popen[str]]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(MANAGE.parent.parent / "src"), str(MANAGE.parent)]),
            "SERVICE_SETTINGS": json.dumps(self._bus.settings(**settings)),
            "SERVICE_SQLITE": str(self._folder / "service.db"),
            "SERVICE_JOURNAL": str(self._journal),
            "SERVICE_USES_DATABASE": "yes" if "DATABASES" in settings else "",
            "SERVICE_HANG_AT": "" if hang_at is None else str(hang_at),
        }
        command = [sys.executable, str(MANAGE), "consume_events", "-t", self.topic, "-g", self.group]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=20)

    def users(self) -> list[int]:
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        return [json.loads(line)["user"] for line in lines]


@pytest.fixture
def service(bus: Bus, tmp_path: Path) -> Service:
    return Service(bus, tmp_path)


def test_killed_between_receiver_and_commit_the_record_comes_again(bus: Bus, service: Service) -> None:
    for user in (1, 2, 3):
        bus.enroll(service.topic, user)
    with service.consumer(hang_at=2) as process:
        wait_for("the second", lambda: service.users() == [1, 2])
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert bus.committed(service.group, service.topic) <= 1
    with service.consumer():
        wait_for("the third", lambda: service.users()[-1:] == [3])
    again = service.users()[2:]
    # The first may come again, too: positions are committed each second. None is left out, and the order is kept.
    assert again in ([2, 3], [1, 2, 3])


def test_sigterm_commits_and_ends_with_zero(bus: Bus, service: Service) -> None:
    for user in (1, 2, 3):
        bus.enroll(service.topic, user)
    with service.consumer() as process:
        wait_for("the third", lambda: service.users() == [1, 2, 3])
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=15)
    assert process.returncode == 0, errors
    assert "3 handled, 0 tries again, 0 dead letters" in errors
    assert bus.committed(service.group, service.topic) == 3


def test_a_setting_that_is_missing_ends_the_process_with_one_and_its_name(service: Service) -> None:
    with service.consumer(EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL=None) as process:
        _, errors = process.communicate(timeout=15)
    assert process.returncode == 1
    assert "the setting EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL is missing" in errors


def test_while_the_database_is_away_nothing_is_put_aside(bus: Bus, service: Service) -> None:
    bus.enroll(service.topic, 1)
    gone = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 1, "NAME": "gone", "USER": "nobody"}
    with service.consumer(DATABASES={"default": gone}, COURSEBUS_AWAY_SECONDS=1.5) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the database is away for longer than 1.5 s" in errors
    assert " 0 dead letters" in errors
    assert bus.committed(service.group, service.topic) < 0

    tried = len(service.users())
    assert tried > 2
    with service.consumer():
        wait_for("the event", lambda: len(service.users()) == tried + 1)
