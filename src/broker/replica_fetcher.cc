#include "broker/replica_fetcher.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "broker/replica_wire.h"

namespace leat::broker {

ReplicaFetcher::ReplicaFetcher(env::Shard& shard, env::Transport& transport, model::NodeId self, const Limits& limits,
                               replication::Throttle* throttle, Deliver deliver)
    : shard_(shard),
      transport_(transport),
      self_(self),
      limits_(limits),
      throttle_(throttle),
      deliver_(std::move(deliver)) {}

void ReplicaFetcher::Send(const meta::PartitionKey& partition, const replication::SendFetch& fetch,
                          model::Offset high_watermark, Pace pace) {
  if (alive_ == nullptr) return;
  // It may have had another leader when it asked last.
  for (auto& [node, leader] : leaders_) {
    leader.waiting.erase(partition);
    leader.gathered.erase(partition);
  }
  leaders_[fetch.leader].waiting[partition] = {fetch, high_watermark, pace};
  FlushSoon();
}

void ReplicaFetcher::FlushSoon() {
  if (std::exchange(flush_posted_, true)) return;
  shard_.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) Flush();
  });
}

void ReplicaFetcher::Stop() {
  alive_.reset();
  leaders_.clear();
  throttled_until_.reset();
}

void ReplicaFetcher::Flush() {
  flush_posted_ = false;
  const Instant now = shard_.Now();
  if (now >= forget_lively_) {
    std::erase_if(lively_until_, [now](const auto& entry) { return entry.second <= now; });
    forget_lively_ = now + limits_.news_last;
  }
  Questions questions;
  for (auto& [node, leader] : leaders_) TakeDue(node, leader, &questions);
  AskAll(std::move(questions));
}

void ReplicaFetcher::TakeDue(model::NodeId node, Leader& leader, Questions* questions) {
  std::map<meta::PartitionKey, Pending> held_back = HoldBack(leader), lively;
  const Instant now = shard_.Now();
  for (const auto& [partition, pending] : std::exchange(leader.waiting, std::move(held_back))) {
    (IsLively(partition, now) ? lively : leader.gathered).emplace(partition, pending);
  }
  Put(node, lively, questions);
  if (leader.gathered.empty() || leader.until != nullptr) return;
  if (leader.under_way == 0) return Put(node, std::exchange(leader.gathered, {}), questions);
  const Duration pause = std::min(limits_.gather * static_cast<int64_t>(leader.under_way), limits_.most_gather);
  leader.until = shard_.RunAt(now + pause, [this, node] {
    Leader& due = leaders_[node];
    due.until.reset();
    Questions gathered;
    Put(node, std::exchange(due.gathered, {}), &gathered);
    AskAll(std::move(gathered));
  });
}

void ReplicaFetcher::Put(model::NodeId node, const std::map<meta::PartitionKey, Pending>& waiting,
                         Questions* questions) const {
  size_t room = 0;
  for (const auto& [partition, pending] : waiting) {
    if (room-- == 0) {
      questions->push_back({node, {}});
      room = limits_.partitions - 1;
    }
    questions->back().batch.emplace_back(partition, pending);
  }
}

void ReplicaFetcher::AskAll(Questions questions) {
  for (Question& question : questions) {
    if (alive_ != nullptr) Call(question.leader, std::move(question.batch));
  }
}

bool ReplicaFetcher::IsLively(const meta::PartitionKey& partition, Instant now) const {
  const auto it = lively_until_.find(partition);
  return it != lively_until_.end() && it->second > now;
}

std::map<meta::PartitionKey, ReplicaFetcher::Pending> ReplicaFetcher::HoldBack(Leader& leader) {
  std::map<meta::PartitionKey, Pending> held_back;
  const Instant now = shard_.Now();
  if (throttle_ == nullptr || throttle_->Allowance(now) > 0) return held_back;
  for (auto it = leader.waiting.begin(); it != leader.waiting.end();) {
    const auto next = std::next(it);
    if (it->second.pace == Pace::kThrottled) held_back.insert(leader.waiting.extract(it));
    it = next;
  }
  if (!held_back.empty()) throttled_until_ = shard_.RunAt(throttle_->ReadyAt(now), [this] { FlushSoon(); });
  return held_back;
}

