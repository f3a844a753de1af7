// The broker's own shape, behind broker.h. Shard 0 hosts the coordinators and the jobs; what is said to live on shard 0
// is touched there only. shards_ is fixed after construction; each ShardState is touched on its shard only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "broker/broker.h"
#include "broker/broker_groups.h"
#include "broker/broker_metrics.h"
#include "broker/controller_gateway.h"
#include "broker/fetch_op.h"
#include "broker/job_factory.h"
#include "broker/lag_watch.h"
#include "broker/life.h"
#include "broker/page_cache.h"
#include "broker/peer_addresses.h"
#include "broker/scatter.h"
#include "broker/shard_state.h"
#include "coordinator/controlled_log.h"
#include "coordinator/controller.h"
#include "coordinator/controller_client.h"
#include "coordinator/metadata_log.h"
#include "env/transport.h"
#include "meta/brokers.h"
#include "meta/command.h"
#include "stream/run/log_port.h"

namespace leat::broker {

class BrokerLogPort;
class ClusterHost;
class ClusterLogPort;
class GroupHost;
class JobManager;
class JobPeers;
class Retries;
class TransactionHost;

class BrokerImpl final : public Broker {
 public:
  struct Ports {
    env::Disk& disk;
    std::vector<env::Shard*> shards;
    env::Metrics& metrics;
    std::unique_ptr<JobFactory> jobs;
    std::vector<env::Transport*> transports{};  // one for each shard; none: the node is alone
  };
  BrokerImpl(const Options& options, Ports ports);
  ~BrokerImpl() override;

  void Start(Callback<absl::Status> ready) override;
  void Stop(Callback<absl::Status> done) override;
  void Health(Callback<absl::Status> done) override;
  void Produce(ProduceRequest request, Callback<ProduceReply> done) override;
  uint64_t Fetch(FetchRequest request, Callback<FetchReply> done) override;
  void CancelFetch(uint64_t ticket) override;
  void ListOffsets(std::vector<ListOffsetsPartition> partitions,
                   Callback<std::vector<ListOffsetsResult>> done) override;
  void DescribeProducers(std::vector<DescribeProducersPartition> partitions,
                         Callback<std::vector<DescribeProducersResult>> done) override;
  void DeleteRecords(std::vector<DeleteRecordsPartition> partitions,
                     Callback<std::vector<DeleteRecordsResult>> done) override;
  using Broker::AlterTopics;
  using Broker::CreateTopics;
  void CreateTopics(std::vector<NewTopic> topics, ChangeMode mode, Callback<std::vector<TopicResult>> done) override;
  void DeleteTopics(std::vector<std::string> names, Callback<std::vector<TopicResult>> done) override;
  void DescribeTopics(std::vector<std::string> names, Callback<std::vector<TopicDescription>> done) override;
  void AlterTopics(std::vector<AlterTopic> changes, ChangeMode mode, Callback<std::vector<TopicResult>> done) override;
  void CommitOffsets(CommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) override;
  void FetchOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                    Callback<absl::StatusOr<std::vector<CommittedOffset>>> done) override;
  Groups& groups() override { return groups_face_; }
  void ListGroups(Callback<std::vector<std::string>> done) override;
  void DescribeLag(std::string group, Callback<std::vector<GroupLag>> done) override;
  Transactions& transactions() override;
  model::NodeId node_id() const override { return options_.node_id; }
  meta::ImagePtr ImageOn(const env::Shard& shard) const override;
  model::NodeId ControllerOn(const env::Shard& shard) const override;
  void DescribeCluster(Callback<ClusterDescription> done) override;
  ClusterAdmin& cluster_admin() override;
  void DescribeBroker(Callback<std::vector<BrokerConfig>> done) override;
  void DescribeLogDirectory(Callback<LogDirectoryDescription> done) override;
  void SubmitJob(NewJob job, Callback<absl::StatusOr<JobDescription>> done) override;
  void UpgradeJob(JobUpgrade upgrade, Callback<absl::StatusOr<JobUpgraded>> done) override;
  void StartJob(std::string name, Callback<absl::Status> done) override;
  void StopJob(std::string name, Callback<absl::Status> done) override;
  void DeleteJob(std::string name, Callback<absl::Status> done) override;
  void ListJobs(Callback<std::vector<JobDescription>> done) override;
  void DescribeJob(std::string name, Callback<absl::StatusOr<JobDescription>> done) override;
  void JobLogs(std::string name, Callback<absl::StatusOr<std::vector<JobLogLine>>> done) override;
  void ExplainJob(std::string sql, Callback<absl::StatusOr<std::string>> done) override;
  void SetAdvertised(std::string grpc, std::string kafka, std::string admin, std::string internal) override;
  // Where the node takes connections, by the names of the config's listeners: the cluster is told. Any thread.
  void SetListeners(std::vector<meta::Listener> listeners);

