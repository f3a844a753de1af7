// The handlers of records and metadata, as clients meet them: over a socket, in the versions that differ.
#include "tests/kafka/kafka_fixture.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/describe_producers.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/offset_for_leader_epoch.h"

namespace leat::kafka {
namespace {

using wire::FetchRequest;
using wire::FetchResponse;
using wire::ListOffsetsRequest;
using wire::ListOffsetsResponse;
using wire::MetadataRequest;
using wire::MetadataResponse;
using wire::ProduceResponse;

class AdaptersTest : public KafkaTest {
 protected:
  ProduceResponse::PartitionProduceResponse Produce(KafkaClient& client, std::string_view records, int16_t version = 9,
                                                    std::string_view topic = "t", int16_t acks = -1) {
    const auto response = client.Ask<ProduceResponse>(ProduceOf(topic, 0, records, acks), version);
    return response.responses.at(0).partition_responses.at(0);
  }
  FetchResponse::PartitionData Fetch(KafkaClient& client, int64_t offset, int16_t version) {
    FetchRequest request = FetchOf("t", 0, offset);
    request.topics[0].topic_id = ids_["t"];
    return client.Ask<FetchResponse>(request, version).responses.at(0).partitions.at(0);
  }
  ListOffsetsResponse::ListOffsetsPartitionResponse ListOffset(KafkaClient& client, int64_t timestamp,
                                                               int16_t version = 11) {
    ListOffsetsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.emplace_back().timestamp = timestamp;
    return client.Ask<ListOffsetsResponse>(request, version).topics.at(0).partitions.at(0);
  }
};

TEST_F(AdaptersTest, WhatIsProducedIsFetchedInEveryVersion) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  int64_t offset = 0;
  for (int16_t version = 3; version <= 11; ++version, offset += 2) {
    const auto produced = Produce(client, Batch({"a", "b"}), version);
    EXPECT_EQ(produced.error_code, 0) << version;
    EXPECT_EQ(produced.base_offset, offset) << version;
  }
  for (int16_t version = 4; version <= 18; ++version) {
    const auto fetched = Fetch(client, 0, version);
    EXPECT_EQ(fetched.error_code, 0) << version;
    EXPECT_EQ(fetched.high_watermark, offset);
    EXPECT_EQ(fetched.last_stable_offset, offset);
    EXPECT_EQ(fetched.records.size(), 9 * Batch({"a", "b"}).size());
  }
}

TEST_F(AdaptersTest, ProducersAreDescribed) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  model::BatchBuilder builder({.producer_id = model::ProducerId(5), .producer_epoch = 1, .base_sequence = 0});
  builder.Add(1000, std::nullopt, "value");
  ASSERT_EQ(Produce(client, builder.Finish().value()).error_code, 0);
  wire::DescribeProducersRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partition_indexes = {0, 1};
  const auto response = client.Ask<wire::DescribeProducersResponse>(request, 0);
  const auto& partitions = response.topics.at(0).partitions;
  ASSERT_EQ(partitions.size(), 2u);
  ASSERT_EQ(partitions[0].active_producers.size(), 1u);
  EXPECT_EQ(partitions[0].active_producers[0].producer_id, 5);
  EXPECT_EQ(partitions[0].active_producers[0].producer_epoch, 1);
  EXPECT_EQ(partitions[0].active_producers[0].last_sequence, 0);
  EXPECT_EQ(partitions[0].active_producers[0].current_txn_start_offset, -1);
  EXPECT_EQ(partitions[1].error_code, static_cast<int16_t>(model::ErrorCode::kUnknownTopicOrPartition));
}

TEST_F(AdaptersTest, AProducerThatWantsNoAnswerGetsNone) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  client.Send(KafkaClient::Frame(ProduceOf("t", 0, Batch({"a"}), 0), 7, 1));
  // The next answer is that of the next request.
  const auto produced = Produce(client, Batch({"b"}), 7);
  EXPECT_EQ(produced.base_offset, 1);
}

