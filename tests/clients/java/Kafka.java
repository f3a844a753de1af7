import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Producers, consumers and topics for the tests. */
final class Kafka {
  private Kafka() {}

  private static Properties properties(String... settings) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", Tests.bootstrap());
    for (int i = 0; i < settings.length; i += 2) {
      properties.put(settings[i], settings[i + 1]);
    }
    return properties;
  }

  static Admin admin() {
    return Admin.create(properties("default.api.timeout.ms", "30000"));
  }

  static KafkaProducer<String, String> producer(String... settings) {
    Properties properties = properties(settings);
    properties.putIfAbsent("delivery.timeout.ms", "40000");
    return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
  }

  static KafkaConsumer<String, String> consumer(String... settings) {
    Properties properties = properties(settings);
    properties.put("enable.auto.commit", "false");
    properties.putIfAbsent("auto.offset.reset", "earliest");
    properties.put("fetch.max.wait.ms", "100");
    return new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
  }

  static String createTopic(String stem, int partitions, Map<String, String> configs) throws Exception {
    String topic = Tests.name(stem);
    try (Admin admin = admin()) {
      admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(configs))).all().get();
    }
    return topic;
  }

  static String createTopic(String stem, int partitions) throws Exception {
    return createTopic(stem, partitions, Map.of());
  }

  /** Sends strings, each as the key and the value; returns when all are acknowledged. */
  static void send(KafkaProducer<String, String> producer, String topic, List<String> texts) throws Exception {
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (String text : texts) {
      sent.add(producer.send(new ProducerRecord<>(topic, text, text)));
    }
    producer.flush();
    for (Future<RecordMetadata> future : sent) {
      future.get();
    }
  }

  static void produce(String topic, List<String> texts, String... settings) throws Exception {
    try (KafkaProducer<String, String> producer = producer(settings)) {
      send(producer, topic, texts);
    }
  }

  static List<TopicPartition> partitions(String topic, int count) {
    return IntStream.range(0, count).mapToObj(i -> new TopicPartition(topic, i)).toList();
  }

  /** Every record up to the end that the broker names now, ordered by partition. */
  static List<ConsumerRecord<String, String>> readAll(String topic, int count, String... settings) {
    return readUpTo(topic, count, null, settings);
  }

  /** Up to what is the end now for a reader without isolation: waits for the markers of transactions that have ended. */
  static List<ConsumerRecord<String, String>> readCommitted(String topic, int count) {
    try (KafkaConsumer<String, String> consumer = consumer()) {
      return readUpTo(topic, count, consumer.endOffsets(partitions(topic, count)), "isolation.level", "read_committed");
    }
  }

  private static List<ConsumerRecord<String, String>> readUpTo(
      String topic, int count, Map<TopicPartition, Long> wanted, String... settings) {
    try (KafkaConsumer<String, String> consumer = consumer(settings)) {
      Collection<TopicPartition> parts = partitions(topic, count);
      consumer.assign(parts);
      consumer.seekToBeginning(parts);
      Map<TopicPartition, Long> ends = wanted == null ? consumer.endOffsets(parts) : wanted;
      Map<TopicPartition, List<ConsumerRecord<String, String>>> found = new HashMap<>();
      Tests.Deadline deadline = new Tests.Deadline();
      while (parts.stream().anyMatch(part -> consumer.position(part) < ends.get(part))) {
        deadline.holds("to reach the ends " + ends);
        consumer.poll(Duration.ofMillis(100)).forEach(record ->
            found.computeIfAbsent(new TopicPartition(topic, record.partition()), part -> new ArrayList<>()).add(record));
      }
      List<ConsumerRecord<String, String>> all = new ArrayList<>();
      parts.forEach(part -> all.addAll(found.getOrDefault(part, List.of())));
      return all;
    }
  }

  static List<String> values(List<ConsumerRecord<String, String>> records) {
    return records.stream().map(ConsumerRecord::value).toList();
  }

  static List<String> sorted(List<String> texts) {
    return texts.stream().sorted().toList();
  }

  static List<String> numbered(int count, String stem) {
    return IntStream.range(0, count).mapToObj(i -> stem + i).toList();
  }
}
