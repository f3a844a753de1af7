// Fetch: read passes over the shards that own the partitions, and waits between them. A pass begins at the next
// partition each time, so that a small byte limit does not starve the last ones.
#include <absl/hash/hash.h>

#include <algorithm>
#include <thread>

#include "base/check.h"
#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

// While a fetch collects towards min_bytes, each arrival would read everything again; it looks at most so often.
constexpr Duration kCollectPause = absl::Milliseconds(5);

// Tickets are made on the caller's thread without touching anything shared: a hash of who made it and how many it made,
// with the home shard in the low byte.
uint64_t NewTicket(const FetchOp* op, size_t home) {
  static thread_local uint64_t made = 0;
  const uint64_t hash = absl::HashOf(std::this_thread::get_id(), ++made, reinterpret_cast<uintptr_t>(op));
  return (hash << 8) | home;
}

// What a pass asks of a shard, beside its partitions.
struct PassOptions {
  size_t budget;  // of bytes
  model::Isolation isolation;
  std::string_view rack;  // of the caller
};

// Where the caller's log is another one. OFFSET_OUT_OF_RANGE: the epoch of its last record never was.
void FindDivergence(const log::PartitionLog& log, model::LeaderEpoch epoch, const FetchPartition& wanted,
                    FetchPartitionResult* result) {
  if (wanted.last_fetched_epoch.value() < 0) return;
  const log::LeaderEpochs::End end = log.epochs().EndOf(wanted.last_fetched_epoch, epoch, log.log_end());
  if (end.end.value() < 0) {
    result->outcome = Failed(model::ErrorCode::kOffsetOutOfRange,
                             StrCat(result->partition.ToString(), ": nothing is known of leader epoch ",
                                    wanted.last_fetched_epoch, ", of which the caller says it has records"));
    return;
  }
  // Below the log's start an error is due, whatever the epochs are.
  if (wanted.offset < log.log_start()) return;
  if (end.epoch == wanted.last_fetched_epoch && end.end >= wanted.offset) return;
  result->diverges = Divergence{end.epoch, end.end};
}

// Of a copy among several the replication core says who may read what: also from one that follows.
void CheckReplica(const ShardState::Found& found, const FetchPartition& wanted, std::string_view rack,
                  FetchPartitionResult* result) {
  const replication::ReadVerdict verdict = found.replica->CheckRead({.leader_epoch = wanted.current_epoch,
                                                                     .offset = wanted.offset,
                                                                     .last_epoch = wanted.last_fetched_epoch,
                                                                     .rack = rack});
  if (verdict.error == model::ErrorCode::kNotLeaderOrFollower) {
    result->outcome = NotLeader(result->partition, found.leader);
  } else if (verdict.error != model::ErrorCode::kNone) {
    result->outcome = Failed(verdict.error, StrCat(result->partition.ToString(), " at offset ", wanted.offset, ": ",
                                                   model::ErrorName(verdict.error)));
  }
  if (verdict.diverging) result->diverges = Divergence{verdict.diverging->epoch, verdict.diverging->end};
  result->preferred_replica = verdict.preferred;
}

// Whether the caller may read, and where its log parts from this one.
log::PartitionLog* FindReadable(ShardState& shard, const FetchPartition& wanted, std::string_view rack,
                                FetchPartitionResult* result) {
  const ShardState::Found found = shard.Find(result->partition);
  result->outcome = found.outcome;
  result->leader = found.leader;
  if (found.log == nullptr) return nullptr;
  if (found.replica != nullptr && !found.replica->alone()) {
    CheckReplica(found, wanted, rack, result);
  } else if (found.leader.id != shard.options().node_id) {
    result->outcome = NotLeader(result->partition, found.leader);
  } else {
    result->outcome = EpochOutcome(wanted.current_epoch, found.leader.epoch);
    if (result->outcome.ok()) FindDivergence(*found.log, found.leader.epoch, wanted, result);
  }
  if (result->outcome.ok()) return found.log;
  // Whoever is out of range is told the range.
  return result->outcome.code == model::ErrorCode::kOffsetOutOfRange ? found.log : nullptr;
}

