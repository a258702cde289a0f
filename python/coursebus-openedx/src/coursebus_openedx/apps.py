"""The Django app: its table, its checks, and what makes a failed emit visible."""

from django.apps import AppConfig
from django.core.checks import register

from coursebus_openedx import checks


class CoursebusOpenedxConfig(AppConfig):
    """`coursebus_openedx` in INSTALLED_APPS."""

    name = "coursebus_openedx"
    verbose_name = "coursebus"

    def ready(self) -> None:
        """Registers the checks, and lets events that cannot be written fail their view."""
        from coursebus_openedx import strict  # noqa: PLC0415  # openedx-events wants the apps ready

        register(checks.check_settings)
        strict.install()
