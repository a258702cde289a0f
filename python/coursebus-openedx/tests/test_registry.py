"""The project's registry as Confluent's own Python client speaks to it, unchanged."""

import json
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.common.schema_registry_client import ConfigCompatibilityLevel, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext
from conftest import ran


def record(name: str, *fields: dict[str, object]) -> Schema:
    text = {"type": "record", "name": name, "namespace": "org.example", "fields": list(fields)}
    return Schema(json.dumps(text), "AVRO")


TITLE: dict[str, object] = {"name": "title", "type": "string"}
GRADE: dict[str, object] = {"name": "grade", "type": "double"}


@pytest.fixture
def client(registry: tuple[str, str]) -> Iterator[SchemaRegistryClient]:
    ran("registry-confluent-python", backend="kafka")
    with SchemaRegistryClient({"url": registry[1]}) as client:
        yield client


@pytest.fixture
def subject() -> str:
    return f"py{uuid.uuid4().hex[:8]}-value"


def test_versions_are_registered_found_and_deleted(client: SchemaRegistryClient, subject: str) -> None:
    name = f"N{uuid.uuid4().hex[:8]}"
    first = client.register_schema(subject, record(name, TITLE))
    graded = record(name, TITLE, GRADE | {"default": 0.0})
    second = client.register_schema(subject, graded)
    assert client.register_schema(subject, record(name, TITLE)) == first != second
    assert client.get_versions(subject) == [1, 2]
    assert client.get_latest_version(subject).schema_id == second
    assert client.lookup_schema(subject, graded).version == 2
    found = client.get_schema(first)
    assert found.schema_str is not None
    assert json.loads(found.schema_str)["name"] == name
    assert subject in client.get_subjects()
    assert client.delete_version(subject, 1) == 1
    assert client.delete_subject(subject) == [2]
    assert client.delete_subject(subject, permanent=True) == [1, 2]
    with pytest.raises(SchemaRegistryError) as refused:
        client.get_versions(subject)
    assert (refused.value.http_status_code, refused.value.error_code) == (404, 40401)


def test_a_schema_is_held_to_the_level(client: SchemaRegistryClient, subject: str) -> None:
    client.register_schema(subject, record("Held", TITLE))
    broken = record("Held", TITLE, GRADE)
    assert not client.test_compatibility(subject, broken)
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, broken)
    assert refused.value.http_status_code == 409
    client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.NONE))
    assert client.get_config(subject).compatibility_level == ConfigCompatibilityLevel.NONE
    assert client.test_compatibility(subject, broken)
    client.register_schema(subject, broken)


def test_values_go_and_come_back(client: SchemaRegistryClient, registry: tuple[str, str], subject: str) -> None:
    topic = subject.removesuffix("-value")
    text = record("Course", TITLE, GRADE).schema_str
    assert text is not None
    context = SerializationContext(topic, MessageField.VALUE)
    value = {"title": "Zoë 🎓", "grade": 0.5}
    sent = AvroSerializer(client, text)(value, context)
    assert sent is not None
    assert sent[0] == 0
    # Another process, which knows nothing yet.
    with SchemaRegistryClient({"url": registry[1]}) as other:
        assert AvroDeserializer(other)(sent, context) == value


def test_a_schema_refers_to_another(client: SchemaRegistryClient, subject: str) -> None:
    inner, outer = f"inner-{subject}", f"outer-{subject}"
    client.register_schema(inner, record("Inner", TITLE))
    reference = SchemaReference("org.example.Inner", inner, 1)
    text = record("Outer", {"name": "inner", "type": "org.example.Inner"}).schema_str
    schema = Schema(text, "AVRO", [reference])
    number = client.register_schema(outer, schema)
    assert client.get_schema(number).references == [reference]
    context = SerializationContext(outer, MessageField.VALUE)
    settings = {"auto.register.schemas": False, "use.latest.version": True, "subject.name.strategy": lambda *_: outer}
    value = {"inner": {"title": "t"}}
    sent = AvroSerializer(client, schema, conf=settings)(value, context)
    assert sent is not None
    assert AvroDeserializer(client)(sent, context) == value
