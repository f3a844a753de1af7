import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** Consumer groups of the classic protocol: members come and go while records flow. */
final class GroupTests {
  private static final int PARTITIONS = 6;

  private GroupTests() {}

  static void addTo(Tests tests) {
    for (String assignor : List.of("RangeAssignor", "RoundRobinAssignor", "StickyAssignor", "CooperativeStickyAssignor")) {
      tests.add("group_rebalance_under_load_" + assignor, () -> rebalance(assignor));
    }
    tests.add("group_static_member", GroupTests::staticMember);
  }

  /** A producer that goes on while the test waits for its members. */
  private static final class Flow {
    final String topic;
    final Set<String> produced = new HashSet<>();
    final KafkaProducer<String, String> producer = Kafka.producer();

    Flow(String topic) {
      this.topic = topic;
    }

    void until(String what, BooleanSupplier done) throws Exception {
      Tests.Deadline deadline = new Tests.Deadline();
      while (!done.getAsBoolean()) {
        deadline.holds(what);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
          texts.add("value " + (produced.size() + i));
        }
        Kafka.send(producer, topic, texts);
        produced.addAll(texts);
      }
    }

    void drained(List<Member> members) {
      producer.close();
      Tests.Deadline deadline = new Tests.Deadline();
      while (!Member.haveSeen(produced, members)) {
        deadline.holds("every record read by somebody");
        Thread.onSpinWait();
      }
    }
  }

  private static void rebalance(String assignor) throws Exception {
    String topic = Kafka.createTopic("rebalance-" + assignor, PARTITIONS);
    String group = Tests.name("rebalance-" + assignor);
    String[] settings = Member.settings(group, assignor);
    Flow flow = new Flow(topic);
    Member first = new Member(List.of(topic), settings);
    flow.until("the first member to read", () -> first.seen.size() > 100 && first.count() == 6);
    Member second = new Member(List.of(topic), settings);
    flow.until("two members to share", () -> second.seen.size() > 100 && first.count() == 3 && second.count() == 3);
    Member third = new Member(List.of(topic), settings);
    flow.until("three members to share",
        () -> third.seen.size() > 100 && first.count() == 2 && second.count() == 2 && third.count() == 2);
    first.leave();
    flow.until("the others to take over", () -> second.count() == 3 && third.count() == 3);
    flow.drained(List.of(first, second, third));
    second.leave();
    third.leave();
    try (KafkaConsumer<String, String> consumer = Kafka.consumer("group.id", group)) {
      Map<TopicPartition, OffsetAndMetadata> offsets = consumer.committed(Set.copyOf(Kafka.partitions(topic, PARTITIONS)));
      long total = offsets.values().stream().mapToLong(offset -> offset == null ? 0 : offset.offset()).sum();
      Tests.equal(total, (long) flow.produced.size(), "offsets committed");
    }
    Kafka.produce(topic, Kafka.numbered(20, "late "));
    Member late = new Member(List.of(topic), settings);
    Tests.Deadline deadline = new Tests.Deadline();
    while (late.seen.size() < 20) {
      deadline.holds("the late member to read");
      Thread.onSpinWait();
    }
    late.leave();
    Tests.equal(Kafka.sorted(List.copyOf(late.seen)), Kafka.sorted(Kafka.numbered(20, "late ")), "what the late member read");
  }

  private static void staticMember() throws Exception {
    String topic = Kafka.createTopic("static", PARTITIONS);
    String group = Tests.name("static");
    String[] one = {"group.id", group, "group.instance.id", "box-1", "heartbeat.interval.ms", "300"};
    String[] two = {"group.id", group, "group.instance.id", "box-2", "heartbeat.interval.ms", "300"};
    Flow flow = new Flow(topic);
    Member other = new Member(List.of(topic), two);
    Member member = new Member(List.of(topic), one);
    flow.until("both to have partitions", () -> other.count() == 3 && member.count() == 3);
    Set<TopicPartition> before = member.assigned;
    member.leave();
    Member back = new Member(List.of(topic), one);
    flow.until("the member to have its partitions again", () -> back.assigned.equals(before));
    Tests.equal(other.count(), 3, "partitions of the other member");
    back.leave();
    try (Admin admin = Kafka.admin()) {
      admin.removeMembersFromConsumerGroup(group,
          new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("box-1")))).all().get();
    }
    flow.until("the other member to take over", () -> other.count() == PARTITIONS);
    flow.drained(List.of(other, member, back));
    other.leave();
  }
}
