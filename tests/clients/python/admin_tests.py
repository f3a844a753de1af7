"""The admin client: topics, configs, partitions, records, groups, the cluster."""

import kafka.errors
from common import Admin, create_topic, make_consumer, numbered, produce, read_all
from harness import equal, holds, name, test
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata


def partitions_of(admin, topic):
    found = [entry for entry in admin.describe_topics([topic]) if entry["error_code"] == 0]
    return len(found[0]["partitions"]) if found else 0


@test
def admin_create_describe_delete_topics():
    topic = create_topic("create", partitions=3)
    with Admin() as admin:
        holds(topic in admin.list_topics(), "the topic in the list")
        equal(partitions_of(admin, topic), 3, "partitions")
        try:
            admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
            raise AssertionError("expected TopicAlreadyExistsError")
        except kafka.errors.TopicAlreadyExistsError:
            pass
        admin.create_topics({topic + "-validated": {"num_partitions": 1, "replication_factor": 1}}, validate_only=True)
        holds(topic + "-validated" not in admin.list_topics(), "nothing made by a call that only validates")
        admin.delete_topics([topic])
        holds(topic not in admin.list_topics(), "the topic to be gone")
        try:
            admin.delete_topics([topic])
            raise AssertionError("expected UnknownTopicOrPartitionError")
        except kafka.errors.UnknownTopicOrPartitionError:
            pass


@test
def admin_create_with_the_brokers_defaults():
    topic = name("defaults")
    with Admin() as admin:
        admin.create_topics([topic])
        holds(partitions_of(admin, topic) >= 1, "at least one partition")


@test
def admin_topics_by_id():
    topic = create_topic("by-id")
    with Admin() as admin:
        topic_id = admin.describe_topics([topic])[0]["topic_id"]
        equal(admin.describe_topics([topic])[0]["topic_id"], topic_id, "a stable topic id")
        admin.delete_topics([topic])
        admin.create_topics([topic])
        holds(admin.describe_topics([topic])[0]["topic_id"] != topic_id, "another id for another topic of that name")


@test
def admin_configs():
    topic = create_topic("configs", configs={"retention.ms": "3600000"})
    with Admin() as admin:

        def configs():
            resource = ConfigResource(ConfigResourceType.TOPIC, topic)
            found = admin.describe_configs([resource], config_filter="all", include_synonyms=True)["topic"][topic]
            return {key: entry["value"] for key, entry in found.items()}

        equal(configs()["retention.ms"], "3600000", "retention.ms")
        equal(configs()["cleanup.policy"], "delete", "cleanup.policy")
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {
            "retention.ms": "7200000", "cleanup.policy": ("APPEND", "compact")})], incremental=True)
        equal(configs()["retention.ms"], "7200000", "retention.ms")
        equal(configs()["cleanup.policy"], "delete,compact", "cleanup.policy")
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": ("DELETE", None)})], incremental=True)
        holds(configs()["retention.ms"] != "7200000", "the default again")


@test
def admin_create_partitions():
    topic = create_topic("more-partitions")
    with Admin() as admin:
        admin.create_partitions({topic: 4})
        equal(partitions_of(admin, topic), 4, "partitions")
        try:
            admin.create_partitions({topic: 2})
            raise AssertionError("expected InvalidPartitionsError")
        except kafka.errors.InvalidPartitionsError:
            pass


@test
def admin_delete_records():
    topic = create_topic("delete-records")
    part = TopicPartition(topic, 0)
    produce(topic, numbered(100))
    with Admin() as admin:
        equal(admin.delete_records({part: 60})[part]["low_watermark"], 60, "low watermark")
    equal([record.offset for record in read_all(topic)], list(range(60, 100)), "offsets left")
    consumer = make_consumer()
    equal(consumer.beginning_offsets([part]), {part: 60}, "beginning")
    consumer.close()


@test
def admin_groups():
    topic, group = create_topic("groups"), name("groups")
    produce(topic, numbered(10))
    consumer = make_consumer(group_id=group)
    consumer.subscribe([topic])
    count = 0
    while count < 10:
        count += sum(len(found) for found in consumer.poll(1000).values())
    consumer.commit()
    with Admin() as admin:
        described = admin.describe_groups([group])[group]
        equal((described["group_state"], len(described["members"])), ("Stable", 1), "state and members")
        holds(any(entry["group_id"] == group for entry in admin.list_groups()), "the group in the list")
        consumer.close()
        equal(admin.describe_groups([group])[group]["group_state"], "Empty", "state")
        part = TopicPartition(topic, 0)
        equal(admin.list_group_offsets({group: [part]})[group][part].offset, 10, "committed offset")
        admin.alter_group_offsets(group, {part: OffsetAndMetadata(4, "set by hand", -1)})
        equal(admin.list_group_offsets({group: [part]})[group][part].offset, 4, "offset set by hand")
        admin.delete_group_offsets(group, [part])
        admin.delete_groups([group])
        holds(all(entry["group_id"] != group for entry in admin.list_groups()), "the group to be gone")


@test
def admin_cluster():
    with Admin() as admin:
        cluster = admin.describe_cluster()
        holds(cluster["cluster_id"], "a cluster id")
        equal(len(cluster["brokers"]), 1, "brokers")
        holds(admin.describe_features() is not None, "features")
        quorum = admin.describe_metadata_quorum()
        holds(quorum, "a quorum")


@test
def admin_access_control_is_off():
    from kafka.admin import ACLFilter, ACLOperation, ACLPermissionType, ResourcePatternFilter, ResourceType
    from kafka.admin import ACLResourcePatternType
    with Admin() as admin:
        anything = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY,
                             ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY))
        try:
            admin.describe_acls(anything)
            raise AssertionError("expected SecurityDisabledError")
        except kafka.errors.SecurityDisabledError:
            pass
