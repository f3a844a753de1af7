#include "tools/leat/flink_export.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/status.h"
#include "sql/compile.h"
#include "sql/lexer.h"
#include "sql/parse.h"
#include "stream/run/job_options.h"
#include "stream/run/job_runner.h"
#include "stream/run/table_options.h"

namespace leat::tool {

namespace {

using sql::Statement;
using sql::Token;

// Less than what leatd allows by default, and more than Flink's checkpoints take. Flink would ask for an hour.
constexpr std::string_view kTransactionTimeoutMs = "600000";

struct Edit {
  size_t begin = 0;
  size_t end = 0;  // == begin: only inserts
  std::string text;
};

// The tables that the job's plan reads and writes.
struct Tables {
  std::set<std::string> read;
  std::set<std::string> written;
  std::vector<plan::TablePtr> all;
};

void Collect(const plan::Node& node, std::set<const plan::Node*>* seen, Tables* tables) {
  if (!seen->insert(&node).second) return;
  for (const plan::NodePtr& input : node.inputs) Collect(*input, seen, tables);
  if (node.table == nullptr) return;
  (node.kind == plan::NodeKind::kSink ? tables->written : tables->read).insert(node.table->name);
  tables->all.push_back(node.table);
}

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

class Exporter {
 public:
  Exporter(std::string_view script, const FlinkExportOptions& options)
      : script_(script), options_(options), diagnostics_(script) {}

  absl::StatusOr<std::string> Run() {
    LEAT_ASSIGN_OR_RETURN(const sql::Compiled compiled, sql::Compile(script_, {.check_table = run::CheckTable}));
    LEAT_RETURN_IF_ERROR(run::CheckPlan(compiled.plan));
    settings_ = compiled.plan.settings;
    LEAT_ASSIGN_OR_RETURN(job_, run::ParseJobOptions(settings_, options_.job));
    if (job_.from && job_.from->startup == run::Startup::kSpecificOffsets) {
      return Unimplemented(
          "'leat.start.from' = 'offset ..' is of every partition, which Flink has not: submit the job with ",
          "--from earliest or time, or write 'scan.startup.specific-offsets' into its tables");
    }
    std::set<const plan::Node*> seen;
    for (const plan::NodePtr& sink : compiled.plan.sinks) Collect(*sink, &seen, &tables_);
    for (const plan::TablePtr& table : tables_.all) LEAT_RETURN_IF_ERROR(CheckTable(*table));
    LEAT_ASSIGN_OR_RETURN(tokens_, sql::Tokenize(script_, diagnostics_));
    LEAT_ASSIGN_OR_RETURN(const std::vector<Statement> statements, sql::Parse(script_, diagnostics_));
    FindLines();
    for (const Statement& statement : statements) {
      if (statement.kind == Statement::Kind::kSet) CommentOut(statement);
      if (statement.kind == Statement::Kind::kCreateTable && !statement.options.empty()) FillIn(statement);
      if (statement.kind == Statement::Kind::kInsert) LEAT_RETURN_IF_ERROR(TellApart(statement));
      for (const Statement& insert : statement.statements) LEAT_RETURN_IF_ERROR(TellApart(insert));
    }
    LEAT_RETURN_IF_ERROR(CheckAllFilledIn());
    return Header() + Settings() + "\n" + Edited();
  }

 private:
  absl::Status CheckTable(const plan::Table& table) const {
    const auto connector = table.options.find("connector");
    if (connector == table.options.end() || connector->second != "filesystem") return absl::OkStatus();
    return Unimplemented("table ", table.name,
                         " lies in files of the broker's machine, which Flink's workers do not see: ",
                         "put the rows into a topic, and export the job that reads it");
  }

  absl::Status CheckAllFilledIn() const {
    for (const plan::TablePtr& table : tables_.all) {
      if (!run::IsKafkaTable(*table)) continue;
      const bool done = std::ranges::any_of(
          filled_in_, [&](const std::string& one) { return one == table->name || table->name.ends_with("." + one); });
      if (done) continue;
      return Unimplemented("table ", table->name,
                           " has its connector from another table (LIKE, ALTER TABLE): write its ",
                           "options into its own WITH (..) to export it");
    }
    return absl::OkStatus();
  }

  // --- places in the text

  void FindLines() {
    lines_.push_back(0);
    for (size_t i = 0; i < script_.size(); ++i) {
      if (script_[i] == '\n') lines_.push_back(i + 1);
    }
  }
  // Columns count code points.
  size_t OffsetOf(sql::Position at) const {
    size_t offset = lines_[static_cast<size_t>(at.line) - 1];
    for (int column = 1; column < at.column; ++column) {
      ++offset;
      while (offset < script_.size() && (static_cast<unsigned char>(script_[offset]) & 0xC0) == 0x80) ++offset;
    }
    return offset;
  }
  const Token& TokenAt(sql::Position at) const {
    const auto found = std::ranges::find_if(
        tokens_, [&](const Token& token) { return token.begin.line == at.line && token.begin.column == at.column; });
    return found == tokens_.end() ? tokens_.back() : *found;
  }
  size_t LineStart(size_t offset) const {
    const size_t newline = offset == 0 ? std::string_view::npos : script_.rfind('\n', offset - 1);
    return newline == std::string_view::npos ? 0 : newline + 1;
  }

