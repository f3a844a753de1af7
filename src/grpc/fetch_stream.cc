// Log.Fetch: one fetch of the broker after the other, each sent before the next begins, so a slow client costs one
// message of memory. A followed partition that fails is reported once and left out from then on.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "grpc/admission.h"
#include "grpc/failure.h"
#include "grpc/isolation.h"
#include "grpc/services.h"
#include "leat/v1/log.pb.h"
#include "model/record_batch.h"

namespace leat::rpc {
namespace {

constexpr size_t kDefaultPartitionBytes = size_t{1} << 20;
constexpr Duration kDefaultWait = absl::Milliseconds(500);
// A followed stream is woken by data: waiting longer than asked costs nothing and saves wake-ups.
constexpr Duration kFollowWait = absl::Seconds(30);
constexpr Duration kLeastFollowWait = absl::Milliseconds(10);

struct Refusal {  // empty field: none
  std::string field;
  std::string message;
};

Refusal CheckRequest(const v1::FetchRequest& request) {
  if (request.partitions().empty()) return {"partitions", "expected at least one partition to fetch, got none"};
  const auto negative = [](std::string_view field, int64_t value) {
    return Refusal{std::string(field), StrCat(field, ": expected 0 or more, got ", value)};
  };
  if (request.max_wait_ms() < 0) return negative("max_wait_ms", request.max_wait_ms());
  if (request.min_bytes() < 0) return negative("min_bytes", request.min_bytes());
  if (request.max_bytes() < 0) return negative("max_bytes", request.max_bytes());
  if (request.credit_bytes() < 0) return negative("credit_bytes", request.credit_bytes());
  std::set<std::pair<std::string_view, int32_t>> seen;
  for (int i = 0; i < request.partitions_size(); ++i) {
    const v1::FetchPartition& partition = request.partitions(i);
    if (partition.max_bytes() < 0) return negative(StrCat("partitions[", i, "].max_bytes"), partition.max_bytes());
    if (partition.offset() < 0) return negative(StrCat("partitions[", i, "].offset"), partition.offset());
    if (!seen.emplace(partition.topic(), partition.partition()).second) {
      const std::string field = StrCat("partitions[", i, "]");
      return {field, StrCat(field, ": ", partition.topic(), "-", partition.partition(), " is listed twice")};
    }
  }
  return {};
}

// Where to go on behind `batches`, which the broker has checked; `from` if there are none.
model::Offset NextOffset(std::string_view batches, model::Offset from) {
  while (!batches.empty()) {
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&batches);
    if (!batch.ok()) break;
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(*batch);
    if (!header.ok()) break;
    from = std::max(from, header->next_offset());
  }
  return from;
}

class FetchStream final : public ::grpc::ServerWriteReactor<v1::FetchResponse>, public Stream {
 public:
  FetchStream(const ServiceContext& context, ::grpc::CallbackServerContext* call) : context_(context), call_(call) {}

  void Open(std::shared_ptr<FetchStream> self, const v1::FetchRequest& request) {
    self_ = std::move(self);
    if (const Refusal refusal = CheckRequest(request); !refusal.field.empty()) {
      return End(InvalidArgument("fetch: ", refusal.message), refusal.field);
    }
    if (const absl::Status status = AdmissionStatus(context_.streams.Add(self_)); !status.ok()) return End(status, "");
    follow_ = request.follow();
    credit_ = request.credit_bytes() == 0 ? INT64_MAX : request.credit_bytes();
    next_.min_bytes = request.min_bytes() == 0 ? 1 : static_cast<size_t>(request.min_bytes());
    next_.max_wait = request.max_wait_ms() == 0 ? kDefaultWait : absl::Milliseconds(request.max_wait_ms());
    next_.isolation = IsolationOf(request.isolation());
    if (follow_) next_.max_wait = next_.min_bytes == 1 ? kFollowWait : std::max(next_.max_wait, kLeastFollowWait);
    message_bytes_ = context_.options.max_answer_bytes;
    if (request.max_bytes() > 0) message_bytes_ = std::min(message_bytes_, static_cast<size_t>(request.max_bytes()));
    for (const v1::FetchPartition& from : request.partitions()) {
      next_.partitions.push_back(
          {.partition = {from.topic(), model::PartitionId(from.partition())},
           .offset = model::Offset(from.offset()),
           .max_bytes = from.max_bytes() == 0 ? kDefaultPartitionBytes : static_cast<size_t>(from.max_bytes())});
    }
    FetchNext();
  }

  void Drain() override { Stop(Stopping()); }
  void OnCancel() override { Stop(Cancelled("the client is gone")); }

