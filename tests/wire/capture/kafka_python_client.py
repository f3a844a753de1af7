"""What kafka-python can call: kafka_python_client.py HOST:PORT"""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

SERVER = sys.argv[1]
TOPIC, GROUP = "python", "python-readers"


def step(name, call):
    try:
        return call()
    except Exception as error:  # what one version cannot do is passed over
        print(f"{name}: {type(error).__name__}: {error}")
        return None


admin = KafkaAdminClient(bootstrap_servers=SERVER)
step("create", lambda: admin.create_topics([NewTopic(TOPIC, 2, 1, topic_configs={"retention.ms": "1000000"})]))
time.sleep(0.5)
producer = KafkaProducer(bootstrap_servers=SERVER, compression_type="gzip")
for i in range(5):
    step("send", lambda: producer.send(TOPIC, key=b"k%d" % i, value=b"v%d" % i, headers=[("h", b"x")]).get(5))
producer.close()
ours = KafkaProducer(bootstrap_servers=SERVER, transactional_id="python-transactions")
step("init", ours.init_transactions)
step("begin", ours.begin_transaction)
step("send", lambda: ours.send(TOPIC, value=b"in a transaction"))
step("commit", ours.commit_transaction)
ours.close()
consumer = KafkaConsumer(TOPIC, bootstrap_servers=SERVER, group_id=GROUP, auto_offset_reset="earliest",
                         consumer_timeout_ms=3000)
print(len(list(consumer)), "consumed")
step("commit", consumer.commit)
step("times", lambda: consumer.offsets_for_times({TopicPartition(TOPIC, 0): 1}))
step("describe groups", lambda: admin.describe_groups([GROUP]))
step("list groups", admin.list_groups)
step("group offsets", lambda: admin.list_group_offsets([GROUP]))
consumer.close()
resource = ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": "2000000"})
step("replace configs", lambda: admin.alter_configs([resource], incremental=False))
step("replace configs only", lambda: admin.alter_configs([resource], incremental=False, validate_only=True))
step("alter configs", lambda: admin.alter_configs([resource], incremental=True))
step("describe configs", lambda: admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)]))
step("partitions", lambda: admin.create_partitions({TOPIC: 3}))
step("delete records", lambda: admin.delete_records({TopicPartition(TOPIC, 0): 1}))
step("log dirs", admin.describe_log_dirs)
step("describe", lambda: admin.describe_topics([TOPIC]))
step("cluster", admin.describe_cluster)
step("delete groups", lambda: admin.delete_groups([GROUP]))
step("delete", lambda: admin.delete_topics([TOPIC]))
admin.close()
