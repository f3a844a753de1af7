// Fetch (1), with sessions (KIP-227). The session says what is read and what of it the client must be told; the broker
// reads and waits.
#include <algorithm>
#include <utility>

#include "kafka/admin_support.h"
#include "kafka/cluster_view.h"
#include "kafka/fetch_session.h"
#include "kafka/handlers.h"
#include "wire/messages/fetch.h"

namespace leat::kafka {
namespace {

using model::ErrorCode;
using wire::FetchRequest;
using wire::FetchResponse;
using PartitionData = FetchResponse::PartitionData;

constexpr int16_t kFirstWithSessions = 7;
constexpr int16_t kFirstByTopicId = 13;
constexpr size_t kUnread = SIZE_MAX;

FetchSessionCache::Request SessionRequest(const Call& call, const FetchRequest& request) {
  FetchSessionCache::Request out;
  out.by_id = call.version >= kFirstByTopicId;
  if (call.version >= kFirstWithSessions) {
    out.session_id = request.session_id;
    out.epoch = request.session_epoch;
  }
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      out.wants.push_back({.key = {topic.topic_id, std::string(topic.topic), partition.partition},
                           .offset = partition.fetch_offset,
                           .max_bytes = partition.partition_max_bytes,
                           .current_leader_epoch = partition.current_leader_epoch,
                           .last_fetched_epoch = partition.last_fetched_epoch});
    }
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const int32_t partition : topic.partitions) {
      out.forgotten.push_back({topic.topic_id, std::string(topic.topic), partition});
    }
  }
  return out;
}

// One fetch from its request to its response. Lives until the reply.
class FetchCall {
 public:
  FetchCall(Call& call, const FetchRequest& request, Reply<FetchResponse> reply)
      : call_(call), request_(request), reply_(std::move(reply)) {}

  // On the call's shard. The broker's request; nullopt when it has been answered.
  std::optional<broker::FetchRequest> Begin() {
    begun_ = call_.sessions.Begin(SessionRequest(call_, request_), call_.shard.Now());
    if (begun_.error != ErrorCode::kNone) {
      FetchResponse response;
      response.error_code = Code(begun_.error);
      reply_(std::move(response));
      return std::nullopt;
    }
    broker::FetchRequest out;
    out.max_wait = absl::Milliseconds(std::max(0, request_.max_wait_ms));
    out.min_bytes = static_cast<size_t>(std::max(0, request_.min_bytes));
    out.max_bytes = std::min(static_cast<size_t>(std::max(1, request_.max_bytes)), call_.answer_bytes);
    out.isolation = static_cast<model::Isolation>(request_.isolation_level == 1 ? 1 : 0);
    const meta::ImagePtr image = call_.version >= kFirstByTopicId ? call_.broker.ImageOn(call_.shard) : nullptr;
    for (const FetchWant& want : begun_.wants) {
      const meta::TopicPtr topic = image == nullptr ? nullptr : image->FindTopic(want.key.id);
      if (image != nullptr && topic == nullptr) {
        results_.push_back(kUnread);
        out.max_wait = absl::ZeroDuration();  // an error does not wait
        continue;
      }
      results_.push_back(out.partitions.size());
      out.partitions.push_back(
          {.partition = {topic == nullptr ? want.key.topic : topic->name, model::PartitionId(want.key.partition)},
           .offset = model::Offset(want.offset),
           .max_bytes = static_cast<size_t>(std::max(0, want.max_bytes)),
           .current_epoch = model::LeaderEpoch(want.current_leader_epoch),
           .last_fetched_epoch = model::LeaderEpoch(want.last_fetched_epoch)});
    }
    if (out.partitions.empty()) {
      Answer({});
      return std::nullopt;
    }
    return out;
  }

  Call& call() { return call_; }