  // As the public calls, for the broker's own jobs: reserved topic names are allowed.
  void ProduceAs(meta::Origin origin, ProduceRequest request, Callback<ProduceReply> done);
  void CreateTopicsAs(meta::Origin origin, std::vector<NewTopic> topics, Callback<std::vector<TopicResult>> done);
  void DeleteTopicsAs(meta::Origin origin, std::vector<std::string> names, Callback<std::vector<TopicResult>> done);

  // For JobManager and BrokerGroups, on shard 0.
  const Options& options() const { return options_; }
  env::Shard& home() const { return shards_[0]->shard(); }
  env::Metrics& metrics() { return metrics_; }
  const LagWatch& lag_watch() const { return lag_watch_; }
  BrokerMetrics& broker_metrics() { return broker_metrics_; }
  const meta::ImagePtr& image() const { return metadata_->image(); }
  // Has the controller change the metadata, wherever it is; `done` here, once every shard has what came of it. While
  // the broker is not open yet, or stops: kUnavailable.
  using Changed = coordinator::ControllerClient::Changed;
  void ChangeMetadata(std::vector<meta::Command> commands, meta::ChangeMode mode, Callback<Changed> done);
  // The same for one command, whose outcome is that of the request.
  void ChangeMetadata(meta::Command command, Callback<absl::StatusOr<meta::CommandResult>> done);
  coordinator::MetadataLog* metadata() const { return metadata_.get(); }  // null before it is open
  bool has_left() const { return has_left_; }                             // its cluster, because of its disk; shard 0
  coordinator::ControllerClient* controller_client() { return client_.get(); }  // null until the broker is open
  void ForgetGroup(const std::string& group, Callback<absl::Status> done);
  meta::Limits MetaLimits() const;
  meta::Policy MetaPolicy() const;
  // For the coordinators' hosts, on shard 0.
  const Shards& shards() const { return shards_; }
  const std::vector<env::Transport*>& transports() const { return transports_; }  // none: the node is alone
  GroupHost& group_host() const { return *groups_; }
  // How jobs read and write, wherever it is. Any thread.
  run::LogPort& job_log() const;
  BrokerLogPort& local_log() const { return *log_port_; }  // what is here only
  JobManager& jobs() const { return *jobs_; }
  JobPeers& job_peers() const { return *job_peers_; }
  Retries& retries() const { return *retries_; }
  env::Disk& disk() const { return disk_; }
  bool is_alone() const { return transports_.empty(); }
  TransactionHost& transaction_host() const { return *transactions_; }
  bool serves() const { return shards_[0]->phase == Phase::kServing; }
  uint64_t NewSeed() { return random_.Next(); }

 private:
  // A metadata change on its way to every shard.
  struct Installation {
    size_t unseen = 0;    // shards that do not have the image yet
    size_t waiting = 0;   // shards that still remove folders
    absl::Status status;  // of removing folders
    std::vector<env::Closure> waiters;
  };
  using InstallationPtr = std::shared_ptr<Installation>;
  // Changes of topics, one by one; what this node itself refuses does not go to the controller.
  struct TopicChanges {
    struct One {
      std::string name;
      std::optional<meta::Command> command;
      Outcome refusal{};
    };
    std::vector<One> all;
    ChangeMode mode = ChangeMode::kApply;
  };
  struct TopicCreation {
    std::vector<NewTopic> topics;
    meta::Origin origin;
    ChangeMode mode = ChangeMode::kApply;
  };

