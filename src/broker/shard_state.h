// What the broker keeps on one shard: the logs of the partitions that this shard owns and this node has copies of, its
// copy of the metadata image, and the long polls that began here. Every call is made on that shard.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/small_queue.h"
#include "broker/api.h"
#include "broker/broker_metrics.h"
#include "broker/options.h"
#include "broker/replica_fetch.h"
#include "broker/replica_host.h"
#include "broker/replication_throttles.h"
#include "env/disk.h"
#include "env/shard.h"
#include "log/partition_log.h"
#include "meta/image.h"

namespace leat::broker {

struct FetchOp;
class TransactionGate;

enum class Phase { kStarting, kServing, kStopping, kStopped };

// Which shard owns a partition. A function of the name, so that a topic made again under an old name meets the same
// shard, behind the removal of the old folder. The coordinators' topics live on shard 0.
size_t OwnerOf(const model::TopicPartition& partition, size_t shards);

class ShardState {
 public:
  struct Config {
    const Options* options;
    env::Disk* disk;
    env::Shard* shard;
    BrokerMetrics* metrics;
    size_t index;
    size_t shards;
    // For partitions with replicas on other nodes. Null: there are none.
    env::Transport* transport = nullptr;
    ControllerPort* controller = nullptr;
    ReplicationThrottles* throttles = nullptr;  // of the broker; null: nothing is throttled
    // A copy's files are damaged, with what is wrong, so that the controller has to know; or, with OK, no longer.
    std::function<void(const meta::PartitionKey&, const absl::Status&)> note_damage{};
  };
  explicit ShardState(const Config& config);
  ~ShardState();

  absl::Status OpenDirectory();
  // The log of the metadata itself, which no image lists.
  absl::StatusOr<log::PartitionLog*> OpenMetadataLog();
  // Takes the image over and begins to open the partitions of it that this shard owns; one that cannot be opened is
  // remembered with its reason. Some in each turn, because thousands take seconds, in which a shard that stands still
  // would lose its node the leadership of the quorum. What is asked for meanwhile is opened at once (Find). `opened`
  // when all are; not if the shard is closed before.
  //
  // A copy whose files are damaged is reported (Config::note_damage). Once the image says that the cluster does not
  // count on it, and another node may have the records, the folder is set aside and the copy begins anew, empty.
  void OpenPartitions(const meta::ImagePtr& image, env::Closure opened);
  // The controller has registered this process, as this life of the node: from now on its replicas follow and lead as
  // the image says. Before, only partitions of which this node has the one copy are led. A later life replaces it.
  // Nothing if there is no transport.
  void BeginLife(replication::BrokerEpoch life);
  // After BeginLife on all shards: answers the fetches of other nodes.
  void ServeReplicas(const std::vector<std::unique_ptr<ShardState>>& shards);
  // Takes over a new image. `done` once the folders of deleted partitions are gone (or could not be removed).
  void Install(const meta::ImagePtr& image, const meta::Delta& delta, Callback<absl::Status> done);
  void Close(Callback<absl::Status> done);
  // Forgets everything without closing it, as a crash would.
  void Abandon();

  struct Found {
    log::PartitionLog* log = nullptr;
    Outcome outcome;             // why there is none
    CurrentLeader leader;        // of the partition, by the image; -1 if it does not exist
    Replica* replica = nullptr;  // null: no other node has a copy, the log needs no watching over
  };
  // This node's copy, whoever leads. A partition that could not be opened is tried again.
  Found Find(const model::TopicPartition& partition);
  // The same if this node leads in an epoch that `known` (the caller's; -1: any) does not contradict; else
  // NOT_LEADER_OR_FOLLOWER or the errors of EpochOutcome, without a log.
  Found FindLed(const model::TopicPartition& partition, model::LeaderEpoch known = model::LeaderEpoch(-1));
  // What is open now, without trying to open it; for those who look on.
  struct Open {
    log::PartitionLog* log = nullptr;
    const Replica* replica = nullptr;
  };
  Open Peek(const model::TopicPartition& partition) const;

  // A read has met damaged bytes: a copy elsewhere may be whole.
  void NoteDamage(const model::TopicPartition& partition);
  // Remembers how appends end, for Health. After a full disk, whether there is space again is tried from time to time,
  // because clients may have given up: Health must not wait for an append.
  void NoteAppend(const absl::Status& status);
  absl::Status Health() const;
  absl::Status DiskHealth() const;  // not OK: nothing is written any more, for as long as this process lives
  std::map<std::string, uint64_t> BytesByTopic() const;
  size_t producer_count() const;  // that its partitions remember
  // Brings the compaction metrics up to date.
  log::LogDirectory::CompactionStats ReportCompaction();

  // REQUIRES: phase() != kServing. Why requests are refused.
  Outcome Refusal() const;

  const Options& options() const { return *config_.options; }
  env::Shard& shard() const { return *config_.shard; }
  BrokerMetrics& metrics() const { return *config_.metrics; }
  size_t index() const { return config_.index; }
  const meta::ImagePtr& image() const { return image_; }

