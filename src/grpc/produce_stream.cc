// Log.Produce: requests are handed to the broker as they arrive and answered in their order. When too many are
// unanswered the stream is not read, and the client's flow control does the rest.
#include <grpcpp/grpcpp.h>

#include <deque>
#include <optional>
#include <utility>

#include "grpc/failure.h"
#include "grpc/services.h"
#include "leat/v1/log.pb.h"

namespace leat::rpc {
namespace {

// One request on its way: `answer` is set when the broker has answered.
struct Pending {
  uint64_t correlation_id = 0;
  broker::Acks acks = broker::Acks::kAll;
  std::optional<v1::ProduceResponse> answer;
};

std::optional<broker::Acks> AcksOf(v1::Acks acks) {
  switch (acks) {
    case v1::ACKS_ALL:
      return broker::Acks::kAll;
    case v1::ACKS_LEADER:
      return broker::Acks::kLeader;
    case v1::ACKS_NONE:
      return broker::Acks::kNone;
    default:
      return std::nullopt;
  }
}

// Moves the batches out of the request: record bytes are not copied here.
broker::ProduceRequest TakeRequest(v1::ProduceRequest* from, broker::Acks acks) {
  broker::ProduceRequest request{.acks = acks,
                                 .transactional_id = std::move(*from->mutable_transactional_id()),
                                 .rules = broker::TransactionRules::kEpochRises};
  request.partitions.reserve(static_cast<size_t>(from->partitions_size()));
  for (v1::ProducePartition& partition : *from->mutable_partitions()) {
    request.partitions.push_back(
        {.partition = {std::move(*partition.mutable_topic()), model::PartitionId(partition.partition())},
         .batches = std::move(*partition.mutable_batches())});
  }
  return request;
}

v1::ProduceResponse MakeResponse(uint64_t correlation_id, broker::ProduceReply reply) {
  v1::ProduceResponse response;
  response.set_correlation_id(correlation_id);
  response.mutable_partitions()->Reserve(static_cast<int>(reply.partitions.size()));
  for (broker::ProducePartitionResult& from : reply.partitions) {
    v1::ProducePartitionResult* to = response.add_partitions();
    to->set_topic(std::move(from.partition.topic));
    to->set_partition(from.partition.partition.value());
    FillOutcome(from.outcome, to->mutable_outcome());
    to->set_base_offset(from.base_offset.value());
    to->set_log_append_time_ms(from.log_append_time_ms);
    to->set_log_start_offset(from.log_start.value());
  }
  return response;
}

class ProduceStream final : public ::grpc::ServerBidiReactor<v1::ProduceRequest, v1::ProduceResponse>, public Stream {
 public:
  ProduceStream(const ServiceContext& context, ::grpc::CallbackServerContext* call) : context_(context), call_(call) {}

  void Open(std::shared_ptr<ProduceStream> self) {
    self_ = std::move(self);
    switch (context_.streams.Add(self_)) {
      case StreamRegistry::Admission::kAccepted:
        break;
      case StreamRegistry::Admission::kFull:
        return Refuse(
            absl::StatusCode::kResourceExhausted,
            "the broker serves as many streams as it may (limits.connections): close some, or try again later");
      case StreamRegistry::Admission::kStopping:
        return Refuse(absl::StatusCode::kUnavailable, "the broker is stopping");
    }
    const Lock lock(mutex_);
    ReadMore();
  }

  void Drain() override {
    const Lock lock(mutex_);
    draining_ = true;
    FinishIfDone();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      const Lock lock(mutex_);
      reading_ = false;
      input_ended_ = true;
      FinishIfDone();
      return;
    }
    const std::optional<broker::Acks> acks = AcksOf(request_.acks());
    const uint64_t correlation_id = request_.correlation_id();
    broker::ProduceRequest request = TakeRequest(&request_, acks.value_or(broker::Acks::kAll));
    const int unknown_acks = static_cast<int>(request_.acks());
    request_.Clear();
    std::shared_ptr<Pending> pending;
    {
      const Lock lock(mutex_);
      reading_ = false;
      if (finished_) return;  // the status tells the client that this request was not taken
      pending = std::make_shared<Pending>(Pending{.correlation_id = correlation_id, .acks = request.acks});
      pending_.push_back(pending);
    }
    if (acks.has_value()) {
      context_.broker.Produce(std::move(request), [self = self_, pending](broker::ProduceReply reply) {
        self->OnAnswer(pending.get(), std::move(reply));
      });
    } else {
      OnAnswer(pending.get(), RefuseAcks(request, unknown_acks));
    }
    const Lock lock(mutex_);
    ReadMore();
  }

