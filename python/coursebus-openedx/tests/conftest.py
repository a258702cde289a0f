"""What all tests share: the databases, and a loud word about what could not run."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bus import Bus, start_registry
from django.conf import settings
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED

REPOSITORY = Path(__file__).resolve().parents[3]
GOLDENS = REPOSITORY / "schemas" / "tests" / "golden"
_MATRIX: set[str] = set()
VARIABLES = {"postgres": "DATABASE_URL", "mysql": "MYSQL_URL"}


def ran(suite: str, backend: str = "none", database: str = "none") -> None:
    """Notes for the table of `cargo xtask test` what ran on what."""
    _MATRIX.add(f"MATRIX suite={suite} backend={backend} database={database}")


@pytest.fixture(params=["default", "postgres", "mysql"], ids=["sqlite", "postgres", "mysql"])
def alias(request: pytest.FixtureRequest, settings: Any, transactional_db: None) -> str:
    """Each database in turn as the service's own."""
    name: str = request.param
    if name not in settings.DATABASES:
        pytest.skip(f"{name}: no {VARIABLES[name]}")
    settings.COURSEBUS_OUTBOX_DATABASE = name
    ran("django-outbox", database="sqlite" if name == "default" else name)
    return name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "alias" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.django_db(transaction=True, databases=list(settings.DATABASES)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """In the form that `cargo xtask test` reads."""
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"SKIPPED {report.nodeid.split('/')[-1]}: {reason.removeprefix('Skipped: ')}")
    for line in sorted(_MATRIX):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def registry() -> Iterator[tuple[str, str]]:
    """Kafka's address, and the URL of a registry on it."""
    bootstrap, binary = os.environ.get("KAFKA_BOOTSTRAP"), os.environ.get("COURSEBUS_BIN")
    if not bootstrap:
        pytest.skip("kafka: no KAFKA_BOOTSTRAP")
    if not binary or not Path(binary).exists():
        pytest.skip("the registry: no COURSEBUS_BIN")
    process, url = start_registry(binary, f"kafka://{bootstrap}")
    yield bootstrap, url
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture
def bus(registry: tuple[str, str]) -> Bus:
    ran("django-consumer", backend="kafka")
    return Bus(*registry)


@pytest.fixture
def on_bus(bus: Bus, settings: Any) -> Bus:
    """The bus, and this process's service on it."""
    for name, value in bus.settings().items():
        setattr(settings, name, value)
    return bus


@pytest.fixture
def received() -> Iterator[list[Any]]:
    """What a receiver of enrollments gets, in order."""
    got: list[Any] = []

    def receive(**kwargs: Any) -> None:
        got.append(kwargs)

    COURSE_ENROLLMENT_CREATED.connect(receive)
    yield got
    COURSE_ENROLLMENT_CREATED.disconnect(receive)
