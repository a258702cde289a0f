"""What can go wrong, for programs and for people.

No message carries a value of an event: names of types, fields and classes only.
"""


class EventNotWrittenError(Exception):
    """An event did not become a row of the outbox, so the transaction that it belongs to must not commit.

    `code` names the cause for programs and stays the same.
    """

    code = "event-not-written"


class EventRefusedError(EventNotWrittenError):
    """The event does not fit its type: a fault of the code that emits it. Trying again does not help."""

    code = "event-does-not-fit"


class EventTooLargeError(EventRefusedError):
    """The event is larger than `COURSEBUS_PAYLOAD_BYTES_MAX`."""

    code = "record-too-large"


class EventUsedAgainError(EventNotWrittenError):
    """A row with this source and id is in the outbox already."""

    code = "event-id-used"


class OutboxUnavailableError(EventNotWrittenError):
    """The database refused the row. The cause is the exception's `__cause__`."""

    code = "database"


class StoppedError(SystemExit):
    """The consumer stopped, and a human must look. What was not committed comes again at the next start.

    Derived from `SystemExit`, because openedx-events' `consume_events` logs every `Exception` and then ends with exit code
    0, as if all were well. Python prints the message and exits with 1.
    """
