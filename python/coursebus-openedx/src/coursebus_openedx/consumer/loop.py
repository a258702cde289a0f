"""The one loop: poll, handle, note as done. One record at a time, in the order of its partition."""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from coursebus_openedx.conf import ConsumerSettings
from coursebus_openedx.consumer import decode, receivers, retry
from coursebus_openedx.consumer.dead import DeadLetters
from coursebus_openedx.consumer.group import AbandonedError, Group, Record
from coursebus_openedx.consumer.schemas import RegistryAwayError, Schemas
from coursebus_openedx.consumer.wire import PoisonError
from coursebus_openedx.errors import StoppedError

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Types that are counted each; what is beyond is counted together.
_TYPES_MAX = 1_000


@dataclass
class Counts:
    """What became of the records since the start."""

    handled: int = 0
    retried: int = 0
    dead: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """By event type: those that this service's openedx-events does not know."""

    def skip(self, event_type: str) -> bool:
        """Counts, and returns whether it is the type's first."""
        name = event_type if event_type in self.skipped or len(self.skipped) < _TYPES_MAX else "other types"
        self.skipped[name] += 1
        return self.skipped[name] == 1


class Loop:
    """Handles records until `stopping` is set, or raises StoppedError."""

    def __init__(
        self,
        settings: ConsumerSettings,
        group: Group,
        schemas: Schemas,
        dead_letters: DeadLetters,
        stopping: threading.Event,
    ) -> None:
        self._settings = settings
        self._group = group
        self._schemas = schemas
        self._dead_letters = dead_letters
        self._stopping = stopping
        self._chance = random.Random()
        self._dead_in_a_row = 0
        self.counts = Counts()

    def run(self) -> None:
        """The loop."""
        while not self._stopping.is_set():
            record = self._group.poll()
            if record is None:
                continue
            try:
                self._take(record)
            except AbandonedError:
                logger.info("%s: given back, it comes again", record)

    def _take(self, record: Record) -> None:
        tries = [0]
        try:
            handled = self._handle(record, tries)
        except PoisonError as poison:
            self._bury(record, poison, tries[0])
            self._group.done(record)
            self._stop_if_all_die()
            return
        if handled:
            self._dead_in_a_row = 0
            self.counts.handled += 1
        self._group.done(record)

    def _handle(self, record: Record, tries: list[int]) -> bool:
        """Whether it was one for this service. Raises PoisonError where trying again does not help."""
        event_type, signal = decode.signal_of(record.headers)
        if signal is None:
            if self.counts.skip(event_type):
                logger.info("%s: this service does not know the type %s; such records are skipped", record, event_type)
            return False
        event = self._with_registry(record, lambda: decode.decode(signal, record.headers, record.value, self._schemas))
        self._deliver(record, event, tries)
        return True

    def _with_registry(self, record: Record, call: Callable[[], T]) -> T:
        """Calls, and again while the registry is away."""
        until = time.monotonic() + self._settings.away_seconds
        for delay in retry.delays(self._settings.retry_delay_seconds_max, self._chance):
            try:
                return call()
            except RegistryAwayError as error:
                logger.warning("%s: the schema registry is away (%s)", record, error)
                if time.monotonic() > until:
                    raise StoppedError(
                        f"the schema registry {self._settings.registry_url} is away ({error}) for longer than "
                        f"{self._settings.away_seconds:g} s; {record} comes again"
                    ) from error
            self._group.wait(delay, record)
        raise AssertionError("there is always another delay")

    def _deliver(self, record: Record, event: decode.Event, tries: list[int]) -> None:
        """Calls the receivers until all have succeeded, within the budget of time."""
        began = time.monotonic()
        failed: receivers.Failed | None = None
        for delay in retry.delays(self._settings.retry_delay_seconds_max, self._chance):
            tries[0] += 1
            failed = receivers.send(event, failed)
            if failed is None:
                return
            logger.warning("%s, event %s: try %d: %s", record, event.metadata.id, tries[0], failed.reason())
            self._give_up_in_time(record, failed, time.monotonic() + delay - began)
            self.counts.retried += 1
            self._group.wait(delay, record)

    def _give_up_in_time(self, record: Record, failed: receivers.Failed, took: float) -> None:
        if took <= self._settings.retry_seconds:
            return
        if not receivers.database_is_away(failed):
            raise PoisonError("cannot-process", failed.reason())
        if took > self._settings.away_seconds:
            raise StoppedError(
                f"the database is away for longer than {self._settings.away_seconds:g} s; {record} comes again"
            )

    def _bury(self, record: Record, poison: PoisonError, tries: int) -> None:
        self._dead_letters.put(record, poison.code, poison.reason, tries)
        self.counts.dead += 1
        self._dead_in_a_row += 1
        logger.error("%s is a dead letter on %s: %s (%s)", record, self._dead_letters.topic, poison.reason, poison.code)

    def _stop_if_all_die(self) -> None:
        if self._dead_in_a_row >= self._settings.dead_in_a_row_max:
            raise StoppedError(
                f"{self._dead_in_a_row} dead letters in a row on {self._dead_letters.topic}: the fault is hardly theirs. "
                "Mend it and start again; COURSEBUS_DEAD_IN_A_ROW_MAX is the limit"
            )
