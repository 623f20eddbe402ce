"""Stock librdkafka clients of `npm run exactly-once`: one feeds the input topics, some copy, one reads the result.

usage: worker.py feed BOOTSTRAP TOPIC:PARTITIONS,… RECORDS_PER_SECOND
       worker.py copy BOOTSTRAP INPUT OUTPUT GROUP TRANSACTIONAL_ID [--without-transactions]
       worker.py read BOOTSTRAP TOPIC PARTITIONS
"""
import json
import random
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

stopped = False


def stop(*_):
    global stopped
    stopped = True


def feed(bootstrap, topics, rate):
    """Numbers each partition's records from 0 on, as key and value; says at the end how many were acknowledged, which must be all."""
    producer = Producer({
        'bootstrap.servers': bootstrap, 'enable.idempotence': True, 'acks': 'all',
        'message.timeout.ms': 600_000, 'linger.ms': 5,
    })
    partitions = [(topic, i) for topic, count in topics for i in range(count)]
    sent = dict.fromkeys(partitions, 0)
    acknowledged = dict.fromkeys(partitions, 0)
    failures = []

    def delivered(error, message):
        if error is not None:
            failures.append(str(error))
        else:
            acknowledged[(message.topic(), message.partition())] += 1

    began = time.monotonic()
    count = 0
    while not stopped and not failures:
        while count < (time.monotonic() - began) * rate:
            topic, partition = partitions[count % len(partitions)]
            value = str(sent[(topic, partition)])
            try:
                producer.produce(topic, value, key=value, partition=partition, on_delivery=delivered)
            except BufferError:
                break
            sent[(topic, partition)] += 1
            count += 1
        producer.poll(0.01)
    left = producer.flush(300)
    counts = {f'{topic}-{partition}': acknowledged[(topic, partition)] for topic, partition in partitions}
    print(json.dumps({'counts': counts, 'unacknowledged': left, 'failures': failures[:5]}), flush=True)


def rewind(consumer):
    """Back to what is committed, as the transaction was aborted."""
    for partition in consumer.committed(consumer.assignment(), 30):
        offset = partition.offset if partition.offset >= 0 else 0
        consumer.seek(TopicPartition(partition.topic, partition.partition, offset))


def again(call, *args):
    """A transactional call is made again while its error says that this helps."""
    while True:
        try:
            return call(*args)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise


def copy(bootstrap, source, target, group, transactional_id, is_transactional):
    consumer = Consumer({
        'bootstrap.servers': bootstrap, 'group.id': group, 'isolation.level': 'read_committed',
        'enable.auto.commit': False, 'auto.offset.reset': 'earliest', 'session.timeout.ms': 6000,
        'heartbeat.interval.ms': 1000,
    })
    settings = {'bootstrap.servers': bootstrap, 'linger.ms': 5}
    if is_transactional:
        settings |= {'transactional.id': transactional_id, 'transaction.timeout.ms': 20_000}
    producer = Producer(settings)
    if is_transactional:
        again(producer.init_transactions, 60)
    consumer.subscribe([source])
    copied = 0
    while not stopped:
        messages = [message for message in consumer.consume(100, 0.2) if message.error() is None]
        if not messages:
            continue
        if is_transactional:
            producer.begin_transaction()
        ends = {}
        for message in messages:
            producer.produce(target, message.value(), key=message.key(), partition=message.partition())
            ends[message.partition()] = message.offset() + 1
        # A kill shall meet transactions whose records are written and whose offsets are not.
        producer.flush(random.random() * 0.3)
        time.sleep(random.random() * 0.3)
        offsets = [TopicPartition(source, partition, offset) for partition, offset in ends.items()]
        try:
            if is_transactional:
                again(producer.send_offsets_to_transaction, offsets, consumer.consumer_group_metadata(), 30)
                again(producer.commit_transaction, 30)
            else:
                producer.flush(30)
                consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            print(json.dumps({'error': str(error.args[0])}), flush=True)
            if not is_transactional:
                continue
            if not error.args[0].txn_requires_abort():
                raise
            again(producer.abort_transaction, 30)
            rewind(consumer)
            continue
        copied += len(messages)
        print(json.dumps({'copied': copied}), flush=True)
    consumer.close()


def read(bootstrap, topic, count):
    """All that read_committed shows, by partition, and how far behind the high watermark that ends."""
    settings = {'bootstrap.servers': bootstrap, 'group.id': 'reader', 'enable.auto.commit': False}
    consumer = Consumer(settings | {'isolation.level': 'read_committed', 'enable.partition.eof': True})
    everything = Consumer(settings | {'isolation.level': 'read_uncommitted'})
    consumer.assign([TopicPartition(topic, i, 0) for i in range(count)])
    values = {str(i): [] for i in range(count)}
    unstable = {}
    open_partitions = set(range(count))
    deadline = time.monotonic() + 120
    while open_partitions and time.monotonic() < deadline:
        for message in consumer.consume(1000, 1.0):
            error = message.error()
            if error is None:
                values[str(message.partition())].append(message.value().decode())
            elif error.code() == KafkaError._PARTITION_EOF:
                open_partitions.discard(message.partition())
    for i in range(count):
        at = TopicPartition(topic, i)
        stable = consumer.get_watermark_offsets(at, timeout=30)[1]
        unstable[str(i)] = everything.get_watermark_offsets(at, timeout=30)[1] - stable
    print(json.dumps({'values': values, 'unstable': unstable, 'unread': sorted(open_partitions)}), flush=True)


signal.signal(signal.SIGTERM, stop)
mode, bootstrap, *rest = sys.argv[1:]
if mode == 'feed':
    topics = [(name, int(count)) for name, count in (one.split(':') for one in rest[0].split(','))]
    feed(bootstrap, topics, float(rest[1]))
elif mode == 'copy':
    copy(bootstrap, *rest[:4], '--without-transactions' not in rest)
else:
    read(bootstrap, rest[0], int(rest[1]))
