"""The registry's own description at its word: requests that nobody thought of, made from it by schemathesis."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from bus import start_registry
from conftest import ran
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 25
TEXT = json.dumps({"type": "record", "name": "Known", "fields": [{"name": "a", "type": "string"}]})
HEADERS = {"content-type": "application/vnd.schemaregistry.v1+json"}
# What is there when a request is made of what is known.
BODIES: dict[str, Any] = {
    "/config": {"compatibility": "BACKWARD"},
    "/mode": {"mode": "READWRITE"},
    "": {"schema": TEXT},
}
# There are no associations: this operation answers 404 and says so.
NEVER_2XX = {"GET /associations/resources/-/{topic}"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a registry on a bus of its own: requests change global settings."""
    binary = os.environ.get("COURSEBUS_BIN")
    if not binary or not Path(binary).exists():
        pytest.skip("the registry: no COURSEBUS_BIN")
    process, url = start_registry(binary, f"embedded:{tmp_path_factory.mktemp('bus')}")
    yield url
    process.terminate()
    process.communicate(timeout=20)


def there(url: str) -> dict[str, Any]:
    """Sees to what is known, whatever was done before; the parts of paths that name it."""
    with requests.Session() as session:
        session.delete(f"{url}/mode?recursive=true").close()
        session.put(f"{url}/mode", json={"mode": "READWRITE"}).close()
        session.delete(f"{url}/config").close()
        for what, body in (("mode", BODIES["/mode"]), ("config", BODIES["/config"])):
            session.put(f"{url}/{what}/known", json=body).close()
        registered = session.post(f"{url}/subjects/known/versions", json=BODIES[""], headers=HEADERS)
        assert registered.status_code == 200, registered.text
        in_context = f"{url}/subjects/:.gone:x"
        session.post(f"{in_context}/versions", json=BODIES[""], headers=HEADERS).close()
        session.delete(in_context).close()
        session.delete(f"{in_context}?permanent=true").close()
        found = registered.json()
    return {
        "subject": "known",
        "version": "latest",
        "id": found["id"],
        "guid": found["guid"],
        "context": ".gone",
        "topic": "known",
    }


def test_no_operation_fails_and_each_succeeds(alone: str) -> None:
    ran("registry-openapi", backend="embedded")
    api = schemathesis.openapi.from_url(f"{alone}/openapi.json")
    answers: dict[str, set[int]] = defaultdict(set)

    def ask(case: Any) -> None:
        response = case.call(base_url=alone, timeout=20)
        answers[case.operation.label].add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    def bounded(examples: int) -> Any:
        quiet = list(HealthCheck)
        return settings(
            max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=quiet
        )

    for result in api.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        known = there(alone)
        parameters = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
        kept: dict[str, Any] = {"path_parameters": parameters, "query": {}}
        if operation.body:
            start = next(start for start in BODIES if operation.path.startswith(start))
            kept |= {"body": BODIES[start], "media_type": "application/json"}
        seed(1)(bounded(3)(given(case=operation.as_strategy(**kept))(ask)))()
        seed(1)(bounded(EXAMPLES)(given(case=operation.as_strategy())(ask)))()

    failed = {label: sorted(seen) for label, seen in answers.items() if max(seen) >= 500}
    assert not failed
    never = {label for label, seen in answers.items() if min(seen) >= 300}
    assert never == NEVER_2XX
    assert len(answers) == len(list(api.get_all_operations()))
    assert requests.get(f"{alone}/subjects", timeout=20).ok