  // On the call's shard: sessions live there.
  void Answer(broker::FetchReply read) {
    FetchResponse response;
    response.session_id = begun_.session_id();
    for (size_t i = 0; i < begun_.wants.size(); ++i) {
      const FetchWant& want = begun_.wants[i];
      PartitionData data;
      data.partition_index = want.key.partition;
      if (results_[i] == kUnread) {
        data.error_code = Code(ErrorCode::kUnknownTopicId);
        data.high_watermark = -1;
      } else {
        Fill(std::move(read.partitions[results_[i]]), &data);
        if (LeaderHints::Fits(data.error_code)) TellLeader(want.key, &data);
      }
      const bool told = begun_.session == nullptr ||
                        begun_.session->MustTell(want.key, {.error = data.error_code,
                                                            .high_watermark = data.high_watermark,
                                                            .log_start = data.log_start_offset,
                                                            .has_records = !data.records.empty(),
                                                            .diverges = data.diverging_epoch.end_offset >= 0});
      if (told || !begun_.incremental) Add(want.key, std::move(data), &response);
    }
    if (hints_) hints_->AddEndpoints(&response.node_endpoints);
    reply_(std::move(response));
  }

 private:
  void TellLeader(const FetchKey& key, PartitionData* to) {
    if (!view_) {
      view_.emplace(call_, call_.broker.ImageOn(call_.shard));
      hints_.emplace(*view_);
    }
    const bool by_id = call_.version >= kFirstByTopicId;
    const meta::TopicPtr topic = by_id ? view_->image().FindTopic(key.id) : view_->image().FindTopic(key.topic);
    if (topic != nullptr) hints_->Tell(*topic, key.partition, &to->current_leader);
  }

  void Fill(broker::FetchPartitionResult from, PartitionData* to) const {
    to->error_code = Code(from.outcome.code);
    to->high_watermark = from.high_watermark.value();
    to->last_stable_offset = from.last_stable_offset.value();
    to->log_start_offset = from.log_start.value();
    to->records = std::move(from.batches);
    if (from.diverges) {
      to->diverging_epoch.epoch = from.diverges->epoch.value();
      to->diverging_epoch.end_offset = from.diverges->end.value();
    }
    if (request_.isolation_level != 1) return;
    auto& aborted = to->aborted_transactions.emplace();
    for (const model::AbortedTransaction& transaction : from.aborted) {
      auto& entry = aborted.emplace_back();
      entry.producer_id = transaction.producer_id.value();
      entry.first_offset = transaction.first_offset.value();
    }
  }

  static void Add(const FetchKey& key, PartitionData data, FetchResponse* response) {
    if (response->responses.empty() || response->responses.back().topic != key.topic ||
        response->responses.back().topic_id != key.id) {
      auto& topic = response->responses.emplace_back();
      topic.topic = key.topic;
      topic.topic_id = key.id;
    }
    response->responses.back().partitions.push_back(std::move(data));
  }

  Call& call_;
  const FetchRequest& request_;
  Reply<FetchResponse> reply_;
  FetchSessionCache::Begun begun_;
  std::optional<ClusterView> view_;  // once a client has to be told of another broker
  std::optional<LeaderHints> hints_;
  std::vector<size_t> results_;  // of each want: its place among the broker's results, or kUnread
};

}  // namespace

void HandleFetch(Call& call, const FetchRequest& request, Reply<FetchResponse> reply) {
  auto fetch = std::make_unique<FetchCall>(call, request, std::move(reply));
  std::optional<broker::FetchRequest> out = fetch->Begin();
  if (!out) return;
  const uint64_t ticket =
      call.broker.Fetch(std::move(*out), [fetch = std::move(fetch)](broker::FetchReply read) mutable {
        env::Shard& shard = fetch->call().shard;
        if (shard.IsCurrent()) return fetch->Answer(std::move(read));
        shard.Post([fetch = std::move(fetch), read = std::move(read)]() mutable { fetch->Answer(std::move(read)); });
      });
  // The answer comes by a post at the earliest: the call is still there.
  call.on_abandon = [&broker = call.broker, ticket] { broker.CancelFetch(ticket); };
}

}  // namespace leat::kafka
