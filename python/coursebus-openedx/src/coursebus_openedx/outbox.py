"""The one statement that puts a row into the outbox. The table is described in docs/outbox.md of coursebus."""

from dataclasses import dataclass

from django.db import DatabaseError, IntegrityError, connections, transaction

from coursebus_openedx.errors import EventUsedAgainError, OutboxUnavailableError

TABLE = "coursebus_outbox"

# Names longer than the columns are cut off or refused, depending on the database: refused here, everywhere alike.
TEXT_CHARACTERS_MAX = 255

_INSERT = f"""
INSERT INTO {TABLE} (event_id, event_type, source, occurred_at, payload_format, payload)
VALUES (%s, %s, %s, %s, 'json', %s)
"""


@dataclass(frozen=True)
class Row:
    """A row as a service writes it; the database gives the rest."""

    event_id: str
    event_type: str
    source: str
    occurred_at: str
    payload: bytes


def insert(row: Row, database: str) -> None:
    """Writes the row with the connection's transaction; without one it is durable when this returns.

    Raises EventUsedAgainError where source and id are in the table, OutboxUnavailableError for all else that the database
    answers. Never talks to anything but the database.
    """
    values: list[str | bytes] = [row.event_id, row.event_type, row.source, row.occurred_at, row.payload]
    try:
        with connections[database].cursor() as cursor:
            cursor.execute(_INSERT, values)
    except IntegrityError:
        # The database's own sentence repeats the values.
        raise EventUsedAgainError(
            f"{row.event_type}: an event of this source with this id is in the outbox already; each event needs its own id"
        ) from None
    except DatabaseError as error:
        raise OutboxUnavailableError(
            f"{row.event_type}: no row in {TABLE} of the database {database!r}: {type(error).__name__}; "
            f"was `manage.py migrate coursebus_openedx --database {database}` run?"
        ) from error


def forbid_commit(database: str) -> None:
    """Makes the transaction under way roll back, also where its code goes on as if nothing had happened."""
    if connections[database].in_atomic_block:
        transaction.set_rollback(True, using=database)
