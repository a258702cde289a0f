"""The class for `EVENT_BUS_PRODUCER`: an event becomes a row of the outbox in the caller's own transaction."""

import logging
from typing import Any

from openedx_events.data import EventsMetadata
from openedx_events.event_bus import EventBusProducer
from openedx_events.tooling import OpenEdxPublicSignal

from coursebus_openedx import conf, outbox, serialize
from coursebus_openedx.errors import EventNotWrittenError, EventRefusedError, OutboxUnavailableError

logger = logging.getLogger(__name__)


class Producer(EventBusProducer):  # type: ignore[misc]  # openedx-events has no types
    """Writes events into the table `coursebus_outbox` of the service's database.

    Within `transaction.atomic` the row is committed and rolled back with the service's own data; without it, the row is
    durable when `send` returns. `coursebus relay run` publishes it. Nothing here knows a broker or a registry.

    Building one cannot fail: openedx-events would go on without a producer, with a warning.
    """

    def send(
        self,
        *,
        signal: OpenEdxPublicSignal,
        topic: str,
        event_key_field: str,
        event_data: dict[str, Any],
        event_metadata: EventsMetadata,
    ) -> None:
        """Writes one event.

        Topic and record key are those of coursebus' catalogue; `topic` and `event_key_field` come from
        `EVENT_BUS_PRODUCER_CONFIG` and are only checked. An event type has one topic: where several are enabled, the row is
        written for the first and the others are left out (`manage.py check` warns).

        Raises EventNotWrittenError. The transaction under way can only roll back then.
        """
        if topic in conf.enabled_topics(signal.event_type)[1:]:
            logger.debug("%s is not written again for the topic %s", signal.event_type, topic)
            return
        try:
            self._write(signal, event_key_field, event_data, event_metadata)
        except EventNotWrittenError:
            outbox.forbid_commit(conf.outbox_database())
            raise
        except Exception as error:
            # A setting that is wrong, an async view: openedx-events would only log it, and the data be committed.
            raise OutboxUnavailableError(f"{signal.event_type}: no row was written: {type(error).__name__}") from error

    def _write(
        self,
        signal: OpenEdxPublicSignal,
        event_key_field: str,
        event_data: dict[str, Any],
        metadata: EventsMetadata,
    ) -> None:
        if serialize.key_of(event_data, event_key_field) is None:
            raise EventRefusedError(f"{signal.event_type}: the key field {event_key_field} is not there, or null")
        if len(metadata.source) > outbox.TEXT_CHARACTERS_MAX or not metadata.source:
            raise EventRefusedError(f"{signal.event_type}: the source is empty or longer than 255 characters")
        row = outbox.Row(
            event_id=str(metadata.id),
            event_type=signal.event_type,
            source=metadata.source,
            occurred_at=metadata.time.isoformat(),
            payload=serialize.to_json(signal, event_data, conf.payload_bytes_max()),
        )
        outbox.insert(row, conf.outbox_database())
