#include "tools/leat/job_test_file.h"

#include <absl/strings/numbers.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/status.h"
#include "tools/leat/json_line.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

constexpr int kDeepest = 100;  // levels of a row

struct KindName {
  std::string_view name;
  TestStep::Kind kind;
};
constexpr KindName kKinds[] = {
    {"insert", TestStep::Kind::kInsert},   {"event-time", TestStep::Kind::kEventTime},
    {"clock", TestStep::Kind::kClock},     {"checkpoint", TestStep::Kind::kCheckpoint},
    {"restart", TestStep::Kind::kRestart}, {"finish", TestStep::Kind::kFinish},
    {"expect", TestStep::Kind::kExpect},   {"expect-table", TestStep::Kind::kExpectTable},
    {"late", TestStep::Kind::kLate},       {"dead", TestStep::Kind::kDead},
};

class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  absl::StatusOr<JobTestFile> Read(const YAML::Node& root) const {
    LEAT_RETURN_IF_ERROR(CheckMap(root, "'tests:' with a list of tests", {"sql", "tests"}));
    JobTestFile file;
    if (root["sql"]) {
      LEAT_ASSIGN_OR_RETURN(file.sql, Text(root["sql"], "the name of a file"));
    }
    const YAML::Node tests = root["tests"];
    if (!tests || !tests.IsSequence()) return Bad(tests ? tests : root, "'tests:' with a list of tests");
    for (const YAML::Node& test : tests) {
      LEAT_ASSIGN_OR_RETURN(JobTest read, ReadTest(test));
      file.tests.push_back(std::move(read));
    }
    return file;
  }

 private:
  static std::string Show(const YAML::Node& node) {
    if (!node.IsDefined() || node.IsNull()) return "nothing";
    if (node.IsScalar()) return StrCat("'", node.Scalar(), "'");
    return node.IsMap() ? "'name: value' pairs" : "a list";
  }
  absl::Status Bad(const YAML::Node& node, std::string_view expected) const {
    return InvalidArgument(name_, ":", node.Mark().line + 1, ": expected ", expected, ", got ", Show(node));
  }
  absl::Status CheckMap(const YAML::Node& node, std::string_view expected,
                        const std::vector<std::string_view>& keys) const {
    if (!node.IsMap()) return Bad(node, expected);
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      std::string known;
      for (const std::string_view one : keys) StrAppend(&known, known.empty() ? "" : ", ", one);
      return Bad(entry.first, StrCat("one of ", known));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Text(const YAML::Node& node, std::string_view expected) const {
    if (!node.IsDefined() || !node.IsScalar()) return Bad(node, expected);
    return node.Scalar();
  }
  absl::StatusOr<int64_t> Number(const YAML::Node& node, std::string_view expected) const {
    int64_t number = 0;
    if (!node.IsDefined() || !node.IsScalar() || !absl::SimpleAtoi(node.Scalar(), &number) || number < 0) {
      return Bad(node, expected);
    }
    return number;
  }
  absl::StatusOr<int64_t> Time(const YAML::Node& node) const {
    const auto time = node.IsScalar() ? ParseTimeText(node.Scalar()) : absl::StatusOr<int64_t>(InvalidArgument("x"));
    if (!time.ok()) return Bad(node, "a time such as 2024-01-31T12:30:00, or ms since 1970");
    return *time;
  }

  absl::StatusOr<JobTest> ReadTest(const YAML::Node& node) const {
    LEAT_RETURN_IF_ERROR(CheckMap(node, "a test: name and steps", {"name", "start", "parallelism", "steps"}));
    JobTest test{.line = node.Mark().line + 1};
    LEAT_ASSIGN_OR_RETURN(test.name, Text(node["name"].IsDefined() ? node["name"] : node, "'name:' of the test"));
    if (node["start"]) {
      LEAT_ASSIGN_OR_RETURN(test.start_ms, Time(node["start"]));
    }
    if (node["parallelism"]) {
      LEAT_ASSIGN_OR_RETURN(const int64_t workers, Number(node["parallelism"], "a number of workers"));
      test.parallelism = static_cast<int>(std::min<int64_t>(workers, INT32_MAX));
    }
    const YAML::Node steps = node["steps"];
    if (!steps || !steps.IsSequence()) return Bad(steps ? steps : node, "'steps:' with a list of steps");
    for (const YAML::Node& step : steps) {
      LEAT_ASSIGN_OR_RETURN(TestStep read, ReadStep(step));
      test.steps.push_back(std::move(read));
    }
    return test;
  }

  // `- finish`, `- expect: alerts` with what belongs to it.
  absl::StatusOr<TestStep> ReadStep(const YAML::Node& node) const {
    TestStep step{.line = node.Mark().line + 1};
    for (const KindName& kind : kKinds) {
      const std::string name(kind.name);
      const bool alone = node.IsScalar() && node.Scalar() == name;
      if (!alone && !(node.IsMap() && node[name].IsDefined())) continue;
      step.kind = kind.kind;
      const YAML::Node argument = alone ? YAML::Node(YAML::NodeType::Null) : node[name];
      LEAT_RETURN_IF_ERROR(ReadArgument(node, name, argument, &step));
      return step;
    }
    return Bad(node,
               "a step: insert, event-time, clock, checkpoint, restart, finish, expect, expect-table, late or dead");
  }

  absl::Status ReadArgument(const YAML::Node& node, const std::string& name, const YAML::Node& argument,
                            TestStep* step) const {
    using Kind = TestStep::Kind;
    const YAML::Node& told = argument.IsNull() ? node : argument;
    switch (step->kind) {
      case Kind::kCheckpoint:
      case Kind::kRestart:
      case Kind::kFinish:
        return argument.IsNull() ? absl::OkStatus() : Bad(argument, StrCat("nothing behind '", name, "'"));
      case Kind::kLate:
      case Kind::kDead: {
        LEAT_RETURN_IF_ERROR(CheckMap(node, StrCat("'", name, ":' and how many rows"), {name}));
        LEAT_ASSIGN_OR_RETURN(step->number, Number(told, "how many rows"));
        return absl::OkStatus();
      }
      case Kind::kClock: {
        LEAT_RETURN_IF_ERROR(CheckMap(node, "'clock:' and how far it goes on", {name}));
        const auto by = ParseDurationText(told.IsScalar() ? told.Scalar() : "");
        if (!by.ok()) return Bad(told, "a duration such as 10s");
        step->number = absl::ToInt64Milliseconds(*by);
        return absl::OkStatus();
      }
      case Kind::kEventTime: {
        LEAT_RETURN_IF_ERROR(CheckMap(node, "'event-time:' and a time", {name, "topic"}));
        LEAT_ASSIGN_OR_RETURN(step->number, Time(told));
        if (!node["topic"]) return absl::OkStatus();
        LEAT_ASSIGN_OR_RETURN(step->topic, Text(node["topic"], "a topic"));
        return absl::OkStatus();
      }
      case Kind::kInsert:
        LEAT_RETURN_IF_ERROR(CheckMap(node, "'insert:' with a topic and rows", {name, "rows", "repeat"}));
        if (node["repeat"].IsDefined()) {
          LEAT_ASSIGN_OR_RETURN(step->repeat, Number(node["repeat"], "how many times"));
        }
        return ReadRows(node, told, step);
      case Kind::kExpectTable:
        LEAT_RETURN_IF_ERROR(CheckMap(node, "'expect-table:' with a topic and rows", {name, "rows", "columns"}));
        LEAT_RETURN_IF_ERROR(ReadComparison(node, step));
        step->any_order = true;
        return ReadRows(node, told, step);
      case Kind::kExpect:
        LEAT_RETURN_IF_ERROR(CheckMap(node, "'expect:' with a topic and rows", {name, "rows", "columns", "order"}));
        LEAT_RETURN_IF_ERROR(ReadComparison(node, step));
        return ReadRows(node, told, step);
    }
    return absl::OkStatus();
  }

  absl::Status ReadComparison(const YAML::Node& node, TestStep* step) const {
    if (const YAML::Node order = node["order"]; order.IsDefined()) {
      LEAT_ASSIGN_OR_RETURN(const std::string text, Text(order, "'any' or 'kept'"));
      if (text != "any" && text != "kept") return Bad(order, "'any' or 'kept'");
      step->any_order = text == "any";
    }
    const YAML::Node columns = node["columns"];
    if (!columns.IsDefined()) return absl::OkStatus();
    if (!columns.IsSequence()) return Bad(columns, "a list of columns");
    for (const YAML::Node& column : columns) {
      LEAT_ASSIGN_OR_RETURN(std::string name, Text(column, "the name of a column"));
      step->columns.push_back(std::move(name));
    }
    return absl::OkStatus();
  }

  absl::Status ReadRows(const YAML::Node& node, const YAML::Node& topic, TestStep* step) const {
    LEAT_ASSIGN_OR_RETURN(step->topic, Text(topic, "a topic"));
    const YAML::Node rows = node["rows"];
    if (!rows.IsDefined() || !rows.IsSequence())
      return Bad(rows.IsDefined() ? rows : node, "'rows:' with a list of rows");
    for (const YAML::Node& row : rows) {
      LEAT_ASSIGN_OR_RETURN(TestRow read, ReadRow(row));
      step->rows.push_back(std::move(read));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TestRow> ReadRow(const YAML::Node& node) const {
    TestRow row;
    if (!node.IsMap() || node.size() == 0 || !node.begin()->first.Scalar().starts_with("$")) {
      LEAT_RETURN_IF_ERROR(ReadPart(node, &row.value));
      return row;
    }
    LEAT_RETURN_IF_ERROR(CheckMap(node, "a record", {"$key", "$value", "$headers", "$timestamp"}));
    if (node["$key"].IsDefined()) LEAT_RETURN_IF_ERROR(ReadPart(node["$key"], &row.key));
    if (node["$value"].IsDefined()) LEAT_RETURN_IF_ERROR(ReadPart(node["$value"], &row.value));
    if (node["$timestamp"].IsDefined()) {
      LEAT_ASSIGN_OR_RETURN(row.timestamp_ms, Time(node["$timestamp"]));
    }
    const YAML::Node headers = node["$headers"];
    if (!headers.IsDefined()) return row;
    if (!headers.IsMap()) return Bad(headers, "'name: value' pairs");
    for (const auto& header : headers) {
      LEAT_ASSIGN_OR_RETURN(std::string value, Text(header.second, "the text of a header"));
      row.headers.emplace_back(header.first.Scalar(), std::move(value));
    }
    return row;
  }

  absl::Status ReadPart(const YAML::Node& node, TestRow::Part* part) const {
    part->given = true;
    if (node.IsNull()) return absl::OkStatus();
    if (node.IsScalar()) {
      part->text = node.Scalar();
      return absl::OkStatus();
    }
    LEAT_ASSIGN_OR_RETURN(part->text, JsonOf(node, kDeepest));
    return absl::OkStatus();
  }

  // Quoted scalars are text; others are null, true, false, a number as it is written, or else text.
  absl::StatusOr<std::string> JsonOf(const YAML::Node& node, int levels) const {
    if (levels == 0) return Bad(node, StrCat("a row of at most ", kDeepest, " levels"));
    if (node.IsNull()) return std::string("null");
    std::string text;
    if (node.IsSequence()) {
      for (const YAML::Node& item : node) {
        LEAT_ASSIGN_OR_RETURN(const std::string value, JsonOf(item, levels - 1));
        StrAppend(&text, text.empty() ? "[" : ",", value);
      }
      return text.empty() ? "[]" : StrCat(text, "]");
    }
    if (node.IsMap()) {
      for (const auto& field : node) {
        LEAT_ASSIGN_OR_RETURN(const std::string name, Text(field.first, "the name of a column"));
        LEAT_ASSIGN_OR_RETURN(const std::string value, JsonOf(field.second, levels - 1));
        StrAppend(&text, text.empty() ? "{" : ",", JsonString(name), ":", value);
      }
      return text.empty() ? "{}" : StrCat(text, "}");
    }
    const bool plain = node.Tag() != "!" && IsJsonScalar(node.Scalar());
    return plain ? node.Scalar() : JsonString(node.Scalar());
  }

  const std::string& name_;
};

}  // namespace

absl::StatusOr<JobTestFile> ParseJobTestFile(const std::string& name, const std::string& text) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() != 1) return InvalidArgument(name, ": expected one YAML document, got ", documents.size());
    return Reader(name).Read(documents[0]);
  } catch (const YAML::Exception& e) {
    return InvalidArgument(name, ":", e.mark.line + 1, ": this is not YAML: ", e.msg);
  }
}

}  // namespace leat::tool