TEST_F(AdaptersTest, AnErrorThatHasNoAnswerClosesTheConnection) {
  Start();
  CreateTopic("t");
  std::string wrong_crc = Batch({"a"});
  wrong_crc.back() = static_cast<char>(wrong_crc.back() ^ 1);
  // One is refused before the broker is asked, the others by it; one of two partitions is enough.
  wire::ProduceRequest half = ProduceOf("t", 0, wrong_crc, 0);
  const std::string fine = Batch({"fine"});
  half.topic_data.emplace_back(ProduceOf("t", 0, fine, 0).topic_data[0]);
  for (const wire::ProduceRequest& request :
       {ProduceOf("t", 0, "short", 0), ProduceOf("t", 0, wrong_crc, 0), ProduceOf("no-such", 0, wrong_crc, 0),
        ProduceOf("t", 7, fine, 0), half}) {
    for (const int16_t version : {int16_t{3}, int16_t{9}}) {
      KafkaClient client(port());
      // What was asked before is answered first.
      client.Send(KafkaClient::Frame(MetadataOf({"t"}), 4, 1) + KafkaClient::Frame(request, version, 2));
      EXPECT_EQ(client.ReceiveAs<MetadataResponse>(4, 1).topics.size(), 1u);
      EXPECT_TRUE(client.IsClosed());
    }
  }
  KafkaClient old(port());
  old.Send(KafkaClient::Frame(ProduceOf("t", 0, fine, 0), 2, 1));
  EXPECT_TRUE(old.IsClosed());
  KafkaClient client(port());
  EXPECT_EQ(Produce(client, fine).base_offset, 2) << "the two whole batches beside the damaged ones are kept";
}

TEST_F(AdaptersTest, RefusesRecordsThatCannotBe) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  const std::string batch = Batch({"a"});
  std::string wrong_crc = batch;
  wrong_crc.back() = static_cast<char>(wrong_crc.back() ^ 1);
  std::string old_format = batch;
  old_format[16] = 1;
  std::string zstd = batch;
  zstd[22] = 4;
  EXPECT_EQ(Produce(client, "").error_code, 87);
  EXPECT_EQ(Produce(client, "short").error_code, 2);
  EXPECT_EQ(Produce(client, batch.substr(0, batch.size() - 1)).error_code, 2);
  EXPECT_EQ(Produce(client, batch + batch).error_code, 87);
  EXPECT_EQ(Produce(client, wrong_crc).error_code, 2);
  EXPECT_EQ(Produce(client, old_format).error_code, 2);
  EXPECT_EQ(Produce(client, zstd, 6).error_code, 76);
  EXPECT_EQ(Produce(client, batch, 9, "t", 2).error_code, 21);
  EXPECT_EQ(Produce(client, batch, 2).error_code, 35);
  EXPECT_EQ(Produce(client, batch, 9, "no-such").error_code, 3);
  EXPECT_EQ(Produce(client, batch, 9, "__consumer_offsets").error_code, 17);
  const auto refused = Produce(client, wrong_crc);
  EXPECT_TRUE(refused.error_message.has_value());
  EXPECT_EQ(refused.base_offset, -1);
  EXPECT_EQ(Produce(client, batch).base_offset, 0);
}

TEST_F(AdaptersTest, AFetchSessionSendsOnlyWhatChanges) {
  Start();
  CreateTopic("t", 3);
  KafkaClient client(port());
  Produce(client, Batch({"a"}));
  FetchRequest request = FetchOf("t", 0, 0);
  request.session_epoch = 0;
  for (int32_t i = 1; i < 3; ++i)
    request.topics[0].partitions.emplace_back(request.topics[0].partitions[0]).partition = i;
  const auto first = client.Ask<FetchResponse>(request, 12);
  ASSERT_NE(first.session_id, 0);
  EXPECT_EQ(first.responses.at(0).partitions.size(), 3u);

  FetchRequest next;
  next.max_wait_ms = 0;
  next.session_id = first.session_id;
  next.session_epoch = 1;
  next.max_bytes = 1 << 20;
  auto& moved = next.topics.emplace_back();
  moved.topic = "t";
  moved.partitions.push_back(FetchOf("t", 0, 1).topics[0].partitions[0]);
  const auto second = client.Ask<FetchResponse>(next, 12);
  EXPECT_EQ(second.session_id, first.session_id);
  EXPECT_TRUE(second.responses.empty());

  Produce(client, Batch({"b"}));
  next.session_epoch = 2;
  next.topics.clear();
  const auto third = client.Ask<FetchResponse>(next, 12);
  ASSERT_EQ(third.responses.size(), 1u);
  ASSERT_EQ(third.responses[0].partitions.size(), 1u);
  EXPECT_FALSE(third.responses[0].partitions[0].records.empty());

  EXPECT_EQ(client.Ask<FetchResponse>(next, 12).error_code, 71);
  next.session_id += 1;
  EXPECT_EQ(client.Ask<FetchResponse>(next, 12).error_code, 70);
}

