// Starting and stopping. Start, on shard 0: lock and identify the directory, replay the metadata, open the partitions
// of every shard, replay the groups and the transactions, start the jobs. Stop goes back the same way and drains at
// each step.
#include <algorithm>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/broker_log_port.h"
#include "broker/cluster_host.h"
#include "broker/cluster_log_port.h"
#include "broker/group_host.h"
#include "broker/job_manager.h"
#include "broker/meta_properties.h"
#include "broker/outcomes.h"
#include "broker/page_cache.h"
#include "broker/partition_folder.h"
#include "broker/transaction_host.h"
#include "coordinator/metadata_entry.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

constexpr Duration kGaugesInterval = absl::Seconds(15);
constexpr Duration kInternalTopicsPause = absl::Milliseconds(100);
constexpr Duration kTellWaiting = absl::Seconds(10);
constexpr Duration kRoomPause = absl::Seconds(1);

uint64_t SeedOf(const Options& options, const env::Shard& shard) {
  // A seed alone would give the ids of the last start again.
  return options.random_seed ^ static_cast<uint64_t>(shard.WallMillis()) * 0x9e3779b97f4a7c15ULL ^
         static_cast<uint64_t>(shard.Now().nanos());
}

}  // namespace

BrokerImpl::BrokerImpl(const Options& options, Ports ports)
    : options_(options),
      disk_(ports.disk),
      metrics_(ports.metrics),
      broker_metrics_(ports.metrics),
      random_(SeedOf(options, *ports.shards.at(0))),
      transports_(std::move(ports.transports)),
      addresses_(options_, [this] { TellPeers(); }),
      transport_(transports_.empty() ? nullptr : transports_[0]) {
  LEAT_CHECK(transports_.empty() || transports_.size() == ports.shards.size()) << "one transport a shard";
  LEAT_CHECK(ports.shards.size() <= 256) << "at most 256 shards, got " << ports.shards.size();
  for (size_t i = 0; i < ports.shards.size(); ++i) {
    ShardState::Config config{&options_, &disk_, ports.shards[i], &broker_metrics_, i, ports.shards.size()};
    config.note_damage = [this](const meta::PartitionKey& key, const absl::Status& status) {
      home().Post([this, key, status] { NoteDamaged(key, status); });
    };
    if (!transports_.empty()) {
      gateways_.push_back(std::make_unique<ControllerGateway>(ControllerGateway::Config{
          .self = options_.node_id, .shard = ports.shards[i], .home = ports.shards[0], .client = [this] {
            return client_.get();
          }}));
      config.transport = transports_.at(i);
      config.controller = gateways_.back().get();
      config.throttles = &throttles_;
    }
    shards_.push_back(std::make_unique<ShardState>(config));
  }
  groups_ = std::make_unique<GroupHost>(*this);
  transactions_ = std::make_unique<TransactionHost>(*this);
  cluster_host_ = std::make_unique<ClusterHost>(*this);
  controllers_.assign(shards_.size(), meta::kNobody);
  for (const auto& shard : shards_) shard->transactions = transactions_.get();
  log_port_ = std::make_unique<BrokerLogPort>(*this);
  job_peers_ = std::make_unique<JobPeers>(*this, *log_port_);
  retries_ = std::make_unique<Retries>(home());
  if (!transports_.empty()) {
    cluster_log_ = std::make_unique<ClusterLogPort>(*this, *log_port_, *job_peers_, *retries_);
  }
  jobs_ = std::make_unique<JobManager>(*this, std::move(ports.jobs), job_log());
}

run::LogPort& BrokerImpl::job_log() const {
  if (cluster_log_ != nullptr) return *cluster_log_;
  return *log_port_;
}

BrokerImpl::~BrokerImpl() {
  // The logs go first: what waits in them holds the coordinators.
  for (const auto& shard : shards_) shard->Abandon();
  // What waits for the controller's answer holds the transactions.
  client_.reset();
}