  Phase phase = Phase::kStarting;
  TransactionGate* transactions = nullptr;  // set before the shard serves
  // Producers about which the coordinator is asked for a partition, and the batches of theirs that came meanwhile.
  using Verifying = std::pair<model::TopicPartition, model::ProducerId>;
  struct Waiting {
    int16_t epoch = -1;
    Callback<Outcome> go_on;  // with the reason if it is refused
  };
  std::map<Verifying, std::deque<Waiting>> verifying;
  env::Closure drained;         // while stopping: runs when the last request that began here is answered
  size_t produces = 0;          // requests that arrived here and are not answered
  size_t inflight_bytes = 0;    // of the produce requests that arrived here and are not answered
  uint64_t fetch_rotation = 0;  // fetches that began here: which partition of one goes first
  absl::flat_hash_map<uint64_t, std::shared_ptr<FetchOp>> fetches;  // that began here, by ticket

  // Called when a request that began here is answered.
  void MaybeDrained();

  // The waits of long polls, by the fetch's ticket.
  struct Until {
    model::Offset after;
    model::Isolation isolation;
    CurrentLeader leader;  // as it was when there was no more to read
  };
  // `wake` runs once at least, on this shard, when there is more or another node leads; not after CancelWaits.
  void WaitForData(uint64_t fetch, const model::TopicPartition& partition, Until until, env::Closure wake);
  void CancelWaits(uint64_t fetch);

 private:
  struct Partition {
    log::PartitionLog* log = nullptr;
    absl::Status error;
    Instant retry_at;  // damaged: it is read through again then, not with each request
    CurrentLeader leader;
    Replica* replica = nullptr;  // the host's, if it has begun and the image lists replicas
  };
  struct Wait {
    model::TopicPartition partition;
    uint64_t id;      // ours
    uint64_t ticket;  // the log's
    std::shared_ptr<env::Closure> wake;
  };
  bool Owns(const model::TopicPartition& partition) const;
  // This node is to have a copy.
  bool IsLocal(const meta::PartitionKey& key) const;
  CurrentLeader LeaderOf(const meta::PartitionKey& key) const;
  void OpenPartition(const meta::TopicPtr& topic, model::PartitionId id);
  // Of the topic's logs.
  const log::LogOptions& OptionsOf(const meta::TopicPtr& topic);
  // To be opened in its turn, behind those that wait already.
  void OpenLater(const meta::TopicPtr& topic, model::PartitionId id);
  void OpenSome();
  void OpenSomeSoon();
  // While the cluster starts its nodes have opened different partitions so far. Of one that somebody asks for the
  // others' copies are wanted as soon, or nothing can be committed: they are told.
  void WantCopies(const model::TopicPartition& name);
  // Brings what is known of the leader and the replica up to date with the image.
  void Refresh(const meta::Topic& topic, model::PartitionId id);
  void RefreshAll(const meta::Topic& topic);
  // Which partitions of still living topics a delta says something new about.
  void RefreshChanged(const meta::Delta& delta);
  void RefreshTouched(const meta::Delta& delta);  // by what it says of brokers
  void Forget(const model::TopicPartition& name, const meta::PartitionKey& key);
  // Deletes the copies that this node is no longer to have.
  void DropMoved(const meta::Delta& delta, const std::function<void(const model::TopicPartition&)>& remove);
  // Its folder, unless that is still of an earlier topic of the name.
  absl::StatusOr<log::PartitionLog*> OpenFolder(const meta::TopicPtr& topic, const model::TopicPartition& name);
  absl::Status ClaimFolder(const meta::Topic& topic, const model::TopicPartition& name, bool* claimed) const;
  void RemoveFolder(const model::TopicPartition& name, Callback<absl::Status> done);
  // Long polls of partitions that have another leader than before, or are gone.
  void WakeMoved();
  // shard_damage.cc
  void NoteDamaged(const meta::PartitionKey& key, const absl::Status& status) const;
  bool MayFetchAgain(const meta::PartitionKey& key) const;
  absl::StatusOr<log::PartitionLog*> BeginAnew(const meta::TopicPtr& topic, const model::TopicPartition& name,
                                               const absl::Status& damage);
  void ReopenDamaged();
  void FindSetAside();
  void DropSetAside(const model::TopicPartition& name);
  absl::Status PartitionHealth() const;
  std::string LogPath() const;
  void ProbeLater();
  void Probe();

  const Config config_;
  meta::ImagePtr image_;
  meta::TopicPtr asked_topic_;  // whose options were asked for last: most ask for a whole topic's partitions
  log::LogOptions asked_options_;
  std::unique_ptr<log::LogDirectory> directory_;
  std::unique_ptr<ReplicaHost> replicas_;  // of this life
  std::unique_ptr<ReplicaFetchServer> replica_server_;
  absl::flat_hash_map<model::TopicPartition, Partition> partitions_;
  SmallQueue<meta::PartitionKey> to_open_;
  std::map<model::TopicPartition, Instant> wanted_;  // when the others may be told again
  std::unique_ptr<env::Timer> opening_timer_;
  env::Closure opened_;                                          // once none is left
  std::map<model::TopicPartition, meta::PartitionKey> damaged_;  // that could not be opened
  std::set<model::TopicPartition> aside_;     // of which a damaged copy is kept until the new one is in sync
  std::set<model::TopicPartition> moved_;     // for WakeMoved
  std::set<model::TopicPartition> removing_;  // whose folders of earlier topics are not gone yet
  log::PartitionLog* metadata_log_ = nullptr;
  absl::flat_hash_map<uint64_t, std::vector<Wait>> waits_;
  uint64_t next_wait_ = 1;
  log::LogDirectory::CompactionStats reported_compaction_;
  absl::Status disk_full_;
  std::unique_ptr<env::Timer> probe_timer_;                     // while the disk is full
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what work on a disk thread holds weakly
};

}  // namespace leat::broker
