"""The class for `EVENT_BUS_CONSUMER`: reads a topic and sends its events as Django's signals.

The way of one record: `group.py` polls it, `loop.py` is the one loop, `decode.py` makes it an event, `receivers.py` sends it
as a signal, `retry.py` says how long to wait when that fails, `dead.py` puts it aside when waiting does not help, and
`group.py` commits.
"""

from coursebus_openedx.consumer.consumer import Consumer

__all__ = ["Consumer"]
