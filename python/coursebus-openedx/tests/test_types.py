"""Every type of openedx-events, and what was seen of the Python services on a topic: to JSON, to Avro and back."""

import io
import json
from typing import Any

import fastavro
import openedx_events
import pytest
import samples
from conftest import GOLDENS, REPOSITORY
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED
from openedx_events.tooling import KNOWN_UNSERIALIZABLE_SIGNALS, OpenEdxPublicSignal, load_all_signals
from service.events import enrollment

from coursebus_openedx import serialize
from coursebus_openedx.consumer import decode
from coursebus_openedx.consumer.wire import Headers, PoisonError
from coursebus_openedx.errors import EventRefusedError

load_all_signals()
SIGNALS = {signal.event_type: signal for signal in OpenEdxPublicSignal.all_events()}
# What openedx-events has no schema for. Its own list also names one that works.
WITHOUT_SCHEMA = set(KNOWN_UNSERIALIZABLE_SIGNALS) - {"org.openedx.learning.external_grader.score.submitted.v1"}
USABLE = sorted(SIGNALS.keys() - WITHOUT_SCHEMA)
BYTES_MAX = 1_000_000
Raw = list[tuple[str, bytes | None]]
HEADERS: Raw = [("ce_id", b"1b0abd8e-e65a-11f1-8bac-000000000004")]


class Writers:
    """A registry with one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = fastavro.parse_schema(schema)

    def get(self, _: int) -> Any:
        return self._schema


def framed(schema: Any, record: Any) -> bytes:
    out = io.BytesIO(b"\0\0\0\0\7")
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record, strict=True)
    return out.getvalue()


def decoded(signal: OpenEdxPublicSignal, schema: Any, value: bytes) -> dict[str, Any]:
    headers = Headers([("ce_type", signal.event_type.encode()), *HEADERS])
    return decode.decode(signal, headers, value, Writers(schema)).data  # type: ignore[arg-type]


@pytest.mark.parametrize("none", [False, True], ids=["all", "none"])
@pytest.mark.parametrize("values", [samples.FULL, samples.FALSY], ids=["full", "falsy"])
@pytest.mark.parametrize("event_type", USABLE)
def test_every_type_becomes_json_and_avro_and_comes_back(event_type: str, values: Any, none: bool) -> None:
    signal = SIGNALS[event_type]
    data = samples.data_of(signal, values, none)
    record = json.loads(serialize.to_json(signal, data, BYTES_MAX))
    schema = AvroSignalSerializer(signal).schema
    assert decoded(signal, schema, framed(schema, record)) == data


def test_the_list_of_types_is_that_of_the_library() -> None:
    major = int(openedx_events.__version__.split(".")[0])
    assert (len(USABLE), len(SIGNALS)) == {10: (64, 73), 11: (73, 75)}[major]


@pytest.mark.parametrize("event_type", sorted(WITHOUT_SCHEMA))
def test_a_type_without_a_schema_is_refused_with_its_name(event_type: str) -> None:
    signal = SIGNALS[event_type]
    with pytest.raises(EventRefusedError, match=event_type):
        serialize.to_json(signal, dict.fromkeys(signal.init_data), BYTES_MAX)


def test_schemas_that_coursebus_tests_with_are_the_library_s() -> None:
    lines = (REPOSITORY / "schemas" / "tests" / "openedx-types.jsonl").read_text().splitlines()
    known = {one["type"]: one["schema"] for one in map(json.loads, lines)}
    assert len(known) == 75
    differing = [name for name in USABLE if known[name] != AvroSignalSerializer(SIGNALS[name]).schema]
    assert differing == []


def sorted_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def goldens() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(GOLDENS.glob("*.json"))}


@pytest.mark.parametrize("name", sorted(goldens()))
def test_goldens_round_trip(name: str) -> None:
    golden = goldens()[name]
    value, schema, record = golden["value"], golden["value"]["schema"], golden["value"]["record"]
    datum = bytes.fromhex(value["framed_hex"])[5:]
    assert framed(schema, record)[5:] == datum
    assert decode._datum(datum, fastavro.parse_schema(schema)) == record
    if golden["event_type"] not in USABLE:
        # Types of openedx-events 11, or without a schema in 10.5: that the bytes are right is all there is to show.
        assert name in {"role_assignment_created", "forum_thread_created", "user_notification_requested"}
        return
    signal = SIGNALS[golden["event_type"]]
    assert sorted_json(AvroSignalSerializer(signal).schema) == sorted_json(schema)
    data = decoded(signal, schema, bytes.fromhex(value["framed_hex"]))
    assert json.loads(serialize.to_json(signal, data, BYTES_MAX)) == record
    metadata = Headers([(name, text.encode()) for name, text in golden["headers"]]).metadata()
    seen = dict(golden["headers"])
    assert (metadata.event_type, str(metadata.id)) == (seen["ce_type"], seen["ce_id"])
    assert (metadata.source, metadata.sourcehost) == (seen["ce_source"], seen["sourcehost"])
    assert (metadata.time.isoformat(), str(metadata.minorversion)) == (seen["ce_time"], seen["ce_minorversion"])
    assert ".".join(str(number) for number in metadata.sourcelib) == seen["sourcelib"]


def without(schema: Any, name: str) -> Any:
    """The enrollment's schema without one of its fields."""
    schema = json.loads(json.dumps(schema))
    fields = schema["fields"][0]["type"]["fields"]
    fields[:] = [field for field in fields if field["name"] != name]
    return schema