  // lifecycle.cc
  absl::Status OpenHome();
  absl::StatusOr<std::unique_ptr<coordinator::MetadataLog>> OpenMetadata(log::PartitionLog& log);
  void OpenShards(Callback<absl::Status> ready);
  void ShardOpened();
  absl::Status OpenCoordinators();
  // The coordinators' partitions may be led by others than before.
  void FollowCoordinators();
  void BeginServing(Callback<absl::Status> ready);
  void BeginProcess(Callback<absl::Status> ready);
  absl::Status CheckMetadata();
  void JoinCluster(Callback<absl::Status> ready);
  void Register(Callback<absl::Status> ready);
  // Goes on with `again` if the disk is full, which may pass; else the start has failed.
  using StartStep = void (BrokerImpl::*)(Callback<absl::Status> ready);
  void StopOrTryAgain(const absl::Status& status, Callback<absl::Status> ready, StartStep again);
  void CreateInternalTopics(Callback<absl::Status> ready);
  void OpenAndServe(Callback<absl::Status> ready);
  void OpenController();
  void LeaveCluster(env::Closure left);
  void StopServing(Callback<absl::Status> done);
  void CloseCoordinators(Callback<absl::Status> done);
  void CloseShards(Callback<absl::Status> done);
  void SettleShards(int rounds, env::Closure done);
  // registration.cc, shard 0
  meta::RegisterBroker Registration() const;
  bool IsAlone() const;
  bool MayServeAsItWas(const absl::Status& status) const;
  void NoteCleanShutdown();
  void NoteDamaged(const meta::PartitionKey& key, const absl::Status& status);
  // In a cluster others take over from a process that cannot write any more.
  void WatchDisk();
  void LeaveForGood(const absl::Status& why);
  void TellPeers();
  std::vector<meta::NodeId> VotersToAsk() const;
  static void Drain(ShardState& shard, env::Closure drained);
  void ScheduleGauges();
  void UpdateGauges();
  void WatchLag();
  void DeclareLagGauges();
  void UpdateLagGauges(const std::vector<GroupLag>& lags);

  // cluster.cc, shard 0: tells every shard who the controller is
  void NoteController();
  // replica_start.cc, shard 0: the replicas act in the life that the controller has registered, or a later one.
  void FollowRegistration();
  void NoteRegistered();  // for the next process
  // metadata_changes.cc, shard 0
  void Installed(const meta::ImagePtr& image, const meta::Delta& delta);
  void WhenInstalled(env::Closure done);
  void FoldersGone(Installation& installation, const std::vector<std::string>& removed, const absl::Status& status);
  // True if a topic of this name is still being removed; `retry` then runs once it is gone.
  bool WaitForRemoval(const std::vector<NewTopic>& topics, env::Closure* retry);
  void CreateTopicsHere(TopicCreation creation, Callback<std::vector<TopicResult>> done);
  // `done` once every shard has seen what came of them, and the folders of deleted topics are gone.
  void ChangeTopics(TopicChanges changes, Callback<std::vector<TopicResult>> done);
  void WhenRemoved(std::vector<std::string> names, env::Closure done);
  void DeletionsAnswered(const std::vector<std::string>& names);
  model::Offset AppliedEnd() const;
  TopicChanges::One CreationOf(const NewTopic& topic, meta::Origin origin);
  std::vector<TopicResult> RefusedTopics(const std::vector<std::string>& names) const;

  // produce.cc
  struct ProduceOp;
  void StartProduce(std::shared_ptr<ProduceOp> op);
  void CreateMissing(std::shared_ptr<ProduceOp> op, std::vector<NewTopic> missing);
  void Append(std::shared_ptr<ProduceOp> op);
  void FinishProduce(ProduceOp& op, std::vector<ProducePartitionResult> results);

