// The table of one partition that this node leads: follows the partition's committed records and answers reads. Made
// anew whenever the node becomes the leader, and whenever the log is not the one that the table was made from (cut, or
// its start moved up) or the table's folder is damaged. Lives on shard 0; what touches the folder runs on disk threads,
// one thing after the other, so that a read sees the table at one offset.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "broker/api.h"
#include "broker/disk_turns.h"
#include "broker/view_stores.h"
#include "broker/views.h"
#include "env/shard.h"
#include "view/partition_index.h"

namespace leat::broker {

class BrokerImpl;

class HostedView {
 public:
  struct Config {
    BrokerImpl* broker;
    ViewStores* stores;
    const ViewOptions* options;
    DiskTurns* turns;  // all four outlive this
    model::TopicPartition name;
    std::string folder;  // nobody else's
  };
  explicit HostedView(Config config) : config_(std::move(config)) {}

  void Begin();
  // The rows of the table when it holds everything that is committed now. kUnavailable: it does not so soon, or this
  // ends meanwhile; kResourceExhausted: too many wait for it.
  void Read(view::Range range, view::PageLimit limit, Callback<absl::StatusOr<view::Page>> done);
  // How far it is; `leader` is left to the caller.
  ViewPartition Describe() const;
  // Answers what waits; `closed` when the folder is gone, in a turn of its own. Once, then destroy it.
  void Close(env::Closure closed);

 private:
  using Index = std::shared_ptr<std::unique_ptr<view::PartitionIndex>>;  // empty while there is none
  struct Step {
    absl::AnyInvocable<absl::Status()> work;
    absl::AnyInvocable<void(absl::Status)> done;
  };
  struct Waiting {
    view::Range range;
    view::PageLimit limit;
    Callback<absl::StatusOr<view::Page>> done;
    Instant until;
  };
  // Disk work in the order of the calls.
  void Enqueue(Step step);
  void RunNext();

  void MakeAnew(model::Offset from);
  void FetchNext();
  void TakeFetched(FetchPartitionResult result);
  void Advance(model::Offset applied);
  void Retry(absl::Status why);
  void ReadNow(Waiting waiting);
  void ReadWhenApplied(model::Offset end, Waiting waiting);
  void GiveUpWaiting();
  absl::Status NotYet(model::Offset end) const;
  void MaybeClosed();

  const Config config_;
  const Index index_ = std::make_shared<std::unique_ptr<view::PartitionIndex>>();
  std::deque<Step> steps_;
  bool working_ = false;
  bool ready_ = false;  // there is a table, or will be before what is enqueued now
  bool fetching_ = false;
  uint64_t generation_ = 0;                 // of the table: what was begun for an older one counts no more
  Instant asked_at_;                        // for what is being fetched
  uint64_t ticket_ = 0;                     // of the fetch under way
  size_t asking_ = 0;                       // reads that ask for the end
  model::Offset next_{0};                   // to fetch
  model::Offset applied_{0};                // in the table; of one that is made anew: in the one before
  std::optional<model::Offset> log_start_;  // that the log had when the table was begun
  model::Offset end_{-1};                   // as the last answers said
  absl::Status trouble_;                    // why the table does not grow
  std::multimap<model::Offset, Waiting> waiting_;
  std::unique_ptr<env::Timer> retry_timer_, patience_timer_;
  bool closing_ = false;
  env::Closure closed_;
};

}  // namespace leat::broker
