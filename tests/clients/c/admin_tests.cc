// Topics and their configs through the admin API.
#include <array>

#include "admin.h"
#include "client.h"
#include "tests.h"

namespace clients {
namespace {

using Resource = std::unique_ptr<rd_kafka_ConfigResource_t, Destroy<rd_kafka_ConfigResource_destroy>>;
using NewPartitions = std::unique_ptr<rd_kafka_NewPartitions_t, Destroy<rd_kafka_NewPartitions_destroy>>;
using DeleteRecordsList = std::unique_ptr<rd_kafka_DeleteRecords_t, Destroy<rd_kafka_DeleteRecords_destroy>>;

struct Entry {
  std::string value;
  rd_kafka_ConfigSource_t source = RD_KAFKA_CONFIG_SOURCE_UNKNOWN_CONFIG;
};

std::map<std::string, Entry> DescribeConfigs(rd_kafka_ResourceType_t type, const std::string& name) {
  const Resource resource(rd_kafka_ConfigResource_new(type, name.c_str()));
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_ConfigResource_t* list = resource.get();
    rd_kafka_DescribeConfigs(handle, &list, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* found =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  Expect(count == 1, "one resource");
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_ConfigResource_error(found[0]), "describe the configs of " + name);
  const auto* entries = rd_kafka_ConfigResource_configs(found[0], &count);
  std::map<std::string, Entry> configs;
  for (size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    configs[rd_kafka_ConfigEntry_name(entries[i])] = {value == nullptr ? "" : value,
                                                      rd_kafka_ConfigEntry_source(entries[i])};
  }
  return configs;
}

void ExpectConfig(const std::string& topic, const std::string& key, const std::string& value,
                  rd_kafka_ConfigSource_t source) {
  const Entry found = DescribeConfigs(RD_KAFKA_RESOURCE_TOPIC, topic)[key];
  Expect(found.value == value && found.source == source,
         key + "=" + value + " from " + rd_kafka_ConfigSource_name(source) + ", got '" + found.value + "' from " +
             rd_kafka_ConfigSource_name(found.source));
}

void CreateAndDelete() {
  const std::string topic = Name("create-and-delete");
  CreateTopic(topic, 3);
  Expect(CountPartitions(topic) == 3, "three partitions");
  ExpectCode(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, TryCreateTopic(topic, 3), "create it again");
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, TryDeleteTopic(topic), "delete");
  Expect(CountPartitions(topic) == -1, "the topic to be gone");
  ExpectCode(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, TryDeleteTopic(topic), "delete it again");
  CreateTopic(topic, 1);
  Expect(ReadAll(topic, 1).empty(), "a new topic of an old name to be empty");
}

void RefusedTopics() {
  ExpectCode(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, TryCreateTopic("no spaces please", 1), "a name with spaces");
  ExpectCode(RD_KAFKA_RESP_ERR_INVALID_CONFIG, TryCreateTopic(Name("bad-config"), 1, {{"retention.ms", "soon"}}),
             "a config that is no number");
  ExpectCode(RD_KAFKA_RESP_ERR_INVALID_CONFIG, TryCreateTopic(Name("bad-key"), 1, {{"no.such.config", "1"}}),
             "a config that does not exist");
}

void Configs() {
  const std::string topic = Name("configs");
  CreateTopic(topic, 1, {{"retention.ms", "3600000"}, {"cleanup.policy", "compact"}});
  ExpectConfig(topic, "retention.ms", "3600000", RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG);
  ExpectConfig(topic, "cleanup.policy", "compact", RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG);
  ExpectConfig(topic, "compression.type", "producer", RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG);

  const Resource change(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  rd_kafka_ConfigResource_set_config(change.get(), "retention.ms", "7200000");
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_ConfigResource_t* list = change.get();
    rd_kafka_AlterConfigs(handle, &list, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* results = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event.get()), &count);
  Expect(count == 1, "one resource");
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_ConfigResource_error(results[0]), "alter configs");
  ExpectConfig(topic, "retention.ms", "7200000", RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG);
  // The old call replaces all of a topic's configs.
  ExpectConfig(topic, "cleanup.policy", "delete", RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG);
}

void BrokerConfigs() {
  const Handle handle = MakeProducer({}, nullptr);
  const struct rd_kafka_metadata* metadata = nullptr;
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_metadata(handle.get(), 0, nullptr, &metadata, 15000), "metadata");
  const std::string broker = std::to_string(metadata->brokers[0].id);
  rd_kafka_metadata_destroy(metadata);
  const auto configs = DescribeConfigs(RD_KAFKA_RESOURCE_BROKER, broker);
  Expect(configs.contains("log.retention.ms") || configs.contains("auto.create.topics.enable"), "the broker's configs");
}

void MorePartitions() {
  const std::string topic = Name("more-partitions");
  CreateTopic(topic, 1);
  std::array<char, 256> text{};
  const NewPartitions wanted(rd_kafka_NewPartitions_new(topic.c_str(), 4, text.data(), text.size()));
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_NewPartitions_t* list = wanted.get();
    rd_kafka_CreatePartitions(handle, &list, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* results =
      rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event.get()), &count);
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_topic_result_error(results[0]), "create partitions");
  Expect(CountPartitions(topic) == 4, "four partitions");
  Record record = {.key = "k", .value = "on the last partition", .headers = {}};
  record.partition = 3;
  Produce(topic, {record});
  Expect(ReadAll(topic, 4).size() == 1, "a record on the new partition");
}

void DeleteRecords() {
  const std::string topic = Name("delete-records");
  CreateTopic(topic, 1);
  Produce(topic, Numbered(100));
  const Partitions before = MakePartitions(topic, 1, 60);
  const DeleteRecordsList wanted(rd_kafka_DeleteRecords_new(before.get()));
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_DeleteRecords_t* list = wanted.get();
    rd_kafka_DeleteRecords(handle, &list, 1, nullptr, queue);
  });
  const auto* result = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, result->elems[0].err, "delete records");
  Expect(result->elems[0].offset == 60, "a low watermark of 60");
  const std::vector<Record> found = ReadAll(topic, 1);
  Expect(found.size() == 40 && found.front().offset == 60, "the forty records from offset 60 on");
}

}  // namespace

std::vector<Test> AdminTests() {
  return {{"admin_create_and_delete_topics", CreateAndDelete},
          {"admin_refused_topics", RefusedTopics},
          {"admin_topic_configs", Configs},
          {"admin_broker_configs", BrokerConfigs},
          {"admin_create_partitions", MorePartitions},
          {"admin_delete_records", DeleteRecords}};
}

}  // namespace clients