TEST_F(AdaptersTest, FetchSaysWhatIsWrongWithEachPartition) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  Produce(client, Batch({"a"}));
  EXPECT_EQ(Fetch(client, 2, 12).error_code, 1);
  EXPECT_EQ(client.Ask<FetchResponse>(FetchOf("no-such", 0, 0, 10000), 12).responses[0].partitions[0].error_code, 3);
  FetchRequest unknown = FetchOf("", 0, 0, 10000);
  unknown.topics[0].topic_id = {1, 2};
  const auto by_id = client.Ask<FetchResponse>(unknown, 13);
  EXPECT_EQ(by_id.responses.at(0).partitions.at(0).error_code, 100);
  EXPECT_EQ(by_id.responses[0].topic_id, (model::TopicId{1, 2}));
  FetchRequest epoch = FetchOf("t", 0, 0, 10000);
  epoch.topics[0].partitions[0].current_leader_epoch = 5;
  EXPECT_EQ(client.Ask<FetchResponse>(epoch, 12).responses[0].partitions[0].error_code, 75);
}

TEST_F(AdaptersTest, FetchSaysWhereTheLogsOfTheTwoPart) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  Produce(client, Batch({"a", "b"}));
  FetchRequest request = FetchOf("t", 0, 9, 10000);
  request.session_epoch = 0;
  request.topics[0].partitions[0].last_fetched_epoch = 0;
  const auto first = client.Ask<FetchResponse>(request, 12);
  const auto& parting = first.responses.at(0).partitions.at(0);
  EXPECT_EQ(parting.error_code, 0);
  EXPECT_EQ(parting.diverging_epoch.epoch, 0);
  EXPECT_EQ(parting.diverging_epoch.end_offset, 2);
  EXPECT_TRUE(parting.records.empty());
  // It is told again in a session, though nothing has changed.
  FetchRequest next;
  next.max_bytes = 1 << 20;
  next.session_id = first.session_id;
  next.session_epoch = 1;
  const auto second = client.Ask<FetchResponse>(next, 12);
  ASSERT_EQ(second.responses.size(), 1u);
  EXPECT_EQ(second.responses[0].partitions.at(0).diverging_epoch.end_offset, 2);
  request.session_epoch = -1;
  request.topics[0].partitions[0].last_fetched_epoch = 8;
  EXPECT_EQ(client.Ask<FetchResponse>(request, 12).responses[0].partitions[0].error_code, 1);
  request.topics[0].partitions[0].last_fetched_epoch = 0;
  request.topics[0].partitions[0].fetch_offset = 2;
  request.max_wait_ms = 0;
  EXPECT_EQ(client.Ask<FetchResponse>(request, 12).responses[0].partitions[0].diverging_epoch.end_offset, -1);
}

TEST_F(AdaptersTest, AFetchGivesOneBatchHoweverSmallItsLimits) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  const std::string batch = Batch({std::string(1000, 'x')});
  Produce(client, batch);
  Produce(client, batch);
  FetchRequest request = FetchOf("t", 0, 0);
  request.max_bytes = 1;
  request.topics[0].partitions[0].partition_max_bytes = 1;
  EXPECT_EQ(client.Ask<FetchResponse>(request, 12).responses[0].partitions[0].records.size(), batch.size());
}

