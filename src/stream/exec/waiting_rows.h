// Rows that wait until a watermark passes their time. They stay in memory as the columns in which they came, by steps
// of time; a barrier writes those that still wait to a state table too, and what is too much for the memory is there
// alone. Most rows of a job that catches up come and go between two barriers and are never written. In the table the
// namespace is the first ms of a step, the value the rows of a key (stored_rows.h). One task's, on its thread.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stream/exec/operator.h"
#include "stream/exec/stored_rows.h"

namespace leat::exec {

// Rows of one batch with the keys by which they are looked up.
struct KeyedRows {
  data::Batch batch;
  std::string keys;               // one behind the other
  std::vector<uint32_t> key_end;  // per row

  void AddKey(std::string_view key);
  std::string_view key(uint32_t row) const {
    const uint32_t begin = row == 0 ? 0 : key_end[row - 1];
    return std::string_view(keys).substr(begin, key_end[row] - begin);
  }
};

class WaitingRows {
 public:
  static constexpr size_t kMaxBytes = size_t{32} << 20;  // in memory

  struct Row {
    int64_t time_ms;
    const KeyedRows* rows;
    uint32_t row;

    std::string_view key() const { return rows->key(row); }
    data::RowKind kind() const { return rows->batch.kind(row); }
  };
  using Owners = std::vector<std::shared_ptr<const KeyedRows>>;

  // The table must outlive the result. `schema`: of the rows.
  static absl::StatusOr<WaitingRows> Open(state::StateTable& table, data::SchemaPtr schema,
                                          size_t max_bytes = kMaxBytes);

  // All rows of the batch; times_ms: of each.
  absl::Status Add(KeyedRows rows, std::span<const int64_t> times_ms);
  // Takes out the rows up to `until_ms` and visits them some at a time, in the order of time; those of one time and key
  // in the order in which they came. The owners keep the rows. `visit` must not touch this object.
  using Visit = absl::FunctionRef<absl::Status(std::span<const Row> rows, const Owners& owners)>;
  absl::Status Take(int64_t until_ms, Visit visit);
  absl::Status Flush();  // writes what the table lacks: before a barrier
  size_t MemoryBytes() const { return *bytes_; }

 private:
  struct Step {
    std::vector<Row> rows;  // as they came
    Owners owners;
    size_t written = 0;  // so many of the first rows are in the table
  };
  using Steps = std::map<int64_t, Step>;

  WaitingRows(state::StateTable& table, data::SchemaPtr schema, size_t max_bytes)
      : table_(&table), schema_(std::move(schema)), max_bytes_(max_bytes) {}
  std::shared_ptr<const KeyedRows> Charged(KeyedRows rows);
  static void Hold(Step* step, const Row& row, const std::shared_ptr<const KeyedRows>& owner);
  absl::Status Write(int64_t number, Step* step);
  absl::Status Spill();
  absl::Status Load(int64_t until_ms);
  absl::Status LoadNamespace(state::Namespace ns);
  absl::StatusOr<Step> TakeStep(Steps::iterator step, int64_t until_ms);

  state::StateTable* table_;
  data::SchemaPtr schema_;
  size_t max_bytes_;
  Steps steps_;
  // Namespaces of which no row that the table holds is in memory; all others have theirs in a step's `written`.
  std::set<state::Namespace> only_in_table_;
  // What the columns take of which a row still waits, or is visited.
  std::shared_ptr<size_t> bytes_ = std::make_shared<size_t>(0);
  std::string row_;  // scratch
};

}  // namespace leat::exec
