// What can be known of a plan before a job is stored: every table, format, expression and operator is made once.
#include <absl/strings/numbers.h>

#include <set>
#include <vector>

#include "stream/plan/changelog.h"
#include "stream/run/datagen.h"
#include "stream/run/delivery.h"
#include "stream/run/file_tables.h"
#include "stream/run/graph.h"
#include "stream/run/job_options.h"
#include "stream/run/job_runner.h"
#include "stream/run/sink_writer.h"
#include "stream/run/source_decoder.h"
#include "stream/run/table_options.h"

namespace leat::run {
namespace {

data::Schema FieldsOf(const plan::Table& table, const std::vector<int>& columns) {
  data::Schema fields;
  for (const int column : columns) {
    const plan::TableColumn& found = table.columns[static_cast<size_t>(column)];
    fields.fields.push_back({found.name, found.type});
  }
  return fields;
}

absl::Status CheckInserts(const plan::Node& sink) {
  if (!sink.inputs.front()->produces_updates || plan::ChangesOf(*sink.table) != plan::TableChanges::kInserts) {
    return absl::OkStatus();
  }
  return InvalidArgument("table ", sink.table->name, ": connector '", sink.table->options.at("connector"),
                         "' takes only new rows, but the query updates its rows");
}

absl::Status CheckNode(const plan::Node& node) {
  if (node.table == nullptr) return absl::OkStatus();
  const std::string& connector = node.table->options.at("connector");
  const bool source = node.kind == plan::NodeKind::kSource;
  if (IsFileTable(*node.table)) {
    LEAT_ASSIGN_OR_RETURN(const KafkaTable lines, FileLines(*node.table));
    if (source) return SourceDecoder::Create(node, lines).status();
    LEAT_RETURN_IF_ERROR(CheckInserts(node));
    return SinkWriter::Create(node, lines, TopicShape{}, 1).status();
  }
  if (!IsKafkaTable(*node.table)) {
    if (!source) return absl::OkStatus();
    if (IsDatagenTable(*node.table)) {
      LEAT_ASSIGN_OR_RETURN(const KafkaTable generated, DatagenSource(*node.table));
      return SourceDecoder::Create(node, generated).status();
    }
    return Unimplemented("table ", node.table->name, ": connector '", connector,
                         "' cannot be read from; 'kafka', 'upsert-kafka', 'filesystem' and 'datagen' can");
  }
  LEAT_ASSIGN_OR_RETURN(const KafkaTable options, ParseKafkaTable(*node.table));
  if (source) return SourceDecoder::Create(node, options).status();
  if (options.topics.size() != 1) {
    return InvalidArgument("table ", node.table->name, ": writing needs exactly one topic, 'topic' names ",
                           options.topics.size());
  }
  LEAT_RETURN_IF_ERROR(CheckInserts(node));
  return SinkWriter::Create(node, options, TopicShape{}, 1).status();
}

absl::Status CheckSettings(const plan::JobPlan& plan) {
  const auto idle = plan.settings.find("table.exec.source.idle-timeout");
  if (idle != plan.settings.end()) {
    LEAT_RETURN_IF_ERROR(Annotate(ParseDurationMillis(idle->second).status(), StrCat("SET '", idle->first, "'")));
  }
  return ParseJobOptions(plan.settings, "job").status();
}

}  // namespace

absl::Status CheckTable(const plan::Table& table) {
  const auto connector = table.options.find("connector");
  if (connector == table.options.end()) return InvalidArgument("table ", table.name, ": option 'connector' is missing");
  if (IsDatagenTable(table)) return DatagenSource(table).status();
  if (!IsKafkaTable(table) && !IsFileTable(table)) return absl::OkStatus();
  LEAT_ASSIGN_OR_RETURN(const KafkaTable options, IsFileTable(table) ? FileLines(table) : ParseKafkaTable(table));
  LEAT_RETURN_IF_ERROR(
      Annotate(format::CheckFormat(options.value_format, options.value_options, FieldsOf(table, options.value_columns)),
               StrCat("table ", table.name)));
  if (options.key_format.empty()) return absl::OkStatus();
  return Annotate(format::CheckFormat(options.key_format, options.key_options, FieldsOf(table, options.key_columns)),
                  StrCat("table ", table.name, ", key"));
}

absl::Status CheckFiles(const plan::JobPlan& plan, const Options& options) {
  std::vector<const plan::Node*> nodes;
  std::set<const plan::Node*> seen;
  for (const plan::NodePtr& sink : plan.sinks) nodes.push_back(sink.get());
  while (!nodes.empty()) {
    const plan::Node* const node = nodes.back();
    nodes.pop_back();
    if (!seen.insert(node).second) continue;
    if (node->table != nullptr) LEAT_RETURN_IF_ERROR(CheckFolders(*node->table, options.filesystem_folders));
    for (const plan::NodePtr& input : node->inputs) nodes.push_back(input.get());
  }
  return absl::OkStatus();
}

absl::Status CheckPlan(const plan::JobPlan& plan) {
  if (plan.sinks.empty()) return InvalidArgument("the script has no INSERT: there is nothing to run");
  // What the log allows is known where the job is to run.
  LEAT_RETURN_IF_ERROR(CheckDelivery(plan, {}, {.max_transaction_timeout = absl::InfiniteDuration()}));
  LEAT_RETURN_IF_ERROR(CheckSettings(plan));
  LEAT_ASSIGN_OR_RETURN(const Graph graph, BuildGraph(plan));
  for (const GraphNode& node : graph.nodes) LEAT_RETURN_IF_ERROR(CheckNode(*node.plan));
  return absl::OkStatus();
}

}  // namespace leat::run
