"""A Kafka for a Python test: `npx bendemann dev --control` beside it, faults over HTTP. Needs confluent-kafka.

Run: python test_orders.py [path of the bendemann command]
"""

import json
import re
import subprocess
import sys
import urllib.request

from confluent_kafka import Producer


class Kafka:
    """A cluster in a process of its own, driven over its control port."""

    def __init__(self, command):
        words = [command, "dev", "--port", "0", "--topic", "orders", "--control", "0"]
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

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def test_an_order_is_written_once(kafka):
    fault = kafka.call(
        "POST", "/faults", api="Produce", error="NOT_ENOUGH_REPLICAS_AFTER_APPEND", after=True
    )
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    producer.produce("orders", b"tea")
    assert producer.flush(20) == 0
    assert kafka.call("GET", f"/faults/{fault['id']}")["hits"] == 1
    records = kafka.call("GET", "/topics/orders/records")["records"]
    assert [record["value"] for record in records] == ["tea"]


def test_reset(kafka):
    kafka.call("POST", "/reset")
    assert kafka.call("GET", "/topics/orders/records")["records"] == []


if __name__ == "__main__":
    cluster = Kafka(sys.argv[1] if len(sys.argv) > 1 else "bendemann")
    try:
        test_an_order_is_written_once(cluster)
        test_reset(cluster)
        print("2 passed")
    finally:
        cluster.close()