std::vector<FetchPartitionResult> ReadHere(ShardState& shard, std::vector<FetchPartition> partitions,
                                           const PassOptions& pass) {
  std::vector<FetchPartitionResult> results;
  size_t budget = pass.budget;
  for (FetchPartition& wanted : partitions) {
    FetchPartitionResult& result = results.emplace_back();
    result.partition = std::move(wanted.partition);
    log::PartitionLog* log = FindReadable(shard, wanted, pass.rack, &result);
    if (log == nullptr) continue;
    result.high_watermark = log->high_watermark();
    result.last_stable_offset = log->last_stable_offset();
    result.log_start = log->log_start();
    if (budget == 0 || result.diverges || result.preferred_replica || !result.outcome.ok()) continue;
    absl::StatusOr<log::ReadResult> read = log->Read(wanted.offset, std::min(wanted.max_bytes, budget), pass.isolation);
    result.outcome = ReadOutcome(read.status());
    if (absl::IsDataLoss(read.status())) shard.NoteDamage(result.partition);
    if (!read.ok()) continue;
    result.batches = std::move(read->batches);
    result.aborted = std::move(read->aborted);
    result.last_stable_offset = read->last_stable_offset;
    result.high_watermark = read->high_watermark;
    result.log_start = read->log_start;
    budget -= std::min(budget, result.batches.size());
  }
  return results;
}

struct WaitFor {
  model::TopicPartition partition;
  model::Offset after;
  CurrentLeader leader;
};

std::vector<FetchOp::Visit> PlanVisits(const FetchRequest& request, size_t shards, size_t first) {
  std::vector<FetchOp::Visit> visits;
  const size_t count = request.partitions.size();
  std::vector<size_t> visit_of(shards, SIZE_MAX);
  for (size_t k = 0; k < count; ++k) {
    const size_t i = (first + k) % count;
    const size_t owner = OwnerOf(request.partitions[i].partition, shards);
    if (visit_of[owner] == SIZE_MAX) {
      visit_of[owner] = visits.size();
      visits.push_back({owner, {}});
    }
    visits[visit_of[owner]].partitions.push_back(i);
  }
  return visits;
}

}  // namespace

uint64_t BrokerImpl::Fetch(FetchRequest request, Callback<FetchReply> done) {
  auto op = std::make_shared<FetchOp>();
  op->request = std::move(request);
  op->done = std::move(done);
  if (!op->request.partitions.empty()) op->home = OwnerOf(op->request.partitions[0].partition, shards_.size());
  op->ticket = NewTicket(op.get(), op->home);
  const uint64_t ticket = op->ticket;
  env::Shard& home = shards_[op->home]->shard();
  home.Post([this, op = std::move(op)] { StartFetch(op); });
  return ticket;
}

void BrokerImpl::StartFetch(FetchOpPtr op) {
  ShardState& home = *shards_[op->home];
  FetchRequest& request = op->request;
  if (home.phase != Phase::kServing || request.partitions.empty()) {
    FetchReply reply;
    for (FetchPartition& part : request.partitions) {
      reply.partitions.push_back({.partition = std::move(part.partition), .outcome = home.Refusal()});
    }
    op->done(std::move(reply));
    return;
  }
  const Limits& limits = options_.limits;
  request.max_bytes = std::clamp<size_t>(request.max_bytes, 1, limits.fetch_max_bytes);
  request.min_bytes = std::min(request.min_bytes, request.max_bytes);
  request.max_wait = std::clamp(request.max_wait, absl::ZeroDuration(), limits.fetch_max_wait);
  op->began = home.shard().Now();
  op->deadline = op->began + request.max_wait;
  op->hurry = request.max_wait == absl::ZeroDuration() || home.fetches.size() >= limits.parked_fetches / shards_.size();
  op->number = home.fetch_rotation++;
  op->visits = PlanVisits(request, shards_.size(), op->number % request.partitions.size());
  home.fetches[op->ticket] = op;
  BeginPass(op);
}

void BrokerImpl::BeginPass(const FetchOpPtr& op) {
  ++op->pass;
  op->parked = false;
  op->failed = false;
  op->visit = 0;
  op->bytes = 0;
  op->reread.reset();
  op->reply.partitions.clear();
  op->reply.partitions.resize(op->request.partitions.size());
  NextVisit(op);
}

void BrokerImpl::NextVisit(const FetchOpPtr& op) {
  if (op->visit == op->visits.size()) {
    FinishPass(op);
    return;
  }
  const FetchOp::Visit& visit = op->visits[op->visit];
  std::vector<FetchPartition> wanted;
  wanted.reserve(visit.partitions.size());
  for (const size_t i : visit.partitions) wanted.push_back(op->request.partitions[i]);
  const size_t budget = op->request.max_bytes - std::min(op->request.max_bytes, op->bytes);
  ShardState& owner = *shards_[visit.shard];
  if (visit.shard == op->home) {
    TakeVisit(op, ReadHere(owner, std::move(wanted), {budget, op->request.isolation, op->request.rack}));
    return;
  }
  // The rack does not change while the fetch lives.
  const PassOptions pass{budget, op->request.isolation, op->request.rack};
  owner.shard().Post([this, op, &owner, wanted = std::move(wanted), pass]() mutable {
    env::Shard& home = shards_[op->home]->shard();
    home.Post([this, op, results = ReadHere(owner, std::move(wanted), pass)]() mutable {
      TakeVisit(op, std::move(results));
    });
  });
}

