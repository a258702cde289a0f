"""A service that was switched to coursebus. What differs between tests comes from the environment."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

# Django's MySQL backend asks for mysqlclient, which has to be compiled; this one speaks the same protocol.
pymysql.install_as_MySQLdb()

ENGINES = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql"}


def database(url: str) -> dict[str, Any]:
    """Django's form of a URL."""
    parts = urlsplit(url)
    engine = ENGINES[parts.scheme]
    options = {"charset": "utf8mb4"} if engine == "mysql" else {}
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path.strip("/"),
        "OPTIONS": options,
        "TEST": {"NAME": f"coursebus_django_{os.getpid()}"},
    }


SECRET_KEY = "tests only"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "service.urls"
INSTALLED_APPS = ["service.app.ServiceConfig", "openedx_events", "coursebus_openedx"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

_FILE = Path(os.environ.get("SERVICE_SQLITE") or Path(tempfile.gettempdir()) / f"coursebus-django-{os.getpid()}.db")
DATABASES: dict[str, Any] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _FILE, "TEST": {"NAME": f"{_FILE}.test"}}
}
for _alias, _variable in (("postgres", "DATABASE_URL"), ("mysql", "MYSQL_URL")):
    if os.environ.get(_variable):
        DATABASES[_alias] = database(os.environ[_variable])

EVENTS_SERVICE_NAME = "lms"
EVENT_BUS_PRODUCER = "coursebus_openedx.Producer"
EVENT_BUS_CONSUMER = "coursebus_openedx.Consumer"
EVENT_BUS_PRODUCER_CONFIG = {
    "org.openedx.learning.course.enrollment.created.v1": {
        "course-enrollment-lifecycle": {"event_key_field": "enrollment.course.course_key", "enabled": True},
    },
}
EVENT_BUS_TOPIC_PREFIX = "test"
EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = os.environ.get("KAFKA_BOOTSTRAP", "127.0.0.1:1")
EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = "http://127.0.0.1:1"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"coursebus_openedx": {"handlers": ["console"], "level": "INFO", "propagate": True}},
}

# Settings of a process that a test starts, over these.
globals().update(json.loads(os.environ.get("SERVICE_SETTINGS", "{}")))