  void OnWriteDone(bool ok) override {
    const Lock lock(mutex_);
    writing_ = false;
    if (!ok) broken_ = true;
    pending_.pop_front();
    WriteMore();
    ReadMore();
    FinishIfDone();
  }

  void OnDone() override {
    context_.streams.Remove(this);
    const std::shared_ptr<ProduceStream> last = std::move(self_);
  }

 private:
  void Refuse(absl::StatusCode code, std::string_view message) {
    const Lock lock(mutex_);
    finished_ = true;
    Finish(Failure(call_, absl::Status(code, ToAbsl(message)), ""));
  }

  static broker::ProduceReply RefuseAcks(const broker::ProduceRequest& request, int acks) {
    broker::ProduceReply reply;
    for (const broker::ProducePartition& partition : request.partitions) {
      reply.partitions.push_back({.partition = partition.partition,
                                  .outcome = {model::ErrorCode::kInvalidRequest,
                                              StrCat("acks: expected 0 (all), 1 (leader) or 2 (none), got ", acks)}});
    }
    return reply;
  }

  void OnAnswer(Pending* pending, broker::ProduceReply reply) {
    v1::ProduceResponse response = MakeResponse(pending->correlation_id, std::move(reply));
    const Lock lock(mutex_);
    pending->answer = std::move(response);
    WriteMore();
    ReadMore();
    FinishIfDone();
  }

  // The three below: REQUIRES the lock.
  void ReadMore() {
    if (reading_ || input_ended_ || draining_ || broken_ || finished_) return;
    if (pending_.size() >= context_.options.max_unanswered_per_stream) return;
    reading_ = true;
    StartRead(&request_);
  }

  void WriteMore() {
    if (writing_) return;
    // Requests that want no answer, and those nobody hears any more.
    while (!pending_.empty() && pending_.front()->answer &&
           (broken_ || pending_.front()->acks == broker::Acks::kNone)) {
      pending_.pop_front();
    }
    if (pending_.empty() || !pending_.front()->answer) return;
    writing_ = true;
    ::grpc::WriteOptions options;
    // The next answer is there already: let gRPC put both into one write.
    if (pending_.size() > 1 && pending_[1]->answer) options.set_buffer_hint();
    StartWrite(&*pending_.front()->answer, options);
  }

  void FinishIfDone() {
    if (finished_ || writing_ || !pending_.empty()) return;
    if (!input_ended_ && !draining_ && !broken_) return;
    finished_ = true;
    if (draining_ && !input_ended_) {
      Finish(Failure(call_, Unavailable("the broker is stopping: connect again when it is back"), ""));
    } else {
      Finish(::grpc::Status::OK);
    }
  }

  const ServiceContext context_;
  ::grpc::CallbackServerContext* const call_;
  v1::ProduceRequest request_;           // being read
  std::shared_ptr<ProduceStream> self_;  // until OnDone

  Mutex mutex_;
  std::deque<std::shared_ptr<Pending>> pending_;
  bool reading_ = false;
  bool writing_ = false;
  bool input_ended_ = false;
  bool draining_ = false;
  bool broken_ = false;  // a write failed: the client is gone
  bool finished_ = false;
};

}  // namespace

::grpc::ServerBidiReactor<v1::ProduceRequest, v1::ProduceResponse>* OpenProduceStream(
    const ServiceContext& context, ::grpc::CallbackServerContext* call) {
  auto stream = std::make_shared<ProduceStream>(context, call);
  ProduceStream* const reactor = stream.get();
  reactor->Open(std::move(stream));
  return reactor;
}

}  // namespace leat::rpc
