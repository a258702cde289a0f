"""Data for any signal, made from what openedx-events says of its types."""

from datetime import UTC, datetime
from typing import Any, get_args, get_origin
from uuid import UUID

import attr
from ccx_keys.locator import CCXLocator
from opaque_keys.edx.keys import CourseKey, UsageKey
from opaque_keys.edx.locator import (
    LibraryCollectionLocator,
    LibraryContainerLocator,
    LibraryLocatorV2,
    LibraryUsageLocatorV2,
)
from openedx_events.tooling import OpenEdxPublicSignal

TEXTS = {
    CourseKey: "course-v1:edX+DemoX+2026_T1",
    UsageKey: "block-v1:edX+DemoX+2026_T1+type@problem+block@p1",
    LibraryLocatorV2: "lib:edX:demo",
    LibraryUsageLocatorV2: "lb:edX:demo:problem:p1",
    LibraryCollectionLocator: "lib-collection:edX:demo:c1",
    LibraryContainerLocator: "lct:edX:demo:unit:u1",
    CCXLocator: "ccx-v1:edX+DemoX+2026_T1+ccx@1",
}
FULL = {
    **{kind: kind.from_string(text) for kind, text in TEXTS.items()},
    datetime: datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    UUID: UUID("1b0abd8e-e65a-11f1-8bac-000000000004"),
    str: 'Zoë 漢字 \u0000 "quoted"',
    int: 2**62,
    float: 0.1,
    bool: True,
}
FALSY = {**FULL, str: "", int: 0, float: 0.0, bool: False}


def data_of(signal: OpenEdxPublicSignal, values: dict[Any, Any], none: bool) -> dict[str, Any]:
    """The signal's data with these values; with `none`, None wherever that is a field's default."""
    return {name: _value(kind, values, none) for name, kind in signal.init_data.items()}


def _value(kind: Any, values: dict[Any, Any], none: bool) -> Any:
    if kind in values:
        return values[kind]
    if hasattr(kind, "__attrs_attrs__"):
        fields = attr.fields(kind)
        return kind(
            **{
                field.name: None if none and field.default is None else _value(field.type, values, none)
                for field in fields
            }
        )
    inner = get_args(kind)
    empty = values is FALSY
    if get_origin(kind) is list:
        return [] if empty else [_value(inner[0], values, none)]
    if get_origin(kind) is dict:
        return {} if empty else {"name": _value(inner[1], values, none)}
    raise NotImplementedError(f"no sample for {kind}")
