#include "tools/leat/replay.h"

#include <set>

#include "base/status.h"
#include "leat/client/consumer.h"
#include "sql/compile.h"

namespace leat::tool {

namespace {

std::string FromText(const ResetTarget& target) {
  switch (target.kind) {
    case ResetTarget::Kind::kEarliest:
      return "earliest";
    case ResetTarget::Kind::kLatest:
      return "latest";
    case ResetTarget::Kind::kOffset:
      return StrCat("offset ", target.value);
    case ResetTarget::Kind::kTime:
      return StrCat("timestamp ", target.value);
  }
  return "earliest";
}

// Topics of the tables that the job writes.
absl::StatusOr<std::set<std::string>> OutputTopics(const std::string& sql) {
  LEAT_ASSIGN_OR_RETURN(const sql::Compiled compiled, sql::Compile(sql, {.check_table = nullptr}));
  std::set<std::string> topics;
  for (const plan::NodePtr& sink : compiled.plan.sinks) {
    const auto topic = sink->table->options.find("topic");
    if (topic != sink->table->options.end()) topics.insert(topic->second);
  }
  return topics;
}

}  // namespace

std::string WithReplay(const std::string& sql, const ReplayOptions& options) {
  std::string settings;
  if (options.from) StrAppend(&settings, "SET 'leat.start.from' = '", FromText(*options.from), "';\n");
  if (!options.topic_suffix.empty()) {
    StrAppend(&settings, "SET 'leat.output.suffix' = '", options.topic_suffix, "';\n");
  }
  return settings + sql;
}

absl::Status CheckOutputsAreNew(const std::shared_ptr<client::Connection>& connection, const std::string& sql,
                                const ReplayOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::set<std::string> topics, OutputTopics(sql));
  for (const std::string& written : topics) {
    const std::string topic = written + options.topic_suffix;
    LEAT_ASSIGN_OR_RETURN(const auto consumer, client::Consumer::Create(connection, {}));
    const absl::Status assigned = consumer->AssignTopic(topic);
    if (absl::IsNotFound(assigned)) continue;
    LEAT_RETURN_IF_ERROR(assigned);
    LEAT_ASSIGN_OR_RETURN(const auto ranges, consumer->Offsets());
    for (const auto& [partition, range] : ranges) {
      if (range.end <= range.begin) continue;
      return FailedPrecondition(
          "topic ", topic, " has records already, and the job would write its rows behind them: ",
          "--topic-suffix TEXT lets it write to topics of its own, --append says that this is meant");
    }
  }
  return absl::OkStatus();
}

}  // namespace leat::tool
