#include "coordinator/broker_messages.h"

#include <gtest/gtest.h>

namespace leat::coordinator {
namespace {

using Epoch = log::ProducerState::Marker::Epoch;

TEST(BrokerMessages, AMarkerArrivesAsItWasSent) {
  for (const auto end : {model::TransactionEnd::kCommit, model::TransactionEnd::kAbort}) {
    for (const auto expects : {Epoch::kSameOrNewer, Epoch::kNewer}) {
      MarkerMessage sent{.partition = {"t", model::PartitionId(3)}, .marker = {}};
      sent.marker = {
          .producer_id = model::ProducerId(77), .producer_epoch = INT16_MAX, .marker = {end, 12}, .expects = expects};
      const absl::StatusOr<BrokerMessage> got = DecodeBrokerMessage(EncodeBrokerMessage(sent));
      ASSERT_TRUE(got.ok()) << got.status();
      const auto& marker = std::get<MarkerMessage>(*got);
      EXPECT_EQ(marker.partition, sent.partition);
      EXPECT_EQ(marker.marker.producer_id, sent.marker.producer_id);
      EXPECT_EQ(marker.marker.producer_epoch, sent.marker.producer_epoch);
      EXPECT_EQ(marker.marker.marker.end, end);
      EXPECT_EQ(marker.marker.marker.coordinator_epoch, 12);
      EXPECT_EQ(marker.marker.expects, expects);
    }
  }
}

TEST(BrokerMessages, ACheckArrivesAsItWasSent) {
  for (const auto version : {txn::Version::kClassic, txn::Version::kEpochPerTransaction}) {
    const CheckMessage sent{{"id", model::ProducerId(5), 2}, {"t", model::PartitionId(0)}, version};
    const absl::StatusOr<BrokerMessage> got = DecodeBrokerMessage(EncodeBrokerMessage(sent));
    ASSERT_TRUE(got.ok()) << got.status();
    const auto& check = std::get<CheckMessage>(*got);
    EXPECT_EQ(check.producer, sent.producer);
    EXPECT_EQ(check.partition, sent.partition);
    EXPECT_EQ(check.version, version);
  }
}

TEST(BrokerMessages, AVoterArrivesAsItWasSent) {
  for (const auto change : {VoterMessage::Change::kAdd, VoterMessage::Change::kRemove}) {
    const absl::StatusOr<BrokerMessage> got =
        DecodeBrokerMessage(EncodeBrokerMessage(VoterMessage{change, model::NodeId(4), {1, ~uint64_t{0}}}));
    ASSERT_TRUE(got.ok()) << got.status();
    const auto& voter = std::get<VoterMessage>(*got);
    EXPECT_EQ(voter.change, change);
    EXPECT_EQ(voter.node, model::NodeId(4));
    EXPECT_EQ(voter.directory, (model::Uuid{1, ~uint64_t{0}}));
  }
  EXPECT_FALSE(
      DecodeBrokerMessage(EncodeBrokerMessage(VoterMessage{VoterMessage::Change::kAdd, model::NodeId(-4), {}})).ok());
}

TEST(BrokerMessages, AnAnswerKeepsItsCode) {
  const absl::StatusOr<BrokerAnswer> got =
      DecodeBrokerAnswer(EncodeBrokerAnswer({model::ErrorCode::kNotLeaderOrFollower, "ask there"}));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->code, model::ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(got->message, "ask there");
}

TEST(BrokerMessages, WhatIsNoneIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeBrokerMessage("\xff\xff\xff").status()));
  EXPECT_TRUE(absl::IsUnimplemented(DecodeBrokerMessage("").status()));
  MarkerMessage sent{.partition = {"t", model::PartitionId(-3)}, .marker = {}};
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeBrokerMessage(EncodeBrokerMessage(sent)).status()));
}

}  // namespace
}  // namespace leat::coordinator