def test_fields_that_the_writer_has_more_or_less_of() -> None:
    signal = COURSE_ENROLLMENT_CREATED
    record = json.loads(serialize.to_json(signal, {"enrollment": enrollment()}, BYTES_MAX))
    full = AvroSignalSerializer(signal).schema

    older = without(full, "created_by")
    shorter = {"enrollment": {key: value for key, value in record["enrollment"].items() if key != "created_by"}}
    assert decoded(signal, older, framed(older, shorter)) == {"enrollment": enrollment()}

    newer = json.loads(json.dumps(full))
    newer["fields"][0]["type"]["fields"].append({"name": "seats", "type": "long"})
    longer = {"enrollment": {**record["enrollment"], "seats": 3}}
    assert decoded(signal, newer, framed(newer, longer)) == {"enrollment": enrollment()}

    broken = without(full, "mode")
    del record["enrollment"]["mode"]
    with pytest.raises(PoisonError) as caught:
        decoded(signal, broken, framed(broken, record))
    assert caught.value.code == "does-not-fit"


def refused(value: bytes | None, headers: Raw | None = None) -> str:
    """The code with which a record is refused."""
    all_headers = [("ce_type", b"x"), *HEADERS] if headers is None else headers
    schema = AvroSignalSerializer(COURSE_ENROLLMENT_CREATED).schema
    with pytest.raises(PoisonError) as caught:
        decode.decode(COURSE_ENROLLMENT_CREATED, Headers(all_headers), value, Writers(schema))  # type: ignore[arg-type]
    return caught.value.code


def test_what_cannot_be_read_is_refused_with_a_code() -> None:
    schema = AvroSignalSerializer(COURSE_ENROLLMENT_CREATED).schema
    record = json.loads(serialize.to_json(COURSE_ENROLLMENT_CREATED, {"enrollment": enrollment()}, BYTES_MAX))
    good = framed(schema, record)
    assert refused(None) == "no-value"
    assert refused(b"") == "malformed-frame"
    assert refused(b"\0\0\0\7") == "malformed-frame"
    assert refused(b"\1" + good[1:]) == "malformed-frame"
    assert refused(good[:-1]) == "malformed-datum"
    assert refused(good + b"\0") == "trailing-bytes"
    assert refused(b"\0\0\0\0\7" + b"\xff" * 40) == "malformed-datum"
    record["enrollment"]["creation_date"] = "yesterday"
    assert refused(framed(schema, record)) == "does-not-fit"


def test_headers_are_there_once_and_text() -> None:
    known: Raw = [("ce_type", b"x"), *HEADERS]
    cases: list[Raw] = [
        [],
        [("ce_type", b"x")],
        [*known, ("ce_id", b"again")],
        [*known, ("ce_time", None)],
        [*known, ("ce_time", b"\xff")],
        [*known, ("ce_time", b"2026-01-02T03:04:05")],
        [*known, ("ce_time", b"noon")],
        [*known, ("ce_minorversion", b"-1")],
    ]
    for headers in cases:
        assert refused(b"", headers) == "malformed-headers", headers


def test_metadata_of_other_writers() -> None:
    def metadata(**more: str) -> Any:
        return Headers([("ce_type", b"x"), *[(name, text.encode()) for name, text in more.items()]]).metadata()

    ours = metadata(ce_id="license-17", ce_source="coursebus/licenses", ce_time="2026-01-02T05:04:05+02:00")
    assert ours.id == metadata(ce_id="license-17", ce_source="coursebus/licenses").id
    assert ours.id != metadata(ce_id="license-17", ce_source="other").id
    assert ours.time.isoformat() == "2026-01-02T03:04:05+00:00"
    assert metadata(ce_id="a", sourcelib="coursebus 0.1").sourcelib == ()
    assert metadata(ce_id="a", sourcelib="10.5.0").sourcelib == (10, 5, 0)
