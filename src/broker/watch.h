// Following a topic's committed records, or a view: its rows first, then every change. Pulled: what was not asked for
// is read at most once a partition ahead, so that a reader that is slow costs that much memory and no more.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/api.h"
#include "view/fold.h"
#include "view/merge.h"
#include "view/range.h"

namespace leat::broker {

struct WatchRequest {
  // kTable: the rows of the view of the topic, and then changes. kEarliest, kLatest: records of the topic from its
  // start or from now on.
  enum class Begin { kTable, kEarliest, kLatest };
  std::string topic;
  Begin begin = Begin::kTable;
  std::optional<view::Range> range = {};             // of keys; absent: every record, also those without a key
  std::optional<model::PartitionId> partition = {};  // absent: all
  // Where an earlier watch has come to: from there on, whatever `begin` says. Of the partitions that are watched.
  std::map<model::PartitionId, model::Offset> from = {};
};

struct WatchedRecord {
  model::PartitionId partition;
  view::Record record;  // without a value: the key is gone
};
struct WatchBatch {
  std::vector<WatchedRecord> records;  // those of a partition in order
  // All rows have been sent, also of an empty table; before that a watch that ends begins anew.
  bool live = false;
  std::vector<view::PartitionOffset> positions;  // while live: `from` of a watch that goes on behind this batch
};

// Destroying it ends the watch; any thread.
class Watch {
 public:
  virtual ~Watch() = default;
  // The next batch, when there is one: an empty one after a while without news. One call at a time, on any thread;
  // `done` on shard 0. An error ends the watch. kNotFound: no such topic, view or partition, or not any more.
  // kOutOfRange: the records at a position are gone. kUnavailable: a partition has no leader, or its table is still
  // being made. kResourceExhausted: too many watch already.
  virtual void Next(Callback<absl::StatusOr<WatchBatch>> done) = 0;
};

}  // namespace leat::broker
