"""An event's data as the JSON that the outbox takes. Pure.

openedx-events turns the data into a record (keys, times and UUIDs as text) and knows the Avro schema; fastavro says whether
the one fits the other. Nothing here repeats a value of the event: it may be personal data.
"""

import json
from functools import lru_cache
from typing import Any

import fastavro
from fastavro.validation import ValidationError, validate
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal

from coursebus_openedx.errors import EventRefusedError, EventTooLargeError

# openedx-events 10.5 has 73 types; a service's own come on top.
_SIGNALS_MAX = 1_000


def to_json(signal: OpenEdxPublicSignal, event_data: dict[str, Any], bytes_max: int) -> bytes:
    """The event's data as UTF-8 JSON that fits the type's Avro schema.

    Raises EventRefusedError for data that does not fit and for a type without a schema, EventTooLargeError above
    `bytes_max`.
    """
    serializer, schema = _serializer(signal)
    record = _record(signal, serializer, event_data)
    try:
        validate(record, schema, strict=True)
    except ValidationError as error:
        # Its text repeats the values, so it must not be in the chain either.
        raise EventRefusedError(f"{signal.event_type}: {_fields(error)}") from None
    try:
        payload = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        what = "a number that is not finite, or text that is not Unicode"
        raise EventRefusedError(f"{signal.event_type}: the data has {what}") from None
    if len(payload) > bytes_max:
        raise EventTooLargeError(
            f"{signal.event_type}: the data has {len(payload)} bytes as JSON, at most {bytes_max} are taken "
            "(COURSEBUS_PAYLOAD_BYTES_MAX; the topic's max.message.bytes must allow more, too)"
        )
    return payload


def key_of(event_data: dict[str, Any], path: str) -> object:
    """What the path names, `enrollment.course.course_key`; None where there is nothing."""
    value: object = event_data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    return value


def _record(
    signal: OpenEdxPublicSignal, serializer: AvroSignalSerializer, event_data: dict[str, Any]
) -> dict[str, object]:
    if event_data.keys() != signal.init_data.keys():
        expected = ", ".join(sorted(signal.init_data))
        raise EventRefusedError(f"{signal.event_type}: the data does not consist of {expected}")
    try:
        record: dict[str, object] = serializer.to_dict(event_data)
    except Exception as error:
        what = "cannot be serialised: a value is None where none may be, or not of its field's class"
        raise EventRefusedError(f"{signal.event_type}: the data {what} ({type(error).__name__})") from None
    return record


@lru_cache(maxsize=_SIGNALS_MAX)
def _serializer(signal: OpenEdxPublicSignal) -> tuple[AvroSignalSerializer, Any]:
    try:
        serializer = AvroSignalSerializer(signal)
        return serializer, fastavro.parse_schema(serializer.schema)
    except Exception as error:
        raise EventRefusedError(
            f"{signal.event_type}: openedx-events has no Avro schema for this type, it cannot be on the bus ({error})"
        ) from error


def _fields(error: ValidationError) -> str:
    """Which fields do not fit, without their values."""
    found = [f"{one.field} is no {_name(one.schema)} but {type(one.datum).__name__}" for one in error.errors]
    return "; ".join(found[:5])


def _name(schema: object) -> str:
    if isinstance(schema, dict):
        return str(schema.get("name") or schema.get("type"))
    if isinstance(schema, list):
        return " or ".join(_name(branch) for branch in schema)
    return str(schema)