  // fetch.cc
  void StartFetch(FetchOpPtr op);
  void BeginPass(const FetchOpPtr& op);
  void NextVisit(const FetchOpPtr& op);
  void TakeVisit(const FetchOpPtr& op, std::vector<FetchPartitionResult> results);
  void FinishPass(const FetchOpPtr& op);
  void Park(const FetchOpPtr& op);
  void Wake(ShardState& home, uint64_t ticket, uint64_t pass);
  void Hurry(const FetchOpPtr& op);
  void Answer(const FetchOpPtr& op);

  const Options options_;
  env::Disk& disk_;
  env::Metrics& metrics_;
  BrokerMetrics broker_metrics_;
  ReplicationThrottles throttles_;
  BrokerGroups groups_face_{*this};
  Shards shards_;
  std::vector<model::NodeId> controllers_;  // as each shard knows it, on that shard

  // Shard 0 only, from here.
  Random random_;
  std::unique_ptr<env::DirectoryLock> lock_;
  std::string cluster_id_;
  Life life_;
  std::vector<meta::PartitionKey> damaged_;  // copies that cannot be opened: the controller is told
  std::vector<meta::Listener> listeners_;
  int64_t start_time_ms_ = 0;
  std::unique_ptr<env::Transport> local_transport_;  // of a node that is alone
  std::vector<env::Transport*> transports_;          // of each shard; none: the node is alone
  PeerAddresses addresses_;
  PeerAddresses::Map peers_;             // as the transports were told
  env::Transport* transport_ = nullptr;  // of shard 0
  std::unique_ptr<coordinator::ControlledLog> home_log_;
  std::unique_ptr<coordinator::Controller> controller_;  // before the log, which may hold its gate
  std::unique_ptr<coordinator::MetadataLog> metadata_;
  std::unique_ptr<coordinator::ControllerClient> client_;
  std::vector<std::unique_ptr<ControllerGateway>> gateways_;  // of each shard; none: the node is alone
  int64_t replicating_as_ = -1;                               // the broker epoch in which its replicas act
  std::unique_ptr<GroupHost> groups_;
  bool coordinators_open_ = false;
  std::unique_ptr<TransactionHost> transactions_;
  std::unique_ptr<ClusterHost> cluster_host_;
  InstallationPtr installation_;  // the last one
  struct AskedDeletion {
    int count = 0;
    std::vector<env::Closure> waiters;
  };
  std::map<std::string, AskedDeletion> deletions_;  // asked for here and not answered, by topic
  model::Offset installed_end_{0};                  // what every shard has
  std::deque<model::Offset> installing_;            // ends of the changes that some shard does not have yet
  bool shards_open_ = false;                        // they have an image; their partitions are opened from then on
  size_t shards_opening_ = 0;                       // that have not opened all of them
  Instant opening_since_;
  Logs logs_ = Logs::kUnread;
  Instant tell_waiting_;  // when to say (again) what the start waits for
  std::unique_ptr<env::Timer> start_timer_;
  std::unique_ptr<env::Timer> disk_timer_;
  bool has_left_ = false;                            // only a new process comes back
  std::map<std::string, InstallationPtr> deleting_;  // topics whose folders are still being removed
  ClusterDescription::Node advertised_;
  std::unique_ptr<BrokerLogPort> log_port_;  // of this node alone
  std::unique_ptr<JobPeers> job_peers_;
  std::unique_ptr<Retries> retries_;             // of what is asked of other nodes
  std::unique_ptr<ClusterLogPort> cluster_log_;  // null: the node is alone
  std::unique_ptr<JobManager> jobs_;
  std::unique_ptr<env::Timer> gauges_timer_;
  LagWatch lag_watch_;
  std::set<env::Labels> lag_series_;  // of the gauges of lag
};

// As Broker::Create, with the jobs' maker given.
std::unique_ptr<BrokerImpl> CreateBroker(const Options& options, env::Disk& disk, std::vector<env::Shard*> shards,
                                         env::Metrics& metrics, std::unique_ptr<JobFactory> jobs,
                                         std::vector<env::Transport*> transports = {});

}  // namespace leat::broker
