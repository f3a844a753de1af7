import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;

/** Idempotence and transactions. */
final class TransactionTests {
  private static final String[] COMMITTED = {"isolation.level", "read_committed"};

  private TransactionTests() {}

  static void addTo(Tests tests) {
    tests.add("idempotent_producer", TransactionTests::idempotent);
    tests.add("transactions_committed_and_aborted", TransactionTests::commitAndAbort);
    tests.add("many_short_transactions", TransactionTests::manyShort);
    tests.add("open_transaction_hides_what_follows", TransactionTests::open);
    tests.add("consume_transform_produce", TransactionTests::copy);
    tests.add("zombie_is_fenced", TransactionTests::zombie);
    tests.add("fence_producers_by_admin", TransactionTests::fenceByAdmin);
    tests.add("transaction_ends_at_its_timeout", TransactionTests::timeout);
  }

  private static KafkaProducer<String, String> transactional(String stem, String... settings) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.addAll(List.of("transactional.id", Tests.name(stem)));
    KafkaProducer<String, String> producer = Kafka.producer(all.toArray(new String[0]));
    producer.initTransactions();
    return producer;
  }

  private static List<String> committed(String topic, int partitions) {
    return Kafka.sorted(Kafka.values(Kafka.readCommitted(topic, partitions)));
  }

  private static void idempotent() throws Exception {
    String topic = Kafka.createTopic("idempotent", 3);
    Kafka.produce(topic, Kafka.numbered(3000, "v"), "batch.size", "500", "max.in.flight.requests.per.connection", "5");
    List<String> found = Kafka.sorted(Kafka.values(Kafka.readAll(topic, 3)));
    Tests.equal(found, Kafka.sorted(Kafka.numbered(3000, "v")), "records");
  }

  private static void commitAndAbort() throws Exception {
    String topic = Kafka.createTopic("commit-and-abort", 3);
    List<String> kept = new ArrayList<>();
    List<String> all = new ArrayList<>();
    try (KafkaProducer<String, String> producer = transactional("commit-and-abort")) {
      for (int i = 0; i < 4; i++) {
        producer.beginTransaction();
        Kafka.send(producer, topic, Kafka.numbered(20, "kept " + i + " "));
        producer.commitTransaction();
        kept.addAll(Kafka.numbered(20, "kept " + i + " "));
        producer.beginTransaction();
        Kafka.send(producer, topic, Kafka.numbered(10, "dropped " + i + " "));
        producer.abortTransaction();
        all.addAll(Kafka.numbered(10, "dropped " + i + " "));
      }
    }
    all.addAll(kept);
    Tests.equal(committed(topic, 3), Kafka.sorted(kept), "read committed");
    Tests.equal(Kafka.sorted(Kafka.values(Kafka.readAll(topic, 3))), Kafka.sorted(all), "read uncommitted");
  }

  private static void manyShort() throws Exception {
    String topic = Kafka.createTopic("many-short", 2);
    try (KafkaProducer<String, String> producer = transactional("many-short")) {
      for (int i = 0; i < 150; i++) {
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topic, i % 2, "k", "v" + i));
        // Without this, the client of 4.3.1 may end a transaction before it has sent the record: it looks whether records
        // are left and takes up the end in two steps. Apache Kafka refuses that end just as leatd does.
        producer.flush();
        if (i % 5 == 4) {
          producer.abortTransaction();
        } else {
          producer.commitTransaction();
        }
      }
    }
    Tests.equal(committed(topic, 2).size(), 120, "committed records");
  }

  private static void open() throws Exception {
    String topic = Kafka.createTopic("open", 1);
    TopicPartition part = new TopicPartition(topic, 0);
    Kafka.produce(topic, Kafka.numbered(5, "before "));
    try (KafkaProducer<String, String> producer = transactional("open"); Admin admin = Kafka.admin();
        KafkaConsumer<String, String> consumer = Kafka.consumer(COMMITTED)) {
      producer.beginTransaction();
      Kafka.send(producer, topic, Kafka.numbered(5, "open "));
      Kafka.produce(topic, Kafka.numbered(5, "after "));
      Tests.equal(consumer.endOffsets(List.of(part)).get(part), 5L, "last stable offset");
      Tests.equal(Kafka.values(Kafka.readAll(topic, 1, COMMITTED)), Kafka.numbered(5, "before "), "read committed");
      Tests.equal(Kafka.readAll(topic, 1).size(), 15, "read uncommitted");
      String id = Tests.name("open");
      var described = admin.describeTransactions(List.of(id)).all().get().get(id);
      Tests.equal(described.state(), TransactionState.ONGOING, "state");
      Tests.holds(described.topicPartitions().contains(part), "the partition in the transaction");
      Tests.holds(admin.listTransactions().all().get().stream().anyMatch(one -> one.transactionalId().equals(id)),
          "the transaction in the list");
      var producers = admin.describeProducers(List.of(part)).all().get().get(part).activeProducers();
      Tests.holds(producers.stream().anyMatch(one -> one.currentTransactionStartOffset().orElse(-1) == 5),
          "a producer with a transaction from offset 5 on, in " + producers);
      producer.commitTransaction();
      Tests.equal(committed(topic, 1).size(), 15, "records after the commit");
    }
  }

  private static void copy() throws Exception {
    String from = Kafka.createTopic("copy-from", 2);
    String to = Kafka.createTopic("copy-to", 2);
    Kafka.produce(from, Kafka.numbered(300, "v"));
    int copied = 0;
    int rounds = 0;
    try (KafkaProducer<String, String> producer = transactional("copy");
        KafkaConsumer<String, String> consumer = Kafka.consumer("group.id", Tests.name("copy"), "max.poll.records", "25",
            "isolation.level", "read_committed", "heartbeat.interval.ms", "300")) {
      consumer.subscribe(List.of(from));
      for (Tests.Deadline deadline = new Tests.Deadline(); copied < 300 && deadline.holds("300 records to be copied");) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
        if (records.isEmpty()) {
          continue;
        }
        producer.beginTransaction();
        for (ConsumerRecord<String, String> record : records) {
          producer.send(new ProducerRecord<>(to, record.key(), record.value()));
        }
        producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
        if (++rounds % 3 == 2) {
          producer.abortTransaction();
          Map<TopicPartition, OffsetAndMetadata> back = consumer.committed(consumer.assignment());
          back.forEach((part, offset) -> consumer.seek(part, offset == null ? 0 : offset.offset()));
        } else {
          producer.commitTransaction();
          copied += records.count();
        }
      }
    }
    Tests.holds(rounds > 4, "several rounds");
    Tests.equal(committed(to, 2), Kafka.sorted(Kafka.numbered(300, "v")), "each record copied once");
  }

  private static void expectFenced(KafkaProducer<String, String> zombie, String topic) {
    try {
      zombie.send(new ProducerRecord<>(topic, "too late")).get();
      zombie.commitTransaction();
    } catch (Exception error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        if (cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException) {
          return;
        }
      }
      throw new Tests.Failure("expected a fenced producer, got " + error);
    }
    throw new Tests.Failure("expected a fenced producer, and the zombie committed");
  }

  private static void zombie() throws Exception {
    String topic = Kafka.createTopic("zombie", 1);
    KafkaProducer<String, String> zombie = transactional("zombie");
    zombie.beginTransaction();
    Kafka.send(zombie, topic, Kafka.numbered(5, "zombie "));
    try (KafkaProducer<String, String> successor = transactional("zombie")) {
      successor.beginTransaction();
      Kafka.send(successor, topic, Kafka.numbered(5, "successor "));
      successor.commitTransaction();
    }
    expectFenced(zombie, topic);
    zombie.close(Duration.ofSeconds(1));
    Tests.equal(committed(topic, 1), Kafka.numbered(5, "successor "), "only the successor's records");
  }

  private static void fenceByAdmin() throws Exception {
    String topic = Kafka.createTopic("fence", 1);
    KafkaProducer<String, String> producer = transactional("fence");
    producer.beginTransaction();
    Kafka.send(producer, topic, Kafka.numbered(5, "v"));
    try (Admin admin = Kafka.admin()) {
      admin.fenceProducers(List.of(Tests.name("fence"))).all().get();
    }
    expectFenced(producer, topic);
    producer.close(Duration.ofSeconds(1));
    Tests.equal(committed(topic, 1), List.of(), "nothing of the fenced producer");
  }

  /** Its producer is silent: the coordinator aborts the transaction, and readers go on. */
  private static void timeout() throws Exception {
    String topic = Kafka.createTopic("timeout", 1);
    TopicPartition part = new TopicPartition(topic, 0);
    KafkaProducer<String, String> silent = transactional("timeout", "transaction.timeout.ms", "1000", "max.block.ms", "5000");
    silent.beginTransaction();
    Kafka.send(silent, topic, Kafka.numbered(5, "lost "));
    Kafka.produce(topic, List.of("after"));
    try (Admin admin = Kafka.admin()) {
      var latest = org.apache.kafka.clients.admin.OffsetSpec.latest();
      var options = new org.apache.kafka.clients.admin.ListOffsetsOptions(IsolationLevel.READ_COMMITTED);
      Tests.Deadline deadline = new Tests.Deadline();
      while (admin.listOffsets(Map.of(part, latest), options).partitionResult(part).get().offset() < 6) {
        deadline.holds("the last stable offset to go on after the timeout");
      }
    }
    Tests.equal(committed(topic, 1), List.of("after"), "what follows the lost transaction");
    silent.close(Duration.ofSeconds(1));
  }
}
