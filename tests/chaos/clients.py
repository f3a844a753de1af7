"""Clients of librdkafka that keep a history: producers (idempotent, some in transactions) and a reader of everything."""

import threading

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from history import Found, Outcome, Write

# What it would say of every refused connection is no news here.
QUIET = {"log_level": 0}
# What the library gives up before it sent anything.
NEVER_SENT = {KafkaError._QUEUE_FULL, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}


class SteadyProducer(threading.Thread):
    """Writes without a break until it is stopped; acks=all, idempotent, in the order of its numbers."""

    def __init__(self, name, servers, topic, partitions, window=200):
        super().__init__(name=name, daemon=True)
        self._producer = Producer(QUIET | {
            "bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 2, "delivery.timeout.ms": 120000,
            "retry.backoff.max.ms": 200, "reconnect.backoff.max.ms": 500, "socket.connection.setup.timeout.ms": 3000,
            "topic.metadata.refresh.interval.ms": 1000})
        self._topic, self._partitions = topic, partitions
        self._room = threading.Semaphore(window)
        self._ending = threading.Event()
        self._progress = threading.Condition()
        self.writes, self.acknowledged = [], 0

    def run(self):
        number = 0
        while not self._ending.is_set():
            while not self._room.acquire(timeout=0.05):
                self._producer.poll(0)
            self._send(number)
            number += 1
            self._producer.poll(0)
        self._producer.flush()

    def _send(self, number):
        partition = number % self._partitions

        def told(error, message):
            self._room.release()
            if error is None:
                self._note(number, partition, Outcome.ACKNOWLEDGED, message.offset())
            else:
                self._note(number, partition, Outcome.FAILED if error.code() in NEVER_SENT else Outcome.UNKNOWN, None)

        self._producer.produce(self._topic, f"{self.name}:{number}".encode(), partition=partition, on_delivery=told)

    def _note(self, number, partition, outcome, offset):
        with self._progress:
            self.writes.append(Write(self.name, number, partition, outcome, offset))
            self.acknowledged += outcome is Outcome.ACKNOWLEDGED
            self._progress.notify_all()

    def await_acknowledged(self, more, timeout=60):
        """Until so many more writes than now are acknowledged."""
        with self._progress:
            wanted = self.acknowledged + more
            if not self._progress.wait_for(lambda: self.acknowledged >= wanted, timeout):
                raise AssertionError(f"{self.name}: {more} more acknowledged writes within {timeout} s, "
                                     f"got {more - (wanted - self.acknowledged)}")

    def stop(self):
        self._ending.set()
        self.join(150)
        if self.is_alive():
            raise AssertionError(f"{self.name} does not end: its writes are neither acknowledged nor failed")


class TransactionalProducer(threading.Thread):
    """One transaction after the other over all partitions; every fourth is aborted."""

    def __init__(self, name, servers, topic, partitions):
        super().__init__(name=name, daemon=True)
        self._settings = QUIET | {"bootstrap.servers": servers, "transactional.id": name, "transaction.timeout.ms": 20000,
                          "retry.backoff.max.ms": 200, "reconnect.backoff.max.ms": 500}
        self._topic, self._partitions = topic, partitions
        self._ending = threading.Event()
        self._number = 0
        self.writes, self.ended, self.problem = [], {}, None

    def run(self):
        try:
            while not self._ending.is_set():
                self._life()
        except Exception as error:  # told when the scenario ends
            self.problem = error

    def _life(self):
        """Until an error that only a new producer gets over."""
        producer = Producer(self._settings)
        self._until(lambda: producer.init_transactions(30))
        while not self._ending.is_set():
            name = f"{self.name}-{self._number}"
            try:
                self._transaction(producer, name)
            except KafkaException as error:
                if not error.args[0].txn_requires_abort():
                    return
                self._until(lambda: producer.abort_transaction(30))
                self.ended[name] = False

    def _until(self, call):
        while True:
            try:
                return call()
            except KafkaException as error:
                if not error.args[0].retriable() or self._ending.is_set():
                    raise

    def _transaction(self, producer, name):
        producer.begin_transaction()
        for partition in range(self._partitions):
            number = self._number
            self._number += 1
            self.writes.append(Write(self.name, number, partition, Outcome.UNKNOWN, transaction=name))
            producer.produce(self._topic, f"{self.name}:{number}".encode(), partition=partition)
        if self._number % (4 * self._partitions) == 0:
            self._until(lambda: producer.abort_transaction(30))
            self.ended[name] = False
        else:
            self._until(lambda: producer.commit_transaction(30))
            self.ended[name] = True

    def stop(self):
        self._ending.set()
        self.join(150)
        if self.is_alive():
            raise AssertionError(f"{self.name} does not end")
        if self.problem is not None:
            raise self.problem

    def history(self):
        """A committed transaction acknowledges its writes."""
        return [Write(w.producer, w.number, w.partition,
                      Outcome.ACKNOWLEDGED if self.ended.get(w.transaction) else Outcome.UNKNOWN, None, w.transaction)
                for w in self.writes]


def read_all(servers, topic, partitions):
    """Every record, read_committed, up to where each partition ended when this began."""
    consumer = Consumer(QUIET | {"bootstrap.servers": servers, "group.id": "reader", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "enable.partition.eof": True,
                         "auto.offset.reset": "error"})
    try:
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
        left, found = set(range(partitions)), []
        while left:
            message = consumer.poll(60)
            if message is None:
                raise AssertionError(f"partitions {sorted(left)} of {topic}: nothing comes, and no end, for 60 s")
            if message.error() is None:
                found.append(Found(message.partition(), message.offset(), message.value().decode()))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            elif not message.error().retriable():
                raise KafkaException(message.error())
        return found
    finally:
        consumer.close()
