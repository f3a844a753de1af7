#include "tests/broker/replica_simulation.h"

#include <algorithm>
#include <utility>

#include "model/record_batch.h"

namespace leat::broker {

using model::LeaderEpoch;
using model::NodeId;
using model::Offset;
using replication::PartitionReplica;
using replication::PartitionView;

namespace {
constexpr int kNodes = 3;
constexpr int64_t kSessionMs = 300;
constexpr Duration kHealing = absl::Seconds(30);

std::string Batch(const std::string& value, int copies) {
  model::BatchBuilder builder({});
  for (int i = 0; i < copies; ++i) builder.Add(1'700'000'000'000, std::nullopt, StrCat(value, ".", i));
  return *builder.Finish();
}
}  // namespace

// The controller as a node reaches it: late, not at all, or without an answer.
class ReplicaSimulation::Port final : public ControllerPort {
 public:
  Port(ReplicaSimulation& simulation, int id, uint64_t life) : simulation_(simulation), id_(id), life_(life) {}

  void AlterIsr(const meta::PartitionKey& partition, replication::BrokerEpoch sender,
                const replication::ProposeIsr& proposal, AlterDone done) override {
    auto shared = std::make_shared<AlterDone>(std::move(done));
    simulation_.ToController(id_, [&s = simulation_, id = id_, life = life_, partition, sender, proposal, shared] {
      const replication::ProposalResult result =
          s.controller_.AlterPartition(static_cast<size_t>(partition.partition.value()), id, sender.value(), proposal);
      if (result.error == model::ErrorCode::kNone) ++s.isr_changes_;
      s.FromController(id, life, [shared, result] { (*shared)(result); });
    });
  }
  void GiveUpLeadership(const meta::PartitionKey& partition, replication::BrokerEpoch, LeaderEpoch epoch) override {
    simulation_.ToController(id_, [&s = simulation_, id = id_, partition, epoch] {
      s.controller_.Evict(static_cast<size_t>(partition.partition.value()), id, epoch);
    });
  }

