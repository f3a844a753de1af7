#include "broker/replica_wire.h"

#include <gtest/gtest.h>

#include "model/record_batch.h"

namespace leat::broker {
namespace {

using model::LeaderEpoch;
using model::Offset;

const meta::PartitionKey kFirst{model::TopicId{1, 2}, model::PartitionId(3)};
const meta::PartitionKey kSecond{model::TopicId{1, 2}, model::PartitionId(4)};
const meta::PartitionKey kThird{model::TopicId{9, 9}, model::PartitionId(0)};

ReplicaFetchRequest Request() {
  ReplicaFetchRequest request{.node = model::NodeId(2),
                              .broker_epoch = replication::BrokerEpoch(77),
                              .max_wait = absl::Milliseconds(250),
                              .max_bytes = 1000,
                              .items = {}};
  request.items.push_back({.partition = kFirst,
                           .leader_epoch = LeaderEpoch(5),
                           .offset = Offset(100),
                           .last_epoch = LeaderEpoch(4),
                           .log_start = Offset(10),
                           .high_watermark = Offset(90),
                           .max_bytes = 500});
  request.items.push_back({.partition = kSecond,
                           .leader_epoch = LeaderEpoch(1),
                           .offset = Offset(7),
                           .log_start = Offset(0),
                           .high_watermark = Offset(7),
                           .purpose = replication::FetchPurpose::kRepair,
                           .health = replication::Health::kDamaged,
                           .max_bytes = 1});
  request.items.push_back({.partition = kThird, .health = replication::Health::kDamaged, .max_bytes = 2});
  return request;
}

std::string Batch(int64_t base, LeaderEpoch epoch, int records = 1) {
  model::BatchBuilder builder({.base_offset = Offset(base), .leader_epoch = epoch});
  for (int i = 0; i < records; ++i) builder.Add(1, std::nullopt, "value");
  return *builder.Finish();
}

TEST(ReplicaWire, CarriesARequest) {
  const ReplicaFetchRequest sent = Request();
  const absl::StatusOr<ReplicaFetchRequest> got = DecodeReplicaFetch(EncodeReplicaFetch(sent));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->node, sent.node);
  EXPECT_EQ(got->broker_epoch, sent.broker_epoch);
  EXPECT_EQ(got->max_wait, sent.max_wait);
  EXPECT_EQ(got->max_bytes, sent.max_bytes);
  ASSERT_EQ(got->items.size(), sent.items.size());
  for (size_t i = 0; i < sent.items.size(); ++i) {
    const auto &a = sent.items[i], &b = got->items[i];
    EXPECT_EQ(a.partition, b.partition) << i;
    EXPECT_EQ(a.leader_epoch, b.leader_epoch) << i;
    EXPECT_EQ(a.offset, b.offset) << i;
    EXPECT_EQ(a.last_epoch, b.last_epoch) << i;
    EXPECT_EQ(a.log_start, b.log_start) << i;
    EXPECT_EQ(a.high_watermark, b.high_watermark) << i;
    EXPECT_EQ(a.purpose, b.purpose) << i;
    EXPECT_EQ(a.health, b.health) << i;
    EXPECT_EQ(a.max_bytes, b.max_bytes) << i;
  }
}

TEST(ReplicaWire, CarriesAnAnswer) {
  std::vector<ReplicaFetchPart> parts(2);
  parts[0] = {kFirst,
              {.error = model::ErrorCode::kNone,
               .diverging = replication::EpochEnd{LeaderEpoch(3), Offset(40)},
               .leader_epoch = LeaderEpoch(5),
               .high_watermark = Offset(1),
               .log_start = Offset(2),
               .log_end = Offset(3)},
              ""};
  parts[1] = {kThird,
              {.error = model::ErrorCode::kOffsetOutOfRange, .leader_epoch = LeaderEpoch(6), .log_end = Offset(9)},
              Batch(5, LeaderEpoch(2))};
  const absl::StatusOr<std::vector<ReplicaFetchPart>> got = DecodeReplicaAnswer(EncodeReplicaAnswer(parts));
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_EQ(got->size(), parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ((*got)[i].partition, parts[i].partition);
    EXPECT_EQ((*got)[i].verdict.error, parts[i].verdict.error);
    EXPECT_EQ((*got)[i].verdict.diverging, parts[i].verdict.diverging);
    EXPECT_EQ((*got)[i].verdict.leader_epoch, parts[i].verdict.leader_epoch);
    EXPECT_EQ((*got)[i].verdict.high_watermark, parts[i].verdict.high_watermark);
    EXPECT_EQ((*got)[i].verdict.log_start, parts[i].verdict.log_start);
    EXPECT_EQ((*got)[i].verdict.log_end, parts[i].verdict.log_end);
    EXPECT_EQ((*got)[i].records, parts[i].records);
  }
}

TEST(ReplicaWire, RefusesWhatIsNoMessage) {
  const std::string request = EncodeReplicaFetch(Request());
  for (size_t size = 0; size < request.size(); ++size) EXPECT_FALSE(DecodeReplicaFetch(request.substr(0, size)).ok());
  std::string other = request;
  other[0] = 9;
  EXPECT_FALSE(DecodeReplicaFetch(other).ok());
  EXPECT_FALSE(DecodeReplicaAnswer(request).ok());
}

TEST(ReplicaWire, FindsADamagedBatch) {
  const std::string whole = Batch(10, LeaderEpoch(1), 3) + Batch(20, LeaderEpoch(2));
  const absl::StatusOr<std::vector<replication::FetchedBatch>> batches = CheckFetchedBatches(whole);
  ASSERT_TRUE(batches.ok()) << batches.status();
  ASSERT_EQ(batches->size(), 2);
  EXPECT_EQ((*batches)[0].base, Offset(10));
  EXPECT_EQ((*batches)[0].end, Offset(13));
  EXPECT_EQ((*batches)[1].epoch, LeaderEpoch(2));
  std::string damaged = whole;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  EXPECT_TRUE(absl::IsDataLoss(CheckFetchedBatches(damaged).status()));
  EXPECT_FALSE(CheckFetchedBatches(whole.substr(0, whole.size() - 1)).ok());
  EXPECT_FALSE(CheckFetchedBatches(Batch(10, LeaderEpoch(1), 3) + Batch(12, LeaderEpoch(1))).ok());
}

}  // namespace
}  // namespace leat::broker
