#include "tests/replication/sim_cluster.h"

#include <cmath>
#include <cstdio>
#include <utility>

namespace leat::replication::sim {

using model::ErrorCode;
using model::NodeId;
using model::Offset;

namespace {

constexpr int64_t kSessionMs = 600, kHeartbeatUs = 150'000, kLongPollUs = 100'000, kImageUs = 500'000;
constexpr int64_t kHealUs = 20'000'000;
constexpr size_t kBatchRecords = 3, kFetchRecords = 12;

}  // namespace

Cluster::Cluster(uint64_t seed, Trace trace) : seed_(seed), random_(seed), trace_(trace), controller_(5) { Draw(); }

void Cluster::At(int64_t delay_us, Action action) {
  events_.push({now_us_ + std::max<int64_t>(0, delay_us), next_event_++, std::move(action)});
}

void Cluster::Log(const std::string& text) {
  if (trace_ == Trace::kStderr) {
    std::fprintf(stderr, "%9.3f %s\n", static_cast<double>(now_us_) / 1000, text.c_str());
  }
}

void Cluster::Send(int from, int to, Action deliver) {
  const auto delay = [&] {
    if (random_.Unit() < stuck_) return random_.Between(1'000, 3'000'000);
    return static_cast<int64_t>(-mean_delay_us_ * std::log(1 - random_.Unit())) + 50;
  };
  const int copies = random_.Unit() < duplicate_ ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    if (random_.Unit() < loss_ || cut_.contains({from, to})) continue;
    At(delay(), [this, from, to, deliver] {
      if (!cut_.contains({from, to})) deliver();
    });
  }
}

// Runs at a node of this life (0: of any), later if it is paused.
void Cluster::OnNode(int id, uint64_t life, Action action) {
  Node& at = node(id);
  if (!at.up || (life != 0 && life != at.life)) return;
  if (at.paused) {
    at.deferred.push_back([this, id, life, action = std::move(action)] { OnNode(id, life, action); });
  } else {
    action();
  }
}

void Cluster::Start(int id) {
  Node& at = node(id);
  if (at.up) return;
  at.up = true;
  at.paused = at.registered = false;
  ++at.life;
  at.image_version = 0;
  at.parked.clear();
  at.waiting.clear();
  at.fetched.clear();
  at.deferred.clear();
  Log(StrCat("node ", id, " starts", at.lost_tail ? ", after a power cut" : ""));
  HeartbeatLoop(id, at.life);
}

void Cluster::Stop(int id, bool power_cut) {
  Node& at = node(id);
  if (!at.up) return;
  at.up = at.paused = at.registered = false;
  for (size_t p = 0; p < at.logs.size(); ++p) {
    SimLog& log = at.logs[p];
    if (at.replicas[p] != nullptr) {
      // The checkpoint of the high watermark is written now and then.
      const int64_t mark = at.replicas[p]->log().high_watermark.value();
      log.high_watermark = std::clamp(mark - (random_.OneIn(2) ? random_.Between(0, 5) : 0), log.start, log.end());
      at.replicas[p].reset();
    }
    if (!power_cut) log.durable = log.end();  // the page cache is written in the end
    if (power_cut && log.durable < log.end()) log.TruncateTo(random_.Between(log.durable, log.end()));
    if (log.end() < log.start) log.RestartAt(log.start);  // what is lost was deleted already
    log.durable = log.end();
    RemoveRange({Offset(log.end()), Offset(INT64_MAX)}, &at.holes[p]);
    log.high_watermark = std::max(log.start, log.high_watermark);
    at.tick_at[p] = INT64_MAX;
    at.sync_to[p] = -1;
  }
  at.lost_tail = at.lost_tail || power_cut;
  Log(StrCat("node ", id, power_cut ? " loses power" : " stops"));
}

void Cluster::HeartbeatLoop(int id, uint64_t life) {
  OnNode(id, life, [this, id, life] {
    if (!node(id).registered) {
      Send(id, 0, [this, id, life] {
        Node& at = node(id);
        // A retry of a registration that has arrived is the same registration.
        if (!at.up || at.life != life || at.registered) return;
        at.broker_epoch = controller_.Register(id, at.lost_tail, now_ms());
        at.registered = true;
        at.lost_tail = false;
        Log(StrCat("node ", id, " registers with broker epoch ", at.broker_epoch));
        for (size_t p = 0; p < at.logs.size(); ++p) {
          if (controller_.partitions()[p].view.Find(NodeId(id)) == nullptr) continue;
          at.checked[p] = at.logs[p].start;
          at.replicas[p] = std::make_unique<PartitionReplica>(Self{NodeId(id), BrokerEpoch(at.broker_epoch)}, options_,
                                                              at.logs[p].Facts());
          for (const OffsetRange& hole : at.holes[p]) at.replicas[p]->OnDamage(hole, now());
        }
      });
    } else {
      const int64_t epoch = node(id).broker_epoch;
      Send(id, 0, [this, id, epoch] { controller_.Heartbeat(id, epoch, now_ms()); });
    }
  });
  if (node(id).up && node(id).life == life) At(kHeartbeatUs, [this, id, life] { HeartbeatLoop(id, life); });
}

void Cluster::PublishImages() {
  auto image = std::make_shared<std::vector<PartitionView>>();
  for (size_t p = 0; p < truths_.size(); ++p) image->push_back(controller_.View(p));
  const uint64_t version = controller_.version();
  published_ = version;
  for (int id = 1; id <= n_; ++id) {
    Send(0, id,
         [this, id, image, version] { OnNode(id, 0, [this, id, image, version] { TakeImage(id, image, version); }); });
  }
}

void Cluster::TakeImage(int id, const std::shared_ptr<const std::vector<PartitionView>>& image, uint64_t version) {
  Node& at = node(id);
  if (!at.registered || version <= at.image_version) return;
  at.image_version = version;
  for (size_t p = 0; p < image->size(); ++p) {
    PartitionReplica* replica = at.replicas[p].get();
    if (replica == nullptr) continue;
    const auto role = replica->role();
    const auto epoch = replica->epoch();
    replica->OnView((*image)[p], now());
    if (role != replica->role() || epoch != replica->epoch()) WakeParked(id, p);
    CheckRole(id, p, role, epoch);
    Perform(id, p);
  }
}

void Cluster::Perform(int id, size_t p) {
  Node& at = node(id);
  while (at.up && at.replicas[p] != nullptr && result_.failure.empty()) {
    const std::vector<Effect> effects = at.replicas[p]->TakeEffects();
    if (effects.empty()) break;
    for (const Effect& effect : effects) {
      if (trace_ == Trace::kStderr) Log(StrCat("  ", id, "/", p, " ", Describe(effect)));
      Carry(id, p, effect);
    }
  }
  Schedule(id, p);
}

void Cluster::Schedule(int id, size_t p) {
  Node& at = node(id);
  if (!at.up || at.replicas[p] == nullptr) return;
  const Instant next = at.replicas[p]->NextDeadline();
  if (next == Instant::Max()) return;
  const int64_t at_us = std::max(now_us_, next.nanos() / 1000 + 1);
  if (at_us >= at.tick_at[p]) return;
  at.tick_at[p] = at_us;
  At(at_us - now_us_, [this, id, p, at_us, life = at.life] {
    if (node(id).tick_at[p] == at_us) node(id).tick_at[p] = INT64_MAX;
    OnNode(id, life, [this, id, p] {
      if (node(id).replicas[p] == nullptr) return;
      node(id).replicas[p]->Tick(now());
      Perform(id, p);
    });
  });
}

void Cluster::Carry(int id, size_t p, const Effect& effect) {
  Node& at = node(id);
  SimLog& log = at.logs[p];
  if (const auto* fetch = std::get_if<SendFetch>(&effect)) {
    CarryFetch(id, p, *fetch);
  } else if (const auto* append = std::get_if<AppendFetched>(&effect)) {
    CarryAppend(id, p, *append);
  } else if (const auto* truncate = std::get_if<TruncateLog>(&effect)) {
    ++result_.truncations;
    log.TruncateTo(truncate->to.value());
    at.sync_to[p] = std::min(at.sync_to[p], log.end());
    RemoveRange({truncate->to, Offset(INT64_MAX)}, &at.holes[p]);
    if (truncate->below_high_watermark > 0) Fail(StrCat("I4: node ", id, " truncates what is committed"));
    at.checked[p] = std::min(at.checked[p], log.end());
  } else if (const auto* restart = std::get_if<RestartLog>(&effect)) {
    if (restart->at.value() > static_cast<int64_t>(truths_[p].committed.size()))
      Fail("a log restarts above the committed end");
    log.RestartAt(restart->at.value());
    at.sync_to[p] = -1;
    at.holes[p].clear();
    at.checked[p] = log.start;
  } else if (const auto* mark = std::get_if<SetHighWatermark>(&effect)) {
    CheckHighWatermark(id, p, mark->to.value());
  } else if (const auto* start = std::get_if<SetLogStart>(&effect)) {
    if (start->to.value() < log.start) Fail("I4: the log start goes back");
    log.start = start->to.value();
    RemoveRange({Offset(0), start->to}, &at.holes[p]);
  } else if (const auto* mend = std::get_if<MendRange>(&effect)) {
    ++result_.mended;
    RemoveRange({mend->from, mend->to}, &at.holes[p]);
    at.replicas[p]->OnMended({mend->from, mend->to}, now());
  } else if (const auto* propose = std::get_if<ProposeIsr>(&effect)) {
    Send(id, 0, [this, id, p, propose = *propose, life = at.life, epoch = at.broker_epoch] {
      const ProposalResult result = controller_.AlterPartition(p, id, epoch, propose);
      if (result.error == ErrorCode::kNone) ++result_.isr_changes;
      Log(StrCat("controller: ", id, "/", p, " #", propose.attempt, " ", model::ErrorName(result.error)));
      Send(0, id, [this, id, p, life, result, attempt = propose.attempt] {
        OnNode(id, life, [this, id, p, result, attempt] {
          if (node(id).replicas[p] == nullptr || node(id).replicas[p]->leader() == nullptr) return;
          node(id).replicas[p]->leader()->OnProposalResult(attempt, result, now());
          Perform(id, p);
        });
      });
    });
  } else if (const auto* answer = std::get_if<replication::Answer>(&effect)) {
    const auto it = at.waiting.find(answer->waiter);
    if (it == at.waiting.end()) return Fail("a waiter is answered twice");
    if (answer->error == ErrorCode::kNone) CheckAck(id, it->second);
    at.waiting.erase(it);
  } else if (std::holds_alternative<Refuse>(effect)) {
    AskToBeReplaced(id, p, at.life, at.replicas[p]->epoch());
  }
}

void Cluster::AskToBeReplaced(int id, size_t p, uint64_t life, model::LeaderEpoch epoch) {
  const Node& at = node(id);
  if (!at.up || at.life != life || at.replicas[p]->epoch() != epoch) return;
  if (at.replicas[p]->role() != PartitionReplica::Role::kNone) return;
  Send(id, 0, [this, id, p, epoch] { controller_.Evict(p, id, epoch); });
  At(200'000, [this, id, p, life, epoch] { AskToBeReplaced(id, p, life, epoch); });
}

void Cluster::CarryFetch(int id, size_t p, const SendFetch& fetch) {
  Node& at = node(id);
  at.fetched.clear();
  const int to = fetch.leader.value();
  Send(id, to, [this, id, to, p, fetch, life = at.life] {
    OnNode(to, 0, [this, id, to, p, fetch, life] { OnFetchArrives(to, p, id, life, fetch); });
  });
}

void Cluster::OnFetchArrives(int id, size_t p, int from, uint64_t from_life, const SendFetch& fetch) {
  Node& at = node(id);
  if (at.replicas[p] == nullptr) return;
  const FetchVerdict verdict = at.replicas[p]->OnFollowerFetch({.node = NodeId(from),
                                                                .broker_epoch = fetch.broker_epoch,
                                                                .leader_epoch = fetch.leader_epoch,
                                                                .offset = fetch.offset,
                                                                .last_epoch = fetch.last_epoch,
                                                                .log_start = fetch.log_start,
                                                                .purpose = fetch.purpose,
                                                                .health = fetch.health},
                                                               now());
  Perform(id, p);
  if (verdict.error == ErrorCode::kNone && !verdict.diverging && fetch.offset == verdict.log_end) {
    auto parked = std::make_shared<Parked>(Parked{p, from, from_life, fetch.id, fetch.offset, verdict.leader_epoch});
    at.parked.push_back(parked);
    At(kLongPollUs, [this, id, life = at.life, parked] {
      OnNode(id, life, [this, id, parked] {
        if (parked->answered) return;
        parked->answered = true;
        std::erase(node(id).parked, parked);
        Reply(id, parked->partition, parked->from, parked->from_life, parked->id, {.leader_epoch = parked->epoch},
              parked->offset);
      });
    });
    return;
  }
  Reply(id, p, from, from_life, fetch.id, verdict, fetch.offset);
}

void Cluster::WakeParked(int id, size_t p) {
  std::vector<std::shared_ptr<Parked>> waiting;
  std::swap(waiting, node(id).parked);
  for (const auto& parked : waiting) {
    if (parked->partition != p) {
      node(id).parked.push_back(parked);
      continue;
    }
    parked->answered = true;
    Reply(id, p, parked->from, parked->from_life, parked->id, {.leader_epoch = parked->epoch}, parked->offset);
  }
}

// Looks again: what the verdict said may be old by now.
void Cluster::Reply(int id, size_t p, int to, uint64_t to_life, FetchId fetch, const FetchVerdict& verdict,
                    Offset offset) {
  Node& at = node(id);
  if (at.replicas[p] == nullptr) return;
  Answer reply{
      .answer = {.error = verdict.error, .diverging = verdict.diverging, .leader_epoch = verdict.leader_epoch}};
  FetchAnswer& answer = reply.answer;
  if (answer.error == ErrorCode::kNone) answer.error = at.replicas[p]->CheckLeader(verdict.leader_epoch);
  const LogFacts& facts = at.replicas[p]->log();
  answer.high_watermark = facts.high_watermark;
  answer.log_start = facts.start;
  answer.log_end = facts.end;
  if (answer.error == ErrorCode::kNone && !answer.diverging) {
    const SimLog& log = at.logs[p];
    if (offset.value() < log.start) answer.error = ErrorCode::kOffsetOutOfRange;
    for (const OffsetRange& hole : at.holes[p]) {
      if (hole.from < offset + static_cast<int64_t>(kFetchRecords) && offset < hole.to) {
        answer.error = ErrorCode::kKafkaStorageError;
      }
    }
    int64_t next = offset.value();
    while (answer.error == ErrorCode::kNone && next < log.end() && reply.records.size() < kFetchRecords) {
      const int64_t base = next;
      const int32_t epoch = log.At(base).epoch;
      while (next < log.end() && log.At(next).epoch == epoch && next - base < static_cast<int64_t>(kBatchRecords)) {
        reply.records.push_back(log.At(next++));
      }
      answer.batches.push_back({Offset(base), Offset(next), model::LeaderEpoch(epoch)});
    }
  }
  Send(id, to, [this, to, to_life, p, fetch, reply = std::move(reply)] {
    OnNode(to, to_life, [this, to, p, fetch, reply] {
      Node& follower = node(to);
      if (follower.replicas[p] == nullptr || follower.replicas[p]->follower() == nullptr) return;
      follower.fetched.clear();
      follower.fetched.emplace(fetch, reply.records);
      follower.replicas[p]->follower()->OnFetchAnswer(fetch, reply.answer, now());
      Perform(to, p);
    });
  });
}

void Cluster::CarryAppend(int id, size_t p, const AppendFetched& append) {
  Node& at = node(id);
  SimLog& log = at.logs[p];
  const auto it = at.fetched.find(append.id);
  if (it == at.fetched.end() || log.end() != append.base.value()) return Fail("an append without its bytes");
  for (const Record& record : it->second) log.records.push_back(record);
  if (log.end() != append.end.value()) Fail("an append of another length");
  SyncLater(id, p);
}

void Cluster::SyncLater(int id, size_t p) {
  Node& at = node(id);
  if (at.sync_to[p] >= 0) return;
  at.sync_to[p] = at.logs[p].end();
  const bool lazy = controller_.partitions()[p].view.durability == Durability::kPageCache;
  At(lazy ? random_.Between(100'000, 1'000'000) : random_.Between(500, 8'000), [this, id, p, life = at.life] {
    OnNode(id, life, [this, id, p] {
      Node& synced = node(id);
      SimLog& log = synced.logs[p];
      log.durable = std::max(log.durable, std::min(synced.sync_to[p], log.end()));
      synced.sync_to[p] = -1;
      if (log.durable < log.end()) SyncLater(id, p);
      if (synced.replicas[p] == nullptr) return;
      synced.replicas[p]->OnDurable(Offset(log.durable), now());
      Perform(id, p);
    });
  });
}

void Cluster::Produce(size_t p) {
  std::vector<int> leaders;
  for (int id = 1; id <= n_; ++id) {
    if (node(id).up && !node(id).paused && node(id).replicas[p] != nullptr &&
        node(id).replicas[p]->leader() != nullptr) {
      leaders.push_back(id);
    }
  }
  if (leaders.empty()) return;
  const int id = leaders[random_.Below(leaders.size())];
  Node& at = node(id);
  LeaderCore* leader = at.replicas[p]->leader();
  const bool all = !random_.OneIn(4);
  if (leader->CheckAppend(all ? Acks::kAll : Acks::kLeader) != ErrorCode::kNone) return;
  const int64_t base = at.logs[p].end();
  const Waiting waiting{p, base, base + random_.Between(1, 4), next_value_};
  for (int64_t o = base; o < waiting.end; ++o)
    at.logs[p].records.push_back({at.replicas[p]->epoch().value(), next_value_++});
  Log(StrCat(id, "/", p, " produces ", base, "..", waiting.end));
  leader->OnAppended(Offset(base), Offset(waiting.end), now());
  if (all) {
    const WaiterId waiter(next_waiter_++);
    at.waiting.emplace(waiter, waiting);
    leader->AwaitCommit(waiter, Offset(waiting.end), now() + absl::Seconds(1));
  }
  SyncLater(id, p);
  Perform(id, p);
  WakeParked(id, p);
}

Result Cluster::Run() {
  int64_t next_tick_us = 0, next_image_us = 0;
  while (result_.failure.empty()) {
    if (events_.empty() || now_us_ > chaos_us_ + kHealUs) {
      Fail(StrCat("not caught up after healing: ", WhyNotCaughtUp()));
      break;
    }
    Event event = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_us_ = event.at_us;
    ++result_.events;
    event.action();
    if (now_us_ >= next_tick_us) {
      controller_.Tick(now_ms(), kSessionMs);
      next_tick_us = now_us_ + 20'000;
      if (now_us_ >= next_image_us) published_ = 0;  // for those who missed it
      if (!healed_ && now_us_ >= chaos_us_) Heal();
      if (healed_ && now_us_ > chaos_us_ + 1'000'000 && WhyNotCaughtUp().empty()) break;
    }
    if (controller_.version() != published_) {
      PublishImages();
      next_image_us = now_us_ + kImageUs;
    }
    for (size_t p = 0; p < truths_.size() && result_.failure.empty(); ++p) CheckPartition(p);
    result_.hash = result_.hash * 0x9e3779b97f4a7c15 + static_cast<uint64_t>(now_us_) + next_event_ + next_value_;
  }
  result_.virtual_ms = now_ms();
  for (const Truth& truth : truths_) result_.committed += truth.committed.size();
  return result_;
}

}  // namespace leat::replication::sim