 private:
  ReplicaSimulation& simulation_;
  const int id_;
  const uint64_t life_;
};

ReplicaSimulation::ReplicaSimulation(uint64_t seed, const Options& options)
    : seed_(seed), options_(options), world_(seed), random_(seed * 31 + 7) {
  sim::SimNetwork::Options network;
  network.faults.loss = random_.OneIn(3) ? 0 : 0.1 * random_.Unit();
  network.faults.duplicate = random_.OneIn(3) ? 0 : 0.1 * random_.Unit();
  network.faults.reorder = random_.OneIn(3) ? 0 : 0.1 * random_.Unit();
  network.faults.reset = random_.OneIn(3) ? 0 : 0.02 * random_.Unit();
  network.faults.stuck = random_.OneIn(3) ? 0 : 0.01 * random_.Unit();
  network.faults.min_stuck = absl::Milliseconds(10);
  network.faults.max_stuck = absl::Seconds(2);
  network_ = std::make_unique<sim::SimNetwork>(world_, network);
  replication_ = {.lag_time_max = absl::Milliseconds(random_.Between(300, 1000)),
                  .proposal_timeout = absl::Milliseconds(250),
                  .proposal_backoff = absl::Milliseconds(40),
                  .fetch_timeout = absl::Milliseconds(400),
                  .fetch_backoff = absl::Milliseconds(20),
                  .fetch_backoff_max = absl::Milliseconds(200)};
  fetch_ = {.partition_bytes = static_cast<size_t>(random_.Between(100, 5000)),
            .request_bytes = static_cast<size_t>(random_.Between(100, 10000)),
            .partitions = static_cast<size_t>(random_.Between(1, 3)),
            .max_wait = absl::Milliseconds(100),
            .timeout = absl::Milliseconds(300)};
  truths_.resize(static_cast<size_t>(options_.partitions));
  for (size_t p = 0; p < truths_.size(); ++p) {
    std::vector<NodeId> replicas;
    for (size_t i = 0; i < kNodes; ++i) replicas.emplace_back(static_cast<int32_t>((p + i) % kNodes + 1));
    controller_.AddPartition(std::move(replicas), 2, options_.durability);
  }
  for (int id = 1; id <= kNodes; ++id) {
    nodes_.push_back(std::make_unique<Node>(id, seed * 7 + static_cast<uint64_t>(id)));
    Start(id);
  }
}

ReplicaSimulation::~ReplicaSimulation() {
  for (int id = 1; id <= kNodes; ++id) Stop(id);
  world_.DropEvents(this);
}

meta::PartitionKey ReplicaSimulation::Key(size_t partition) const {
  return {model::TopicId{7, 7}, model::PartitionId(static_cast<int32_t>(partition))};
}

void ReplicaSimulation::Fail(const std::string& text) {
  if (failure_.empty()) failure_ = StrCat("seed ", seed_, " at ", now_ms(), " ms: ", text);
}

void ReplicaSimulation::Every(Duration mean, std::function<void()> action) {
  const Duration pause = mean * (2 * random_.Unit());
  world_.Schedule(world_.Now() + pause, this, [this, mean, action = std::move(action)] {
    action();
    Every(mean, action);
  });
}

void ReplicaSimulation::ToController(int id, std::function<void()> action) {
  if (network_->IsCut(id, 0) || (!healed_ && random_.OneIn(20))) return;
  world_.Schedule(world_.Now() + absl::Microseconds(random_.Between(100, 5000)), this,
                  [action = std::move(action)] { action(); });
}

void ReplicaSimulation::FromController(int id, uint64_t life, std::function<void()> action) {
  if (network_->IsCut(0, id) || (!healed_ && random_.OneIn(20))) return;
  world_.Schedule(world_.Now() + absl::Microseconds(random_.Between(100, 5000)), this,
                  [this, id, life, action = std::move(action)] {
                    if (node(id).up && node(id).life == life) action();
                  });
}

// ---- machines

void ReplicaSimulation::Start(int id) {
  Node& at = node(id);
  if (at.up) return;
  ++at.life;
  at.shard = std::make_unique<sim::SimShard>(world_);
  at.transport = network_->Attach(id, {at.shard.get()})[0];
  at.image_version = 0;
  at.broker_epoch = -1;
  absl::StatusOr<std::unique_ptr<log::LogDirectory>> directory = log::LogDirectory::Open(
      at.disk, *at.shard, {.path = "/data/log", .checkpoint_interval = absl::Milliseconds(500)});
  if (!directory.ok()) return Fail(StrCat("node ", id, ": ", Message(directory.status())));
  at.directory = *std::move(directory);
  at.logs.clear();
  log::LogOptions log_options;
  log_options.durability = options_.durability == replication::Durability::kFsync ? log::Durability::kFsync
                                                                                  : log::Durability::kPageCache;
  log_options.segment_bytes = 2048;
  for (size_t p = 0; p < truths_.size(); ++p) {
    const absl::StatusOr<log::PartitionLog*> log =
        at.directory->OpenPartition({"t", model::PartitionId(static_cast<int32_t>(p))}, log_options);
    if (!log.ok()) return Fail(StrCat("node ", id, ": ", Message(log.status())));
    at.logs.push_back(*log);
  }
  at.checked.assign(truths_.size(), 0);
  at.led.assign(truths_.size(), LeaderEpoch(-1));
  at.server = std::make_unique<ReplicaFetchServer>(*at.shard, *at.transport, ReplicaFetchServer::Limits{},
                                                   [](const meta::PartitionKey&) { return std::optional<size_t>(0); });
  at.server->Start({at.server.get()});
  at.up = true;
}

void ReplicaSimulation::Stop(int id) {
  Node& at = node(id);
  if (!at.up) return;
  at.up = false;
  network_->Kill(id);
  at.shard->Kill();
  at.server.reset();
  at.directory.reset();
  at.host.reset();
  at.port.reset();
  at.shard.reset();
}

// Class P: one replica at a time may lose what it has acknowledged to its leader.
void ReplicaSimulation::CutPower(int id) {
  if (!node(id).up) return;
  const bool loses = options_.durability == replication::Durability::kPageCache;
  bool others_at_risk = false;
  for (const Truth& truth : truths_) others_at_risk |= !truth.at_risk.empty() && truth.at_risk != std::set<int>{id};
  Stop(id);
  if (loses && others_at_risk) return;
  node(id).disk.PowerCut();
  if (!loses) return;
  node(id).lost_tail = true;
  for (Truth& truth : truths_) truth.at_risk.insert(id);
}

void ReplicaSimulation::Heartbeat(int id) {
  Node& at = node(id);
  if (!at.up) return;
  if (at.host == nullptr) {
    ToController(id, [this, id, life = at.life] {
      if (node(id).up && node(id).life == life && node(id).host == nullptr) Register(id);
    });
    return;
  }
  ToController(id, [this, id, epoch = at.broker_epoch] { controller_.Heartbeat(id, epoch, now_ms()); });
}

void ReplicaSimulation::Register(int id) {
  Node& at = node(id);
  at.broker_epoch = controller_.Register(id, at.lost_tail, now_ms());
  at.lost_tail = false;
  at.port = std::make_unique<Port>(*this, id, at.life);
  at.host = std::make_unique<ReplicaHost>(ReplicaHost::Config{.node = NodeId(id),
                                                              .shard = at.shard.get(),
                                                              .transport = at.transport,
                                                              .controller = at.port.get(),
                                                              .replication = replication_,
                                                              .fetch = fetch_},
                                          replication::BrokerEpoch(at.broker_epoch));
  for (size_t p = 0; p < truths_.size(); ++p) {
    at.host->Add(Key(p), {"t", model::PartitionId(static_cast<int32_t>(p))}, *at.logs[p]);
  }
  at.server->SetHost(at.host.get());
}

void ReplicaSimulation::PublishImages() {
  published_ = controller_.version();
  std::vector<PartitionView> image;
  for (size_t p = 0; p < truths_.size(); ++p) image.push_back(controller_.View(p));
  for (int id = 1; id <= kNodes; ++id) {
    FromController(id, node(id).life, [this, id, image, version = published_] {
      if (node(id).host == nullptr || version < node(id).image_version) return;
      node(id).image_version = version;
      TakeImage(id, image);
    });
  }
}

void ReplicaSimulation::TakeImage(int id, const std::vector<PartitionView>& image) {
  for (size_t p = 0; p < truths_.size(); ++p) {
    node(id).host->Find(Key(p))->OnView(image[p]);
    CheckLeader(id, p);
  }
}

void ReplicaSimulation::Produce() {
  if (!producing_) return;
  const size_t p = random_.Below(truths_.size());
  const int id = static_cast<int>(random_.Between(1, kNodes));
  Node& at = node(id);
  Replica* replica = at.up && at.host != nullptr ? at.host->Find(Key(p)) : nullptr;
  if (replica == nullptr || !replica->CheckAppend(LeaderEpoch(-1), Acks::kAll).ok()) return;
  const int copies = static_cast<int>(random_.Between(1, 4));
  const std::string value = StrCat("v", next_value_++);
  at.logs[p]->Append(Batch(value, copies), {.epoch = replica->core().epoch()},
                     replica->Answering(Acks::kAll, world_.Now() + absl::Seconds(1),
                                        [this, p, value](const absl::StatusOr<log::AppendResult>& result) {
                                          if (!result.ok()) return;
                                          ++acknowledged_;
                                          Truth& truth = truths_[p];
                                          for (Offset at_offset = result->base_offset; at_offset <= result->last_offset;
                                               ++at_offset) {
                                            truth.acknowledged[at_offset.value()] =
                                                StrCat(value, ".", at_offset - result->base_offset);
                                          }
                                        }));
}

void ReplicaSimulation::OneFault() {
  if (healed_) return;
  ++faults_;
  const int id = static_cast<int>(random_.Between(1, kNodes));
  const Duration lasts = absl::Milliseconds(random_.OneIn(3) ? random_.Between(1, 2000) : random_.Between(1, 200));
  const auto later = [&](std::function<void()> action) {
    world_.Schedule(world_.Now() + lasts, this, [action = std::move(action)] { action(); });
  };
  switch (random_.Below(6)) {
    case 0:
      Stop(id);
      return later([this, id] { Start(id); });
    case 1:
      CutPower(id);
      return later([this, id] { Start(id); });
    case 2: {
      const int other = static_cast<int>(random_.Between(0, kNodes));
      network_->Cut(id, other);
      return later([this, id, other] { network_->Restore(id, other); });
    }
    case 3:
      for (int other = 0; other <= kNodes; ++other) network_->CutBoth(id, other);
      return later([this, id] {
        for (int other = 0; other <= kNodes; ++other) {
          network_->Restore(id, other);
          network_->Restore(other, id);
        }
      });
    default:
      controller_.MoveLeader(random_.Below(truths_.size()), random_.Below(8));
  }
}

void ReplicaSimulation::Heal() {
  healed_ = true;
  network_->SetFaults({});
  network_->Heal();
  for (int id = 1; id <= kNodes; ++id) Start(id);
}

// ---- what must hold

std::map<int64_t, std::string> ReplicaSimulation::ReadAll(log::PartitionLog& log, int64_t from, int64_t to) {
  std::map<int64_t, std::string> values;
  Offset at(std::max(from, log.log_start().value()));
  while (at.value() < to) {
    const absl::StatusOr<log::ReadResult> read = log.ReadReplicated(at, size_t{1} << 20);
    if (!read.ok() || read->batches.empty()) {
      Fail(StrCat("a log cannot be read at ", at, ": ", Message(read.status())));
      return values;
    }
    std::string_view rest = read->batches;
    while (!rest.empty()) {
      const std::string_view batch = *model::TakeBatch(&rest);
      model::RecordIterator records = *model::RecordIterator::Open(batch, size_t{1} << 20);
      model::RecordView record;
      while (*records.Next(&record)) {
        if (record.offset.value() >= from && record.offset.value() < to) {
          values[record.offset.value()] = std::string(*record.value);
        }
      }
      at = records.header().next_offset();
    }
  }
  return values;
}

// Whoever leads has everything that was acknowledged.
void ReplicaSimulation::CheckLeader(int id, size_t p) {
  Node& at = node(id);
  const Replica& replica = *at.host->Find(Key(p));
  if (replica.core().role() != PartitionReplica::Role::kLeader || replica.core().epoch() == at.led[p]) return;
  ++elections_;
  at.led[p] = replica.core().epoch();
  const std::map<int64_t, std::string> has = ReadAll(*at.logs[p], 0, at.logs[p]->log_end().value());
  for (const auto& [offset, value] : truths_[p].acknowledged) {
    const auto found = has.find(offset);
    if (found != has.end() && found->second == value) continue;
    return Fail(StrCat("node ", id, " leads partition ", p, " in epoch ", replica.core().epoch(), " without ", value,
                       " at ", offset, ", which was acknowledged; its log ends at ", at.logs[p]->log_end()));
  }
}

// Below the high watermarks all logs are the same.
void ReplicaSimulation::CheckAll() {
  for (const auto& at : nodes_) {
    if (!at->up || at->host == nullptr || at->image_version == 0) continue;
    for (size_t p = 0; p < truths_.size(); ++p) {
      const int64_t mark = at->logs[p]->high_watermark().value();
      for (const auto& [offset, value] : ReadAll(*at->logs[p], at->checked[p], mark)) {
        const auto [known, fresh] = truths_[p].committed.emplace(offset, value);
        if (known->second != value) {
          return Fail(StrCat("node ", at->id, " shows ", value, " at ", offset, " of partition ", p,
                             ", another has shown ", known->second));
        }
      }
      at->checked[p] = std::max(at->checked[p], mark);
    }
  }
  for (size_t p = 0; p < truths_.size(); ++p) {
    for (const NodeId member : controller_.partitions()[p].view.isr) {
      if (!node(member.value()).lost_tail) truths_[p].at_risk.erase(member.value());
    }
  }
}

std::string ReplicaSimulation::WhyNotCaughtUp() {
  for (size_t p = 0; p < truths_.size(); ++p) {
    const PartitionView& view = controller_.partitions()[p].view;
    if (view.leader.value() < 1) return StrCat("partition ", p, " has no leader");
    if (view.isr.size() != kNodes) return StrCat(view.isr.size(), " in sync of partition ", p);
    const int64_t end = node(view.leader.value()).logs[p]->log_end().value();
    for (const auto& at : nodes_) {
      if (at->host == nullptr) return StrCat("node ", at->id, " has not registered");
      if (at->logs[p]->log_end().value() != end || at->logs[p]->high_watermark().value() != end) {
        return StrCat("node ", at->id, "/", p, " has high watermark ", at->logs[p]->high_watermark(), ", end ",
                      at->logs[p]->log_end(), " of ", end);
      }
    }
  }
  return "";
}

std::string ReplicaSimulation::Run() {
  Every(absl::Milliseconds(5), [this] { Produce(); });
  Every(absl::Milliseconds(20), [this] { CheckAll(); });
  Every(absl::Milliseconds(20), [this] { controller_.Tick(now_ms(), kSessionMs); });
  Every(absl::Milliseconds(5), [this] {
    // Now and then also without news, for those whom the last did not reach.
    if (controller_.version() != published_ || random_.OneIn(10)) PublishImages();
  });
  for (int id = 1; id <= kNodes; ++id) Every(absl::Milliseconds(50), [this, id] { Heartbeat(id); });
  world_.Schedule(world_.Now() + absl::Milliseconds(500), this,
                  [this] { Every(absl::Milliseconds(random_.Between(50, 400)), [this] { OneFault(); }); });
  const Instant chaos_ends = world_.Now() + options_.chaos;
  while (failure_.empty() && world_.Now() < chaos_ends) world_.Step();
  Heal();
  // A little longer than the faults last: that is written which shows that all is well again.
  const Instant quiet = world_.Now() + absl::Milliseconds(1000);
  while (failure_.empty() && world_.Now() < quiet) world_.Step();
  producing_ = false;
  const Instant late = world_.Now() + kHealing;
  Instant next_look = world_.Now();
  bool level = false;
  while (failure_.empty() && !level && world_.Now() < late) {
    world_.Step();
    if (world_.Now() < next_look) continue;
    next_look = world_.Now() + absl::Milliseconds(50);
    level = WhyNotCaughtUp().empty();
  }
  if (failure_.empty() && !level) Fail(StrCat("not caught up after healing: ", WhyNotCaughtUp()));
  for (size_t p = 0; failure_.empty() && p < truths_.size(); ++p) {
    for (const auto& at : nodes_) {
      const std::map<int64_t, std::string> has = ReadAll(*at->logs[p], 0, at->logs[p]->log_end().value());
      for (const auto& [offset, value] : truths_[p].acknowledged) {
        const auto found = has.find(offset);
        if (found == has.end() || found->second != value) {
          Fail(StrCat("node ", at->id, " has lost ", value, " at ", offset, " of partition ", p));
        }
      }
    }
  }
  CheckAll();
  return failure_;
}

}  // namespace leat::broker