void BrokerImpl::TakeVisit(const FetchOpPtr& op, std::vector<FetchPartitionResult> results) {
  const FetchOp::Visit& visit = op->visits[op->visit++];
  for (size_t k = 0; k < results.size(); ++k) {
    op->bytes += results[k].batches.size();
    op->failed |= !results[k].outcome.ok() || results[k].diverges || results[k].preferred_replica;
    op->reply.partitions[visit.partitions[k]] = std::move(results[k]);
  }
  NextVisit(op);
}

void BrokerImpl::FinishPass(const FetchOpPtr& op) {
  const ShardState& home = *shards_[op->home];
  const bool enough = op->bytes >= op->request.min_bytes;
  if (enough || op->failed || op->hurry || home.phase != Phase::kServing || home.shard().Now() >= op->deadline) {
    Answer(op);
  } else {
    Park(op);
  }
}

void BrokerImpl::Park(const FetchOpPtr& op) {
  op->parked = true;
  ShardState& home = *shards_[op->home];
  if (op->timer == nullptr) {
    op->timer = home.shard().RunAt(op->deadline, [this, op = op.get()] {
      // The timer is the op's own, so the op is alive.
      ShardState& here = *shards_[op->home];
      if (const auto it = here.fetches.find(op->ticket); it != here.fetches.end()) Hurry(FetchOpPtr(it->second));
    });
  }
  const model::Isolation isolation = op->request.isolation;
  for (const FetchOp::Visit& visit : op->visits) {
    std::vector<WaitFor> waits;
    for (const size_t i : visit.partitions) {
      const FetchPartitionResult& seen = op->reply.partitions[i];
      waits.push_back({op->request.partitions[i].partition,
                       isolation == model::Isolation::kReadCommitted ? seen.last_stable_offset : seen.high_watermark,
                       seen.leader});
    }
    ShardState& owner = *shards_[visit.shard];
    auto wait = [this, &owner, &home, waits = std::move(waits), ticket = op->ticket, pass = op->pass, isolation] {
      for (const WaitFor& one : waits) {
        owner.WaitForData(ticket, one.partition, {one.after, isolation, one.leader}, [this, &home, ticket, pass] {
          home.shard().Post([this, &home, ticket, pass] { Wake(home, ticket, pass); });
        });
      }
    };
    if (visit.shard == op->home) {
      wait();
    } else {
      owner.shard().Post(std::move(wait));
    }
  }
  op->reply.partitions.clear();
  op->reply.partitions.shrink_to_fit();
}

void BrokerImpl::Wake(ShardState& home, uint64_t ticket, uint64_t pass) {
  const auto it = home.fetches.find(ticket);
  if (it == home.fetches.end()) return;
  const FetchOpPtr op = it->second;
  if (!op->parked || op->pass != pass || op->reread != nullptr) return;
  for (const FetchOp::Visit& visit : op->visits) {
    ShardState& owner = *shards_[visit.shard];
    if (visit.shard == op->home) {
      owner.CancelWaits(ticket);
    } else {
      owner.shard().Post([&owner, ticket] { owner.CancelWaits(ticket); });
    }
  }
  if (op->request.min_bytes <= 1 || op->hurry) {
    BeginPass(op);
    return;
  }
  op->reread = home.shard().RunAt(home.shard().Now() + kCollectPause, [this, &home, ticket, pass] {
    const auto found = home.fetches.find(ticket);
    if (found == home.fetches.end() || found->second->pass != pass) return;
    const FetchOpPtr waiting = found->second;
    BeginPass(waiting);
  });
}

void BrokerImpl::Hurry(const FetchOpPtr& op) {
  op->hurry = true;
  if (!op->parked) return;
  ShardState& home = *shards_[op->home];
  op->reread.reset();
  Wake(home, op->ticket, op->pass);
}

void BrokerImpl::CancelFetch(uint64_t ticket) {
  const size_t index = ticket & 0xff;
  if (index >= shards_.size()) return;
  ShardState& home = *shards_[index];
  home.shard().Post([this, &home, ticket] {
    const auto it = home.fetches.find(ticket);
    if (it != home.fetches.end()) Hurry(FetchOpPtr(it->second));
  });
}

void BrokerImpl::Answer(const FetchOpPtr& op) {
  ShardState& home = *shards_[op->home];
  op->timer.reset();
  home.fetches.erase(op->ticket);
  home.metrics().fetch_requests.Add(1);
  if (op->bytes > 0) {
    home.metrics().fetch_bytes.Add(static_cast<double>(op->bytes));
    if (op->pass == 1) home.metrics().fetch_seconds.Observe(Seconds(home.shard().Now() - op->began));
  }
  op->done(std::move(op->reply));
  home.MaybeDrained();
}

}  // namespace leat::broker
