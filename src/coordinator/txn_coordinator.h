// Hosts the transaction coordinator's core on the log of `__transaction_state`: the commands of one transactional id
// run one after the other, each answered once its record is durable; then come the markers, retried until every
// partition has its own, and then the record that the transaction is complete. What was decided before a stop goes on
// after the next start. Open transactions are aborted when their time is over. Lives on one shard.
//
// A command that meets a transaction whose markers are still being written waits for them, for a while, before it is
// answered CONCURRENT_TRANSACTIONS: they are a matter of milliseconds, the pause of a client is longer. Partitions that
// are added while others are being written go together into the next record.
#pragma once

#include <absl/functional/any_invocable.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coordinator/log_append.h"
#include "env/gate.h"
#include "env/shard.h"
#include "log/partition_log.h"
#include "txn/core.h"

namespace leat::coordinator {

// What the coordinator asks of the rest of the node. Every answer comes on the coordinator's shard, exactly once.
class TxnPort {
 public:
  virtual ~TxnPort() = default;
  struct Block {
    int64_t begin = 0;
    int64_t end = 0;  // exclusive
  };
  // Producer ids that nobody was given before and nobody will be given again, also after a crash.
  virtual void ReserveProducerIds(int64_t count, absl::AnyInvocable<void(absl::StatusOr<Block>)> done) = 0;
  // Writes one partition's marker and whatever hangs on it. OK once it is durable, and also if there is nothing that it
  // could be written to any more (the topic was deleted, a newer epoch has taken over). Any error is tried again.
  virtual void WriteMarker(const txn::Markers& markers, const model::TopicPartition& partition,
                           absl::AnyInvocable<void(absl::Status)> done) = 0;
  // For the metrics. A transaction is over: its markers are everywhere, this long after it was decided.
  virtual void OnEnded(txn::Result, Duration) {}
  virtual void OnTimedOut() {}  // one is aborted because its time is over; OnEnded follows
};

class TxnCoordinator {
 public:
  struct Options {
    txn::Limits limits;
    Duration wait_for_markers = absl::Seconds(2);     // of a command, before CONCURRENT_TRANSACTIONS
    size_t waiting_commands = 100;                    // of one transactional id; above it CONCURRENT_TRANSACTIONS
    Duration marker_retry = absl::Milliseconds(100);  // doubles with every try,
    Duration marker_retry_limit = absl::Seconds(5);   // up to this
    Duration expiration_check = absl::Hours(1);       // of transactional ids
    int64_t producer_id_block = 1000;
    AppendTo append = nullptr;  // null: the logs are the only copies
  };
  using Done = absl::AnyInvocable<void(txn::Decision)>;

  // Replays the logs (the partitions of the topic, in order), which live on `shard` and outlive this, as does `port`.
  // Unfinished markers are written once Start is called.
  static absl::StatusOr<std::unique_ptr<TxnCoordinator>> Open(std::vector<log::PartitionLog*> logs, env::Shard& shard,
                                                              TxnPort& port, const Options& options);
  void Start();

  // A producer id for a producer without transactions.
  void NewProducerId(absl::AnyInvocable<void(absl::StatusOr<model::ProducerId>)> done);
  void InitProducerId(txn::InitProducerId command, Done done);
  void AddPartitions(txn::AddPartitions command, Done done);
  void End(txn::EndTransaction command, Done done);
  std::vector<model::ErrorCode> Verify(const txn::AddPartitions& command) const { return core_.Verify(command); }

  const txn::Core& core() const { return core_; }
  struct Backlog {
    size_t transactions = 0;  // that are decided
    size_t markers = 0;       // that are still to be written for them
  };
  Backlog backlog() const;
  // Answers what waits with `why` and refuses the rest; `closed` once no write is under way.
  void Close(env::Closure closed, model::ErrorCode why = model::ErrorCode::kCoordinatorNotAvailable);

 private:
  struct Job {
    absl::AnyInvocable<txn::Decision()> decide;
    std::vector<Done> done;
    bool may_take_id = false;
    std::optional<txn::AddPartitions> add;  // in place of `decide`: further ones of the same producer join it
    Instant give_up;
    env::Gate::Hold hold;
  };
  struct MarkerRun {
    txn::Markers markers;  // `partitions` are those still to be written
    Instant began;
    size_t under_way = 0;
    Duration pause;  // before the next try; grows
    std::unique_ptr<env::Timer> retry;
  };
  // What is happening to one transactional id.
  struct Lane {
    std::deque<Job> waiting;
    bool writing = false;  // its record is on its way to the log
    std::unique_ptr<env::Timer> give_up;
    std::unique_ptr<MarkerRun> run;
    bool idle() const { return waiting.empty() && !writing && run == nullptr; }
  };
  using Written = absl::AnyInvocable<void(absl::Status)>;

  TxnCoordinator(std::vector<log::PartitionLog*> logs, env::Shard& shard, TxnPort& port, const Options& options);
  txn::Now now() const { return {shard_.Now(), shard_.WallMillis()}; }
  template <typename Decide>
  static Job MakeJob(Decide decide, Done done) {
    Job job;
    job.decide = std::move(decide);
    job.done.push_back(std::move(done));
    return job;
  }
  static void Answer(Job job, const txn::Decision& decision);
  txn::Decision Stopping() const;
  void Enqueue(const std::string& id, Job job);
  void Pump(const std::string& id);
  // False if the job at the front cannot run yet.
  bool RunFront(const std::string& id, Lane& lane);
  void Finish(const std::string& id, Job job, txn::Decision decision, const absl::Status& written);
  void Write(const std::string& id, const txn::Record& record, Written done);
  void ForgetIfIdle(const std::string& id);

  // txn_markers.cc
  void StartMarkers(txn::Markers markers);
  void WriteMarkers(const std::string& id);
  void TakeMarker(const std::string& id, const model::TopicPartition& partition, const absl::Status& status);
  void CompleteRun(const std::string& id);
  void RetryLater(const std::string& id);

  // txn_timeouts.cc
  void ScheduleTimeouts();
  void AbortExpired();
  void ForgetUnused();

  // txn_producer_ids.cc
  bool HasFreshId() const { return next_id_ < ids_end_; }
  model::ProducerId fresh() const { return model::ProducerId(next_id_); }
  void FetchIds();
  void TakeIds(absl::StatusOr<TxnPort::Block> block);

  env::Shard& shard_;
  TxnPort& port_;
  const Options options_;
  std::vector<log::PartitionLog*> logs_;
  const AppendTo append_;
  txn::Core core_;
  model::ErrorCode closed_with_ = model::ErrorCode::kCoordinatorNotAvailable;
  env::Gate gate_;  // before those who hold it
  std::map<std::string, Lane, std::less<>> lanes_;
  int64_t next_id_ = 0;
  int64_t ids_end_ = 0;
  bool fetching_ids_ = false;
  std::vector<std::pair<absl::AnyInvocable<void(absl::StatusOr<model::ProducerId>)>, env::Gate::Hold>> want_id_;
  std::set<std::string> lanes_want_id_;
  std::set<std::string> expiring_;  // ids whose abort is queued
  Instant timeout_at_ = Instant::Max();
  std::unique_ptr<env::Timer> timeout_timer_;
  std::unique_ptr<env::Timer> expiration_timer_;
};

}  // namespace leat::coordinator