void ReplicaFetcher::Call(model::NodeId leader, Batch batch) {
  // What a follower must hear soon ends the wait: it only says how often partitions are asked about that have no news.
  const auto scores = static_cast<int64_t>(batch.size() / 20);
  ReplicaFetchRequest request{.node = self_,
                              .broker_epoch = batch.front().second.fetch.broker_epoch,
                              .max_wait = limits_.max_wait * std::clamp<int64_t>(scores, 1, 4),
                              .max_bytes = limits_.request_bytes,
                              .items = {}};
  for (const auto& [partition, pending] : batch) {
    const replication::SendFetch& fetch = pending.fetch;
    size_t most = limits_.partition_bytes;
    if (pending.pace == Pace::kThrottled && throttle_ != nullptr) {
      most = static_cast<size_t>(std::min<uint64_t>(most, std::max<uint64_t>(throttle_->Allowance(shard_.Now()), 1)));
    }
    request.items.push_back({.partition = partition,
                             .leader_epoch = fetch.leader_epoch,
                             .offset = fetch.offset,
                             .last_epoch = fetch.last_epoch,
                             .log_start = fetch.log_start,
                             .high_watermark = pending.high_watermark,
                             .purpose = fetch.purpose,
                             .health = fetch.health,
                             .max_bytes = most});
  }
  ++leaders_[leader].under_way;
  transport_.Call(
      leader.value(), env::Service::kFetch, EncodeReplicaFetch(request), limits_.timeout,
      [this, alive = std::weak_ptr<bool>(alive_), leader, batch = std::move(batch)](absl::StatusOr<OwnedBytes> answer) {
        if (alive.expired()) return;
        --leaders_[leader].under_way;
        OnAnswer(batch, std::move(answer));
      });
}

void ReplicaFetcher::OnAnswer(const Batch& batch, absl::StatusOr<OwnedBytes> answer) {
  const auto fail_all = [&](const absl::Status& status) {
    for (const auto& [partition, pending] : batch) deliver_(partition, pending.fetch.id, status);
  };
  if (!answer.ok()) return fail_all(answer.status());
  absl::StatusOr<std::vector<ReplicaFetchPart>> parts = DecodeReplicaAnswer(*answer);
  bool fits = parts.ok() && parts->size() == batch.size();
  for (size_t i = 0; fits && i < batch.size(); ++i) fits = (*parts)[i].partition == batch[i].first;
  if (!fits) {
    const absl::Status status =
        parts.ok() ? InvalidArgument("its partitions are others than were asked for") : parts.status();
    LogWarning("broker", "the answer of node ", batch.front().second.fetch.leader,
               " to a replica's fetch cannot be used: ", Message(status));
    return fail_all(status);
  }
  const std::weak_ptr<bool> alive = alive_;
  for (size_t i = 0; i < batch.size() && !alive.expired(); ++i) {
    ReplicaFetchPart& part = (*parts)[i];
    const replication::SendFetch& fetch = batch[i].second.fetch;
    if (!part.records.empty() || part.verdict.high_watermark > batch[i].second.high_watermark) {
      lively_until_[batch[i].first] = shard_.Now() + limits_.news_last;
    }
    if (throttle_ != nullptr && batch[i].second.pace == Pace::kThrottled) {
      throttle_->Charge(part.records.size(), shard_.Now());
    }
    absl::StatusOr<std::vector<replication::FetchedBatch>> batches = CheckFetchedBatches(part.records);
    if (!batches.ok()) {
      LogWarning("broker", "node ", fetch.leader, " has sent damaged batches from offset ", fetch.offset, ": ",
                 Message(batches.status()));
      deliver_(batch[i].first, fetch.id, batches.status());
      continue;
    }
    deliver_(batch[i].first, fetch.id,
             Fetched{{.error = part.verdict.error,
                      .diverging = part.verdict.diverging,
                      .leader_epoch = part.verdict.leader_epoch,
                      .high_watermark = part.verdict.high_watermark,
                      .log_start = part.verdict.log_start,
                      .log_end = part.verdict.log_end,
                      .batches = *std::move(batches)},
                     std::move(part.records)});
  }
}

}  // namespace leat::broker