  // --- edits

  void CommentOut(const Statement& statement) {
    if (!statement.key || !statement.key->text.starts_with("leat.")) return;
    const size_t begin = OffsetOf(statement.position);
    size_t end = script_.find(';', OffsetOf(TokenAt(statement.value.position).end));
    end = end == std::string_view::npos ? script_.size() : end + 1;
    std::string text = "-- Leat only: ";
    for (const char c : script_.substr(begin, end - begin)) text += c == '\n' ? ' ' : c;
    if (end < script_.size() && script_[end] != '\n') text += '\n';
    edits_.push_back({begin, end, std::move(text)});
  }

  void Replace(const Statement& statement, std::string_view key, const std::string& value) {
    const sql::Option& option = *Find(statement, key);
    const Token& token = TokenAt(option.value.position);
    edits_.push_back({OffsetOf(token.begin), OffsetOf(token.end), Quoted(value)});
  }
  const sql::Option* Find(const Statement& statement, std::string_view key) const {
    const auto found =
        std::ranges::find_if(statement.options, [&](const sql::Option& option) { return option.key.text == key; });
    return found == statement.options.end() ? nullptr : &*found;
  }
  std::string OptionOf(const Statement& statement, std::string_view key, std::string_view fallback = "") const {
    const sql::Option* const option = Find(statement, key);
    return option == nullptr ? std::string(fallback) : option->value.text;
  }

  // What Leat takes for granted of a table on topics.
  void FillIn(const Statement& statement) {
    const std::string connector = OptionOf(statement, "connector");
    if (connector != "kafka" && connector != "upsert-kafka") return;
    const std::string& name = statement.name.back().text;
    filled_in_.insert(name);
    std::vector<std::pair<std::string, std::string>> more;
    const auto put = [&](const std::string& key, const std::string& value) {
      if (Find(statement, key) == nullptr) more.emplace_back(key, value);
    };
    if (Find(statement, "properties.bootstrap.servers") != nullptr) {
      Replace(statement, "properties.bootstrap.servers", options_.kafka);
    }
    put("properties.bootstrap.servers", options_.kafka);
    if (Has(tables_.read, name)) FillInSource(statement, connector, put);
    if (Has(tables_.written, name)) {
      const std::string suffix = job_.suffix + options_.topic_suffix;
      if (!suffix.empty()) Replace(statement, "topic", OptionOf(statement, "topic") + suffix);
      const bool exactly_once = Setting("execution.checkpointing.mode", "EXACTLY_ONCE") == "EXACTLY_ONCE";
      put("sink.delivery-guarantee", exactly_once ? "exactly-once" : "at-least-once");
      if (OptionOf(statement, "sink.delivery-guarantee", exactly_once ? "exactly-once" : "") == "exactly-once") {
        put("sink.transactional-id-prefix", StrCat("flink-", options_.job, "-", name));
        transactional_[name] =
            OptionOf(statement, "sink.transactional-id-prefix", StrCat("flink-", options_.job, "-", name));
        put("properties.transaction.timeout.ms", std::string(kTransactionTimeoutMs));
      }
    }
    Insert(statement, more);
  }

  template <typename Put>
  void FillInSource(const Statement& statement, const std::string& connector, const Put& put) {
    const bool as_written = options_.start == FlinkExportOptions::Start::kAsWritten;
    const sql::Option* const named = Find(statement, "properties.group.id");
    // A job beside this one, with topics of its own, has positions of its own.
    std::string group = named == nullptr ? options_.job : named->value.text + job_.suffix;
    if (as_written) group += options_.topic_suffix;
    if (named != nullptr && group != named->value.text) Replace(statement, "properties.group.id", group);
    put("properties.group.id", group);
    put("properties.isolation.level", "read_committed");
    if (connector != "kafka") return;  // upsert-kafka begins at the beginning always
    const std::string written = OptionOf(statement, "scan.startup.mode", "group-offsets");
    std::string mode = as_written ? StartMode(written) : "group-offsets";
    if (mode != written && Find(statement, "scan.startup.mode") != nullptr) {
      Replace(statement, "scan.startup.mode", mode);
    }
    put("scan.startup.mode", mode);
    if (mode == "timestamp" && job_.from) put("scan.startup.timestamp-millis", StrCat(job_.from->value));
    if (mode == "group-offsets") put("properties.auto.offset.reset", "earliest");
  }
  // SET 'leat.start.from' counts before what the table says.
  std::string StartMode(const std::string& written) const {
    if (!job_.from) return written;
    if (job_.from->startup == run::Startup::kTimestamp) return "timestamp";
    return job_.from->startup == run::Startup::kLatest ? "latest-offset" : "earliest-offset";
  }

