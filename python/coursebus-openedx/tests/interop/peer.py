"""The bus that Open edX has today, `edx-event-bus-kafka`, in a process of its own: a peer, nothing of which is used here.

`consume` reads topics with its consumer and prints each event as a JSON line. `produce` reads events as JSON lines, sends
them with its producer, prints a line for each, and then stays: it delivers in the background, and says so to nobody.
"""

import json
import os
import sys
import threading
import time
from typing import Any

import django
from django.conf import settings

TASK = json.loads(os.environ["PEER"])

settings.configure(
    SECRET_KEY="tests only",
    USE_TZ=True,
    INSTALLED_APPS=["openedx_events"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    EVENTS_SERVICE_NAME="lms",
    EVENT_BUS_PRODUCER="edx_event_bus_kafka.create_producer",
    EVENT_BUS_CONSUMER="edx_event_bus_kafka.KafkaEventConsumer",
    EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS=TASK["bootstrap"],
    EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL=TASK["registry"],
    EVENT_BUS_TOPIC_PREFIX=TASK["prefix"],
)
django.setup()

from openedx_events.data import EventsMetadata  # noqa: E402
from openedx_events.event_bus import get_producer, make_single_consumer  # noqa: E402
from openedx_events.event_bus.avro.deserializer import AvroSignalDeserializer  # noqa: E402
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer  # noqa: E402
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals  # noqa: E402

load_all_signals()


_SAYING = threading.Lock()


def say(line: dict[str, Any]) -> None:
    with _SAYING:
        print(json.dumps(line), flush=True)


def tell(signal: OpenEdxPublicSignal, metadata: EventsMetadata, **kwargs: Any) -> None:
    data = {name: kwargs[name] for name in signal.init_data}
    record = AvroSignalSerializer(signal).to_dict(data)
    say({"type": signal.event_type, "metadata": metadata.to_json_data(), "data": record})


def consume() -> None:
    for signal in OpenEdxPublicSignal.all_events():
        signal.connect(tell)
    for topic in TASK["topics"]:
        consumer = make_single_consumer(topic=topic, group_id=TASK["group"])
        threading.Thread(target=consumer.consume_indefinitely, daemon=True).start()


def produce() -> None:
    producer = get_producer()
    for line in sys.stdin:
        event = json.loads(line)
        signal = OpenEdxPublicSignal.get_signal_by_type(event["type"])
        metadata = EventsMetadata(event_type=event["type"])
        data = AvroSignalDeserializer(signal).from_dict(event["data"])
        producer.send(
            signal=signal,
            topic=event["topic"],
            event_key_field=event["key"],
            event_data=data,
            event_metadata=metadata,
        )
        say(
            {
                "type": event["type"],
                "metadata": metadata.to_json_data(),
                "data": AvroSignalSerializer(signal).to_dict(data),
            }
        )


if __name__ == "__main__":
    {"consume": consume, "produce": produce}[TASK["do"]]()
    while True:
        time.sleep(3600)  # the test ends the process
