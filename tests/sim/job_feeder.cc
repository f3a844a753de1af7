#include "tests/sim/job_feeder.h"

#include <utility>

#include "base/strings.h"
#include "broker/transactions.h"

namespace leat::nodes {
namespace {

constexpr uint64_t kKeys = 6;
constexpr int64_t kHourMs = 3'600'000;

bool IsUpserted(const std::string& topic) { return topic == kUsers || topic == kTeams; }

}  // namespace

JobFeeder::JobFeeder(Stage& stage, const std::vector<std::pair<std::string, int>>& topics)
    : stage_(stage), random_(stage.plan.Chance(6001)) {
  for (const auto& [topic, partitions] : topics) {
    for (int p = 0; p < partitions; ++p) {
      Lane lane;
      lane.partition = PartitionOf(topic, p);
      lane.number = static_cast<int>(lanes_.size());
      lane.of = partitions;
      lanes_.push_back(std::move(lane));
    }
  }
}

JobFeeder::~JobFeeder() { stage_.world.DropEvents(this); }

bool JobFeeder::done() const {
  for (const Lane& lane : lanes_) {
    if (!lane.done) return false;
  }
  return true;
}

void JobFeeder::AskForId() {
  stage_.link.Call<broker::ProducerIdReply>(
      stage_.cluster.AnyServing(random_), absl::Seconds(3),
      [](broker::BrokerImpl& broker, broker::Callback<broker::ProducerIdReply> done) {
        broker.transactions().InitProducerId({}, std::move(done));
      },
      [this](const std::optional<broker::ProducerIdReply>& reply) {
        if (!reply || !reply->outcome.ok()) {
          return stage_.Later(this, absl::Milliseconds(200), [this] { AskForId(); });
        }
        id_ = reply->producer_id;
        epoch_ = reply->producer_epoch;
        for (Lane& lane : lanes_) Next(lane);
      });
}

void JobFeeder::Next(Lane& lane) {
  if (lane.last) {
    lane.done = true;
    return;
  }
  stage_.Later(this, absl::Milliseconds(random_.Between(5, 100)), [this, &lane] {
    Fill(lane);
    Send(lane);
  });
}

void JobFeeder::Fill(Lane& lane) {
  model::BatchBuilder builder({.producer_id = id_, .producer_epoch = epoch_, .base_sequence = lane.sequence});
  lane.last = !stage_.working;
  const int64_t count = lane.last ? 1 : random_.Between(1, 4);
  for (int64_t i = 0; i < count; ++i) {
    const JobRecord record = IsUpserted(lane.partition.topic) ? ChangeOf(lane) : RecordOf(lane);
    builder.Add(stage_.world.WallMillis(), record.key, record.value);
  }
  lane.sequence += static_cast<int32_t>(count);
  lane.batch = *builder.Finish();
}

JobRecord JobFeeder::RecordOf(Lane& lane) {
  lane.clock_ms += random_.Between(0, 80) + (random_.OneIn(40) ? 4000 : 0);
  JobRow row{.id = lane.number * 1'000'000 + lane.rows++,
             .k = StrCat("k", random_.Below(kKeys)),
             .v = random_.Between(0, 99),
             .ms = lane.clock_ms};
  if (lane.last) {
    row.ms += kHourMs;
  } else if (lane.partition.topic == kStragglers && random_.OneIn(8)) {
    row.ms -= random_.Between(kDisorderMs, 10 * kDisorderMs);
  } else if (random_.OneIn(3)) {
    row.ms -= random_.Between(0, kDisorderMs - 1);
  }
  return {.key = row.k, .value = Encode(row)};
}

// A key is always in the same partition.
JobRecord JobFeeder::ChangeOf(Lane& lane) {
  const auto among = static_cast<int64_t>(lane.partition.topic == kUsers ? 5 * kKeys : kKeys);
  const int64_t key = random_.Between(0, among - 1) * lane.of + lane.partition.partition.value();
  const JobRow row{.id = lane.number * 1'000'000 + lane.rows++,
                   .k = StrCat("k", key),
                   .v = random_.Between(0, static_cast<int64_t>(kKeys) * lane.of - 1)};
  JobRecord record{.key = StrCat("{\"k\":\"", row.k, "\"}"), .value = std::nullopt};
  if (!random_.OneIn(8)) record.value = Encode(row);
  return record;
}

void JobFeeder::Send(Lane& lane) {
  broker::ProduceRequest request;
  request.timeout = absl::Seconds(1);
  request.partitions.push_back({lane.partition, std::string(lane.batch)});
  stage_.link.Call<broker::ProduceReply>(
      stage_.cluster.LeaderOf(lane.partition, random_), absl::Milliseconds(1500),
      [request = std::move(request)](broker::BrokerImpl& broker, broker::Callback<broker::ProduceReply> done) mutable {
        broker.Produce(std::move(request), std::move(done));
      },
      [this, &lane](const std::optional<broker::ProduceReply>& reply) {
        const model::ErrorCode code =
            reply ? reply->partitions.at(0).outcome.code : model::ErrorCode::kNetworkException;
        if (code == model::ErrorCode::kNone || code == model::ErrorCode::kDuplicateSequenceNumber) return Next(lane);
        // Again until it is there, as simulated producers do; those look at what is refused.
        stage_.Later(this, absl::Milliseconds(random_.Between(5, 200)), [this, &lane] { Send(lane); });
      });
}

}  // namespace leat::nodes
