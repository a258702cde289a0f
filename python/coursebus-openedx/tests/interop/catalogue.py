"""The types that coursebus' catalogue and openedx-events have in common, and records of them."""

import json
import tomllib
from typing import Any, TypedDict

import samples
from conftest import GOLDENS, REPOSITORY
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals

from coursebus_openedx import serialize

load_all_signals()
SIGNALS = {signal.event_type: signal for signal in OpenEdxPublicSignal.all_events()}
CATALOGUE = {
    event["name"]: event
    for event in tomllib.loads((REPOSITORY / "schemas" / "catalog.toml").read_text())["events"]
    if event["name"] in SIGNALS
}


def has_schema(event_type: str) -> bool:
    try:
        AvroSignalSerializer(SIGNALS[event_type])
    except Exception:
        return False
    return True


USABLE = sorted(filter(has_schema, CATALOGUE))
# What coursebus' adapters make of facts, committed beside their tests.
ADAPTERS = REPOSITORY / "producer" / "src" / "adapters" / "tests" / "snapshots"


class Event(TypedDict):
    """An event as `coursebus event emit` takes it."""

    type: str
    id: str
    source: str
    time: str
    data: dict[str, Any]


def adapted() -> dict[str, list[Event]]:
    """Type → the events of that type in the adapters' tables, Open edX's types only."""
    events: dict[str, list[Event]] = {}
    for path in sorted(ADAPTERS.glob("*.snap")):
        for shown in json.loads(path.read_text().split("---\n", 2)[2]).values():
            if shown["type"].startswith("org.openedx."):
                event = Event(**{name: shown[name] for name in Event.__annotations__})  # type: ignore[typeddict-item]
                events.setdefault(shown["type"], []).append(event)
    return events


def records(event_type: str) -> list[dict[str, Any]]:
    """The golden, if there is one, and every field once with a value, once with the least that it may be."""
    goldens = [json.loads(path.read_text()) for path in GOLDENS.glob("*.json")]
    found = [golden["value"]["record"] for golden in goldens if golden["event_type"] == event_type]
    signal = SIGNALS[event_type]
    values = {**samples.FULL, str: "Zoë 漢字"}
    made = [samples.data_of(signal, values, False), samples.data_of(signal, {**samples.FALSY, str: ""}, True)]
    return found + [json.loads(serialize.to_json(signal, data, 1_000_000)) for data in made]
