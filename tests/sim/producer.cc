#include "tests/sim/producer.h"

#include <utility>

#include "base/strings.h"
#include "broker/transactions.h"

namespace leat::nodes {

using model::ErrorCode;

bool MayBeTriedAgain(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kBrokerNotAvailable:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kNetworkException:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kNotController:
    case ErrorCode::kConcurrentTransactions:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kOffsetNotAvailable:
    case ErrorCode::kThrottlingQuotaExceeded:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kUnstableOffsetCommit:
      return true;
    default:
      return false;
  }
}

model::TopicPartition PartitionOf(const std::string& topic, int partition) {
  return {topic, model::PartitionId(partition)};
}

Producer::Producer(Stage& stage, int64_t number, Kind kind, std::vector<model::TopicPartition> partitions)
    : stage_(stage), number_(number), kind_(kind), random_(stage.plan.Chance(1000 + static_cast<uint64_t>(number))) {
  for (model::TopicPartition& partition : partitions) lanes_.emplace_back().partition = std::move(partition);
}

Producer::~Producer() { stage_.world.DropEvents(this); }

void Producer::Start() {
  if (kind_ == Kind::kIdempotent) return AskForId();
  for (size_t i = 0; i < lanes_.size(); ++i) Next(i);
}

void Producer::AskForId() {
  stage_.link.Call<broker::ProducerIdReply>(
      stage_.cluster.AnyServing(random_), absl::Seconds(2),
      [](broker::BrokerImpl& broker, broker::Callback<broker::ProducerIdReply> done) {
        broker.transactions().InitProducerId({}, std::move(done));
      },
      [this](const std::optional<broker::ProducerIdReply>& reply) {
        if (!reply || !reply->outcome.ok()) {
          return stage_.Later(this, Pause(absl::Milliseconds(200)), [this] { AskForId(); });
        }
        id_ = reply->producer_id;
        epoch_ = reply->producer_epoch;
        for (size_t i = 0; i < lanes_.size(); ++i) Next(i);
      });
}

void Producer::Next(size_t at) {
  lanes_[at].waiting = stage_.working;
  if (!stage_.working) return;
  stage_.Later(this, Pause(absl::Milliseconds(25)), [this, at] {
    Lane& lane = lanes_[at];
    model::BatchBuilder::Options options;
    if (kind_ == Kind::kIdempotent) {
      options.producer_id = id_;
      options.producer_epoch = epoch_;
      options.base_sequence = lane.sequence;
    }
    model::BatchBuilder builder(options);
    const int count = static_cast<int>(random_.Between(1, 3));
    for (int i = 0; i < count; ++i) {
      lane.values.push_back(StrCat("p", number_, ".", lane.partition.partition, ".", lane.sent++));
      // What is sent once, and may be stuck on its way, has no order.
      const int64_t who = kind_ == Kind::kIdempotent ? number_ : number_ * 1'000'000 + lane.sent;
      stage_.history.Sent(lane.partition, who, lane.values.back());
      builder.Add(stage_.world.WallMillis(), std::nullopt, lane.values.back());
    }
    lane.batch = *builder.Finish();
    lane.sequence += count;
    Send(at);
  });
}

void Producer::Send(size_t at) {
  Lane& lane = lanes_[at];
  broker::ProduceRequest request;
  request.acks = kind_ == Kind::kIdempotent ? broker::Acks::kAll : broker::Acks::kLeader;
  request.timeout = absl::Seconds(1);
  request.partitions.push_back({lane.partition, std::string(lane.batch)});
  lane.asked = stage_.cluster.LeaderOf(lane.partition, random_);
  stage_.link.Call<broker::ProduceReply>(
      lane.asked, absl::Milliseconds(1500),
      [request = std::move(request)](broker::BrokerImpl& broker, broker::Callback<broker::ProduceReply> done) mutable {
        broker.Produce(std::move(request), std::move(done));
      },
      [this, at](const std::optional<broker::ProduceReply>& reply) { TakeAnswer(at, reply); });
}

// One that was cut off or stood still does not know yet that another one leads, and has that one's batches not: it may
// find a gap in the sequence, as on Kafka.
bool Producer::WasDeposed(const Lane& lane) const {
  const meta::ImagePtr newest = stage_.cluster.NewestImage();
  const meta::TopicPtr topic = newest == nullptr ? nullptr : newest->FindTopic(lane.partition.topic);
  return lane.last == ErrorCode::kOutOfOrderSequenceNumber && topic != nullptr &&
         newest->LeaderOf({topic->id, lane.partition.partition}).value() != lane.asked;
}

void Producer::Acknowledged(Lane& lane, int64_t base_offset) {
  ++lane.acknowledged;
  const Promise promise = kind_ == Kind::kIdempotent ? Promise::kKept : Promise::kMayBeLost;
  for (size_t i = 0; i < lane.values.size(); ++i) {
    const int64_t offset = base_offset < 0 ? -1 : base_offset + static_cast<int64_t>(i);
    stage_.history.Acknowledged(lane.partition, lane.values[i], offset, promise);
  }
  stage_.trace(StrCat("acknowledged ", lane.values[0], " +", lane.values.size() - 1, " at ", base_offset));
}

void Producer::TakeAnswer(size_t at, const std::optional<broker::ProduceReply>& reply) {
  Lane& lane = lanes_[at];
  const broker::ProducePartitionResult* result = reply ? &reply->partitions.at(0) : nullptr;
  lane.last = result == nullptr ? ErrorCode::kNetworkException : result->outcome.code;
  if (lane.last == ErrorCode::kNone) {
    Acknowledged(lane, result->base_offset.value());
  } else if (kind_ == Kind::kIdempotent && lane.last == ErrorCode::kDuplicateSequenceNumber) {
    Acknowledged(lane, -1);
  } else if (kind_ == Kind::kIdempotent) {
    if (!MayBeTriedAgain(lane.last) && !WasDeposed(lane)) {
      // It never has more than one batch under way, and sends that until it is there.
      stage_.history.Fail(StrCat(lane.partition.ToString(), ": ", lane.values[0], " was refused with code ",
                                 static_cast<int>(lane.last), ": ", result->outcome.message));
    }
    return stage_.Later(this, Pause(absl::Milliseconds(100)), [this, at] { Send(at); });
  }
  lane.batch.clear();
  lane.values.clear();
  Next(at);
}

bool Producer::settled() const {
  for (const Lane& lane : lanes_) {
    if (lane.waiting || !lane.batch.empty()) return false;
  }
  return true;
}

void Producer::Mark() {
  for (Lane& lane : lanes_) lane.marked = lane.acknowledged;
}

std::string Producer::WhyNotWorking() const {
  for (const Lane& lane : lanes_) {
    if (lane.acknowledged > lane.marked) continue;
    return StrCat("producer ", number_, " (id ", id_, ") has nothing acknowledged by ", lane.partition.ToString(),
                  ", the last answer was code ", static_cast<int>(lane.last));
  }
  return "";
}

}  // namespace leat::nodes
