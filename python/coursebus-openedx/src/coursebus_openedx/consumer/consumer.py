"""`Consumer`, as openedx-events' `consume_events` uses it."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from confluent_kafka import KafkaException
from django.core.exceptions import ImproperlyConfigured
from openedx_events.event_bus import EventBusConsumer

from coursebus_openedx.conf import ConsumerSettings
from coursebus_openedx.consumer.dead import DeadLetters
from coursebus_openedx.consumer.group import Group
from coursebus_openedx.consumer.loop import Counts, Loop
from coursebus_openedx.consumer.schemas import Schemas
from coursebus_openedx.errors import StoppedError

logger = logging.getLogger(__name__)


class Consumer(EventBusConsumer):  # type: ignore[misc]  # openedx-events has no types
    """Sends the events of a topic as Django's signals, at least once, in the order of their partition.

    A record's position is committed after all receivers of its signal have succeeded, or its dead letter is delivered.

    Building one cannot fail: openedx-events would go on without a consumer, with a warning. What is wrong is told by
    `consume_indefinitely`.
    """

    def __init__(self, *, topic: str, group_id: str, **extra: object) -> None:
        self._topic = topic
        self._group_id = group_id
        self._extra = extra
        self._stopping = threading.Event()
        self.counts = Counts()
        """What became of the records; to be read by any thread."""

    def consume_indefinitely(self) -> None:
        """Works until SIGTERM, SIGINT or `stop`; the record in hand is finished, unless it waits to be tried again.

        Raises StoppedError, which ends the process with exit code 1, where a human must look.
        """
        settings = self._settings()
        with _stops_on_signals(self._stopping):
            try:
                self._consume(settings)
            except KafkaException as error:
                raise StoppedError(f"the consumer of {self._topic} cannot work: {error}") from error
            finally:
                self._say_goodbye()

    def stop(self) -> None:
        """Makes `consume_indefinitely` return soon. Any thread may call it."""
        self._stopping.set()

    def _settings(self) -> ConsumerSettings:
        if self._extra:
            unknown = ", ".join(sorted(self._extra))
            raise StoppedError(
                f"--extra has {unknown}; there is nothing to be said there, see the settings in the README"
            )
        try:
            return ConsumerSettings.read()
        except ImproperlyConfigured as error:
            raise StoppedError(str(error)) from error

    def _consume(self, settings: ConsumerSettings) -> None:
        topic = settings.full_topic(self._topic)
        group = Group(settings, topic, self._group_id, self._stopping)
        try:
            partitions = group.join()
            dead_letters = DeadLetters(settings, self._group_id, topic, partitions)
            with Schemas(settings) as schemas:
                loop = Loop(settings, group, schemas, dead_letters, self._stopping)
                self.counts = loop.counts
                loop.run()
        finally:
            group.close()

    def _say_goodbye(self) -> None:
        counts = self.counts
        logger.info(
            "%s of %s: %d handled, %d tries again, %d dead letters, %d of unknown types skipped",
            self._group_id,
            self._topic,
            counts.handled,
            counts.retried,
            counts.dead,
            counts.skipped.total(),
        )


@contextmanager
def _stops_on_signals(stopping: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT ask to stop. Only the main thread can say so to Python; elsewhere it is left to `stop`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
