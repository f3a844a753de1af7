import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;

/** Records as they went in, and positions by offset and time. */
final class RecordTests {
  private static final long START = 1700000000000L;

  private RecordTests() {}

  static void addTo(Tests tests) {
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      tests.add("compression_" + codec, () -> compression(codec));
      tests.add("broker_compression_" + codec, () -> brokerCompression(codec));
    }
    for (String acks : List.of("0", "1", "all")) {
      tests.add("acks_" + acks, () -> acks(acks));
    }
    tests.add("headers", RecordTests::headers);
    tests.add("null_and_empty_keys_and_values", RecordTests::nullAndEmpty);
    tests.add("records_near_a_million_bytes", RecordTests::big);
    tests.add("record_above_the_limit_is_refused", RecordTests::tooBig);
    tests.add("offsets_beginning_end_and_by_time", RecordTests::offsets);
    tests.add("seek_and_pause", RecordTests::seekAndPause);
    tests.add("log_append_time", RecordTests::logAppendTime);
    tests.add("many_topics_in_one_fetch_session", RecordTests::manyTopics);
  }

  private static void compression(String codec) throws Exception {
    String topic = Kafka.createTopic("compression-" + codec, 1);
    List<String> sent = Kafka.numbered(500, "a text that repeats, repeats, repeats ");
    Kafka.produce(topic, sent, "compression.type", codec, "linger.ms", "5");
    Tests.equal(Kafka.values(Kafka.readAll(topic, 1)), sent, "records");
  }

  private static void brokerCompression(String codec) throws Exception {
    String setting = codec.equals("none") ? "uncompressed" : codec;
    String topic = Kafka.createTopic("broker-compression-" + codec, 1, Map.of("compression.type", setting));
    List<String> sent = Kafka.numbered(500, "a text that repeats, repeats, repeats ");
    Kafka.produce(topic, sent, "compression.type", "lz4");
    Kafka.produce(topic, sent);
    List<String> expected = new ArrayList<>(sent);
    expected.addAll(sent);
    Tests.equal(Kafka.values(Kafka.readAll(topic, 1)), expected, "records");
  }

  private static void acks(String acks) throws Exception {
    String topic = Kafka.createTopic("acks-" + acks, 1);
    Kafka.produce(topic, Kafka.numbered(100, "v"), "acks", acks, "enable.idempotence", "false");
    Tests.Deadline deadline = new Tests.Deadline();
    while (Kafka.readAll(topic, 1).size() < 100) {
      deadline.holds("100 records");
    }
  }

  private static void headers() throws Exception {
    String topic = Kafka.createTopic("headers", 1);
    ProducerRecord<String, String> record = new ProducerRecord<>(topic, "k", "v");
    record.headers().add("trace", "abc".getBytes()).add("empty", new byte[0]).add("null", null).add("trace", new byte[] {0});
    try (KafkaProducer<String, String> producer = Kafka.producer()) {
      producer.send(record).get();
      producer.send(new ProducerRecord<>(topic, "bare")).get();
    }
    List<ConsumerRecord<String, String>> found = Kafka.readAll(topic, 1);
    Header[] headers = found.get(0).headers().toArray();
    Tests.equal(Arrays.stream(headers).map(Header::key).toList(), List.of("trace", "empty", "null", "trace"), "names");
    Tests.holds(headers[1].value().length == 0 && headers[2].value() == null, "an empty and a null header");
    Tests.equal(found.get(1).headers().toArray().length, 0, "headers of the second record");
  }

  private static void nullAndEmpty() throws Exception {
    String topic = Kafka.createTopic("null-and-empty", 1);
    List<String> kinds = Arrays.asList(null, "", "x");
    List<String> sent = new ArrayList<>();
    try (KafkaProducer<String, String> producer = Kafka.producer()) {
      for (String key : kinds) {
        for (String value : kinds) {
          producer.send(new ProducerRecord<>(topic, 0, key, value)).get();
          sent.add(key + "/" + value);
        }
      }
    }
    Tests.equal(Kafka.readAll(topic, 1).stream().map(record -> record.key() + "/" + record.value()).toList(), sent, "records");
  }

  private static void big() throws Exception {
    String topic = Kafka.createTopic("big", 1);
    String value = "a" + "b".repeat(990000) + "c";
    Kafka.produce(topic, List.of("small"));
    try (KafkaProducer<String, String> producer = Kafka.producer()) {
      producer.send(new ProducerRecord<>(topic, value)).get();
      producer.send(new ProducerRecord<>(topic, value)).get();
    }
    // A consumer that asks for less than one record gets it all the same.
    List<String> found = Kafka.values(Kafka.readAll(topic, 1, "max.partition.fetch.bytes", "1000", "fetch.max.bytes", "1000"));
    Tests.equal(found, List.of("small", value, value), "records");
  }

  private static void tooBig() throws Exception {
    String topic = Kafka.createTopic("too-big", 1);
    try (KafkaProducer<String, String> producer = Kafka.producer("max.request.size", "4000000", "batch.size", "16384")) {
      Tests.fails(RecordTooLargeException.class,
          () -> producer.send(new ProducerRecord<>(topic, "x".repeat(2000000))).get());
      producer.send(new ProducerRecord<>(topic, "small")).get();
    }
    String wide = Kafka.createTopic("wide", 1, Map.of("max.message.bytes", "3000000"));
    try (KafkaProducer<String, String> producer = Kafka.producer("max.request.size", "4000000")) {
      producer.send(new ProducerRecord<>(wide, "x".repeat(2000000))).get();
    }
    Tests.equal(Kafka.readAll(wide, 1).get(0).value().length(), 2000000, "length on a topic with a larger limit");
  }

  private static String seconds(String stem) throws Exception {
    String topic = Kafka.createTopic(stem, 1);
    try (KafkaProducer<String, String> producer = Kafka.producer()) {
      for (int i = 0; i < 100; i++) {
        producer.send(new ProducerRecord<>(topic, 0, START + i * 1000L, "k", "v" + i));
      }
    }
    return topic;
  }

  private static void offsets() throws Exception {
    TopicPartition part = new TopicPartition(seconds("times"), 0);
    try (KafkaConsumer<String, String> consumer = Kafka.consumer()) {
      Tests.equal(consumer.beginningOffsets(List.of(part)), Map.of(part, 0L), "beginning");
      Tests.equal(consumer.endOffsets(List.of(part)), Map.of(part, 100L), "end");
      long[][] cases = {{START - 5, 0}, {START + 41000, 41}, {START + 41001, 42}};
      for (long[] one : cases) {
        OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(part, one[0])).get(part);
        Tests.equal(found.offset(), one[1], "offset at " + one[0]);
        Tests.equal(found.timestamp(), START + one[1] * 1000, "time at " + one[0]);
      }
      Tests.equal(consumer.offsetsForTimes(Map.of(part, START + 1000000)).get(part), null, "after the last");
    }
  }

  private static void seekAndPause() throws Exception {
    TopicPartition part = new TopicPartition(seconds("seek"), 0);
    try (KafkaConsumer<String, String> consumer = Kafka.consumer("max.poll.records", "10")) {
      consumer.assign(List.of(part));
      for (long target : new long[] {77, 3}) {
        consumer.seek(part, target);
        Tests.equal(pollSome(consumer).iterator().next().offset(), target, "first offset after a seek");
      }
      consumer.pause(List.of(part));
      Tests.equal(consumer.poll(Duration.ofMillis(300)).count(), 0, "records while paused");
      consumer.resume(List.of(part));
      Tests.holds(pollSome(consumer).count() > 0, "records after resume");
    }
  }

  private static ConsumerRecords<String, String> pollSome(KafkaConsumer<String, String> consumer) {
    Tests.Deadline deadline = new Tests.Deadline();
    ConsumerRecords<String, String> found = consumer.poll(Duration.ofMillis(100));
    while (found.isEmpty() && deadline.holds("records")) {
      found = consumer.poll(Duration.ofMillis(100));
    }
    return found;
  }

  private static void logAppendTime() throws Exception {
    String topic = Kafka.createTopic("append-time", 1, Map.of("message.timestamp.type", "LogAppendTime"));
    try (KafkaProducer<String, String> producer = Kafka.producer()) {
      long told = producer.send(new ProducerRecord<>(topic, 0, START, "k", "v")).get().timestamp();
      ConsumerRecord<String, String> record = Kafka.readAll(topic, 1).get(0);
      Tests.equal(record.timestampType(), TimestampType.LOG_APPEND_TIME, "type");
      Tests.holds(record.timestamp() > START && record.timestamp() == told, "the broker's time, the one it told the producer");
    }
  }

  /** Few of many partitions have something new: that is what fetch sessions are for. */
  private static void manyTopics() throws Exception {
    List<TopicPartition> parts = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      parts.addAll(Kafka.partitions(Kafka.createTopic("many-" + i, 8), 8));
    }
    try (KafkaConsumer<String, String> consumer = Kafka.consumer();
        KafkaProducer<String, String> producer = Kafka.producer()) {
      consumer.assign(parts);
      for (int round = 0; round < 30; round++) {
        TopicPartition part = parts.get(round * 7 % parts.size());
        producer.send(new ProducerRecord<>(part.topic(), part.partition(), "k", "round " + round)).get();
        ConsumerRecord<String, String> record = pollSome(consumer).iterator().next();
        Tests.equal(record.value(), "round " + round, "record");
        if (round == 15) {
          // The session learns that a partition is gone from it.
          consumer.assign(parts.subList(1, 40));
        }
      }
    }
  }
}
