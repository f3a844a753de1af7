import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.RetriableCommitFailedException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** A member of a group on a thread of its own: reads and commits until told to leave. */
final class Member extends Thread {
  final Queue<String> seen = new ConcurrentLinkedQueue<>();
  volatile Set<TopicPartition> assigned = Set.of();
  private volatile boolean leaving;
  private volatile RuntimeException error;
  private final KafkaConsumer<String, String> consumer;

  Member(Collection<String> topics, String... settings) {
    consumer = Kafka.consumer(settings);
    consumer.subscribe(topics);
    setDaemon(true);
    start();
  }

  static String[] settings(String group, String assignor) {
    return new String[] {"group.id", group, "partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor,
        "heartbeat.interval.ms", "300", "session.timeout.ms", "10000"};
  }

  @Override
  public void run() {
    try (consumer) {
      while (!leaving) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50))) {
          seen.add(record.value());
        }
        assigned = Set.copyOf(consumer.assignment());
        try {
          consumer.commitSync();
        } catch (RebalanceInProgressException | org.apache.kafka.clients.consumer.CommitFailedException
            | RetriableCommitFailedException refused) {
          // The group rebalances: the next owner reads those records again.
          continue;
        }
      }
    } catch (RuntimeException failure) {
      error = failure;
    }
  }

  int count() {
    if (error != null) {
      throw error;
    }
    return assigned.size();
  }

  void leave() throws InterruptedException {
    leaving = true;
    join(30000);
    Tests.holds(!isAlive(), "a member to leave in time");
    if (error != null) {
      throw error;
    }
  }

  static boolean haveSeen(Set<String> all, List<Member> members) {
    Set<String> missing = new java.util.HashSet<>(all);
    members.forEach(member -> missing.removeAll(Set.copyOf(member.seen)));
    return missing.isEmpty();
  }
}
