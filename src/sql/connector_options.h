// The WITH keys that connectors know, with their values. One table; the reference in docs is made from it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "stream/plan/plan.h"

namespace leat::sql {

enum class OptionKind { kText, kChoice, kInteger, kDuration, kBoolean };
enum class OptionNeed { kOptional, kRequired };

struct OptionSpec {
  std::string_view connector;
  std::string_view key;  // ends in '*': every key with this beginning
  OptionKind kind = OptionKind::kText;
  OptionNeed need = OptionNeed::kOptional;
  std::string_view choices;  // kChoice: separated by |
  std::string_view to_come;  // of the choices, those that Flink has and Leat refuses; "*": the option altogether
};
std::span<const OptionSpec> ConnectorOptions();
std::span<const std::string_view> ConnectorNames();

// An error names the key (OptionError::key) so that the caller can point at it.
struct OptionError {
  std::string key;
  absl::Status status;
};
// The options of a table alone and together. OK: key is empty and status is OK.
OptionError CheckConnectorOptions(const plan::Table& table);

// What a table may be used for. kInvalidArgument: e.g. reading from 'print'.
absl::Status CheckReadable(const plan::Table& table);
absl::Status CheckWritable(const plan::Table& table);
// Whether the sink takes rows that change earlier ones.
bool AcceptsUpdates(const plan::Table& table);

}  // namespace leat::sql
