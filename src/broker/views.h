// Views: compacted topics whose last value of each key this broker keeps in a table. A view is a topic with the config
// leat.view=true, and has the topic's name; each partition's table is on the node that leads the partition, and made
// from its records there. Thread-safe: every call may be made on any thread and is answered exactly once, on shard 0,
// also when the broker stops meanwhile. See docs/internals/views.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/api.h"
#include "broker/view_stores.h"
#include "env/shard.h"
#include "view/merge.h"
#include "view/range.h"

namespace leat::broker {

class Broker;

struct ViewOptions {
  size_t max_partitions = 256;                  // tables on this node; those beyond are refused
  size_t cache_bytes = size_t{16} << 20;        // of all tables together
  size_t write_buffer_bytes = size_t{1} << 20;  // of one table; at most two are held
  size_t fetch_bytes = size_t{1} << 20;         // of records that are applied at once
  size_t max_rows = 10'000;                     // of one page
  size_t max_page_bytes = size_t{4} << 20;
  size_t max_waiting = 1000;                  // reads of one table that wait until it holds what is committed
  Duration patience = absl::Seconds(2);       // of such a read
  Duration ask_patience = absl::Seconds(10);  // of a request, while partitions change their leaders
  Duration look_interval = absl::Seconds(1);  // at who leads what, and which topics have views
};

struct ViewScan {
  std::string view;
  view::Range range{};
  view::PageLimit limit{};                           // larger ones are cut down to ViewOptions' largest
  std::optional<model::PartitionId> partition = {};  // absent: all of them
};

// How far one partition's table is.
struct ViewPartition {
  model::PartitionId partition;
  model::NodeId leader{-1};  // that has the table; -1: nobody leads the partition now
  Outcome outcome{};         // why the table is not there, or does not grow
  model::Offset applied{-1};
  model::Offset end{-1};  // of what is committed: applied < end is what the table lacks
};
struct ViewDescription {
  std::string name;
  std::vector<ViewPartition> partitions;
};

class Views {
 public:
  // `broker` was made by Broker::Create, and outlives this. Without `stores`, tables lie in RocksDB below its data_dir.
  static std::unique_ptr<Views> Create(Broker& broker, const ViewOptions& options,
                                       std::unique_ptr<ViewStores> stores = nullptr);
  virtual ~Views() = default;
  // Once the broker serves. Any thread.
  virtual void Start() = 0;
  // Before the broker stops: ends the tables. Any thread; `stopped` on shard 0. What is asked later is answered when
  // the broker stops, at the latest: destroy this only then.
  virtual void Stop(env::Closure stopped) = 0;

  // Makes a view of a topic, or ends it; the topic stays as it is. kNotFound: no such topic, or (Delete) it has no
  // view; kInvalidArgument: the topic's cleanup.policy is not compact.
  virtual void Create(std::string topic, Callback<absl::Status> done) = 0;
  virtual void Delete(std::string topic, Callback<absl::Status> done) = 0;
  virtual void List(Callback<std::vector<std::string>> done) = 0;  // by name
  virtual void Describe(std::string view, Callback<absl::StatusOr<ViewDescription>> done) = 0;

  // The rows of a range, up to a limit. Every partition is asked, because producers decide on the partition of a key.
  // Each answers with its table at one offset, not below the end that its committed records had when it was asked.
  // kNotFound: no such view or partition; kUnavailable: a partition has no leader, or its table is still being made.
  virtual void Scan(ViewScan scan, Callback<absl::StatusOr<view::MergedPage>> done) = 0;
};

}  // namespace leat::broker
