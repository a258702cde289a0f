"""A record's headers and the frame around its value, as Open edX's bus has them on Kafka. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from openedx_events.data import EventsMetadata

TYPE_HEADER = "ce_type"

_FRAME_BYTES = 5


class PoisonError(Exception):
    """A record that no retry makes readable. `code` has a page in coursebus' docs/errors/."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class Framed:
    """A value taken apart: which schema it was written with, and the Avro datum."""

    schema_id: int
    datum: bytes


def unframe(value: bytes | None) -> Framed:
    """Takes Confluent's frame off: a zero byte, the schema's id in four bytes, the datum."""
    if value is None:
        raise PoisonError("no-value", "the record has no value")
    if len(value) < _FRAME_BYTES or value[0] != 0:
        raise PoisonError("malformed-frame", "the value does not begin with a zero byte and a schema id")
    return Framed(int.from_bytes(value[1:_FRAME_BYTES], "big"), value[_FRAME_BYTES:])


class Headers:
    """The headers of one record. Unknown ones are ignored; those that are asked for must be text, and there once."""

    def __init__(self, headers: Sequence[tuple[str, bytes | str | None]]) -> None:
        self._headers = headers

    def text(self, name: str) -> str | None:
        """The header's text; None where there is none."""
        values = [value for key, value in self._headers if key == name]
        if not values:
            return None
        value = values[0]
        if len(values) > 1 or value is None:
            raise PoisonError("malformed-headers", f"the header {name} is repeated or null")
        try:
            return value.decode() if isinstance(value, bytes) else value
        except UnicodeDecodeError:
            raise PoisonError("malformed-headers", f"the header {name} is not text") from None

    def required(self, name: str) -> str:
        """The header's text, which must be there."""
        text = self.text(name)
        if not text:
            raise PoisonError("malformed-headers", f"the header {name} is missing or empty")
        return text

    def metadata(self) -> EventsMetadata:
        """What receivers get as `metadata`. Only type and id must be there.

        An id that is no UUID, which openedx-events wants, becomes one: the same id of the same source always the same.
        """
        source = self.text("ce_source")
        event_id = self.required("ce_id")
        return EventsMetadata(
            event_type=self.required(TYPE_HEADER),
            id=_uuid(event_id, source or ""),
            source=source,
            time=_time(self.text("ce_time")),
            minorversion=_whole(self.text("ce_minorversion")),
            sourcehost=self.text("sourcehost"),
            sourcelib=_version(self.text("sourcelib")),
        )


def _uuid(text: str, source: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_OID, f"{source}\0{text}")


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise PoisonError("malformed-headers", "the header ce_time is not an RFC 3339 time")
    return time.astimezone(UTC)


def _whole(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise PoisonError("malformed-headers", "the header ce_minorversion is not a number")
    return int(text)


def _version(text: str | None) -> tuple[int, ...] | None:
    """`10.5.0` as numbers. Other libraries than openedx-events may have other versions: those are left out."""
    if text is None:
        return None
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()
