#include "tools/leat/replay.h"

#include <map>
#include <set>

#include "base/status.h"
#include "leat/client/consumer.h"
#include "sql/compile.h"
#include "stream/run/job_options.h"
#include "stream/run/table_options.h"

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

void CollectSources(const plan::Node& node, std::set<const plan::Node*>* seen, std::set<plan::TablePtr>* tables) {
  if (!seen->insert(&node).second) return;
  for (const plan::NodePtr& input : node.inputs) CollectSources(*input, seen, tables);
  if (node.kind == plan::NodeKind::kSource && run::IsKafkaTable(*node.table)) tables->insert(node.table);
}

// Of each partition of a topic; nothing: the topic is not there, and is made empty.
absl::StatusOr<std::map<int32_t, client::OffsetRange>> RangesOf(const std::shared_ptr<client::Connection>& connection,
                                                                const std::string& topic) {
  LEAT_ASSIGN_OR_RETURN(const auto consumer, client::Consumer::Create(connection, {}));
  std::map<int32_t, client::OffsetRange> ranges;
  const absl::Status assigned = consumer->AssignTopic(topic);
  if (absl::IsNotFound(assigned)) return ranges;
  LEAT_RETURN_IF_ERROR(assigned);
  LEAT_ASSIGN_OR_RETURN(const auto found, consumer->Offsets());
  for (const auto& [partition, range] : found) ranges[partition.partition] = range;
  return ranges;
}

absl::Status CheckStart(const std::shared_ptr<client::Connection>& connection, const run::KafkaTable& table,
                        const std::string& topic) {
  const auto bad = [&](int32_t partition, int64_t start, const client::OffsetRange& range) {
    return OutOfRange("the job would begin at offset ", start, " of topic ", topic, ", partition ", partition,
                      ", which has the offsets ", range.begin, " to ", range.end, ": choose one of them, or --from ",
                      "earliest");
  };
  LEAT_ASSIGN_OR_RETURN(auto ranges, RangesOf(connection, topic));
  if (ranges.empty()) ranges[0] = {};
  for (const auto& [partition, range] : ranges) {
    const auto named = table.startup_offsets.find(partition);
    if (!table.startup_offset && named == table.startup_offsets.end()) {
      return InvalidArgument("'scan.startup.specific-offsets' names no offset for partition ", partition, " of topic ",
                             topic);
    }
    const int64_t start = table.startup_offset ? *table.startup_offset : named->second;
    if (start < range.begin || start > range.end) return bad(partition, start, range);
  }
  return absl::OkStatus();
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

absl::Status CheckStartsAreThere(const std::shared_ptr<client::Connection>& connection, const std::string& sql) {
  LEAT_ASSIGN_OR_RETURN(const sql::Compiled compiled, sql::Compile(sql, {.check_table = nullptr}));
  LEAT_ASSIGN_OR_RETURN(const run::JobOptions options, run::ParseJobOptions(compiled.plan.settings, ""));
  std::set<const plan::Node*> seen;
  std::set<plan::TablePtr> sources;
  for (const plan::NodePtr& sink : compiled.plan.sinks) CollectSources(*sink, &seen, &sources);
  for (const plan::TablePtr& source : sources) {
    LEAT_ASSIGN_OR_RETURN(run::KafkaTable table, run::ParseKafkaTable(*source));
    run::ApplyTo(options, run::Direction::kRead, &table);
    if (table.startup != run::Startup::kSpecificOffsets) continue;
    for (const std::string& topic : table.topics) LEAT_RETURN_IF_ERROR(CheckStart(connection, table, topic));
  }
  return absl::OkStatus();
}

}  // namespace leat::tool
