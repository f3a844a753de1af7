// Changes of several epochs as one: of each key the last. Pure.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <string>
#include <vector>

#include "stream/state/committed_store.h"

namespace leat::run {

class MergedChanges {
 public:
  void Add(std::vector<state::Change> changes);
  size_t bytes() const { return bytes_; }  // of keys and values
  // In the order of the keys; nothing is left.
  std::vector<state::Change> Take();

 private:
  absl::flat_hash_map<std::string, std::optional<std::string>> latest_;
  size_t bytes_ = 0;
};

}  // namespace leat::run