std::unique_ptr<BrokerImpl> CreateBroker(const Options& options, env::Disk& disk, std::vector<env::Shard*> shards,
                                         env::Metrics& metrics, std::unique_ptr<JobFactory> jobs,
                                         std::vector<env::Transport*> transports) {
  return std::make_unique<BrokerImpl>(
      options, BrokerImpl::Ports{disk, std::move(shards), metrics, std::move(jobs), std::move(transports)});
}

Transactions& BrokerImpl::transactions() { return *transactions_; }

void BrokerImpl::Start(Callback<absl::Status> ready) {
  home().Post([this, ready = std::move(ready)]() mutable {
    start_time_ms_ = home().WallMillis();
    if (const absl::Status opened = OpenHome(); !opened.ok()) {
      ready(opened);
      return;
    }
    addresses_.Follow(*image());
    addresses_.Expect(metadata_->TakeForeseen());
    TellPeers();
    // An only voter has everything, also on a disk that is full. The others may have been away for long: what they
    // find is judged by what the cluster says now.
    if (metadata_->quorum().is_only_voter()) return BeginProcess(std::move(ready));
    LogInfo("broker", "waiting for the metadata of the cluster");
    metadata_->WhenCaughtUp([this, ready = std::move(ready)]() mutable { BeginProcess(std::move(ready)); });
  });
}

absl::Status BrokerImpl::OpenHome() {
  LEAT_RETURN_IF_ERROR(Annotate(disk_.CreateDirectories(env::JoinPath(options_.data_dir, "log")), "data_dir"));
  LEAT_ASSIGN_OR_RETURN(lock_, disk_.LockDirectory(options_.data_dir));
  LEAT_ASSIGN_OR_RETURN(
      const MetaProperties properties,
      LoadOrCreateMetaProperties(disk_, options_.data_dir, options_.node_id,
                                 options_.new_cluster_id.empty() ? NewClusterId(random_) : options_.new_cluster_id));
  cluster_id_ = properties.cluster_id;
  if (LogsInPageCache(disk_, options_.data_dir)) logs_ = Logs::kRead;
  LEAT_RETURN_IF_ERROR(shards_[0]->OpenDirectory());
  LEAT_ASSIGN_OR_RETURN(log::PartitionLog * log, shards_[0]->OpenMetadataLog());
  LEAT_ASSIGN_OR_RETURN(metadata_, OpenMetadata(*log));
  return absl::OkStatus();
}

void BrokerImpl::BeginProcess(Callback<absl::Status> ready) {
  if (const absl::Status checked = CheckMetadata(); !checked.ok()) {
    return StopOrTryAgain(checked, std::move(ready), &BrokerImpl::BeginProcess);
  }
  OpenShards(std::move(ready));
}

void BrokerImpl::StopOrTryAgain(const absl::Status& status, Callback<absl::Status> ready, StartStep again) {
  // The cluster may have as many brokers as it takes.
  const bool full = status.code() == absl::StatusCode::kResourceExhausted &&
                    model::CodeOf(status) != model::ErrorCode::kInvalidRegistration;
  if (!full || IsAlone()) return ready(status);
  if (home().Now() >= tell_waiting_) {
    LogError("broker", "the disk is full: this process joins its cluster when there is room: ", Message(status));
    tell_waiting_ = home().Now() + kTellWaiting;
  }
  start_timer_ = home().RunAt(home().Now() + kRoomPause,
                              [this, again, ready = std::move(ready)]() mutable { (this->*again)(std::move(ready)); });
}

