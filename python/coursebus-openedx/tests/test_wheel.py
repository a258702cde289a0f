"""The wheel: what a service installs."""

import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def test_the_wheel_has_types_sql_and_license_and_needs_no_kafka_client_to_emit(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(PACKAGE)]
    subprocess.run(build, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for name in ("py.typed", "sql/mysql.sql", "sql/postgres.sql", "sql/sqlite.sql", "migrations/0001_outbox.py"):
        assert f"coursebus_openedx/{name}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "test" in name]

    script = f"""
import sys
sys.path.insert(0, {str(tmp_path / "installed")!r})
sys.modules["confluent_kafka"] = None
import coursebus_openedx
from coursebus_openedx import Producer
assert coursebus_openedx.__file__.startswith({str(tmp_path)!r})
print(Producer.__name__)
"""
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "Producer\n", done.stderr
