"""Django services of Open edX on the coursebus event bus.

`Producer` is for openedx-events' setting `EVENT_BUS_PRODUCER`, `Consumer` for `EVENT_BUS_CONSUMER`; the package is a Django
app, too, with one table. See the README for how a service is switched.

Both names are loaded when they are first asked for: Django imports the package before its apps are ready, and a service
that only emits does not need the Kafka client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coursebus_openedx.consumer import Consumer
    from coursebus_openedx.producer import Producer

__all__ = ["Consumer", "Producer"]

_HOMES = {"Consumer": "coursebus_openedx.consumer", "Producer": "coursebus_openedx.producer"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
