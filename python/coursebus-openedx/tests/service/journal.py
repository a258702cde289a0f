"""A receiver for processes that tests start: notes each event in a file, durably, and then does what it is told."""

import json
import os
import time
from pathlib import Path
from typing import Any

from django.db import connection


def connect() -> None:
    if os.environ.get("SERVICE_JOURNAL"):
        from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED  # noqa: PLC0415

        COURSE_ENROLLMENT_CREATED.connect(note)


def note(sender: Any, signal: Any, **kwargs: Any) -> None:
    line = json.dumps({"user": kwargs["enrollment"].user.id, "course": str(kwargs["enrollment"].course.course_key)})
    with Path(os.environ["SERVICE_JOURNAL"]).open("a") as journal:
        journal.write(line + "\n")
        journal.flush()
        os.fsync(journal.fileno())
    if os.environ.get("SERVICE_USES_DATABASE"):
        connection.ensure_connection()
    hang = os.environ.get("SERVICE_HANG_AT")
    if hang and kwargs["enrollment"].user.id == int(hang):
        time.sleep(600)  # the test ends the process here
