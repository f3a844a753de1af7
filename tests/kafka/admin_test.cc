#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "tests/kafka/admin_fixture.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/alter_replica_log_dirs.h"
#include "wire/messages/create_acls.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/delete_topics.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/describe_log_dirs.h"
#include "wire/messages/describe_quorum.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/elect_leaders.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/list_config_resources.h"
#include "wire/messages/metadata.h"
#include "wire/messages/update_features.h"

namespace leat::kafka {
namespace {

using model::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

wire::CreateTopicsRequest::CreatableTopic NewTopic(std::string_view name, int32_t partitions = 1,
                                                   int16_t replicas = 1) {
  wire::CreateTopicsRequest::CreatableTopic topic;
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = replicas;
  return topic;
}

std::string ValueOf(const wire::DescribeConfigsResponse::DescribeConfigsResult& result, std::string_view name) {
  for (const auto& config : result.configs) {
    if (config.name == name) return config.value.value_or("<null>");
  }
  return "<none>";
}

wire::DescribeConfigsResponse::DescribeConfigsResult Configs(HandlerWorld& w, ResourceType type,
                                                             std::string_view name) {
  wire::DescribeConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<int8_t>(type);
  resource.resource_name = name;
  resource.configuration_keys.reset();
  request.include_synonyms = true;
  request.include_documentation = true;
  return w.Ask(&HandleDescribeConfigs, request, 4).results.at(0);
}

TEST(CreateTopics, MakesTopicsAndTellsTheirConfigs) {
  HandlerWorld w;
  wire::CreateTopicsRequest request;
  request.topics.push_back(NewTopic("a", 3));
  request.topics.push_back(NewTopic("b", -1, -1));
  auto& config = request.topics[0].configs.emplace_back();
  config.name = "retention.ms";
  config.value = "5000";
  const auto response = w.Ask(&HandleCreateTopics, request, 7);
  ASSERT_EQ(response.topics.size(), 2u);
  EXPECT_EQ(response.topics[0].error_code, 0);
  EXPECT_EQ(response.topics[0].num_partitions, 3);
  EXPECT_EQ(response.topics[0].topic_id, w.Describe("a").id);
  EXPECT_EQ(response.topics[1].num_partitions, 1);
  bool told = false;
  for (const auto& entry : *response.topics[0].configs) {
    if (entry.name == "retention.ms") told = entry.value == "5000" && entry.config_source == 1;
  }
  EXPECT_TRUE(told);
}

TEST(CreateTopics, RefusesEachWithItsReason) {
  HandlerWorld w;
  w.Create("there");
  wire::CreateTopicsRequest request;
  request.topics.push_back(NewTopic("there"));
  request.topics.push_back(NewTopic("bad name"));
  request.topics.push_back(NewTopic("three", 1, 3));
  request.topics.push_back(NewTopic("none", 0));
  request.topics.push_back(NewTopic("twice"));
  request.topics.push_back(NewTopic("twice"));
  request.topics.push_back(NewTopic("config"));
  auto& config = request.topics.back().configs.emplace_back();
  config.name = "retention.mz";
  config.value = "1";
  request.topics.push_back(NewTopic("assigned", -1, -1));
  auto& assignment = request.topics.back().assignments.emplace_back();
  assignment.broker_ids = {7};
  request.topics.push_back(NewTopic("good"));
  const auto response = w.Ask(&HandleCreateTopics, request, 7);
  std::vector<ErrorCode> codes;
  for (const auto& topic : response.topics) codes.push_back(static_cast<ErrorCode>(topic.error_code));
  EXPECT_THAT(
      codes, ElementsAre(ErrorCode::kTopicAlreadyExists, ErrorCode::kInvalidTopic, ErrorCode::kInvalidReplicationFactor,
                         ErrorCode::kInvalidPartitions, ErrorCode::kInvalidRequest, ErrorCode::kInvalidRequest,
                         ErrorCode::kInvalidConfig, ErrorCode::kInvalidReplicaAssignment, ErrorCode::kNone));
  EXPECT_THAT(*response.topics[6].error_message, HasSubstr("retention.ms"));
  EXPECT_TRUE(w.Describe("good").outcome.ok());
  EXPECT_FALSE(w.Describe("twice").outcome.ok());
}

TEST(CreateTopics, MakesNothingWhenAskedToValidateOnly) {
  HandlerWorld w;
  wire::CreateTopicsRequest request;
  request.topics.push_back(NewTopic("a", 2));
  request.validate_only = true;
  const auto response = w.Ask(&HandleCreateTopics, request, 7);
  EXPECT_EQ(response.topics[0].error_code, 0);
  EXPECT_EQ(response.topics[0].num_partitions, 2);
  EXPECT_EQ(w.Describe("a").outcome.code, ErrorCode::kUnknownTopicOrPartition);
}

TEST(DeleteTopics, TakesNamesAndIds) {
  HandlerWorld w;
  w.Create("by-name");
  w.Create("by-id");
  const model::TopicId id = w.Describe("by-id").id;
  wire::DeleteTopicsRequest request;
  request.topics.emplace_back().name = "by-name";
  auto& by_id = request.topics.emplace_back();
  by_id.name.reset();
  by_id.topic_id = id;
  auto& unknown = request.topics.emplace_back();
  unknown.name.reset();
  unknown.topic_id = {9, 9};
  request.topics.emplace_back().name = "absent";
  const auto response = w.Ask(&HandleDeleteTopics, request, 6);
  ASSERT_EQ(response.responses.size(), 4u);
  EXPECT_EQ(response.responses[0].error_code, 0);
  EXPECT_EQ(response.responses[1].error_code, 0);
  EXPECT_EQ(response.responses[1].name, "by-id");
  EXPECT_EQ(response.responses[2].error_code, Code(ErrorCode::kUnknownTopicId));
  EXPECT_EQ(response.responses[3].error_code, Code(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_FALSE(w.Describe("by-name").outcome.ok());
  EXPECT_FALSE(w.Describe("by-id").outcome.ok());
}

TEST(CreatePartitions, GrowsTopicsOnly) {
  HandlerWorld w;
  w.Create("a", 2);
  const auto grow = [&](int32_t count, bool validate_only) {
    wire::CreatePartitionsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "a";
    topic.count = count;
    topic.assignments.reset();
    request.validate_only = validate_only;
    return static_cast<ErrorCode>(w.Ask(&HandleCreatePartitions, request, 3).results.at(0).error_code);
  };
  EXPECT_EQ(grow(2, false), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(grow(1, false), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(grow(4, true), ErrorCode::kNone);
  EXPECT_EQ(w.Describe("a").partitions.size(), 2u);
  EXPECT_EQ(grow(4, false), ErrorCode::kNone);
  EXPECT_EQ(w.Describe("a").partitions.size(), 4u);
}

TEST(DeleteRecords, MovesTheStartOfTheLog) {
  HandlerWorld w;
  w.Create("a");
  w.Produce(broker::Tp("a"), broker::Batch({"1", "2", "3"}));
  wire::DeleteRecordsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "a";
  topic.partitions.emplace_back().offset = 2;
  auto& beyond = topic.partitions.emplace_back();
  beyond.partition_index = 1;
  beyond.offset = 0;
  const auto response = w.Ask(&HandleDeleteRecords, request, 2);
  ASSERT_EQ(response.topics.size(), 1u);
  EXPECT_EQ(response.topics[0].partitions[0].low_watermark, 2);
  EXPECT_EQ(response.topics[0].partitions[1].error_code, Code(ErrorCode::kUnknownTopicOrPartition));
}

TEST(DescribeConfigs, TellsValueSourceTypeAndSynonyms) {
  HandlerWorld w;
  w.Create("a", 1, {{"retention.ms", "77"}});
  const auto result = Configs(w, ResourceType::kTopic, "a");
  EXPECT_EQ(ValueOf(result, "retention.ms"), "77");
  for (const auto& config : result.configs) {
    EXPECT_NE(config.config_type, 0) << config.name;
    EXPECT_FALSE(config.documentation.value_or("").empty()) << config.name;
    EXPECT_FALSE(config.synonyms.empty()) << config.name;
    if (config.name == "retention.ms") {
      EXPECT_EQ(config.config_source, 1);
    } else if (config.name == "segment.bytes") {
      EXPECT_EQ(config.config_source, 4);  // the fixture's broker sets another one
    }
  }
  EXPECT_EQ(Configs(w, ResourceType::kTopic, "absent").error_code, Code(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(ValueOf(Configs(w, ResourceType::kBroker, "1"), "log.segment.bytes"), "1048576");
  EXPECT_EQ(Configs(w, ResourceType::kBroker, "2").error_code, Code(ErrorCode::kInvalidRequest));
  EXPECT_TRUE(Configs(w, ResourceType::kBroker, "").configs.empty());
}

TEST(IncrementalAlterConfigs, SetsDeletesAppendsAndSubtracts) {
  HandlerWorld w;
  w.Create("a", 1, {{"retention.ms", "77"}, {"segment.ms", "9"}});
  wire::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = 2;
  resource.resource_name = "a";
  const auto add = [&](std::string_view name, int8_t operation, std::optional<std::string_view> value) {
    auto& config = resource.configs.emplace_back();
    config.name = name;
    config.config_operation = operation;
    config.value = value;
  };
  add("retention.ms", 1, std::nullopt);
  add("segment.ms", 0, "11");
  add("cleanup.policy", 2, "compact");
  ASSERT_EQ(w.Ask(&HandleIncrementalAlterConfigs, request, 1).responses.at(0).error_code, 0);
  const auto result = Configs(w, ResourceType::kTopic, "a");
  EXPECT_EQ(ValueOf(result, "retention.ms"), "604800000");
  EXPECT_EQ(ValueOf(result, "segment.ms"), "11");
  EXPECT_EQ(ValueOf(result, "cleanup.policy"), "delete,compact");

  resource.configs.clear();
  add("cleanup.policy", 3, "delete");
  request.validate_only = true;
  ASSERT_EQ(w.Ask(&HandleIncrementalAlterConfigs, request, 1).responses.at(0).error_code, 0);
  EXPECT_EQ(ValueOf(Configs(w, ResourceType::kTopic, "a"), "cleanup.policy"), "delete,compact");

  resource.configs.clear();
  add("segment.ms", 2, "1");
  EXPECT_EQ(w.Ask(&HandleIncrementalAlterConfigs, request, 1).responses.at(0).error_code,
            Code(ErrorCode::kInvalidConfig));
  resource.configs.clear();
  add("segment.ms", 0, std::nullopt);
  EXPECT_EQ(w.Ask(&HandleIncrementalAlterConfigs, request, 1).responses.at(0).error_code,
            Code(ErrorCode::kInvalidRequest));
}

TEST(IncrementalAlterConfigs, SetsWhatOfABrokerChangesWhileItRuns) {
  HandlerWorld w;
  const auto alter = [&](std::string_view broker, int8_t operation, std::string_view name, std::string_view value,
                         bool validate_only = false) {
    wire::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(ResourceType::kBroker);
    resource.resource_name = broker;
    auto& config = resource.configs.emplace_back();
    config.name = name;
    config.config_operation = operation;
    config.value = value;
    request.validate_only = validate_only;
    return static_cast<ErrorCode>(w.Ask(&HandleIncrementalAlterConfigs, request, 1).responses.at(0).error_code);
  };
  const std::string rate = "leader.replication.throttled.rate";
  const auto now = [&](std::string_view broker) { return ValueOf(Configs(w, ResourceType::kBroker, broker), rate); };
  EXPECT_EQ(alter("1", 0, rate, "1000", true), ErrorCode::kNone);
  EXPECT_EQ(now("1"), "<none>") << "it was only looked at";
  EXPECT_EQ(alter("", 0, rate, "2000"), ErrorCode::kNone);
  EXPECT_EQ(now(""), "2000");
  EXPECT_EQ(now("1"), "2000") << "of all brokers";
  EXPECT_EQ(alter("1", 0, rate, "1000"), ErrorCode::kNone);
  EXPECT_EQ(now("1"), "1000");
  EXPECT_EQ(alter("1", 1, rate, ""), ErrorCode::kNone);
  EXPECT_EQ(now("1"), "2000");
  EXPECT_EQ(alter("", 0, "min.insync.replicas", "1"), ErrorCode::kNone);
  EXPECT_EQ(ValueOf(Configs(w, ResourceType::kBroker, "1"), "min.insync.replicas"), "1");

  EXPECT_EQ(alter("1", 0, rate, "fast"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("1", 0, rate, "0"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("1", 2, rate, "5"), ErrorCode::kInvalidConfig) << "it is no list";
  EXPECT_EQ(alter("1", 0, "log.retention.ms", "5"), ErrorCode::kInvalidConfig) << "it needs a restart";
  EXPECT_EQ(alter("1", 0, "min.insync.replicas", "1"), ErrorCode::kInvalidConfig) << "of the whole cluster only";
  EXPECT_EQ(alter("9", 0, rate, "5"), ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(alter("one", 0, rate, "5"), ErrorCode::kInvalidRequest);
}

TEST(AlterConfigs, ReplacesTheWholeSet) {
  HandlerWorld w;
  w.Create("a", 1, {{"retention.ms", "77"}});
  wire::AlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = 2;
  resource.resource_name = "a";
  auto& config = resource.configs.emplace_back();
  config.name = "segment.ms";
  config.value = "11";
  ASSERT_EQ(w.Ask(&HandleAlterConfigs, request, 2).responses.at(0).error_code, 0);
  const auto result = Configs(w, ResourceType::kTopic, "a");
  EXPECT_EQ(ValueOf(result, "retention.ms"), "604800000");
  EXPECT_EQ(ValueOf(result, "segment.ms"), "11");
  resource.resource_type = 4;
  resource.resource_name = "1";
  const auto refused = w.Ask(&HandleAlterConfigs, request, 2).responses.at(0);
  EXPECT_EQ(refused.error_code, Code(ErrorCode::kInvalidConfig));
  EXPECT_THAT(*refused.error_message, HasSubstr("YAML"));
}

TEST(ListConfigResources, NamesTopicsAndTheBroker) {
  HandlerWorld w;
  w.Create("a");
  wire::ListConfigResourcesRequest request;
  bool topic = false, broker = false;
  for (const auto& resource : w.Ask(&HandleListConfigResources, request, 1).config_resources) {
    topic |= resource.resource_type == 2 && resource.resource_name == "a";
    broker |= resource.resource_type == 4 && resource.resource_name == "1";
  }
  EXPECT_TRUE(topic && broker);
  EXPECT_TRUE(w.Ask(&HandleListConfigResources, request, 0).config_resources.empty());
}

TEST(DescribeLogDirs, TellsSizesOfWhatIsAskedFor) {
  HandlerWorld w;
  w.Create("a", 2);
  w.Create("b");
  w.Produce(broker::Tp("a"), broker::Batch({"1"}));
  wire::DescribeLogDirsRequest request;
  request.topics.emplace();
  auto& topic = request.topics->emplace_back();
  topic.topic = "a";
  topic.partitions = {0};
  const auto response = w.Ask(&HandleDescribeLogDirs, request, 4);
  ASSERT_EQ(response.results.size(), 1u);
  EXPECT_EQ(response.results[0].log_dir, "/data");
  EXPECT_GT(response.results[0].total_bytes, 0);
  ASSERT_EQ(response.results[0].topics.size(), 1u);
  ASSERT_EQ(response.results[0].topics[0].partitions.size(), 1u);
  EXPECT_GT(response.results[0].topics[0].partitions[0].partition_size, 0);
  request.topics.reset();
  EXPECT_GE(w.Ask(&HandleDescribeLogDirs, request, 4).results[0].topics.size(), 2u);
}

TEST(OneNode, AnswersMovesAndElectionsAsTheyAre) {
  HandlerWorld w;
  w.Create("a");
  wire::AlterPartitionReassignmentsRequest moves;
  auto& topic = moves.topics.emplace_back();
  topic.name = "a";
  topic.partitions.emplace_back().replicas = std::vector<int32_t>{1};
  topic.partitions.emplace_back().replicas = std::vector<int32_t>{1};
  topic.partitions.back().partition_index = 5;
  topic.partitions.emplace_back().replicas.reset();
  topic.partitions.emplace_back().replicas = std::vector<int32_t>{2, 3};
  const auto moved = w.Ask(&HandleAlterPartitionReassignments, moves, 0).responses.at(0);
  EXPECT_EQ(moved.partitions[0].error_code, 0);
  EXPECT_EQ(moved.partitions[1].error_code, Code(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(moved.partitions[2].error_code, Code(ErrorCode::kNoReassignmentInProgress));
  EXPECT_EQ(moved.partitions[3].error_code, Code(ErrorCode::kInvalidReplicaAssignment));

  wire::ElectLeadersRequest election;
  election.topic_partitions.emplace();
  auto& elect = election.topic_partitions->emplace_back();
  elect.topic = "a";
  elect.partitions = {0, 9};
  const auto elected = w.Ask(&HandleElectLeaders, election, 2).replica_election_results.at(0);
  EXPECT_EQ(elected.partition_result[0].error_code, Code(ErrorCode::kElectionNotNeeded));
  EXPECT_EQ(elected.partition_result[1].error_code, Code(ErrorCode::kUnknownTopicOrPartition));

  wire::DescribeQuorumRequest quorum;
  quorum.topics.emplace_back().topic_name = "__cluster_metadata";
  quorum.topics[0].partitions.emplace_back();
  const auto described = w.Ask(&HandleDescribeQuorum, quorum, 2);
  EXPECT_EQ(described.topics[0].partitions[0].leader_id, 1);
  EXPECT_GT(described.topics[0].partitions[0].high_watermark, 0);
  EXPECT_EQ(described.nodes[0].listeners[0].port, 9092);
  EXPECT_EQ(described.nodes[0].listeners[0].name, "DEFAULT") << "Kafka's client takes upper case only";

  wire::UpdateFeaturesRequest features;
  features.feature_updates.emplace_back().feature = "metadata.version";
  EXPECT_EQ(w.Ask(&HandleUpdateFeatures, features, 2).error_code, Code(ErrorCode::kInvalidUpdateVersion));

  wire::CreateAclsRequest acls;
  acls.creations.emplace_back();
  EXPECT_EQ(w.Ask(&HandleCreateAcls, acls, 3).results.at(0).error_code, Code(ErrorCode::kSecurityDisabled));
}

TEST(Metadata, TakesAnEmptyNameBesideATopicIdAsNone) {
  HandlerWorld w;
  w.Create("a");
  wire::MetadataRequest request;
  request.topics.emplace();
  auto& asked = request.topics->emplace_back();
  asked.topic_id = w.Describe("a").id;
  asked.name = "";
  const auto response = w.Ask(&HandleMetadata, request, 13);
  ASSERT_EQ(response.topics.size(), 1u);
  EXPECT_EQ(response.topics[0].error_code, 0);
  EXPECT_EQ(response.topics[0].name, "a");
  request.topics->front().name = "b";
  EXPECT_EQ(w.Ask(&HandleMetadata, request, 13).topics.at(0).error_code, Code(ErrorCode::kInvalidRequest));
}

TEST(DescribeTopicPartitions, GoesOnAtTheCursor) {
  HandlerWorld w;
  w.Create("a", 3);
  w.Create("b", 2);
  std::string seen;
  wire::DescribeTopicPartitionsRequest request;
  request.topics.emplace_back().name = "b";
  request.topics.emplace_back().name = "a";
  request.topics.emplace_back().name = "absent";
  request.response_partition_limit = 2;
  wire::DescribeTopicPartitionsResponse response;
  for (int page = 0; page < 9; ++page) {
    response = w.Ask(&HandleDescribeTopicPartitions, request, 0);
    for (const auto& topic : response.topics) {
      seen += StrCat("[", *topic.name, " ", topic.error_code);
      for (const auto& partition : topic.partitions) seen += StrCat(" ", partition.partition_index);
      seen += "]";
    }
    if (!response.next_cursor) break;
    auto& cursor = request.cursor.emplace();
    cursor.topic_name = response.next_cursor->topic_name;
    cursor.partition_index = response.next_cursor->partition_index;
  }
  EXPECT_EQ(seen, "[a 0 0 1][a 0 2][absent 3][b 0 0][b 0 1]");
}

}  // namespace
}  // namespace leat::kafka