absl::Status BrokerImpl::CheckMetadata() {
  const std::string& recorded = image()->cluster_id();
  if (!recorded.empty() && recorded != cluster_id_) {
    return FailedPrecondition(options_.data_dir, ": meta.properties says cluster ", cluster_id_,
                              ", the metadata log says ", recorded, ": the directory mixes two clusters' files");
  }
  // Before anything can be made under their names, and before room is needed.
  LEAT_RETURN_IF_ERROR(RemoveStrayFolders(disk_, env::JoinPath(options_.data_dir, "log"), *image(), options_.node_id));
  absl::StatusOr<Life> life = BeginLife(disk_, options_.data_dir, random_);
  if (life.ok()) {
    life_ = *std::move(life);
  } else if (!MayServeAsItWas(life.status())) {
    return life.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<coordinator::MetadataLog>> BrokerImpl::OpenMetadata(log::PartitionLog& log) {
  const std::string folder = env::JoinPath(options_.data_dir, StrCat("log/", meta::kMetadataTopic, "-0"));
  std::vector<model::NodeId> voters;
  for (const VoterAddress& voter : options_.voters) voters.push_back(voter.id);
  coordinator::RaftHost::Options quorum = coordinator::QuorumOptions(cluster_id_, options_.node_id, voters, folder);
  quorum.random_seed = random_.Next();
  return coordinator::MetadataLog::Open(
      std::move(quorum),
      {.disk = &disk_,
       .shard = &home(),
       .log = &log,
       .transport = transport_,
       .metrics = &metrics_,
       .addresses = transport_ == nullptr ? nullptr : &addresses_},
      [this](const meta::ImagePtr& image, const meta::Delta& delta) { Installed(image, delta); });
}

// The partitions are opened while the broker registers and serves: with thousands of them, the others would wait for
// seconds for a leader that may not even be asked for the most of them.
void BrokerImpl::OpenShards(Callback<absl::Status> ready) {
  const meta::ImagePtr image = metadata_->image();
  opening_since_ = home().Now();
  shards_opening_ = shards_.size();
  OnEveryShard<absl::Status>(
      shards_, 0,
      [this, image](ShardState& shard, Callback<absl::Status> begun) {
        const absl::Status status = shard.index() == 0 ? absl::OkStatus() : shard.OpenDirectory();
        if (status.ok()) {
          shard.OpenPartitions(image, [this] { home().Post([this] { ShardOpened(); }); });
        }
        begun(status);
      },
      [this, image, ready = std::move(ready)](const std::vector<absl::Status>& begun) mutable {
        for (const absl::Status& status : begun) {
          if (!status.ok()) return ready(status);
        }
        if (shards_[0]->phase != Phase::kStarting) return ready(Unavailable("the broker is stopping"));
        // What has changed meanwhile comes at once, later changes one by one.
        shards_open_ = true;
        const meta::ImagePtr now = metadata_->image();
        if (now != image) Installed(now, coordinator::DeltaBetween(*image, *now));
        JoinCluster(std::move(ready));
      });
}

void BrokerImpl::ShardOpened() {
  if (--shards_opening_ > 0) return;
  logs_ = Logs::kRead;
  LogInfo("broker", "all partitions are open, ",
          absl::FormatDuration(absl::Floor(home().Now() - opening_since_, absl::Milliseconds(1))),
          " after the first was begun with");
  NoteRegistered();
}

// The broker is let into its cluster, which may begin with it.
void BrokerImpl::JoinCluster(Callback<absl::Status> ready) {
  OpenController();
  if (life_.incarnation.is_zero()) return OpenAndServe(std::move(ready));
  Register(std::move(ready));
}

void BrokerImpl::Register(Callback<absl::Status> ready) {
  client_->Start([this, ready = std::move(ready)](const absl::Status& status) mutable {
    if (!status.ok()) {
      if (MayServeAsItWas(status)) return OpenAndServe(std::move(ready));
      return StopOrTryAgain(status, std::move(ready), &BrokerImpl::Register);
    }
    // On a full disk the next process forgets what this one might have.
    const absl::Status confirmed = ConfirmLife(disk_, options_.data_dir, &life_);
    if (!confirmed.ok() && confirmed.code() != absl::StatusCode::kResourceExhausted) return ready(confirmed);
    FollowRegistration();
    client_->WhenLive([this, ready = std::move(ready)]() mutable {
      tell_waiting_ = home().Now() + kTellWaiting;
      CreateInternalTopics(std::move(ready));
    });
  });
}

// The topics that the broker keeps for itself. Another broker may have made them first. A cluster that begins waits for
// as many brokers as they are to have copies: they would have too few for ever.
void BrokerImpl::CreateInternalTopics(Callback<absl::Status> ready) {
  const std::pair<std::string_view, int32_t> topics[] = {{meta::kOffsetsTopic, options_.offsets_partitions},
                                                         {meta::kTransactionsTopic, options_.transactions_partitions}};
  const std::vector<meta::BrokerPtr> brokers = image()->Brokers();
  const auto live = static_cast<int32_t>(
      std::count_if(brokers.begin(), brokers.end(), [](const meta::BrokerPtr& broker) { return broker->is_active(); }));
  std::vector<meta::Command> commands;
  for (const auto& [name, partitions] : topics) {
    if (image()->FindTopic(name) != nullptr) continue;
    commands.push_back(meta::CreateTopic{.name = std::string(name),
                                         .partitions = partitions,
                                         .configs = {{"cleanup.policy", "compact"}},
                                         .origin = meta::Origin::kInternal,
                                         .replication_factor = options_.replication_factor});
  }
  if (commands.empty()) return OpenAndServe(std::move(ready));
  if (live < options_.replication_factor) {
    if (home().Now() >= tell_waiting_) {
      std::string here;
      for (const meta::BrokerPtr& broker : brokers) {
        if (broker->is_active()) StrAppend(&here, here.empty() ? "" : ", ", broker->registration.id);
      }
      LogWarning("broker", "the cluster begins with ", options_.replication_factor,
                 " brokers (topics.replication_factor), so far there are ", live, " (", here,
                 "): start the others, or look into their logs");
      tell_waiting_ = home().Now() + kTellWaiting;
    }
    start_timer_ = home().RunAt(home().Now() + kInternalTopicsPause,
                                [this, ready = std::move(ready)]() mutable { CreateInternalTopics(std::move(ready)); });
    return;
  }
  ChangeMetadata(std::move(commands), meta::ChangeMode::kApply,
                 [this, ready = std::move(ready)](const Changed& changed) mutable {
                   absl::Status status = changed.status;
                   for (const meta::CommandResult& result : changed.results) {
                     if (!absl::IsAlreadyExists(result.status)) status.Update(result.status);
                   }
                   if (!status.ok()) return ready(status);
                   OpenAndServe(std::move(ready));
                 });
}

void BrokerImpl::OpenAndServe(Callback<absl::Status> ready) {
  WhenInstalled([this, ready = std::move(ready)]() mutable {
    if (const absl::Status opened = OpenCoordinators(); !opened.ok()) {
      ready(opened);
    } else {
      BeginServing(std::move(ready));
    }
  });
}

// What this node leads is read now, so that it is there when the first request is.
absl::Status BrokerImpl::OpenCoordinators() {
  coordinators_open_ = true;
  LEAT_RETURN_IF_ERROR(groups_->Follow());
  return transactions_->Follow();
}

void BrokerImpl::FollowCoordinators() {
  if (!coordinators_open_) return;
  absl::Status status = groups_->Follow();
  status.Update(transactions_->Follow());
  if (!status.ok()) LogError("broker", Message(status));
}

void BrokerImpl::BeginServing(Callback<absl::Status> ready) {
  OnEveryShard<absl::Status>(
      shards_, 0,
      [](ShardState& shard, Callback<absl::Status> done) {
        shard.phase = Phase::kServing;
        done(absl::OkStatus());
      },
      [this, ready = std::move(ready)](const std::vector<absl::Status>&) mutable {
        transactions_->Start();
        job_peers_->Serve();
        throttles_.Follow(*image(), options_.node_id, home().Now());
        jobs_->StartAll();
        DeclareLagGauges();
        UpdateGauges();
        if (!transports_.empty()) WatchDisk();
        ready(absl::OkStatus());
      });
}

void BrokerImpl::Stop(Callback<absl::Status> done) {
  home().Post([this, done = std::move(done)]() mutable {
    gauges_timer_.reset();
    start_timer_.reset();
    disk_timer_.reset();
    if (shards_[0]->phase == Phase::kStopping || shards_[0]->phase == Phase::kStopped) {
      done(FailedPrecondition("the broker was stopped before"));
      return;
    }
    jobs_->StopAll([this, done = std::move(done)]() mutable {
      LeaveCluster([this, done = std::move(done)]() mutable { StopServing(std::move(done)); });
    });
  });
}

void BrokerImpl::Drain(ShardState& shard, env::Closure drained) {
  shard.phase = Phase::kStopping;
  shard.drained = std::move(drained);
  shard.MaybeDrained();
}

void BrokerImpl::StopServing(Callback<absl::Status> done) {
  job_peers_->StopServing();
  retries_->Close();
  OnEveryShard<absl::Status>(
      shards_, 0,
      [this](ShardState& shard, Callback<absl::Status> drained) {
        // The oldest first: a hash map's order, and that of tickets, is not the same in every run.
        std::map<uint64_t, FetchOpPtr> parked;
        for (const auto& [ticket, op] : shard.fetches) parked.emplace(op->number, op);
        Drain(shard, [drained = std::move(drained)]() mutable { drained(absl::OkStatus()); });
        for (const auto& [number, op] : parked) Hurry(op);
      },
      [this, done = std::move(done)](const std::vector<absl::Status>&) mutable { CloseCoordinators(std::move(done)); });
}

// The transactions first: their last markers go through the others.
void BrokerImpl::CloseCoordinators(Callback<absl::Status> done) {
  // Each goes on in a turn of its own: what closed may still be on the stack.
  const auto then = [this](env::Closure next) {
    return [this, next = std::move(next)]() mutable { home().Post(std::move(next)); };
  };
  env::Closure close_shards = [this, done = std::move(done)]() mutable { CloseShards(std::move(done)); };
  env::Closure close_groups = [this, next = std::move(close_shards)]() mutable { groups_->Close(std::move(next)); };
  env::Closure close_metadata = [this, then, next = std::move(close_groups)]() mutable {
    if (metadata_ == nullptr) return next();
    metadata_->Close(then(std::move(next)));
  };
  env::Closure close_controller = [this, then, next = std::move(close_metadata)]() mutable {
    if (client_ == nullptr) return next();
    client_->Close();
    transport_->WatchGone(nullptr);
    controller_->Close(then(std::move(next)));
  };
  transactions_->Close(std::move(close_controller));
}

void BrokerImpl::CloseShards(Callback<absl::Status> done) {
  OnEveryShard<absl::Status>(
      shards_, 0, [](ShardState& shard, Callback<absl::Status> closed) { shard.Close(std::move(closed)); },
      [this, done = std::move(done)](std::vector<absl::Status> closed) mutable {
        absl::Status status;
        for (const absl::Status& part : closed) status.Update(part);
        // Answers that are still on their way between shards arrive before the caller may destroy the broker.
        SettleShards(2, [this, status, done = std::move(done)]() mutable {
          if (status.ok() && !has_left_) NoteCleanShutdown();
          lock_.reset();
          done(status);
        });
      });
}

void BrokerImpl::SettleShards(int rounds, env::Closure done) {
  OnEveryShard<absl::Status>(
      shards_, 0, [](ShardState&, Callback<absl::Status> here) { here(absl::OkStatus()); },
      [this, rounds, done = std::move(done)](const std::vector<absl::Status>&) mutable {
        if (rounds > 1) {
          SettleShards(rounds - 1, std::move(done));
        } else {
          done();
        }
      });
}

void BrokerImpl::Health(Callback<absl::Status> done) {
  home().Post([this, done = std::move(done)]() mutable {
    OnEveryShard<absl::Status>(
        shards_, 0, [](ShardState& shard, Callback<absl::Status> answer) { answer(shard.Health()); },
        [this, done = std::move(done)](const std::vector<absl::Status>& parts) mutable {
          absl::Status status;
          for (const absl::Status& part : parts) status.Update(part);
          if (metadata_ != nullptr) {
            status.Update(
                Annotate(metadata_->quorum().failure(), "this node takes no part in the controllers' quorum"));
          }
          done(status);
        });
  });
}

void BrokerImpl::ScheduleGauges() {
  gauges_timer_ = home().RunAt(home().Now() + kGaugesInterval, [this] { UpdateGauges(); });
}

}  // namespace leat::broker
