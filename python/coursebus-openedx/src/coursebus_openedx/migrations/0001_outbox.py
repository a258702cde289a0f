"""The tables of the outbox: the same SQL that `coursebus outbox install` runs, so that either may be run, and both."""

from importlib import resources
from typing import Any, ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

_FILES = {"postgresql": "postgres.sql", "mysql": "mysql.sql", "sqlite": "sqlite.sql"}
_TABLES = ("outbox_held_log", "outbox_held", "outbox_lease", "outbox_meta", "outbox")


def _install(_: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    if vendor not in _FILES:
        raise NotImplementedError(f"there is no outbox for {vendor}; there is one for PostgreSQL, MySQL and SQLite")
    script = resources.files("coursebus_openedx").joinpath("sql", _FILES[vendor]).read_text("utf-8")
    for statement in schema_editor.connection.ops.prepare_sql_script(script):
        schema_editor.execute(statement, params=None)


def _remove(_: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        for table in ("coursebus_outbox", "coursebus_outbox_held"):
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
            if cursor.fetchone()[0]:
                raise RuntimeError(f"{table} has events that are not published; run `coursebus relay run` first")
    for table in _TABLES:
        schema_editor.execute(f"DROP TABLE coursebus_{table}", params=None)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION coursebus_outbox_wake()", params=None)


class Migration(migrations.Migration):
    """Runs on every database that `migrate` is run on, unless a router says otherwise, as with any app."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    # Without a transaction of its own: MySQL has none for tables. Where they exist, the migration is in one.
    operations: ClassVar[list[Operation]] = [migrations.RunPython(_install, _remove, atomic=False)]