TEST_F(AdaptersTest, MetadataKnowsTopicsByNameAndById) {
  Start();
  CreateTopic("t", 2);
  KafkaClient client(port());
  for (int16_t version = 0; version <= 13; ++version) {
    const auto response = client.Ask<MetadataResponse>(MetadataOf({"t"}), version);
    ASSERT_EQ(response.topics.size(), 1u) << version;
    EXPECT_EQ(response.topics[0].name, "t");
    EXPECT_EQ(response.topics[0].partitions.size(), 2u);
    EXPECT_EQ(response.topics[0].partitions[1].leader_id, 1);
    EXPECT_EQ(response.brokers.at(0).port, port());
    EXPECT_EQ(response.cluster_id.value_or("").empty(), version < 2) << version;
    EXPECT_EQ(response.topics[0].topic_id, version < 10 ? model::TopicId{} : ids_["t"]) << version;
  }
  MetadataRequest by_id;
  by_id.topics.emplace();
  by_id.topics->emplace_back().topic_id = ids_["t"];
  by_id.topics->back().name = std::nullopt;
  by_id.topics->emplace_back().topic_id = {1, 2};
  by_id.topics->back().name = std::nullopt;
  const auto response = client.Ask<MetadataResponse>(by_id, 12);
  EXPECT_EQ(response.topics.at(0).name, "t");
  EXPECT_EQ(response.topics.at(1).error_code, 100);
  EXPECT_EQ(client.Ask<MetadataResponse>(by_id, 11).topics.at(0).error_code, 42);
}

TEST_F(AdaptersTest, MetadataListsAllTopicsOrNone) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  EXPECT_GE(client.Ask<MetadataResponse>(MetadataOf({}), 0).topics.size(), 2u);  // and __consumer_offsets
  EXPECT_EQ(client.Ask<MetadataResponse>(MetadataOf({}), 1).topics.size(), 0u);
  MetadataRequest all;
  all.topics = std::nullopt;
  const auto response = client.Ask<MetadataResponse>(all, 12);
  for (const auto& topic : response.topics) EXPECT_EQ(topic.is_internal, topic.name != "t") << *topic.name;
  EXPECT_EQ(response.topics.back().name, "t");
}

TEST_F(AdaptersTest, MetadataMakesATopicWhenTheClientAndTheSettingAllowIt) {
  Start();
  KafkaClient client(port());
  MetadataRequest request = MetadataOf({"made", "bad name", "__leat_own", "made"});
  request.allow_auto_topic_creation = false;
  EXPECT_EQ(client.Ask<MetadataResponse>(request, 4).topics[0].error_code, 3);
  request.allow_auto_topic_creation = true;
  const auto response = client.Ask<MetadataResponse>(request, 4);
  EXPECT_EQ(response.topics[0].error_code, 0);
  EXPECT_EQ(response.topics[0].partitions.size(), 1u);
  EXPECT_EQ(response.topics[1].error_code, 17);
  EXPECT_EQ(response.topics[2].error_code, 17);
  EXPECT_EQ(response.topics[3].error_code, 0);
  Produce(client, Batch({"a"}), 9, "made");
}

TEST_F(AdaptersTest, MetadataMakesNoTopicWhenTheSettingForbidsIt) {
  Start({.auto_create_topics = false});
  KafkaClient client(port());
  EXPECT_EQ(client.Ask<MetadataResponse>(MetadataOf({"t"}), 4).topics[0].error_code, 3);
}

