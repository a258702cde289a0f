"""The settings, each read in this file only; the README lists them for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def outbox_database() -> str:
    """Alias of the database whose transactions the outbox is part of."""
    return _text("COURSEBUS_OUTBOX_DATABASE", "default")


def payload_bytes_max() -> int:
    """Limit on the JSON of one event. Kafka refuses records above 1 MiB by default; Avro is not longer than JSON."""
    return _whole("COURSEBUS_PAYLOAD_BYTES_MAX", 1_000_000)


def enabled_topics(event_type: str) -> list[str]:
    """The topics for which openedx-events calls the producer with events of a type, in the setting's order."""
    topics = getattr(settings, "EVENT_BUS_PRODUCER_CONFIG", {}).get(event_type, {})
    return [topic for topic, config in topics.items() if config.get("enabled") is True]


@dataclass(frozen=True)
class ConsumerSettings:
    """What a consumer is configured with."""

    bootstrap_servers: str
    registry_url: str
    topic_prefix: str = ""
    kafka: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """librdkafka's settings, put over ours."""
    registry: Mapping[str, object] = field(default_factory=dict)
    """Settings of confluent-kafka's `SchemaRegistryClient`, put over ours."""
    start: Literal["earliest", "latest"] = "earliest"
    """Where a group begins that has no position yet."""
    retry_seconds: float = 60.0
    """How long a record is tried before it is a dead letter."""
    retry_delay_seconds_max: float = 10.0
    """The longest wait between two tries."""
    dead_in_a_row_max: int = 10
    """So many dead letters without a record in between that went well stop the consumer."""
    away_seconds: float = 300.0
    """How long registry, database or broker may stay away before the consumer stops."""

    @classmethod
    def read(cls) -> "ConsumerSettings":
        """Reads Django's settings.

        Raises ImproperlyConfigured with the setting's name and what it should be.
        """
        start = _text("COURSEBUS_START", "earliest")
        if start not in ("earliest", "latest"):
            raise ImproperlyConfigured("COURSEBUS_START is neither 'earliest' nor 'latest'")
        return cls(
            bootstrap_servers=_text("EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS"),
            registry_url=_text("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL"),
            topic_prefix=_text("EVENT_BUS_TOPIC_PREFIX", ""),
            kafka={**_kafka_credentials(), **_table("COURSEBUS_KAFKA_CONFIG")},
            registry={**_registry_credentials(), **_table("COURSEBUS_REGISTRY_CONFIG")},
            start="earliest" if start == "earliest" else "latest",
            retry_seconds=_seconds("COURSEBUS_RETRY_SECONDS", 60.0),
            retry_delay_seconds_max=_seconds("COURSEBUS_RETRY_DELAY_SECONDS_MAX", 10.0),
            dead_in_a_row_max=_whole("COURSEBUS_DEAD_IN_A_ROW_MAX", 10),
            away_seconds=_seconds("COURSEBUS_AWAY_SECONDS", 300.0),
        )

    def full_topic(self, topic: str) -> str:
        """The topic's name on the broker."""
        return f"{self.topic_prefix}-{topic}" if self.topic_prefix else topic


def _kafka_credentials() -> dict[str, str]:
    """SASL by the settings that Open edX services have already."""
    key = _text("EVENT_BUS_KAFKA_API_KEY", "")
    secret = _text("EVENT_BUS_KAFKA_API_SECRET", "")
    if not (key and secret):
        return {}
    return {
        "sasl.mechanism": "PLAIN",
        "security.protocol": "SASL_SSL",
        "sasl.username": key,
        "sasl.password": secret,
    }


def _registry_credentials() -> dict[str, str]:
    key = _text("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_KEY", "")
    secret = _text("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_SECRET", "")
    return {"basic.auth.user.info": f"{key}:{secret}"} if key or secret else {}


def _text(name: str, default: str | None = None) -> str:
    value = getattr(settings, name, None)
    if value is None:
        value = default
    if value is None:
        raise ImproperlyConfigured(f"the setting {name} is missing; give it as text")
    if not isinstance(value, str):
        raise ImproperlyConfigured(f"{name} is not text")
    return value


def _whole(name: str, default: int) -> int:
    value = getattr(settings, name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ImproperlyConfigured(f"{name} is not a whole number above 0")
    return value


def _seconds(name: str, default: float) -> float:
    value = getattr(settings, name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} is not a number of seconds above 0")
    return float(value)


def _table(name: str) -> dict[str, str | int | float | bool]:
    value = getattr(settings, name, {})
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ImproperlyConfigured(f"{name} is not a dictionary of names and values")
    return dict(value)
