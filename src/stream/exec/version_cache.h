// The versions of the right rows of a temporal join as it reads them: of each key that was looked up their times in
// order, and the rows as columns. A key with many versions is decoded once and not for each row that asks; the state
// table has the truth. One task's, on its thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stream/data/batch.h"
#include "stream/exec/stored_rows.h"

namespace leat::exec {

// The tags of stored versions.
inline constexpr uint8_t kVersionHole = 0;  // from here on there is no row
inline constexpr uint8_t kVersionRow = 1;

class VersionCache {
 public:
  static constexpr size_t kMaxBytes = size_t{16} << 20;
  static constexpr uint32_t kNoRow = 0xffffffff;

  // `schema`: of the right rows. The table must outlive this object.
  VersionCache(state::StateTable& table, data::SchemaPtr schema, size_t max_bytes = kMaxBytes);

  // The row of columns() that held at that time. It stays until Clear.
  absl::StatusOr<uint32_t> Find(std::string_view key, int64_t time_ms);
  // The versions of the key have changed.
  void Forget(std::string_view key);
  bool IsFull() const { return bytes_ > max_bytes_; }  // time for Clear, which forgets everything
  void Clear();
  const std::vector<std::shared_ptr<data::Column>>& columns() const { return columns_; }

 private:
  struct Version {
    int64_t time_ms;
    uint32_t row;
  };
  using Versions = std::vector<Version>;
  absl::StatusOr<const Versions*> Load(std::string_view key);

  state::StateTable* table_;
  data::SchemaPtr schema_;
  size_t max_bytes_;
  absl::flat_hash_map<std::string, Versions> keys_;
  std::vector<std::shared_ptr<data::Column>> columns_;
  std::vector<data::Column*> pointers_;
  size_t bytes_ = 0;
};

}  // namespace leat::exec
