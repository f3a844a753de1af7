#include "broker/replica_fetch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"

namespace leat::broker {

using model::ErrorCode;
using replication::FetchVerdict;

// A request that arrived here, until all shards have answered.
struct ReplicaFetchServer::Request {
  uint64_t number = 0;
  std::vector<ReplicaFetchPart> parts;
  std::vector<size_t> owners;  // the shards that it went to
  size_t waiting = 0;
  env::Transport::Reply reply;
};

struct ReplicaFetchServer::Parked {
  Share share;
  std::vector<FetchVerdict> verdicts;
  std::vector<std::pair<meta::PartitionKey, uint64_t>> waits;
  Instant deadline;
  std::unique_ptr<env::Timer> timer;  // then
  ShareDone done;
};

ReplicaFetchServer::ReplicaFetchServer(env::Shard& shard, env::Transport& transport, const Limits& limits,
                                       OwnerOfKey owner, replication::Throttle* throttle)
    : shard_(shard), transport_(transport), limits_(limits), owner_(std::move(owner)), throttle_(throttle) {}

ReplicaFetchServer::~ReplicaFetchServer() = default;

void ReplicaFetchServer::Start(std::vector<ReplicaFetchServer*> servers) {
  servers_ = std::move(servers);
  index_ = static_cast<size_t>(std::ranges::find(servers_, this) - servers_.begin());
  LEAT_CHECK(index_ < servers_.size());
  transport_.Serve(env::Service::kFetch, [this](int32_t from, OwnedBytes message, env::Transport::Reply reply) {
    reply ? Serve(std::move(message), std::move(reply)) : TakeWanted(from, message);
  });
}

void ReplicaFetchServer::Stop() {
  if (alive_ == nullptr) return;
  transport_.Serve(env::Service::kFetch, nullptr);
  FinishAll();
  host_ = nullptr;
  alive_.reset();
}

void ReplicaFetchServer::SetHost(ReplicaHost* host) {
  FinishAll();
  host_ = host;
}

void ReplicaFetchServer::FinishAll() {
  std::vector<ShareId> ids;
  for (const auto& [id, parked] : parked_) ids.push_back(id);
  for (const ShareId& id : ids) Finish(id);
}

// An answer that cannot be given is left out: the caller hears that it is not there, and asks again later.
void ReplicaFetchServer::Serve(OwnedBytes message, env::Transport::Reply reply) {
  absl::StatusOr<ReplicaFetchRequest> asked = DecodeReplicaFetch(message);
  if (!asked.ok()) {
    LogWarning("broker", "a replica's fetch cannot be read: ", Message(asked.status()));
    return;
  }
  auto request = std::make_shared<Request>();
  request->number = next_request_++;
  request->reply = std::move(reply);
  request->parts.resize(asked->items.size());
  Scatter(request, *std::move(asked));
}

// A fetch that wants no answer names partitions whose leader waits for fetches from here.
void ReplicaFetchServer::TakeWanted(int32_t from, const OwnedBytes& message) {
  const absl::StatusOr<ReplicaFetchRequest> wanted = DecodeReplicaFetch(message);
  if (!wanted.ok()) {
    LogWarning("broker", "what node ", from, " waits for cannot be read: ", Message(wanted.status()));
    return;
  }
  for (const ReplicaFetchRequest::Item& item : wanted->items) {
    const std::optional<size_t> owner = owner_(item.partition);
    if (!owner) continue;
    ReplicaFetchServer* there = servers_[*owner];
    there->shard_.Post([there, key = item.partition] {
      if (there->alive_ != nullptr && there->wanted_) there->wanted_(key);  // stopped meanwhile otherwise
    });
  }
}

void ReplicaFetchServer::Scatter(const RequestPtr& request, ReplicaFetchRequest asked) {
  struct Visit {
    std::vector<size_t> indexes;
    std::vector<ReplicaFetchRequest::Item> items;
  };
  std::map<size_t, Visit> visits;
  std::vector<size_t> unknown;
  for (size_t i = 0; i < asked.items.size(); ++i) {
    request->parts[i].partition = asked.items[i].partition;
    const std::optional<size_t> owner = owner_(asked.items[i].partition);
    if (!owner) {
      request->parts[i].verdict.error = ErrorCode::kUnknownTopicId;
      unknown.push_back(i);
      continue;
    }
    visits[*owner].indexes.push_back(i);
    visits[*owner].items.push_back(asked.items[i]);
  }
  if (visits.empty()) return request->reply(OwnedBytes(EncodeReplicaAnswer(std::move(request->parts))));
  request->waiting = visits.size();
  const Duration max_wait = unknown.empty() ? std::min(asked.max_wait, limits_.max_wait) : absl::ZeroDuration();
  for (const auto& [owner, visit] : visits) request->owners.push_back(owner);
  for (auto& [owner, visit] : visits) {
    Share share{.items = std::move(visit.items),
                .node = asked.node,
                .broker_epoch = asked.broker_epoch,
                .max_wait = max_wait,
                .max_bytes = std::min(asked.max_bytes, limits_.max_bytes) / visits.size()};
    const ShareId id{index_, request->number};
    // Of several none is asked before all are on their way, so that nobody is hurried who does not wait yet.
    if (visits.size() == 1 && owner == index_) {
      ServeShare(id, std::move(share), [this, request, indexes = visit.indexes](std::vector<ReplicaFetchPart> parts) {
        Arrive(request, indexes, std::move(parts));
      });
      continue;
    }
    ReplicaFetchServer* there = servers_[owner];
    there->shard_.Post([this, there, id, request, share = std::move(share), indexes = visit.indexes]() mutable {
      there->ServeShare(
          id, std::move(share),
          [this, request, indexes = std::move(indexes)](std::vector<ReplicaFetchPart> parts) mutable {
            shard_.Post([this, request, indexes = std::move(indexes), parts = std::move(parts)]() mutable {
              Arrive(request, indexes, std::move(parts));
            });
          });
    });
  }
}

void ReplicaFetchServer::Arrive(const RequestPtr& request, const std::vector<size_t>& indexes,
                                std::vector<ReplicaFetchPart> parts) {
  for (size_t k = 0; k < indexes.size(); ++k) request->parts[indexes[k]] = std::move(parts[k]);
  if (--request->waiting == 0) {
    return request->reply(OwnedBytes(EncodeReplicaAnswer(std::move(request->parts))));
  }
  // One shard has something to say: the others say what they have.
  const ShareId id{index_, request->number};
  for (const size_t owner : std::exchange(request->owners, {})) {
    ReplicaFetchServer* there = servers_[owner];
    there->shard_.Post([there, id] { there->HurryShare(id); });
  }
}

void ReplicaFetchServer::ServeShare(ShareId id, Share share, ShareDone done) {
  std::vector<FetchVerdict> verdicts;
  bool ready = share.max_wait == absl::ZeroDuration() || parked_.size() >= limits_.parked;
  for (const ReplicaFetchRequest::Item& item : share.items) {
    Replica* replica = Find(item.partition);
    FetchVerdict verdict{.error = ErrorCode::kNotLeaderOrFollower};
    if (replica != nullptr) {
      verdict = replica->OnFollowerFetch({.node = share.node,
                                          .broker_epoch = share.broker_epoch,
                                          .leader_epoch = item.leader_epoch,
                                          .offset = item.offset,
                                          .last_epoch = item.last_epoch,
                                          .log_start = item.log_start,
                                          .purpose = item.purpose,
                                          .health = item.health});
    }
    const bool has_records = item.offset < verdict.log_end && !(IsThrottled(replica, share.node) && MustWait());
    // It was on its way when those that waited here were told. With the answer the follower's log starts there, too.
    const bool owes_start = item.log_start < verdict.log_start && replica != nullptr && replica->awaits_log_start();
    ready |= verdict.error != ErrorCode::kNone || verdict.diverging || has_records || owes_start;
    verdicts.push_back(std::move(verdict));
  }
  if (ready) return done(ReadShare(share, std::move(verdicts)));
  Park(id, std::move(share), std::move(verdicts), std::move(done));
}

// Requests that end together come again as one: those of partitions that begin one by one would go on in as many.
Instant ReplicaFetchServer::EndOfWait(Duration wait) const {
  const Instant end = shard_.Now() + wait;
  const int64_t step = absl::ToInt64Nanoseconds(wait) / 8;
  return step == 0 ? end : Instant::FromNanos(end.nanos() / step * step);
}

void ReplicaFetchServer::Park(ShareId id, Share share, std::vector<FetchVerdict> verdicts, ShareDone done) {
  auto parked = std::make_unique<Parked>();
  Instant deadline = EndOfWait(share.max_wait);
  if (MustWait()) deadline = std::min(deadline, throttle_->ReadyAt(shard_.Now()));
  parked->share = std::move(share);
  parked->verdicts = std::move(verdicts);
  parked->done = std::move(done);
  parked->deadline = deadline;
  parked->timer = shard_.RunAt(deadline, [this, id] { Finish(id); });
  Parked* waits = parked.get();
  parked_[id] = std::move(parked);
  for (const ReplicaFetchRequest::Item& item : waits->share.items) {
    Replica* replica = Find(item.partition);
    if (MustWait() && IsThrottled(replica, waits->share.node)) continue;  // at `deadline` it is looked at again
    waits->waits.emplace_back(item.partition,
                              replica->WaitForEnd(item.offset, WhileParked(id, &ReplicaFetchServer::Finish)));
    waits->waits.emplace_back(
        item.partition,
        replica->WaitForWatermark(item.high_watermark, WhileParked(id, &ReplicaFetchServer::FinishSoon)));
  }
}

// The log is in the middle of something when it says so, and more may come in this turn.
env::Closure ReplicaFetchServer::WhileParked(ShareId id, void (ReplicaFetchServer::*then)(ShareId)) {
  return [this, alive = std::weak_ptr<bool>(alive_), id, then] {
    shard_.Post([this, alive, id, then] {
      if (!alive.expired()) (this->*then)(id);
    });
  };
}

// The follower's readers wait for nothing else, and it may lead next.
void ReplicaFetchServer::FinishSoon(ShareId id) {
  const auto it = parked_.find(id);
  if (it == parked_.end()) return;
  Parked& parked = *it->second;
  const Instant soon = shard_.Now() + limits_.watermark_wait;
  if (soon >= parked.deadline) return;
  parked.deadline = soon;
  parked.timer = shard_.RunAt(soon, [this, id] { Finish(id); });
}

void ReplicaFetchServer::HurryShare(ShareId id) { Finish(id); }

void ReplicaFetchServer::Finish(ShareId id) {
  auto node = parked_.extract(id);
  if (node.empty()) return;
  Parked& parked = *node.mapped();
  for (const auto& [partition, ticket] : parked.waits) {
    if (Replica* replica = Find(partition); replica != nullptr) replica->CancelWait(ticket);
  }
  parked.done(ReadShare(parked.share, std::move(parked.verdicts)));
}

// Looks again: what the verdict said may be old by now.
std::vector<ReplicaFetchPart> ReplicaFetchServer::ReadShare(const Share& share, std::vector<FetchVerdict> verdicts) {
  const size_t count = share.items.size();
  std::vector<ReplicaFetchPart> parts(count);
  size_t budget = share.max_bytes;
  const size_t first = rotation_++;
  for (size_t k = 0; k < count; ++k) {
    const size_t i = (first + k) % count;
    const ReplicaFetchRequest::Item& item = share.items[i];
    parts[i].partition = item.partition;
    FetchVerdict& verdict = parts[i].verdict;
    verdict = std::move(verdicts[i]);
    if (verdict.error != ErrorCode::kNone || verdict.diverging) continue;
    Replica* replica = Find(item.partition);
    verdict.error = replica == nullptr ? ErrorCode::kNotLeaderOrFollower : replica->CheckLeader(verdict.leader_epoch);
    if (verdict.error != ErrorCode::kNone) continue;
    const replication::LogFacts& facts = replica->facts();
    verdict.high_watermark = facts.high_watermark;
    verdict.log_start = facts.start;
    verdict.log_end = facts.end;
    if (budget == 0 || item.offset >= facts.end) continue;
    budget -= std::min(budget, Read(*replica, item, share.node, budget, &parts[i]));
  }
  return parts;
}

bool ReplicaFetchServer::IsThrottled(Replica* replica, model::NodeId follower) const {
  if (throttle_ == nullptr || replica == nullptr || replica->alone()) return false;
  const replication::LeaderCore* leader = replica->core().leader();
  return leader != nullptr && leader->IsThrottled(follower);
}

size_t ReplicaFetchServer::Read(Replica& replica, const ReplicaFetchRequest::Item& item, model::NodeId follower,
                                size_t budget, ReplicaFetchPart* part) {
  size_t most = std::min(std::max<size_t>(item.max_bytes, 1), budget);
  const bool throttled = IsThrottled(&replica, follower);
  if (throttled) most = static_cast<size_t>(std::min<uint64_t>(most, throttle_->Allowance(shard_.Now())));
  if (most == 0) return 0;
  absl::StatusOr<log::ReadResult> read = replica.log().ReadReplicated(item.offset, most);
  if (!read.ok()) {
    const bool out_of_range = absl::IsOutOfRange(read.status());
    part->verdict.error = out_of_range ? ErrorCode::kOffsetOutOfRange : ErrorCode::kKafkaStorageError;
    if (absl::IsDataLoss(read.status())) replica.LookForDamage();
    return 0;
  }
  part->records = std::move(read->batches);
  if (throttled) throttle_->Charge(part->records.size(), shard_.Now());
  return part->records.size();
}

}  // namespace leat::broker