  void OnWriteDone(bool ok) override {
    response_.Clear();
    if (!ok) return End(Cancelled("the client is gone"), "");
    if (!follow_ || next_.partitions.empty() || credit_ <= 0) return End(absl::OkStatus(), "");
    FetchNext();
  }

  void OnDone() override {
    context_.streams.Remove(this);
    const std::shared_ptr<FetchStream> last = std::move(self_);
  }

 private:
  // Ends the call. REQUIRES: neither a fetch nor a write is under way.
  void End(const absl::Status& status, std::string_view field) {
    Finish(status.ok() ? ::grpc::Status::OK : Failure(call_, status, field));
  }

  // The stream ends as soon as what is under way is back; a long poll is called back at once.
  void Stop(const absl::Status& status) {
    std::optional<uint64_t> ticket;
    {
      const Lock lock(mutex_);
      if (stopped_.ok()) stopped_ = status;
      ticket = std::exchange(ticket_, std::nullopt);
    }
    if (ticket) context_.broker.CancelFetch(*ticket);
  }

  absl::Status stopped() {
    const Lock lock(mutex_);
    return stopped_;
  }

  void FetchNext() {
    uint64_t number = 0;
    {
      const Lock lock(mutex_);
      number = ++fetches_;
    }
    if (const absl::Status status = stopped(); !status.ok()) return End(status, "");
    next_.max_bytes = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(message_bytes_), credit_));
    const std::shared_ptr<FetchStream> self = self_;  // the answer may end the call before Fetch returns
    const uint64_t ticket =
        context_.broker.Fetch(next_, [self](broker::FetchReply reply) { self->OnReply(std::move(reply)); });
    bool cancel = false;
    {
      const Lock lock(mutex_);
      if (answered_ >= number) return;
      cancel = !stopped_.ok();
      if (!cancel) ticket_ = ticket;
    }
    if (cancel) context_.broker.CancelFetch(ticket);
  }

  void OnReply(broker::FetchReply reply) {
    {
      const Lock lock(mutex_);
      ++answered_;
      ticket_.reset();
    }
    if (const absl::Status status = stopped(); !status.ok()) return End(status, "");
    bool news = !follow_;
    for (broker::FetchPartitionResult& result : reply.partitions) {
      news = news || !result.batches.empty() || !result.outcome.ok();
      if (follow_) Advance(result);
      credit_ -= static_cast<int64_t>(result.batches.size());
      if (!follow_ || !result.batches.empty() || !result.outcome.ok()) AddResult(std::move(result));
    }
    if (!news) return FetchNext();
    StartWrite(&response_);
  }

  void Advance(const broker::FetchPartitionResult& result) {
    const auto found = std::find_if(next_.partitions.begin(), next_.partitions.end(),
                                    [&](const auto& next) { return next.partition == result.partition; });
    if (found == next_.partitions.end()) return;
    if (result.outcome.ok()) {
      found->offset = NextOffset(result.batches, found->offset);
    } else {
      next_.partitions.erase(found);
    }
  }

  void AddResult(broker::FetchPartitionResult result) {
    v1::FetchPartitionResult* to = response_.add_partitions();
    to->set_topic(std::move(result.partition.topic));
    to->set_partition(result.partition.partition.value());
    FillOutcome(result.outcome, to->mutable_outcome());
    to->set_batches(std::move(result.batches));
    to->set_high_watermark(result.high_watermark.value());
    to->set_log_start_offset(result.log_start.value());
    to->set_last_stable_offset(result.last_stable_offset.value());
    for (const model::AbortedTransaction& aborted : result.aborted) {
      v1::AbortedTransaction* out = to->add_aborted();
      out->set_producer_id(aborted.producer_id.value());
      out->set_first_offset(aborted.first_offset.value());
    }
  }

  const ServiceContext context_;
  ::grpc::CallbackServerContext* const call_;
  std::shared_ptr<FetchStream> self_;  // until OnDone

  // One step runs at a time (a fetch, then a write), so these need no lock.
  bool follow_ = false;
  int64_t credit_ = 0;
  size_t message_bytes_ = 0;
  broker::FetchRequest next_;
  v1::FetchResponse response_;

  Mutex mutex_;
  absl::Status stopped_;            // why to end
  std::optional<uint64_t> ticket_;  // of the long poll under way
  uint64_t fetches_ = 0;
  uint64_t answered_ = 0;
};

}  // namespace

::grpc::ServerWriteReactor<v1::FetchResponse>* OpenFetchStream(const ServiceContext& context,
                                                               ::grpc::CallbackServerContext* call,
                                                               const v1::FetchRequest* request) {
  auto stream = std::make_shared<FetchStream>(context, call);
  FetchStream* const reactor = stream.get();
  reactor->Open(std::move(stream), *request);
  return reactor;
}

}  // namespace leat::rpc
