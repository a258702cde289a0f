from datetime import UTC, datetime
from typing import Any

from opaque_keys.edx.keys import CourseKey
from openedx_events.learning.data import CourseData, CourseEnrollmentData, UserData, UserPersonalData

COURSE = "course-v1:edX+DemoX+2026_T1"
# What must be in no log and no error.
EMAIL = "ada@example.com"


def enrollment(user_id: Any = 42, course: str = COURSE, **other: Any) -> CourseEnrollmentData:
    pii = UserPersonalData(username="ada", email=EMAIL, name="Ada Lovelace")
    data = {"mode": "verified", "is_active": True, "creation_date": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)}
    return CourseEnrollmentData(
        user=UserData(id=user_id, is_active=True, pii=pii),
        course=CourseData(course_key=CourseKey.from_string(course), display_name="Demonstration Course"),
        **{**data, **other},
    )
