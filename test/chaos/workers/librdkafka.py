"""A stock librdkafka client that records what it does, one JSON object in each line (described in history.ts).

usage: librdkafka.py producer|reader|group|final OPTIONS-AS-JSON
Ends at SIGTERM; a producer first waits for the results of its pending records.
"""
import json
import random
import signal
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

role, options = sys.argv[1], json.loads(sys.argv[2])
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
lock = threading.Lock()

# The broker certainly did not write the record. After a retry nothing else is certain.
CERTAIN = {"MSG_SIZE_TOO_LARGE", "TOPIC_AUTHORIZATION_FAILED", "INVALID_REQUIRED_ACKS"}


def tell(**event):
    event["t"] = time.monotonic_ns()
    line = json.dumps(event, separators=(",", ":"))
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def key_of(topic, partition):
    return f"{topic}-{partition}"


def settings_of_producer():
    return {
        "acks": options["acks"],
        "enable.idempotence": options["idempotent"],
        "message.timeout.ms": 20000,
        "linger.ms": 2,
        "compression.type": options.get("compression", "none"),
    }


def producer():
    """Numbered records, one after the other over the partitions; a new incarnation after a fatal error."""
    life = 0
    while not stopping.is_set():
        life += 1
        name = f"{options['name']}.{life}"
        fatal = threading.Event()
        client = Producer(
            {
                "bootstrap.servers": options["bootstrap"],
                "client.id": name,
                **({} if options.get("defaults") else settings_of_producer()),
                **options.get("extra", {}),
                "error_cb": lambda error: fatal.set() if error.fatal() else None,
            }
        )

        def delivered(error, message, value):
            key = key_of(message.topic(), message.partition())
            if error is None:
                tell(f="send", type="ok", p=name, v=value, k=key, off=message.offset())
                return
            kind = "fail" if error.name() in CERTAIN else "info"
            tell(f="send", type=kind, p=name, v=value, k=key, err=error.name())

        number = 0
        interval = 1.0 / options["rate"]
        due = time.monotonic()
        while not stopping.is_set() and not fatal.is_set():
            value = f"{name}:{number}"
            partition = number % options["partitions"]
            tell(f="send", type="invoke", p=name, v=value, k=key_of(options["topic"], partition))
            try:
                client.produce(
                    options["topic"],
                    value + options.get("padding", ""),
                    partition=partition,
                    on_delivery=lambda error, message, value=value: delivered(error, message, value),
                )
                number += 1
            except BufferError:
                tell(f="send", type="fail", p=name, v=value, k=key_of(options["topic"], partition), err="QUEUE_FULL")
                number += 1
                client.poll(0.1)
            except KafkaException as error:
                tell(f="send", type="info", p=name, v=value, k=key_of(options["topic"], partition), err=str(error))
                break
            client.poll(0)
            due += interval
            wait = due - time.monotonic()
            if wait > 0:
                client.poll(wait)
            elif wait < -1:
                due = time.monotonic()
        client.flush(25)
        if fatal.is_set():
            tell(f="note", type="info", p=name, text="fatal error of the producer")


def value_of(message):
    return message.value().decode().rstrip("_")


