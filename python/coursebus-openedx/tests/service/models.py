from django.db import models


class Enrollment(models.Model):
    """The service's own data."""

    user_id: "models.BigIntegerField[int, int]" = models.BigIntegerField()
    course_key: "models.CharField[str, str]" = models.CharField(max_length=255)
