from contextlib import suppress

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED

from service.events import enrollment
from service.models import Enrollment


class ViewError(Exception):
    pass


def enroll(request: HttpRequest) -> HttpResponse:
    """Writes data and emits; `fail` makes it raise afterwards, `user` is the user's id as it is emitted."""
    user = request.GET.get("user", "42")
    alias = settings.COURSEBUS_OUTBOX_DATABASE
    with transaction.atomic(using=alias):
        row = Enrollment.objects.using(alias).create(user_id=42, course_key="x")
        event = enrollment(int(user) if user.isdigit() else user)
        if "swallow" in request.GET:
            with suppress(Exception):
                COURSE_ENROLLMENT_CREATED.send_event(enrollment=event)
        else:
            COURSE_ENROLLMENT_CREATED.send_event(enrollment=event)
        if "fail" in request.GET:
            raise ViewError
    return HttpResponse(str(row.pk))
