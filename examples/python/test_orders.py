"""A Kafka for a Python test: `npx bendemann dev --control` beside it, faults over HTTP. Needs confluent-kafka.

Run: python test_orders.py [path of the bendemann command]
"""

import json
import re
import subprocess
import sys
import urllib.request

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition


class Kafka:
    """A cluster in a process of its own, driven over its control port."""

    def __init__(self, command):
        words = [command, "dev", "--port", "0", "--topic", "orders:2", "--control", "0"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.control = ""
        for line in self.process.stdout:
            if found := re.search(r"bootstrap servers +(\S+)", line):
                self.bootstrap = found[1]
            if found := re.search(r"control +(http://[^/]+)", line):
                self.control = found[1]
                return
        raise RuntimeError("bendemann dev ended before it was ready")

    def call(self, method, path, **body):
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.control + path, data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def fault(self, **what):
        return self.call("POST", "/faults", **what)["id"]

    def hits(self, fault):
        return self.call("GET", f"/faults/{fault}")["hits"]

    def values(self):
        return [record["value"] for record in self.call("GET", "/topics/orders/records")["records"]]

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def send(kafka, value, partition=0, **settings):
    """Writes one record; returns the error that the producer gave up with, or None."""
    errors = []
    quick = {"bootstrap.servers": kafka.bootstrap, "retry.backoff.ms": 10, "socket.timeout.ms": 2000}
    producer = Producer({**quick, **settings})
    producer.produce(
        "orders", value, partition=partition, on_delivery=lambda error, _: errors.append(error)
    )
    assert producer.flush(20) == 0
    return errors[0]


def read(kafka, **settings):
    """Reads the first record of partition 0."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "shop", **settings})
    consumer.assign([TopicPartition("orders", 0, 0)])
    try:
        message = consumer.poll(10)
        if message is not None and message.error():
            raise KafkaException(message.error())
        return message and message.value()
    finally:
        consumer.close()


def test_an_order_is_written_once(kafka):
    fault = kafka.fault(api="Produce", error="NOT_ENOUGH_REPLICAS_AFTER_APPEND", after=True)
    assert send(kafka, b"tea", **{"enable.idempotence": True}) is None
    assert kafka.hits(fault) == 1
    assert kafka.values() == ["tea"]


def test_without_idempotence_it_is_written_twice(kafka):
    kafka.fault(api="Produce", error="REQUEST_TIMED_OUT", after=True)
    send(kafka, b"tea", **{"enable.idempotence": False})
    assert kafka.values() == ["tea", "tea"]


def test_a_connection_that_is_closed_is_made_again(kafka):
    fault = kafka.fault(api="Produce", disconnect=True)
    assert send(kafka, b"tea") is None
    assert kafka.hits(fault) == 1
    assert kafka.values() == ["tea"]


def test_no_answer_is_given_up(kafka):
    fault = kafka.fault(api="Produce", drop=True, times=-1)
    error = send(kafka, b"tea", **{"message.timeout.ms": 500})
    assert error.code() == KafkaError._MSG_TIMED_OUT
    assert kafka.hits(fault) >= 1


def test_a_delay_and_a_throttle_are_waited_for(kafka):
    fault = kafka.fault(api="Produce", delay="50ms", throttleMs=7)
    assert send(kafka, b"tea") is None
    assert kafka.hits(fault) == 1


def test_corrupt_records_are_noticed(kafka):
    send(kafka, b"tea")
    fault = kafka.fault(api="Fetch", corrupt="crc", times=-1)
    try:
        assert read(kafka, **{"check.crcs": True}) != b"tea"
    except KafkaException as failure:
        assert failure.args[0].code() == KafkaError._BAD_MSG
    assert kafka.hits(fault) >= 1


def test_filters_leave_the_rest_alone(kafka):
    for what in (
        {"clientId": "somebody"},
        {"topic": "other"},
        {"partition": 1},
        {"transactionalId": "t"},
    ):
        fault = kafka.fault(api="Produce", disconnect=True, times=-1, **what)
        assert send(kafka, b"tea") is None
        assert kafka.hits(fault) == 0, what
        kafka.call("DELETE", f"/faults/{fault}")
    fault = kafka.fault(api="Produce", partition=1, error="NOT_LEADER_OR_FOLLOWER")
    assert send(kafka, b"milk", partition=1) is None
    assert kafka.hits(fault) == 1


def test_waits(kafka):
    send(kafka, b"tea")
    kafka.call("POST", "/wait/offsets", topic="orders", count=1)
    kafka.call("POST", "/wait/leader", topic="orders")
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": "kitchen",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe(["orders"])
    while (message := consumer.poll(10)) is None or message.error():
        pass
    consumer.commit(asynchronous=False)
    kafka.call("POST", "/wait/group", group="kitchen", members=1, topic="orders", lag=0)
    consumer.close()
    kafka.call("POST", "/wait/group", group="kitchen", members=0)


if __name__ == "__main__":
    cluster = Kafka(sys.argv[1] if len(sys.argv) > 1 else "bendemann")
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    try:
        for test in tests:
            test(cluster)
            cluster.call("POST", "/reset")
            assert cluster.values() == []
        print(f"{len(tests)} passed")
    finally:
        cluster.close()
