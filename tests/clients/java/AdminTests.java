import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** The admin client. */
final class AdminTests {
  private AdminTests() {}

  static void addTo(Tests tests) {
    tests.add("admin_create_describe_delete_topics", AdminTests::topics);
    tests.add("admin_refused_topics", AdminTests::refused);
    tests.add("admin_topics_by_id", AdminTests::byId);
    tests.add("admin_configs", AdminTests::configs);
    tests.add("admin_broker_configs", AdminTests::brokerConfigs);
    tests.add("admin_create_partitions", AdminTests::morePartitions);
    tests.add("admin_delete_records", AdminTests::deleteRecords);
    tests.add("admin_list_offsets", AdminTests::listOffsets);
    tests.add("admin_groups", AdminTests::groups);
    tests.add("admin_group_offsets", AdminTests::groupOffsets);
    tests.add("admin_cluster", AdminTests::cluster);
    tests.add("admin_access_control_is_off", AdminTests::accessControl);
  }

  private static TopicDescription describe(Admin admin, String topic) throws Exception {
    return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
  }

  /** A broker may tell of a change a moment after it has acknowledged it. */
  private static void eventually(String what, Tests.Body body) throws Exception {
    Tests.Deadline deadline = new Tests.Deadline();
    while (true) {
      try {
        body.run();
        return;
      } catch (Exception error) {  // Failure of a check too
        deadline.holds(what + " (last: " + error + ")");
      }
    }
  }

