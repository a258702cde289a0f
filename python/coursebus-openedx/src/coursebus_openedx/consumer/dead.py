"""Dead letters: records that could not be handled, whole, on a topic of the group."""

import logging
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from coursebus_openedx.conf import ConsumerSettings
from coursebus_openedx.consumer.group import Record
from coursebus_openedx.errors import StoppedError

logger = logging.getLogger(__name__)

# Below max.poll.interval.ms: while a dead letter is delivered, nothing is polled.
DELIVERY_SECONDS = 60
# The broker's own default.
_REPLICATION_DEFAULT = -1


def topic_of(group_id: str, topic: str) -> str:
    """Where the dead letters of a group and a topic are."""
    return f"{group_id}.dead.{topic}"


def headers_of(record: Record, code: str, reason: str, tries: int) -> list[tuple[str, str | bytes | None]]:
    """The record's own headers, untouched, and behind them why and where from; named as coursebus names them."""
    ours = {
        "held_state": "dead",
        "held_code": code,
        "held_reason": reason,
        "held_topic": record.topic,
        "held_partition": str(record.partition),
        "held_offset": str(record.offset),
        "held_timestamp": str(record.timestamp_ms),
        "held_tries": str(tries),
    }
    return [*record.raw_headers, *((name, text.encode()) for name, text in ours.items())]


class DeadLetters:
    """Writes dead letters. The topic is made with the first one, with as many partitions as the source has."""

    def __init__(self, settings: ConsumerSettings, group_id: str, topic: str, partitions: int) -> None:
        self.topic = topic_of(group_id, topic)
        self._partitions = partitions
        common: dict[str, Any] = {"bootstrap.servers": settings.bootstrap_servers, **_for_producers(settings)}
        self._admin = AdminClient(common)
        self._producer = KafkaProducer(
            {**common, "acks": "all", "enable.idempotence": True, "message.timeout.ms": DELIVERY_SECONDS * 1_000}
        )
        self._is_there = False

    def put(self, record: Record, code: str, reason: str, tries: int) -> None:
        """Returns when the dead letter is delivered to all in-sync replicas. One record at a time.

        A crash before the source's commit writes it twice: `held_topic`, `held_partition`, `held_offset` tell.
        Raises StoppedError when it cannot be delivered within DELIVERY_SECONDS; nothing is committed then.
        """
        self._make_topic()
        outcome: list[KafkaError | None] = []
        self._producer.produce(
            self.topic,
            value=record.value,
            key=record.key,
            headers=headers_of(record, code, reason, tries),
            partition=record.partition,
            on_delivery=lambda error, _: outcome.append(error),
        )
        # Longer than the producer's own limit, which tells what is wrong.
        self._producer.flush(DELIVERY_SECONDS + 5)
        if not outcome or outcome[0] is not None:
            why = outcome[0] if outcome else "no answer"
            raise StoppedError(f"the dead letter of {record} was not delivered to {self.topic}: {why}; it comes again")

    def _make_topic(self) -> None:
        """Kept for ever, unlike most topics: a dead letter waits for a human."""
        if self._is_there:
            return
        config = {"cleanup.policy": "delete", "retention.ms": "-1"}
        new = NewTopic(self.topic, self._partitions, _REPLICATION_DEFAULT, config=config)
        try:
            self._admin.create_topics([new], operation_timeout=DELIVERY_SECONDS / 2)[self.topic].result(
                DELIVERY_SECONDS
            )
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StoppedError(
                    f"the topic {self.topic} for dead letters cannot be made ({error}); make it with "
                    f"{self._partitions} partitions, or let the service's user make it"
                ) from error
        except TimeoutError as error:
            raise StoppedError(f"the topic {self.topic} for dead letters cannot be made: no answer") from error
        self._wait_until_known()
        self._is_there = True

    def _wait_until_known(self) -> None:
        """A topic that was just made is known to the other brokers a moment later."""
        deadline = time.monotonic() + DELIVERY_SECONDS / 2
        while time.monotonic() < deadline:
            known = self._producer.list_topics(self.topic, timeout=10).topics.get(self.topic)
            if known is not None and known.error is None and known.partitions:
                return
            self._producer.poll(0.1)


def _for_producers(settings: ConsumerSettings) -> dict[str, Any]:
    """Of the service's librdkafka settings those that say how to reach the broker."""
    shared = ("security.", "sasl.", "ssl.", "socket.", "bootstrap.", "client.", "broker.")
    return {name: value for name, value in settings.kafka.items() if name.startswith(shared)}
