import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A word count of Kafka Streams that is killed while it works, and started again, has every count exactly right. */
final class Suite {
  private static final int PARTITIONS = 3;
  private static final int LINES = 6000;
  private static final int KILLS = 3;

  private final String input = Tests.name("lines");
  private final String output = Tests.name("counts");
  private final Map<String, Long> expected = new TreeMap<>();
  private final Map<String, Long> latest = new TreeMap<>();
  private long updates;

  private Suite() {}

  public static void main(String[] arguments) {
    Tests tests = new Tests();
    tests.add("word_count_killed_and_restarted_counts_exactly_once", () -> new Suite().run());
    tests.runAndExit();
  }

  private static Properties properties() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", Tests.bootstrap());
    return properties;
  }

  private void run() throws Exception {
    try (Admin admin = Admin.create(properties())) {
      admin.createTopics(List.of(new NewTopic(input, PARTITIONS, (short) 1), new NewTopic(output, PARTITIONS, (short) 1)))
          .all().get();
    }
    Path state = Files.createTempDirectory("streams");
    Properties committed = properties();
    committed.put("isolation.level", "read_committed");
    committed.put("auto.offset.reset", "earliest");
    committed.put("enable.auto.commit", "false");
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties(), new StringSerializer(), new StringSerializer());
        KafkaConsumer<String, Long> consumer = new KafkaConsumer<>(committed, new StringDeserializer(), new LongDeserializer())) {
      consumer.assign(List.of(new TopicPartition(output, 0), new TopicPartition(output, 1), new TopicPartition(output, 2)));
      Random random = new Random(7);
      for (int life = 0; life <= KILLS; life++) {
        Process program = start(state);
        try {
          for (int i = 0; i < LINES / (KILLS + 1); i++) {
            sendLine(producer, random);
          }
          producer.flush();
          if (life < KILLS) {
            // Killed somewhere in the middle of this life's lines.
            long before = updates;
            readUntil(consumer, program, "counts of life " + life, () -> updates > before + 20);
          } else {
            readUntil(consumer, program, "all counts", () -> latest.equals(expected));
          }
        } finally {
          program.destroyForcibly().waitFor(20, TimeUnit.SECONDS);
        }
      }
      // Nothing follows: whatever a killed life left open was aborted.
      for (int i = 0; i < 20; i++) {
        take(consumer);
      }
      Tests.equal(latest, expected, "counts");
    } finally {
      delete(state.toFile());
    }
  }

  private void sendLine(KafkaProducer<String, String> producer, Random random) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < 5; i++) {
      String word = "word" + random.nextInt(40);
      expected.merge(word, 1L, Long::sum);
      line.append(i == 0 ? "" : " ").append(word);
    }
    producer.send(new ProducerRecord<>(input, "" + random.nextInt(1000), line.toString()));
  }

  private Process start(Path state) throws Exception {
    String java = ProcessHandle.current().info().command().orElse("java");
    List<String> command = new ArrayList<>(List.of(java, "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", System.getProperty("java.class.path"), "WordCount",
        Tests.name("wordcount"), input, output, state.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    Thread echo = new Thread(() -> {
      try (var reader = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          System.out.println("word count: " + line);
        }
      } catch (java.io.IOException ended) {
        // Killed: there is nothing more to read.
        return;
      }
    });
    echo.setDaemon(true);
    echo.start();
    return process;
  }

  private void take(KafkaConsumer<String, Long> consumer) {
    Map<String, Long> before = new HashMap<>(latest);
    consumer.poll(Duration.ofMillis(50)).forEach(record -> {
      long last = latest.getOrDefault(record.key(), 0L);
      Tests.holds(record.value() > last,
          "counts that only grow: " + record.key() + " went from " + last + " to " + record.value() + ", before " + before);
      latest.put(record.key(), record.value());
      updates++;
    });
  }

  private interface Condition {
    boolean holds();
  }

  private void readUntil(KafkaConsumer<String, Long> consumer, Process program, String what, Condition done) {
    Tests.Deadline deadline = new Tests.Deadline();
    while (!done.holds()) {
      deadline.holds(what + "; there are " + latest + " of " + expected);
      Tests.holds(program.isAlive(), "the word count to live");
      take(consumer);
    }
  }

  private static void delete(File file) {
    File[] children = file.listFiles();
    if (children != null) {
      for (File child : children) {
        delete(child);
      }
    }
    file.delete();
  }
}
