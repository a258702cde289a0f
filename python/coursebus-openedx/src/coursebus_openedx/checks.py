"""What `manage.py check` says about the settings. openedx-events itself only warns and goes on without a bus."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from coursebus_openedx import conf


def check_settings(**_: Any) -> list[CheckMessage]:
    """All that can be said without a database or a broker."""
    return [*_classes(), *_database(), *_topics()]


def _classes() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name in ("EVENT_BUS_PRODUCER", "EVENT_BUS_CONSUMER"):
        path = getattr(settings, name, None)
        if not isinstance(path, str) or not path.startswith("coursebus"):
            continue
        try:
            import_string(path)
        except ImportError as error:
            hint = "the classes are coursebus_openedx.Producer and coursebus_openedx.Consumer (extra `consumer`)"
            found.append(Error(f"{name} cannot be imported: {error}", hint=hint, id="coursebus_openedx.E001"))
    return found


def _database() -> list[CheckMessage]:
    try:
        alias = conf.outbox_database()
        conf.payload_bytes_max()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="coursebus_openedx.E002")]
    if alias not in settings.DATABASES:
        hint = "name the database in which the service's transactions are"
        message = f"COURSEBUS_OUTBOX_DATABASE names {alias!r}, which is not in DATABASES"
        return [Error(message, hint=hint, id="coursebus_openedx.E003")]
    return []


def _topics() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for event_type in getattr(settings, "EVENT_BUS_PRODUCER_CONFIG", {}):
        topics = conf.enabled_topics(event_type)
        if len(topics) > 1:
            message = f"{event_type} is enabled for {len(topics)} topics; the bus has one a type, the catalogue's"
            hint = f"disable all but one of {', '.join(topics)}"
            found.append(CheckWarning(message, hint=hint, id="coursebus_openedx.W001"))
    return found
