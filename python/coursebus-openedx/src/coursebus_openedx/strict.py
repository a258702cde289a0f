"""Lets an event that could not be written fail the view that emits it.

`OpenEdxPublicSignal.send_event` calls its receivers robustly: what they raise is logged and returned, and the view goes on.
That is right for receivers that only listen. The producer is one of them, and for it that would be the end of the outbox's
promise: the service's data would be committed, and its event missing. So what `send_event` returns is looked through for
failures of the producer, and only those are raised. All other receivers are treated as before.
"""

from functools import wraps
from typing import Any

from openedx_events.tooling import OpenEdxPublicSignal

from coursebus_openedx.errors import EventNotWrittenError

_MARK = "_coursebus_strict"


def install() -> None:
    """Wraps `send_event`, once for the process."""
    original = OpenEdxPublicSignal.send_event
    if getattr(original, _MARK, False):
        return

    @wraps(original)
    def send_event(self: OpenEdxPublicSignal, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        responses: list[tuple[Any, Any]] = original(self, *args, **kwargs)
        for _, response in responses:
            if isinstance(response, EventNotWrittenError):
                raise response
        return responses

    setattr(send_event, _MARK, True)
    OpenEdxPublicSignal.send_event = send_event
