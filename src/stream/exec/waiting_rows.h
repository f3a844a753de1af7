// Rows that wait until a watermark passes their time. Those of the running epoch are in memory, by steps of time; what
// waits over a barrier, or is too much, goes to a state table: most rows of a job that catches up come and go between
// two barriers and never touch it. In the table the namespace is the time in ms, the value the rows of a key
// (stored_rows.h). One task's, on its thread.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/functional/function_ref.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stream/exec/stored_rows.h"

namespace leat::exec {

class WaitingRows {
 public:
  static constexpr size_t kMaxBytes = size_t{32} << 20;  // in memory

  // The table must outlive this object.
  explicit WaitingRows(state::StateTable& table, size_t max_bytes = kMaxBytes)
      : table_(&table), max_bytes_(max_bytes) {}

  absl::Status Add(int64_t time_ms, std::string_view key, uint8_t tag, std::string_view row);
  // Takes out the rows up to `until_ms` and visits them in the order of time and key, those of one time and key
  // together in the order in which they came. `visit` must not touch this object.
  using Visit = absl::FunctionRef<absl::Status(std::string_view key, std::span<const StoredRow> rows)>;
  absl::Status Take(int64_t until_ms, Visit visit);
  absl::Status Flush();  // writes what is in memory to the table: before a barrier

 private:
  struct Item {
    int64_t time_ms;
    size_t at;  // of key and row in the step's bytes
    uint32_t key_size;
    uint32_t row_size;
    uint8_t tag;
    bool fresh;  // not from the table, whose rows came before
  };
  struct Step {
    std::string bytes;
    std::vector<Item> items;
    std::string_view key(const Item& item) const { return std::string_view(bytes).substr(item.at, item.key_size); }
    std::string_view row(const Item& item) const {
      return std::string_view(bytes).substr(item.at + item.key_size, item.row_size);
    }
  };
  static void AddTo(Step* step, const Item& item, std::string_view key, std::string_view row);
  absl::Status Load(int64_t until_ms);
  absl::Status VisitStep(Step step, Visit visit);

  state::StateTable* table_;
  size_t max_bytes_;
  absl::btree_map<int64_t, Step> steps_;
  size_t bytes_ = 0;
};

}  // namespace leat::exec
