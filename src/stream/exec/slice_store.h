// The slices of a window aggregate: for each slice of time the accumulators of its keys, and for each DISTINCT
// aggregate the values seen. Slices live in memory while they are worked on and are written to the state tables at a
// barrier, or earlier when they pass the memory limit; most slices of a job that catches up are born and dropped
// between two barriers and never touch the tables. One task's, on its thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "stream/exec/accumulator.h"
#include "stream/exec/keyed_block.h"
#include "stream/state/state_backend.h"

namespace leat::exec {

struct Slice {
  KeyedBlock groups;  // key -> accumulators
  std::vector<KeyedBlock>
      distinct;           // per aggregate slot; key = DistinctKey, value = int64 count; empty if not DISTINCT
  bool in_memory = true;  // false: what there is lies in the tables only
  bool stored = false;    // the tables may hold entries of this slice

  explicit Slice(const AccumulatorLayout& layout);
  void Clear();
  size_t MemoryBytes() const;
};

// The group's key and the value's key in one: varint length of the first, then both.
void AppendDistinctKey(std::string_view group, std::string_view value, std::string* out);
bool SplitDistinctKey(std::string_view key, std::string_view* group, std::string_view* value);

class SliceStore {
 public:
  struct Options {
    size_t memory_bytes = size_t{128} << 20;
  };
  // The only way to a usable store. Finds the slices that the tables hold; the tables and the layout must outlive it.
  static absl::StatusOr<std::unique_ptr<SliceStore>> Open(const AccumulatorLayout& layout, state::StateBackend& backend,
                                                          int node_id, const Options& options);

  // The slice that ends at `end`, in memory, made if absent. Valid until Erase, Flush or EnforceLimit.
  absl::StatusOr<Slice*> Use(int64_t end);
  // The smallest slice end >= from.
  std::optional<int64_t> Next(int64_t from) const;
  // As Use for a slice that exists; null if there is none.
  absl::StatusOr<Slice*> Find(int64_t end);
  absl::Status Erase(int64_t end);

  absl::Status Flush();         // writes all changes to the tables
  absl::Status EnforceLimit();  // flushes, and drops slices from memory, if they pass the limit

  SliceStore(const AccumulatorLayout& layout, const Options& options) : layout_(layout), options_(options) {}

 private:
  absl::Status Load(int64_t end, Slice* slice);
  absl::Status FlushSlice(int64_t end, Slice* slice);

  const AccumulatorLayout& layout_;
  Options options_;
  state::StateTable* groups_ = nullptr;
  std::vector<state::StateTable*> distinct_;  // null for slots that are not DISTINCT
  std::map<int64_t, std::unique_ptr<Slice>> slices_;
  std::vector<std::unique_ptr<Slice>> spare_;
};

// Indexes of the state tables of an aggregate operator.
inline constexpr int kGroupTable = 0;
inline constexpr int kProgressTable = 1;
inline constexpr int kFirstSlotTable = 2;  // + slot: DISTINCT values, or the values under a retractable MIN or MAX

}  // namespace leat::exec
