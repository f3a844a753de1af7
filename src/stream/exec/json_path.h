// SQL/JSON paths: [lax|strict] $.name['name'][0][*].* - what the JSON functions look for. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/exec/json_tree.h"

namespace leat::exec {

struct JsonPath {
  struct Step {
    enum class Kind { kName, kPlace, kAll };
    Kind kind = Kind::kAll;
    std::string name;
    int64_t place = 0;  // negative: from the end
  };
  bool lax = false;      // without a word a path is strict
  bool definite = true;  // names at most one value
  std::vector<Step> steps;

  // kInvalidArgument: no path, or one with a filter, a slice or a deep scan.
  static absl::StatusOr<JsonPath> Parse(std::string_view text);
};

// What a path finds. `missing`: nothing, where a strict path must find something.
struct JsonFound {
  bool missing = false;
  std::optional<JsonNode> node;  // absent also for JSON's null; of a path that is not definite an array
};
JsonFound Follow(const JsonPath& path, const JsonNode& document);

}  // namespace leat::exec
