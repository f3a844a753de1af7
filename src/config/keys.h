// Every configuration key, in one table (keys.cc). Parsing, the reference and the commented default file are made from
// it, so a new key is a field in options.h and a line in the table.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/options.h"

namespace leat::config {

enum class Shape { kScalar, kList };  // kList: a YAML sequence, or text with commas

struct Key {
  std::string name;   // dotted path, as in BrokerOptions; at most one dot
  std::string type;   // for people: "size", "duration", "one of fsync, page-cache"
  std::string range;  // for people: "1MiB..1TiB", may be empty
  std::string help;   // one sentence
  Shape shape = Shape::kScalar;
  // Checks and stores. kInvalidArgument says what was expected and what came, without the key's name.
  std::function<absl::Status(BrokerOptions& options, std::string_view text)> set;
  std::function<std::string(const BrokerOptions& options)> get;  // text that `set` takes back
};

// In the order of the documentation: groups together. Any thread.
const std::vector<Key>& Keys();
// nullptr if there is none.
const Key* FindKey(std::string_view name);

// "listeners" for listeners.grpc, empty for node_id.
std::string_view GroupOf(std::string_view key_name);
// The sentence above a group in the documentation; empty if the group is unknown.
std::string_view GroupHelp(std::string_view group);

}  // namespace leat::config
