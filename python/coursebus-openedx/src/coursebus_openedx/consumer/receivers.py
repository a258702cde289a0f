"""Sends an event to the receivers of its signal, and says which of them failed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.db import InterfaceError, OperationalError, connections
from openedx_events.exceptions import SenderValidationError
from openedx_events.tooling import SIGNAL_PROCESSED_FROM_EVENT_BUS, prepare_for_new_work_cycle

from coursebus_openedx.consumer.decode import Event
from coursebus_openedx.consumer.wire import PoisonError

Receiver = Callable[..., Any]


@dataclass(frozen=True)
class Failed:
    """What a try left undone."""

    receivers: tuple[Receiver, ...]
    """Those to call again; none means all, where it could not be told who failed."""
    errors: tuple[BaseException, ...]

    def reason(self) -> str:
        """Who failed and with what, without the error's text: it may repeat personal data."""
        names = [getattr(receiver, "__qualname__", type(receiver).__qualname__) for receiver in self.receivers]
        kinds = sorted({type(error).__name__ for error in self.errors})
        return f"{', '.join(kinds)} in {', '.join(sorted(names)) or 'a receiver'}"


def send(event: Event, before: Failed | None) -> Failed | None:
    """Calls the receivers, or those that failed `before`. Each that succeeded is not called again for the same record,
    as long as this process lives. Returns None when all succeeded.
    """  # noqa: D205
    try:
        prepare_for_new_work_cycle()
        failed = _send_again(event, before.receivers) if before and before.receivers else _send_first(event)
    except SenderValidationError as error:
        raise PoisonError("does-not-fit", f"openedx-events refuses the data of {event.signal.event_type}") from error
    except PoisonError:
        raise
    except Exception as error:  # with DEBUG, openedx-events lets the first failure out
        return Failed((), (error,))
    if not failed:
        return None
    return Failed(tuple(receiver for receiver, _ in failed), tuple(error for _, error in failed))


def database_is_away(failed: Failed) -> bool:
    """Whether the failure is the database's, and it is still away: then no other record fares better."""
    if not any(isinstance(error, OperationalError | InterfaceError) for error in failed.errors):
        return False
    return not all(_answers(alias) for alias in connections)


def _answers(alias: str) -> bool:
    connection = connections[alias]
    try:
        connection.close_if_unusable_or_obsolete()
        connection.ensure_connection()
        return bool(connection.is_usable())
    except Exception:
        return False


def _send_first(event: Event) -> list[tuple[Receiver, BaseException]]:
    responses = event.signal.send_event_with_custom_metadata(event.metadata, send_robust=True, **event.data)
    return [(receiver, response) for receiver, response in responses if isinstance(response, Exception)]


def _send_again(event: Event, receivers: tuple[Receiver, ...]) -> list[tuple[Receiver, BaseException]]:
    failed: list[tuple[Receiver, BaseException]] = []
    arguments = {**event.data, "metadata": event.metadata, SIGNAL_PROCESSED_FROM_EVENT_BUS: True}
    for receiver in receivers:
        call = async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver
        try:
            call(signal=event.signal, sender=None, **arguments)
        except Exception as error:
            failed.append((receiver, error))
    return failed
