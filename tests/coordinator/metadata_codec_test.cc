#include "coordinator/metadata_codec.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meta/image.h"

namespace leat::coordinator {
namespace {

using ::testing::HasSubstr;

meta::NodeList Nodes(std::initializer_list<int32_t> ids) {
  meta::NodeList nodes;
  for (const int32_t id : ids) nodes.push_back(meta::NodeId(id));
  return nodes;
}

const model::TopicId kTopic{1, 2};
const meta::NodeId kNode(3);

meta::Partition State() {
  return {.replicas = Nodes({3, 1, 2}),
          .isr = Nodes({3}),
          .elr = Nodes({1}),
          .last_known_elr = Nodes({2}),
          .adding = Nodes({1}),
          .removing = Nodes({2}),
          .leader = kNode,
          .leader_epoch = meta::LeaderEpoch(7),
          .partition_epoch = 300};
}

// One of each kind, with every field set.
meta::Records EveryKind() {
  meta::Partition leaderless = State();
  leaderless.leader = meta::kNobody;
  const std::vector<meta::Listener> listeners = {{"kafka", "h", 9092}, {"grpc", "h2", 9093}};
  return {meta::ClusterCreated{"c"},
          meta::FeatureLevel{2},
          meta::TopicCreated{kTopic, "t", 2, {{"k", "v"}}, {State(), leaderless}},
          meta::TopicDeleted{kTopic},
          meta::TopicConfigsChanged{kTopic, {{"a", "b"}}},
          meta::PartitionsAdded{kTopic, 9, {State()}},
          meta::JobSubmitted{"j", "SQL", 7},
          meta::JobStateChanged{"j", meta::DesiredState::kStopped},
          meta::JobDeleted{"j"},
          meta::ProducerIdsReserved{1001},
          meta::BrokerRegistered{kNode, {4, 5}, 6, listeners, "rack", 1, 2, {{7, 8}, {9, 10}}},
          meta::BrokerUnregistered{kNode, 6},
          meta::BrokerFenced{kNode, 6},
          meta::BrokerUnfenced{kNode, 6},
          meta::BrokerInControlledShutdown{kNode, 6},
          meta::BrokerDraining{kNode, true},
          meta::BrokerConfigsChanged{kNode, {{"a", "b"}}},
          meta::BrokerEpochsGiven{12},
          meta::PartitionChanged{kTopic, meta::PartitionId(1), State(), meta::Election::kUnclean},
          meta::VotersChanged{{{kNode, {4, 5}, listeners}, {meta::NodeId(0), {6, 7}, {}}}},
          meta::JobUpgraded{"j", "OTHER SQL", 2, std::vector<std::string>{"Join#3"}}};
}

TEST(MetadataCodec, BringsOneOfEachKindBack) {
  const meta::Records records = EveryKind();
  ASSERT_EQ(records.size(), std::variant_size_v<meta::Record>) << "a kind is not tested";
  for (size_t i = 0; i < records.size(); ++i) {
    ASSERT_EQ(records[i].index(), i) << "in the order of the variant";
    const absl::StatusOr<meta::Record> back = DecodeMetadata(EncodeMetadata(records[i]));
    ASSERT_TRUE(back.ok()) << i << ": " << back.status();
    EXPECT_TRUE(*back == records[i]) << i;
  }
}

TEST(MetadataCodec, KeepsNodeZeroApartFromNobody) {
  for (const meta::NodeId node : {meta::NodeId(0), meta::kNobody}) {
    meta::Partition state = State();
    state.leader = node;
    const meta::Records records = {meta::BrokerConfigsChanged{node, {{"a", "b"}}},
                                   meta::PartitionChanged{kTopic, meta::PartitionId(0), state}};
    for (const meta::Record& record : records) EXPECT_TRUE(*DecodeMetadata(EncodeMetadata(record)) == record) << node;
  }
}

TEST(MetadataCodec, KeepsNothingGivenUpApartFromNotSaid) {
  const meta::Records records = {meta::JobUpgraded{"j", "SQL", 2, std::nullopt},
                                 meta::JobUpgraded{"j", "SQL", 2, std::vector<std::string>()}};
  for (const meta::Record& record : records) {
    EXPECT_TRUE(*DecodeMetadata(EncodeMetadata(record)) == record);
  }
}

// Logs of feature level 1 were written with these bytes, and those of now must be readable later.
TEST(MetadataCodec, ReadsAndWritesTheBytesThatAreOnDisks) {
  const std::pair<std::string_view, meta::Record> golden[] = {
      {"0a030a0163", meta::ClusterCreated{"c"}},
      {"12020801", meta::FeatureLevel{1}},
      {"1a210a12090100000000000000110200000000000000120161180222060a016b120176",
       meta::TopicCreated{kTopic, "a", 2, {{"k", "v"}}}},
      {"22140a12090100000000000000110200000000000000", meta::TopicDeleted{kTopic}},
      {"2a1c0a1209010000000000000011020000000000000012060a016b120177", meta::TopicConfigsChanged{kTopic, {{"k", "w"}}}},
      {"32160a120901000000000000001102000000000000001004", meta::PartitionsAdded{kTopic, 4}},
      {"3a0d0a016a1206494e534552541809", meta::JobSubmitted{"j", "INSERT", 9}},
      {"42050a016a1002", meta::JobStateChanged{"j", meta::DesiredState::kStopped}},
      {"4a030a016a", meta::JobDeleted{"j"}},
      {"520308e907", meta::ProducerIdsReserved{1001}},
      {"6a0408031006", meta::BrokerFenced{kNode, 6}},
      {"aa010a0a016a120353514c1802", meta::JobUpgraded{"j", "SQL", 2, std::nullopt}},
      {"9a01350a1209010000000000000011020000000000000010011a1b0a030301021201031a01012201022a01013201023803400748ac02"
       "2004",
       meta::PartitionChanged{kTopic, meta::PartitionId(1), State(), meta::Election::kUnclean}},
  };
  for (const auto& [hex, record] : golden) {
    const std::string bytes = absl::HexStringToBytes(ToAbsl(hex));
    const absl::StatusOr<meta::Record> read = DecodeMetadata(bytes);
    ASSERT_TRUE(read.ok()) << hex << ": " << read.status();
    EXPECT_TRUE(*read == record) << hex;
    EXPECT_EQ(ToStd(absl::BytesToHexString(ToAbsl(EncodeMetadata(record)))), hex);
  }
}

TEST(MetadataCodec, ReplaysALogOfFeatureLevelOneToTheSameState) {
  const meta::Records old = {meta::ClusterCreated{"c"},
                             meta::FeatureLevel{1},
                             meta::TopicCreated{kTopic, "a", 2, {{"retention.ms", "5"}}},
                             meta::TopicConfigsChanged{kTopic, {{"retention.ms", "6"}}},
                             meta::PartitionsAdded{kTopic, 4},
                             meta::JobSubmitted{"j", "INSERT", 9},
                             meta::JobStateChanged{"j", meta::DesiredState::kStopped}};
  meta::Image image;
  for (const meta::Record& record : old) {
    ASSERT_TRUE(image.Apply(*DecodeMetadata(EncodeMetadata(record))).ok()) << record.index();
  }
  EXPECT_EQ(image.Hash(), 4721323748433803583ULL) << "as the version before it had";
  EXPECT_EQ(image.feature_level(), 1);
}

TEST(MetadataCodec, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(DecodeMetadata("").status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(DecodeMetadata("\xff").status().code(), absl::StatusCode::kDataLoss);
  // Kind 100; and an election of kind 9.
  EXPECT_THAT(std::string(Message(DecodeMetadata("\xa2\x06\x01x").status())), HasSubstr("start a newer version"));
  EXPECT_THAT(std::string(Message(DecodeMetadata("\x9a\x01\x02\x20\x09").status())), HasSubstr("kind 9"));
}

}  // namespace
}  // namespace leat::coordinator