  private static void topics() throws Exception {
    try (Admin admin = Kafka.admin()) {
      String topic = Kafka.createTopic("topics", 3);
      eventually("three partitions", () -> Tests.equal(describe(admin, topic).partitions().size(), 3, "partitions"));
      Tests.holds(admin.listTopics().names().get().contains(topic), "the topic in the list");
      Tests.fails(TopicExistsException.class, () -> Kafka.createTopic("topics", 1));
      String dry = Tests.name("dry");
      admin.createTopics(List.of(new NewTopic(dry, 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).all().get();
      Tests.fails(UnknownTopicOrPartitionException.class, () -> describe(admin, dry));
      admin.deleteTopics(List.of(topic)).all().get();
      eventually("the topic to be gone",
          () -> Tests.fails(UnknownTopicOrPartitionException.class, () -> describe(admin, topic)));
      var made = admin.createTopics(List.of(new NewTopic(topic, Optional.empty(), Optional.empty())));
      made.all().get();
      int count = made.numPartitions(topic).get();
      eventually("default partitions", () -> Tests.equal(describe(admin, topic).partitions().size(), count, "partitions"));
      Tests.holds(made.config(topic).get().get("retention.ms") != null, "the configs of the new topic");
    }
  }

  private static void refused() {
    try (Admin admin = Kafka.admin()) {
      Tests.fails(InvalidTopicException.class,
          () -> admin.createTopics(List.of(new NewTopic("no spaces please", 1, (short) 1))).all().get());
      Tests.fails(InvalidPartitionsException.class,
          () -> admin.createTopics(List.of(new NewTopic(Tests.name("none"), 0, (short) 1))).all().get());
      Tests.fails(InvalidReplicationFactorException.class,
          () -> admin.createTopics(List.of(new NewTopic(Tests.name("seven"), 1, (short) 7))).all().get());
      NewTopic wrong = new NewTopic(Tests.name("wrong"), 1, (short) 1).configs(Map.of("retention.ms", "soon"));
      Tests.fails(InvalidConfigurationException.class, () -> admin.createTopics(List.of(wrong)).all().get());
    }
  }

  private static void byId() throws Exception {
    try (Admin admin = Kafka.admin()) {
      String topic = Kafka.createTopic("by-id", 1);
      eventually("the topic", () -> describe(admin, topic));
      Uuid id = describe(admin, topic).topicId();
      Tests.holds(!id.equals(Uuid.ZERO_UUID), "an id");
      var ids = org.apache.kafka.common.TopicCollection.ofTopicIds(List.of(id));
      Tests.equal(admin.describeTopics(ids).allTopicIds().get().get(id).name(), topic, "name of the id");
      admin.deleteTopics(ids).all().get();
      eventually("a new topic of that name", () -> Kafka.createTopic("by-id", 1));
      eventually("the new topic", () -> Tests.holds(!describe(admin, topic).topicId().equals(id), "another id"));
    }
  }

  private static Config configOf(Admin admin, ConfigResource resource) throws Exception {
    return admin.describeConfigs(List.of(resource)).all().get().get(resource);
  }

  private static void alter(Admin admin, ConfigResource resource, String key, String value, AlterConfigOp.OpType type)
      throws Exception {
    Collection<AlterConfigOp> operations = List.of(new AlterConfigOp(new ConfigEntry(key, value), type));
    admin.incrementalAlterConfigs(Map.of(resource, operations)).all().get();
  }

  private static void configs() throws Exception {
    try (Admin admin = Kafka.admin()) {
      String topic = Kafka.createTopic("configs", 1, Map.of("retention.ms", "3600000"));
      ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      ConfigEntry entry = configOf(admin, resource).get("retention.ms");
      Tests.equal(entry.value(), "3600000", "retention.ms");
      Tests.equal(entry.source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, "source");
      Tests.equal(configOf(admin, resource).get("cleanup.policy").isDefault(), true, "cleanup.policy is a default");
      alter(admin, resource, "retention.ms", "7200000", AlterConfigOp.OpType.SET);
      eventually("the new value", () -> Tests.equal(configOf(admin, resource).get("retention.ms").value(), "7200000", "set"));
      alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
      eventually("both", () -> Tests.equal(configOf(admin, resource).get("cleanup.policy").value(), "delete,compact", "append"));
      alter(admin, resource, "cleanup.policy", "delete", AlterConfigOp.OpType.SUBTRACT);
      eventually("one", () -> Tests.equal(configOf(admin, resource).get("cleanup.policy").value(), "compact", "subtract"));
      alter(admin, resource, "retention.ms", "", AlterConfigOp.OpType.DELETE);
      eventually("the default", () -> Tests.equal(configOf(admin, resource).get("retention.ms").isDefault(), true, "default"));
      Tests.fails(InvalidConfigurationException.class, () -> alter(admin, resource, "no.such.config", "1", AlterConfigOp.OpType.SET));
      for (String known : List.of("segment.bytes", "retention.bytes", "max.message.bytes", "min.insync.replicas",
          "compression.type", "message.timestamp.type", "delete.retention.ms", "min.cleanable.dirty.ratio", "flush.messages")) {
        Tests.holds(configOf(admin, resource).get(known) != null, known + " among the configs");
      }
    }
  }

  private static void brokerConfigs() throws Exception {
    try (Admin admin = Kafka.admin()) {
      String id = admin.describeCluster().nodes().get().iterator().next().idString();
      Config config = configOf(admin, new ConfigResource(ConfigResource.Type.BROKER, id));
      Tests.holds(config.get("auto.create.topics.enable") != null, "auto.create.topics.enable among the broker's configs");
      Tests.holds(config.get("num.partitions") != null, "num.partitions among the broker's configs");
    }
  }

  private static void morePartitions() throws Exception {
    try (Admin admin = Kafka.admin()) {
      String topic = Kafka.createTopic("more", 1);
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get();
      eventually("four partitions", () -> Tests.equal(describe(admin, topic).partitions().size(), 4, "partitions"));
      Tests.fails(InvalidPartitionsException.class,
          () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all().get());
    }
  }

  private static void deleteRecords() throws Exception {
    try (Admin admin = Kafka.admin()) {
      String topic = Kafka.createTopic("delete-records", 1);
      TopicPartition part = new TopicPartition(topic, 0);
      Kafka.produce(topic, Kafka.numbered(100, "v"));
      long low = admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(60))).lowWatermarks().get(part).get().lowWatermark();
      Tests.equal(low, 60L, "low watermark");
      Tests.equal(Kafka.readAll(topic, 1).get(0).offset(), 60L, "first offset");
      admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(-1))).all().get();
      Tests.equal(Kafka.readAll(topic, 1).size(), 0, "records after all were deleted");
    }
  }

  private static void listOffsets() throws Exception {
    try (Admin admin = Kafka.admin(); var producer = Kafka.producer()) {
      String topic = Kafka.createTopic("list-offsets", 1);
      TopicPartition part = new TopicPartition(topic, 0);
      long[] times = {1700000005000L, 1700000009000L, 1700000002000L};
      for (long time : times) {
        producer.send(new org.apache.kafka.clients.producer.ProducerRecord<>(topic, 0, time, "k", "v")).get();
      }
      ListOffsetsResultInfo max = admin.listOffsets(Map.of(part, OffsetSpec.maxTimestamp())).partitionResult(part).get();
      Tests.equal(max.offset(), 1L, "offset of the largest time");
      Tests.equal(max.timestamp(), 1700000009000L, "the largest time");
      Tests.equal(admin.listOffsets(Map.of(part, OffsetSpec.latest())).partitionResult(part).get().offset(), 3L, "latest");
      Tests.equal(admin.listOffsets(Map.of(part, OffsetSpec.earliest())).partitionResult(part).get().offset(), 0L, "earliest");
      long at = admin.listOffsets(Map.of(part, OffsetSpec.forTimestamp(1700000006000L))).partitionResult(part).get().offset();
      Tests.equal(at, 1L, "first record not before the time");
    }
  }

  private static void groups() throws Exception {
    String topic = Kafka.createTopic("groups", 2);
    String group = Tests.name("groups");
    Kafka.produce(topic, Kafka.numbered(10, "v"));
    try (Admin admin = Kafka.admin()) {
      try (KafkaConsumer<String, String> consumer = Kafka.consumer("group.id", group, "client.id", "watched")) {
        consumer.subscribe(List.of(topic));
        int count = 0;
        for (Tests.Deadline deadline = new Tests.Deadline(); count < 10 && deadline.holds("ten records");) {
          count += consumer.poll(Duration.ofMillis(100)).count();
        }
        consumer.commitSync();
        ConsumerGroupDescription found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        Tests.equal(found.groupState(), GroupState.STABLE, "state");
        Tests.equal(found.members().iterator().next().clientId(), "watched", "client id of the member");
        Tests.equal(found.members().iterator().next().assignment().topicPartitions().size(), 2, "assigned partitions");
        Tests.holds(admin.listGroups().all().get().stream().anyMatch(one -> one.groupId().equals(group)), "the group in the list");
        Tests.fails(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
      }
      eventually("an empty group", () -> Tests.equal(
          admin.describeConsumerGroups(List.of(group)).all().get().get(group).groupState(), GroupState.EMPTY, "state"));
      admin.deleteConsumerGroups(List.of(group)).all().get();
      Tests.fails(GroupIdNotFoundException.class, () -> admin.describeConsumerGroups(List.of(group)).all().get());
      Tests.fails(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
    }
  }

  private static void groupOffsets() throws Exception {
    String topic = Kafka.createTopic("group-offsets", 1);
    String group = Tests.name("group-offsets");
    TopicPartition part = new TopicPartition(topic, 0);
    try (Admin admin = Kafka.admin()) {
      OffsetAndMetadata offset = new OffsetAndMetadata(7, Optional.of(0), "by hand");
      admin.alterConsumerGroupOffsets(group, Map.of(part, offset)).all().get();
      OffsetAndMetadata found = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(part);
      Tests.equal(found.offset(), 7L, "offset");
      Tests.equal(found.metadata(), "by hand", "metadata");
      admin.deleteConsumerGroupOffsets(group, Set.of(part)).all().get();
      Tests.equal(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(part), null, "deleted offset");
    }
  }

  private static void cluster() throws Exception {
    try (Admin admin = Kafka.admin()) {
      var cluster = admin.describeCluster();
      Tests.holds(cluster.clusterId().get() != null, "a cluster id");
      Tests.equal(cluster.nodes().get().size(), 1, "nodes");
      Tests.holds(cluster.controller().get() != null, "a controller");
      Tests.holds(admin.describeFeatures().featureMetadata().get() != null, "features");
      Tests.holds(admin.describeMetadataQuorum().quorumInfo().get().leaderId() >= 0, "a leader of the quorum");
      String topic = Kafka.createTopic("log-dirs", 1);
      Kafka.produce(topic, Kafka.numbered(10, "v"));
      int node = cluster.nodes().get().iterator().next().id();
      var dirs = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
      long size = dirs.values().stream().flatMap(dir -> dir.replicaInfos().entrySet().stream())
          .filter(entry -> entry.getKey().topic().equals(topic)).mapToLong(entry -> entry.getValue().size()).sum();
      Tests.holds(size > 0, "the size of a partition");
      TopicPartition part = new TopicPartition(topic, 0);
      var election = admin.electLeaders(ElectionType.PREFERRED, Set.of(part)).partitions().get().get(part);
      Tests.holds(election.isEmpty() || election.get() instanceof ElectionNotNeededException, "no election needed, not " + election);
      Tests.equal(admin.listPartitionReassignments().reassignments().get().size(), 0, "reassignments");
    }
  }

  private static void accessControl() {
    try (Admin admin = Kafka.admin()) {
      Tests.fails(SecurityDisabledException.class, () -> admin.describeAcls(AclBindingFilter.ANY).values().get());
    }
  }
}
