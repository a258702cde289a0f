"""Writers' schemas, from the registry, parsed once."""

import json
from typing import Any

import fastavro
from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError

from coursebus_openedx.conf import ConsumerSettings
from coursebus_openedx.consumer.wire import PoisonError

# A topic has a few types, each a few versions. At the bound the oldest is forgotten and asked for again.
_SCHEMAS_MAX = 1_000
_NOT_FOUND = 404
_REQUEST_SECONDS = 10


class RegistryAwayError(Exception):
    """The registry did not answer, or answered that it cannot: for now."""


class Schemas:
    """Schemas by their id. Ids never change their schema."""

    def __init__(self, settings: ConsumerSettings) -> None:
        # The loop retries, and stays in its group meanwhile; the client's own retries would block it.
        ours = {"url": settings.registry_url, "timeout": _REQUEST_SECONDS, "max.retries": 0}
        self._client = SchemaRegistryClient({**ours, **settings.registry})
        self._parsed: dict[int, Any] = {}

    def __enter__(self) -> "Schemas":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, schema_id: int) -> Any:
        """The schema, parsed by fastavro.

        Raises PoisonError for an id that the registry does not know and for what is no Avro, RegistryAwayError otherwise.
        """
        if schema_id not in self._parsed:
            parsed = self._fetch(schema_id)
            if len(self._parsed) >= _SCHEMAS_MAX:
                self._parsed.pop(next(iter(self._parsed)))
            self._parsed[schema_id] = parsed
        return self._parsed[schema_id]

    def _fetch(self, schema_id: int) -> Any:
        try:
            schema = self._client.get_schema(schema_id)
        except SchemaRegistryError as error:
            if error.http_status_code == _NOT_FOUND:
                raise PoisonError("unknown-schema", f"the registry has no schema with the id {schema_id}") from error
            raise RegistryAwayError(f"status {error.http_status_code}") from error
        except Exception as error:
            raise RegistryAwayError(type(error).__name__) from error
        if schema.schema_type != "AVRO" or schema.references or schema.schema_str is None:
            raise PoisonError("unusable-schema", f"the schema {schema_id} is not an Avro schema in one piece")
        try:
            return fastavro.parse_schema(json.loads(schema.schema_str))
        except Exception as error:
            raise PoisonError("unusable-schema", f"the schema {schema_id} cannot be parsed") from error
