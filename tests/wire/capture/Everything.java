// Calls whatever the Java client can call, so that its requests and Kafka's answers can be captured. What a broker of the
// versions offered cannot do fails, is said, and is passed over: java Everything.java HOST:PORT RUN
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

public class Everything {
  static String servers, orders, moves, group, shopper;
  static Admin admin;

  interface Step { void run() throws Exception; }
  static void step(String name, Step step) {
    try {
      step.run();
    } catch (Throwable e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      System.out.println(name + ": " + cause.getClass().getSimpleName() + ": " + cause.getMessage());
    }
  }
  static <T> T get(KafkaFuture<T> future) throws Exception { return future.get(4, TimeUnit.SECONDS); }

  static Map<String, Object> common(String client) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", servers);
    config.put("client.id", client);
    config.put("request.timeout.ms", "4000");
    config.put("default.api.timeout.ms", "5000");
    config.put("retry.backoff.ms", "50");
    config.put("retries", "20");
    return config;
  }
  static KafkaProducer<String, String> producer(String client, Map<String, Object> more) {
    Map<String, Object> config = common(client);
    config.put("max.block.ms", "5000");
    config.put("delivery.timeout.ms", "5000");
    config.put("linger.ms", "5");
    config.putAll(more);
    return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
  }
  static KafkaConsumer<String, String> consumer(String client, Map<String, Object> more) {
    Map<String, Object> config = common(client);
    config.put("group.id", group);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", "false");
    config.putAll(more);
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  public static void main(String[] args) throws Exception {
    servers = args[0];
    orders = "orders-" + args[1];
    moves = "moves-" + args[1];
    group = "shoppers-" + args[1];
    shopper = "shopper-" + args[1];
    admin = Admin.create(common("java-admin"));
    topics();
    produce();
    consume();
    transactions();
    groups();
    configs();
    clientMetrics();
    acls();
    partitions();
    cluster();
    end(args.length > 2 && args[2].equals("downgrade"));
    admin.close(Duration.ofSeconds(2));
    System.exit(0);
  }

  static void topics() {
    step("createTopics", () -> get(admin.createTopics(List.of(
        new NewTopic(orders, 3, (short) 1).configs(Map.of("retention.ms", "86400000", "cleanup.policy", "delete")),
        new NewTopic(moves, Map.of(0, List.of(1), 1, List.of(1))))).all()));
    step("createTopics again", () -> get(admin.createTopics(List.of(new NewTopic(orders, 3, (short) 1))).all()));
    step("validateOnly", () -> get(admin.createTopics(List.of(new NewTopic("no such.name!", 1, (short) 1)),
        new CreateTopicsOptions().validateOnly(true)).all()));
    step("createPartitions", () -> get(admin.createPartitions(Map.of(orders, NewPartitions.increaseTo(4),
        moves, NewPartitions.increaseTo(3, List.of(List.of(1))))).all()));
    step("listTopics", () -> get(admin.listTopics(new ListTopicsOptions().listInternal(true)).names()));
    step("describeTopics", () -> get(admin.describeTopics(List.of(orders, moves, "absent"),
        new DescribeTopicsOptions().includeAuthorizedOperations(true)).allTopicNames()));
    step("describeTopics by id", () -> {
      Uuid id = get(admin.describeTopics(List.of(orders)).allTopicNames()).get(orders).topicId();
      get(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds());
    });
  }

  static void produce() {
    for (String codec : List.of("none", "gzip", "zstd")) {
      step("produce " + codec, () -> {
        try (var p = producer("java-producer", Map.of("compression.type", codec, "acks", "all"))) {
          for (int i = 0; i < 6; i++) {
            p.send(new ProducerRecord<>(orders, i % 2, 1700000000000L + i, "key" + i, i == 3 ? null : "value " + i,
                List.of(new RecordHeader("trace", new byte[] {1, 2, 3}))));
          }
          p.flush();
        }
      });
    }
    step("produce too large", () -> {
      try (var p = producer("java-producer", Map.of("acks", "1", "enable.idempotence", "false",
          "max.request.size", "3000000"))) {
        p.send(new ProducerRecord<>(orders, 0, "big", "x".repeat(2000000))).get();
      }
    });
  }

  static void consume() {
    step("consumer", () -> {
      try (var c = consumer("java-consumer", Map.of("group.instance.id", "desk-1", "client.rack", "hall-2"))) {
        c.subscribe(List.of(orders));
        int seen = 0;
        for (int i = 0; i < 8 && seen < 12; i++) seen += c.poll(Duration.ofMillis(600)).count();
        c.commitSync();
        c.offsetsForTimes(Map.of(new TopicPartition(orders, 0), 1700000000003L));
        c.beginningOffsets(List.of(new TopicPartition(orders, 0)));
        c.endOffsets(List.of(new TopicPartition(orders, 1), new TopicPartition(orders, 2)));
        c.commitSync(Map.of(new TopicPartition(orders, 0), new OffsetAndMetadata(2, Optional.of(0), "by hand")));
        c.committed(Set.of(new TopicPartition(orders, 0), new TopicPartition(orders, 3)));
        System.out.println("consumed " + seen);
      }
    });
    step("consumer again", () -> {
      try (var c = consumer("java-consumer", Map.of("isolation.level", "read_committed", "partition.assignment.strategy",
          "org.apache.kafka.clients.consumer.CooperativeStickyAssignor,org.apache.kafka.clients.consumer.RangeAssignor",
          "group.id", group + "-2"))) {
        c.subscribe(List.of(orders, moves));
        for (int i = 0; i < 4; i++) c.poll(Duration.ofMillis(400));
        c.commitSync();
        step("heartbeat", () -> Thread.sleep(3200));
        c.enforceRebalance();
        for (int i = 0; i < 3; i++) c.poll(Duration.ofMillis(400));
      }
    });
    step("consumer of the new protocol", () -> {
      try (var c = consumer("java-consumer", Map.of("group.protocol", "consumer", "group.id", group + "-848"))) {
        c.subscribe(List.of(orders));
        for (int i = 0; i < 5; i++) c.poll(Duration.ofMillis(400));
        c.commitSync();
        c.committed(c.assignment());
      }
    });
    step("consumer with offsets", () -> {
      try (var c = consumer("java-consumer", Map.of())) {
        c.assign(List.of(new TopicPartition(orders, 0)));
        c.poll(Duration.ofMillis(500));
        c.seek(new TopicPartition(orders, 0), new OffsetAndMetadata(1, Optional.of(0), ""));
        c.poll(Duration.ofMillis(500));
        c.seek(new TopicPartition(orders, 0), 1000);
        c.poll(Duration.ofMillis(500));
      }
    });
  }

  static void transactions() {
    Map<String, Object> config = Map.of("transactional.id", shopper, "transaction.timeout.ms", "20000");
    step("transaction", () -> {
      try (var p = producer("java-transactions", config)) {
        p.initTransactions();
        p.beginTransaction();
        p.send(new ProducerRecord<>(moves, 0, "a", "committed"));
        p.send(new ProducerRecord<>(orders, 1, "a", "committed"));
        p.sendOffsetsToTransaction(Map.of(new TopicPartition(orders, 0), new OffsetAndMetadata(4, "in a transaction")),
            new ConsumerGroupMetadata(group + "-3"));
        step("listTransactions", () -> get(admin.listTransactions().all()));
        step("listTransactions filtered", () -> get(admin.listTransactions(new ListTransactionsOptions()
            .filterStates(List.of(TransactionState.ONGOING)).filterOnTransactionalIdPattern("shop.*")).all()));
        step("describeTransactions", () -> get(admin.describeTransactions(List.of(shopper)).all()));
        step("describeProducers", () -> get(admin.describeProducers(List.of(new TopicPartition(moves, 0),
            new TopicPartition(orders, 1), new TopicPartition("absent", 0))).partitionResult(new TopicPartition(moves, 0))));
        p.commitTransaction();
        p.beginTransaction();
        p.send(new ProducerRecord<>(moves, 0, "b", "aborted"));
        p.flush();
        p.abortTransaction();
      }
    });
    step("read committed", () -> {
      try (var c = consumer("java-consumer", Map.of("isolation.level", "read_committed"))) {
        c.assign(List.of(new TopicPartition(moves, 0)));
        c.seekToBeginning(c.assignment());
        for (int i = 0; i < 3; i++) c.poll(Duration.ofMillis(300));
      }
    });
    step("fenceProducers", () -> get(admin.fenceProducers(List.of(shopper)).all()));
    step("abortTransaction", () -> {
      try (var p = producer("java-transactions", Map.of("transactional.id", shopper + "-2"))) {
        p.initTransactions();
        p.beginTransaction();
        p.send(new ProducerRecord<>(moves, 1, "c", "hanging"));
        p.flush();
        var partition = new TopicPartition(moves, 1);
        for (var state : get(admin.describeProducers(List.of(partition)).partitionResult(partition)).activeProducers()) {
          get(admin.abortTransaction(new AbortTransactionSpec(partition, state.producerId(), (short) state.producerEpoch(),
              state.coordinatorEpoch().orElse(0))).all());
        }
        p.abortTransaction();
      }
    });
  }

  static void groups() {
    var first = new TopicPartition(orders, 0);
    step("alterConsumerGroupOffsets", () -> get(admin.alterConsumerGroupOffsets(group + "-4",
        Map.of(first, new OffsetAndMetadata(1, Optional.of(0), "set"))).all()));
    step("listGroups", () -> get(admin.listGroups().all()));
    step("listConsumerGroups", () -> get(admin.listConsumerGroups(new ListConsumerGroupsOptions()
        .inGroupStates(Set.of(GroupState.EMPTY, GroupState.STABLE))).all()));
    step("listConsumerGroupOffsets", () -> get(admin.listConsumerGroupOffsets(Map.of(
        group, new ListConsumerGroupOffsetsSpec().topicPartitions(List.of(first, new TopicPartition(orders, 3))),
        group + "-4", new ListConsumerGroupOffsetsSpec())).all()));
    step("describe live group", () -> {
      try (var c = consumer("java-consumer", Map.of("group.instance.id", "desk-2"))) {
        c.subscribe(List.of(orders));
        for (int i = 0; i < 4; i++) c.poll(Duration.ofMillis(300));
        step("describeConsumerGroups", () -> get(admin.describeConsumerGroups(List.of(group, "absent"),
            new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true)).all()));
        step("describeClassicGroups", () -> get(admin.describeClassicGroups(List.of(group)).all()));
      }
    });
    step("removeMembers", () -> get(admin.removeMembersFromConsumerGroup(group,
        new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("desk-1"), new MemberToRemove("desk-2"))))
        .all()));
    step("deleteConsumerGroupOffsets", () -> get(admin.deleteConsumerGroupOffsets(group + "-4", Set.of(first)).all()));
    step("deleteConsumerGroups", () -> get(admin.deleteConsumerGroups(List.of(group + "-4", "absent")).all()));
  }

  static void configs() {
    var topic = new ConfigResource(ConfigResource.Type.TOPIC, moves);
    var broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
    step("incrementalAlterConfigs", () -> get(admin.incrementalAlterConfigs(Map.of(topic, List.of(
        new AlterConfigOp(new ConfigEntry("retention.ms", "3600000"), AlterConfigOp.OpType.SET),
        new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND),
        new AlterConfigOp(new ConfigEntry("segment.bytes", ""), AlterConfigOp.OpType.DELETE)))).all()));
    step("alter unknown", () -> get(admin.incrementalAlterConfigs(Map.of(topic, List.of(
        new AlterConfigOp(new ConfigEntry("no.such.key", "1"), AlterConfigOp.OpType.SET)))).all()));
    step("describeConfigs", () -> get(admin.describeConfigs(List.of(topic),
        new DescribeConfigsOptions().includeSynonyms(true)).all()));
    step("describeConfigs of the broker", () -> get(admin.describeConfigs(List.of(broker)).all()));
    step("listConfigResources", () -> get(admin.listConfigResources(
        Set.of(ConfigResource.Type.TOPIC, ConfigResource.Type.BROKER), new ListConfigResourcesOptions()).all()));
  }

  static void clientMetrics() {
    step("listClientMetrics", () -> get(admin.listClientMetricsResources().all()));
    step("updateFeatures for real", () -> get(admin.updateFeatures(Map.of("group.version",
        new FeatureUpdate((short) 99, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions()).all()));
  }

  static void acls() {
    var rule = new AclBinding(new ResourcePattern(ResourceType.TOPIC, orders, PatternType.PREFIXED),
        new AccessControlEntry("User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW));
    step("createAcls", () -> get(admin.createAcls(List.of(rule, new AclBinding(
        new ResourcePattern(ResourceType.GROUP, "*", PatternType.LITERAL),
        new AccessControlEntry("User:alice", "10.0.0.1", AclOperation.DESCRIBE, AclPermissionType.DENY)))).all()));
    step("describeAcls", () -> get(admin.describeAcls(AclBindingFilter.ANY).values()));
    step("deleteAcls", () -> get(admin.deleteAcls(List.of(rule.toFilter(), AclBindingFilter.ANY)).all()));
  }

  static void partitions() {
    var first = new TopicPartition(orders, 0);
    step("listOffsets", () -> get(admin.listOffsets(Map.of(first, OffsetSpec.maxTimestamp(),
        new TopicPartition(orders, 1), OffsetSpec.latest(), new TopicPartition(orders, 2), OffsetSpec.earliest())).all()));
    step("listOffsets local", () -> get(admin.listOffsets(Map.of(first, OffsetSpec.earliestLocal())).all()));
    step("deleteRecords", () -> get(admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(2))).all()));
    step("deleteRecords beyond", () -> get(admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(99999))).all()));
    step("electLeaders", () -> get(admin.electLeaders(ElectionType.PREFERRED, Set.of(first)).partitions()));
    step("elect all", () -> get(admin.electLeaders(ElectionType.UNCLEAN, null).partitions()));
    step("reassign", () -> get(admin.alterPartitionReassignments(Map.of(first,
        Optional.of(new NewPartitionReassignment(List.of(1))), new TopicPartition(orders, 1), Optional.empty())).all()));
    step("listReassignments", () -> get(admin.listPartitionReassignments(Set.of(first)).reassignments()));
    step("listReassignments all", () -> get(admin.listPartitionReassignments().reassignments()));
    step("describeLogDirs", () -> {
      var dirs = get(admin.describeLogDirs(List.of(1)).allDescriptions()).get(1).keySet();
      get(admin.alterReplicaLogDirs(Map.of(new TopicPartitionReplica(orders, 0, 1), dirs.iterator().next())).all());
    });
    step("alterReplicaLogDirs", () -> get(admin.alterReplicaLogDirs(Map.of(
        new TopicPartitionReplica(orders, 0, 1), "/nowhere")).all()));
  }

  static void cluster() {
    step("describeCluster", () -> get(admin.describeCluster(new DescribeClusterOptions()
        .includeAuthorizedOperations(true)).nodes()));
    step("describeMetadataQuorum", () -> get(admin.describeMetadataQuorum().quorumInfo()));
    step("describeFeatures", () -> get(admin.describeFeatures().featureMetadata()));
    step("updateFeatures", () -> get(admin.updateFeatures(Map.of("group.version",
        new FeatureUpdate((short) 99, FeatureUpdate.UpgradeType.UPGRADE)),
        new UpdateFeaturesOptions().validateOnly(true)).all()));
  }

  static void end(boolean downgrade) {
    step("delete by id", () -> {
      Uuid id = get(admin.describeTopics(List.of(moves)).allTopicNames()).get(moves).topicId();
      get(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id, Uuid.randomUuid()))).all());
    });
    step("delete by name", () -> get(admin.deleteTopics(List.of(orders, "absent")).all()));
    if (!downgrade) return;
    // Producers that speak the older transactions follow.
    step("downgrade", () -> get(admin.updateFeatures(Map.of("transaction.version",
        new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE)), new UpdateFeaturesOptions()).all()));
  }
}
