// The table of one partition: the last committed value of each key, at one offset of the log. It lies in a committed
// store, whose position is that offset and is written together with the rows, so that rows and offset never part, also
// when the process dies between two writes.
//
// Not thread-safe: the owner runs one call after the other, on whatever thread. What a call reads is the table at
// applied(), whole.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "stream/state/committed_store.h"
#include "view/fold.h"
#include "view/range.h"

namespace leat::view {

struct Row {
  std::string key;
  Entry entry;
  friend bool operator==(const Row&, const Row&) = default;
};

struct Page {
  std::vector<Row> rows{};            // by key
  std::optional<std::string> next{};  // the first key of the range that is not in `rows`; nullopt: that was all
  model::Offset applied{};            // the table is that of the records below
};

class PartitionIndex {
 public:
  explicit PartitionIndex(std::unique_ptr<state::CommittedStore> store) : store_(std::move(store)) {}

  // Every committed record below is in the table. 0: nothing was applied yet.
  model::Offset applied() const { return model::Offset(std::max<int64_t>(store_->position(), 0)); }
  // REQUIRES: `read` was read from applied() on. Records without a key are in no table: how many there were is
  // returned. An error of the store, or kInternal, leaves the table as it was.
  absl::StatusOr<size_t> Apply(const CommittedRecords& read);
  // kDataLoss: the store is damaged.
  absl::StatusOr<Page> Read(const Range& range, const PageLimit& limit);

 private:
  const std::unique_ptr<state::CommittedStore> store_;
};

}  // namespace leat::view