  // Each INSERT is a sink on Flink, and two with one transactional id would fence each other.
  absl::Status TellApart(const Statement& insert) {
    if (insert.kind != Statement::Kind::kInsert) return absl::OkStatus();
    const sql::Name& name = insert.name.back();
    const int number = ++inserts_[name.text];
    const auto prefix = transactional_.find(name.text);
    if (number == 1 || prefix == transactional_.end()) return absl::OkStatus();
    if (!insert.options.empty()) {
      return Unimplemented("line ", name.position.line, ": the second INSERT into ", name.text,
                           " needs an option of its own, ",
                           "'sink.transactional-id-prefix', and has a hint OPTIONS already: write it there");
    }
    const size_t at = OffsetOf(TokenAt(name.position).end);
    const std::string own = StrCat(prefix->second, "-", number);
    edits_.push_back({at, at, StrCat(" /*+ OPTIONS('sink.transactional-id-prefix' = ", Quoted(own), ") */")});
    return absl::OkStatus();
  }

  void Insert(const Statement& statement, const std::vector<std::pair<std::string, std::string>>& more) {
    const sql::Option& last = statement.options.back();
    const size_t at = OffsetOf(TokenAt(last.value.position).end);
    const bool one_line =
        statement.options.size() > 1 && statement.options.front().key.position.line == last.key.position.line;
    const size_t begin = OffsetOf(last.key.position);
    const std::string indent = one_line ? "  " : std::string(begin - LineStart(begin), ' ');
    std::string text;
    for (const auto& [key, value] : more) StrAppend(&text, ",\n", indent, Quoted(key), " = ", Quoted(value));
    edits_.push_back({at, at, std::move(text)});
  }

  std::string Edited() {
    std::ranges::stable_sort(edits_, {}, &Edit::begin);
    std::string text;
    size_t at = 0;
    for (const Edit& edit : edits_) {
      text += script_.substr(at, edit.begin - at);
      text += edit.text;
      at = edit.end;
    }
    text += script_.substr(at);
    return text;
  }

  // --- what stands in front

  static bool Has(const std::set<std::string>& names, const std::string& name) {
    return std::ranges::any_of(names, [&](const std::string& one) { return one == name || one.ends_with("." + name); });
  }
  std::string Setting(const std::string& key, std::string_view fallback) const {
    const auto found = settings_.find(key);
    return found == settings_.end() ? std::string(fallback) : found->second;
  }

  std::string Header() const {
    std::string text = StrCat(
        "-- The job ", options_.job, " of Leat, for the SQL client of Apache Flink 2.2 with its connector for Kafka:\n",
        "--   sql-client.sh -f THIS_FILE\n", "-- Different there:\n",
        "-- - A row that cannot be read or computed ends the job. Here it goes to the topic ", job_.dead_letter_topic,
        ", and the job goes on.\n",
        "--   'json.ignore-parse-errors' = 'true' makes Flink drop what is no JSON, without a trace.\n");
    const std::string late = Setting("leat.late.topic", "");
    if (!late.empty())
      StrAppend(&text, "-- - Late rows are counted, and not kept. Here they go to the topic ", late, ".\n");
    return text + "\n";
  }

  std::string Settings() const {
    std::string text;
    const auto put = [&](const std::string& key, const std::string& value) {
      if (!settings_.contains(key)) StrAppend(&text, "SET ", Quoted(key), " = ", Quoted(value), ";\n");
    };
    put("pipeline.name", options_.job);
    put("execution.runtime-mode", "streaming");
    put("execution.checkpointing.mode", "EXACTLY_ONCE");
    // Rows of exactly-once sinks can be read when a checkpoint has ended.
    put("execution.checkpointing.interval", "1 s");
    put("table.local-time-zone", "UTC");
    return text;
  }

  std::string_view script_;
  const FlinkExportOptions& options_;
  sql::Diagnostics diagnostics_;
  std::map<std::string, std::string> settings_;
  run::JobOptions job_;
  Tables tables_;
  std::vector<Token> tokens_;
  std::vector<size_t> lines_;
  std::vector<Edit> edits_;
  std::set<std::string> filled_in_;
  std::map<std::string, std::string> transactional_;  // the prefixes of the ids, by table
  std::map<std::string, int> inserts_;                // so far, by table
};

}  // namespace

absl::StatusOr<std::string> ExportToFlink(std::string_view script, const FlinkExportOptions& options) {
  return Exporter(script, options).Run();
}

}  // namespace leat::tool