def consumer_of(extra):
    return Consumer(
        {
            "bootstrap.servers": options["bootstrap"],
            "client.id": options["name"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
            **extra,
            **options.get("extra", {}),
        }
    )


def reader():
    """Reads all partitions from their begin, or from anywhere, again and again; each reading is a consumer of its own."""
    chance = random.Random(options["seed"])
    life = 0
    while not stopping.is_set():
        life += 1
        name = f"{options['name']}.{life}"
        client = consumer_of({"group.id": f"reader-{name}", "isolation.level": chance.choice(["read_committed", "read_uncommitted"])})
        begin = 0 if chance.random() < 0.5 else chance.randint(0, 500)
        parts = [TopicPartition(t, p, begin) for t, n in options["topics"].items() for p in range(n)]
        client.assign(parts)
        # Where it really begins is known with the first record: the log may be shorter than `begin`.
        tell(f="position", type="ok", p=name, at={key_of(part.topic, part.partition): -1 for part in parts})
        until = time.monotonic() + 5 + chance.random() * 20
        while not stopping.is_set() and time.monotonic() < until:
            records = {}
            for message in client.consume(500, 0.2):
                if message.error() is None:
                    key = key_of(message.topic(), message.partition())
                    records.setdefault(key, []).append([message.offset(), value_of(message)])
            if records:
                tell(f="poll", type="ok", p=name, r=records)
        client.close()


def group():
    """A member that commits what it was given, after it was given; it leaves and comes back now and then."""
    chance = random.Random(options["seed"])
    life = 0
    while not stopping.is_set():
        life += 1
        name = f"{options['name']}.{life}"
        client = consumer_of({"group.id": options["group"], "session.timeout.ms": 10000, "heartbeat.interval.ms": 1000})
        pending = {}

        def revoked(consumer, parts):
            commit(parts)
            for part in parts:
                pending.pop((part.topic, part.partition), None)

        def assigned(consumer, parts):
            tell(f="position", type="ok", p=name, g=options["group"], at={key_of(part.topic, part.partition): -1 for part in parts})

        def lost(consumer, parts):
            for part in parts:
                pending.pop((part.topic, part.partition), None)

        def commit(only=None):
            chosen = pending
            if only is not None:
                mine = {(part.topic, part.partition) for part in only}
                chosen = {key: offset for key, offset in pending.items() if key in mine}
            if not chosen:
                return
            at = {key_of(*key): offset for key, offset in chosen.items()}
            tell(f="commit", type="invoke", p=name, g=options["group"], at=at)
            try:
                done = client.commit(offsets=[TopicPartition(t, p, o) for (t, p), o in chosen.items()], asynchronous=False)
                bad = [part for part in done if part.error is not None]
                if bad:
                    tell(f="commit", type="info", p=name, g=options["group"], at=at, err=str(bad[0].error))
                else:
                    tell(f="commit", type="ok", p=name, g=options["group"], at=at)
            except KafkaException as error:
                tell(f="commit", type="info", p=name, g=options["group"], at=at, err=str(error))

        client.subscribe(list(options["topics"]), on_assign=assigned, on_revoke=revoked, on_lost=lost)
        until = time.monotonic() + 10 + chance.random() * 40
        last = time.monotonic()
        while not stopping.is_set() and time.monotonic() < until:
            # One at a time: what a larger batch holds may have been revoked while it was gathered.
            message = client.poll(0.2)
            count = 0
            while message is not None:
                if message.error() is None:
                    key = (message.topic(), message.partition())
                    record = {key_of(*key): [[message.offset(), value_of(message)]]}
                    tell(f="poll", type="ok", p=name, g=options["group"], r=record)
                    pending[key] = message.offset() + 1
                count += 1
                message = client.poll(0) if count < 500 else None
            if time.monotonic() - last > 0.5:
                commit()
                last = time.monotonic()
        client.close()


def final():
    """Reads everything up to the given ends, once."""
    ends = {key: end for key, end in options["ends"].items() if end > 0}
    client = consumer_of({"group.id": options["name"], "isolation.level": "read_committed"})
    parts = []
    for key in ends:
        topic, partition = key.rsplit("-", 1)
        parts.append(TopicPartition(topic, int(partition), 0))
    client.assign(parts)
    tell(f="position", type="ok", p=options["name"], at={key: 0 for key in ends})
    until = time.monotonic() + options["patience"]
    while ends and not stopping.is_set() and time.monotonic() < until:
        records = {}
        for message in client.consume(1000, 0.5):
            if message.error() is None:
                key = key_of(message.topic(), message.partition())
                records.setdefault(key, []).append([message.offset(), value_of(message)])
                if message.offset() + 1 >= ends.get(key, 0):
                    ends.pop(key, None)
        if records:
            tell(f="poll", type="ok", p=options["name"], final=True, r=records)
    client.close()


{"producer": producer, "reader": reader, "group": group, "final": final}[role]()
