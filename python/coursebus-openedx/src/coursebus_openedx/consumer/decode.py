"""A record as an event: its signal, its metadata, and the data as openedx-events' classes.

openedx-events has a deserialiser too. It drops values that are false (0, "", False) where their field has a default, so that
`False` arrives as the default `True`; hence one of our own, over the same table of types.
"""

import io
import types
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

import attr
import fastavro
from openedx_events.data import EventsMetadata
from openedx_events.event_bus.avro.custom_serializers import DEFAULT_CUSTOM_SERIALIZERS
from openedx_events.tooling import OpenEdxPublicSignal

from coursebus_openedx.consumer.schemas import Schemas
from coursebus_openedx.consumer.wire import TYPE_HEADER, Headers, PoisonError, unframe

_FROM_TEXT = {serializer.cls: serializer.deserialize for serializer in DEFAULT_CUSTOM_SERIALIZERS}
# Nested records of the events have at most four levels.
_DEPTH_MAX = 32


@dataclass(frozen=True)
class Event:
    """What is sent to the receivers."""

    signal: OpenEdxPublicSignal
    metadata: EventsMetadata
    data: dict[str, Any]


def signal_of(headers: Headers) -> tuple[str, OpenEdxPublicSignal | None]:
    """The record's type, and the signal for it; none where this service's openedx-events does not know the type."""
    event_type = headers.required(TYPE_HEADER)
    try:
        return event_type, OpenEdxPublicSignal.get_signal_by_type(event_type)
    except KeyError:
        return event_type, None


def decode(signal: OpenEdxPublicSignal, headers: Headers, value: bytes | None, schemas: Schemas) -> Event:
    """Decodes with the writer's schema: what the writer has and this service does not know is left out.

    Raises PoisonError, and RegistryAwayError for now.
    """
    metadata = headers.metadata()
    framed = unframe(value)
    record = _datum(framed.datum, schemas.get(framed.schema_id))
    try:
        data = {name: _object(record[name], kind, 0) for name, kind in signal.init_data.items()}
    except Exception as error:
        # The exception's text may repeat a value.
        reason = f"the data does not fit {signal.event_type} of this service ({type(error).__name__})"
        raise PoisonError("does-not-fit", reason) from None
    return Event(signal, metadata, data)


def _datum(datum: bytes, schema: Any) -> dict[str, Any]:
    reader = io.BytesIO(datum)
    try:
        record = fastavro.schemaless_reader(reader, schema, None)
    except Exception as error:
        raise PoisonError("malformed-datum", f"no datum of the writer's schema ({type(error).__name__})") from None
    if reader.tell() != len(datum):
        raise PoisonError("trailing-bytes", f"{len(datum) - reader.tell()} bytes follow the datum")
    if not isinstance(record, dict):
        raise PoisonError("does-not-fit", "the writer's schema is not a record")
    return record


def _object(value: Any, kind: Any, depth: int) -> Any:
    """The value as an object of the field's type. None stays None: whether it may be is the class's to say."""
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deep")
    if value is None:
        return None
    if kind in _FROM_TEXT:
        return _FROM_TEXT[kind](value)
    if hasattr(kind, "__attrs_attrs__"):
        fields = [field for field in attr.fields(kind) if field.name in value]
        return kind(**{field.name: _object(value[field.name], field.type, depth + 1) for field in fields})
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin is list and arguments:
        return [_object(item, arguments[0], depth + 1) for item in value]
    if origin is dict and arguments:
        return {name: _object(item, arguments[1], depth + 1) for name, item in value.items()}
    if origin in (Union, types.UnionType):
        some = [argument for argument in arguments if argument is not type(None)]
        return _object(value, some[0], depth + 1) if len(some) == 1 else value
    return value