TEST_F(AdaptersTest, ListsOffsets) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  Produce(client, Batch({"a"}, 1000));
  Produce(client, Batch({"b"}, 3000));
  Produce(client, Batch({"c"}, 2000));
  EXPECT_EQ(ListOffset(client, -1).offset, 3);
  EXPECT_EQ(ListOffset(client, -2).offset, 0);
  EXPECT_EQ(ListOffset(client, -2).leader_epoch, 0);
  EXPECT_EQ(ListOffset(client, -3).offset, 1);
  EXPECT_EQ(ListOffset(client, -3).timestamp, 3000);
  EXPECT_EQ(ListOffset(client, -4).offset, 0);
  EXPECT_EQ(ListOffset(client, -5).offset, -1);
  EXPECT_EQ(ListOffset(client, 1500).offset, 1);
  EXPECT_EQ(ListOffset(client, 1000, 1).timestamp, 1000);
  EXPECT_EQ(ListOffset(client, 4000).offset, -1);
  EXPECT_EQ(ListOffset(client, 4000).error_code, 0);
  EXPECT_EQ(ListOffset(client, -3, 6).error_code, 35);
  EXPECT_EQ(ListOffset(client, -9).error_code, 35);
}

TEST_F(AdaptersTest, KnowsWhereTheOnlyLeaderEpochEnds) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  Produce(client, Batch({"a", "b"}));
  wire::OffsetForLeaderEpochRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic = "t";
  topic.partitions.emplace_back().leader_epoch = 0;
  topic.partitions.emplace_back().leader_epoch = 1;
  topic.partitions.emplace_back().partition = 9;
  auto& ahead = topic.partitions.emplace_back();
  ahead.leader_epoch = 0;
  ahead.current_leader_epoch = 1;
  const auto response = client.Ask<wire::OffsetForLeaderEpochResponse>(request, 4);
  EXPECT_EQ(response.topics[0].partitions[0].leader_epoch, 0);
  EXPECT_EQ(response.topics[0].partitions[0].end_offset, 2);
  EXPECT_EQ(response.topics[0].partitions[1].leader_epoch, -1);
  EXPECT_EQ(response.topics[0].partitions[1].end_offset, -1);
  EXPECT_EQ(response.topics[0].partitions[3].error_code, 75);
  EXPECT_EQ(response.topics[0].partitions[2].error_code, 3);
}

TEST_F(AdaptersTest, EveryCoordinatorIsHere) {
  Start();
  KafkaClient client(port());
  wire::FindCoordinatorRequest request;
  request.key = "g";
  request.coordinator_keys = {"g", "h"};
  const auto old = client.Ask<wire::FindCoordinatorResponse>(request, 0);
  EXPECT_EQ(old.node_id, 1);
  EXPECT_EQ(old.port, port());
  const auto batched = client.Ask<wire::FindCoordinatorResponse>(request, 6);
  ASSERT_EQ(batched.coordinators.size(), 2u);
  EXPECT_EQ(batched.coordinators[1].key, "h");
  EXPECT_EQ(batched.coordinators[1].port, port());
  request.key_type = 2;
  EXPECT_EQ(client.Ask<wire::FindCoordinatorResponse>(request, 6).coordinators[0].error_code, 42);
}

TEST_F(AdaptersTest, TransactionalIdsOfJobsAreNotForClients) {
  Start();
  KafkaClient client(port());
  for (const int16_t version : {int16_t{0}, int16_t{5}}) {
    wire::InitProducerIdRequest request;
    request.transaction_timeout_ms = 1000;
    request.transactional_id = "__leat_job_fraud";
    const auto refused = client.Ask<wire::InitProducerIdResponse>(request, version);
    EXPECT_EQ(refused.error_code, 53) << version;
    EXPECT_EQ(refused.producer_id, -1) << version;
    request.transactional_id = "_leat_job_fraud";
    EXPECT_EQ(client.Ask<wire::InitProducerIdResponse>(request, version).error_code, 0) << version;
  }
}

TEST_F(AdaptersTest, DescribesTheCluster) {
  Start();
  KafkaClient client(port());
  wire::DescribeClusterRequest request;
  const auto response = client.Ask<wire::DescribeClusterResponse>(request, 1);
  EXPECT_FALSE(response.cluster_id.empty());
  EXPECT_EQ(response.brokers.at(0).port, port());
  request.endpoint_type = 2;
  EXPECT_EQ(client.Ask<wire::DescribeClusterResponse>(request, 1).error_code, 114);
}

}  // namespace
}  // namespace leat::kafka
