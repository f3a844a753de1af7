// Runs the scripts of golden/: rows, watermarks and barriers in, the operator's output beside each step. Every script
// runs straight, and again for each barrier: killed behind it after having gone on for one step, restored, replayed.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "exec_testing.h"
#include "tests/support/source_dir.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT

struct Step {
  std::string command;
  std::string argument;
  std::vector<std::string> expected;
};

struct Script {
  std::shared_ptr<plan::Node> node = std::make_shared<plan::Node>();
  data::SchemaPtr input;
  std::vector<Step> steps;
};

data::Type ParseType(const std::string& name) {
  if (name == "STRING") return data::String();
  if (name == "INT") return data::Int();
  if (name == "BIGINT") return data::BigInt();
  if (name == "DOUBLE") return data::Double();
  if (name == "BOOLEAN") return data::Boolean();
  if (name == "DECIMAL") return data::Decimal(10, 2);
  EXPECT_EQ(name, "TIMESTAMP");
  return data::Timestamp(3);
}

// Numbers of TIMESTAMP are seconds; of DECIMAL hundredths.
Value ParseValue(const std::string& text, const data::Type& type) {
  if (text == "NULL") return Value::Null();
  switch (type.kind) {
    case data::TypeKind::kInt:
      return {static_cast<int32_t>(std::stol(text))};
    case data::TypeKind::kBigInt:
      return {int64_t{std::stoll(text)}};
    case data::TypeKind::kDouble:
      return {std::stod(text)};
    case data::TypeKind::kBoolean:
      return {text == "true"};
    case data::TypeKind::kDecimal:
      return {data::Int128{std::stoll(text)}};
    case data::TypeKind::kTimestamp:
      return {int64_t{std::stoll(text)} * 1'000'000};
    default:
      return {text};
  }
}

std::vector<std::string> Words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// sum(amount) [distinct] [filter=flag]
void AddAggregate(const std::vector<std::string>& words, Script* script) {
  plan::Aggregate aggregate;
  const std::string name = words[1].substr(0, words[1].find('('));
  const std::string argument = words[1].substr(name.size() + 1, words[1].size() - name.size() - 2);
  aggregate.type = data::BigInt();
  if (argument != "*") {
    aggregate.argument = script->input->Find(argument);
    aggregate.kind = plan::AggregateKind::kCount;
    ASSERT_GE(aggregate.argument, 0) << argument;
    const data::Type type = script->input->fields[static_cast<size_t>(aggregate.argument)].type;
    const bool decimal = type.kind == data::TypeKind::kDecimal;
    if (name == "sum")
      aggregate = {plan::AggregateKind::kSum, aggregate.argument, false, -1, decimal ? data::Decimal(38, 2) : type};
    if (name == "avg")
      aggregate = {plan::AggregateKind::kAvg, aggregate.argument, false, -1, decimal ? data::Decimal(38, 6) : type};
    if (name == "min") aggregate = {plan::AggregateKind::kMin, aggregate.argument, false, -1, type};
    if (name == "max") aggregate = {plan::AggregateKind::kMax, aggregate.argument, false, -1, type};
  }
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "distinct") aggregate.distinct = true;
    if (words[i].starts_with("filter=")) aggregate.filter = script->input->Find(words[i].substr(7));
  }
  script->node->aggregates.push_back(aggregate);
}

void ReadHeader(const std::vector<std::string>& words, Script* script) {
  plan::Node& node = *script->node;
  if (words[0] == "input") {
    std::vector<data::Field> fields;
    for (size_t i = 1; i < words.size(); ++i) {
      const size_t colon = words[i].find(':');
      fields.push_back({words[i].substr(0, colon), ParseType(words[i].substr(colon + 1))});
    }
    script->input = MakeSchema(fields);
    auto source = std::make_shared<plan::Node>();
    source->schema = script->input;
    node.inputs = {source};
  } else if (words[0] == "updates") {
    std::const_pointer_cast<plan::Node>(node.inputs[0])->produces_updates = true;
  } else if (words[0] == "keys") {
    for (size_t i = 1; i < words.size(); ++i) node.keys.push_back(script->input->Find(words[i]));
  } else if (words[0] == "window") {  // window <time column> <size s> <slide s> [offset s]
    node.window.time_column = script->input->Find(words[1]);
    node.window.size_ms = std::stoll(words[2]) * 1000;
    node.window.slide_ms = std::stoll(words[3]) * 1000;
    if (words.size() > 4) node.window.offset_ms = std::stoll(words[4]) * 1000;
  } else if (words[0] == "operator") {
    node.kind = words[1] == "window_aggregate"  ? plan::NodeKind::kWindowAggregate
                : words[1] == "group_aggregate" ? plan::NodeKind::kGroupAggregate
                                                : plan::NodeKind::kWindowAssign;
  } else if (words[0] == "agg") {
    AddAggregate(words, script);
  }
}

void FinishNode(Script* script) {
  plan::Node& node = *script->node;
  node.id = 7;
  std::vector<data::Field> fields;
  if (node.kind == plan::NodeKind::kWindowAssign) {
    fields = script->input->fields;
  } else {
    for (const int key : node.keys) fields.push_back(script->input->fields[static_cast<size_t>(key)]);
    for (const plan::Aggregate& aggregate : node.aggregates) fields.push_back({"agg", aggregate.type});
  }
  if (node.kind != plan::NodeKind::kGroupAggregate) {
    for (int i = 0; i < 3; ++i) fields.push_back({"w", data::Timestamp(3)});
    node.window_columns = {plan::Node::WindowColumn::kStart, plan::Node::WindowColumn::kEnd,
                           plan::Node::WindowColumn::kTime};
  }
  node.schema = MakeSchema(fields);
}

Script Read(const std::filesystem::path& path) {
  Script script;
  std::ifstream in(path);
  EXPECT_TRUE(in.is_open()) << path;
  bool header = true;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line == "---") {
      header = false;
      FinishNode(&script);
    } else if (header) {
      ReadHeader(Words(line), &script);
    } else if (line.starts_with("  ")) {
      script.steps.back().expected.push_back(line.substr(2));
    } else {
      const size_t space = line.find(' ');
      script.steps.push_back({line.substr(0, space), space == std::string::npos ? "" : line.substr(space + 1), {}});
    }
  }
  return script;
}

// "+I a, 5, 10; -D b, 1, 2": one batch.
data::Batch ParseRows(const Script& script, const std::string& text) {
  std::vector<std::vector<Value>> rows;
  std::vector<data::RowKind> kinds;
  std::istringstream in(text);
  for (std::string row; std::getline(in, row, ';');) {
    while (row.starts_with(' ')) row.erase(0, 1);
    kinds.push_back(row.starts_with("+I")   ? data::RowKind::kInsert
                    : row.starts_with("-U") ? data::RowKind::kUpdateBefore
                    : row.starts_with("+U") ? data::RowKind::kUpdateAfter
                                            : data::RowKind::kDelete);
    std::istringstream cells(row.substr(3));
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) {
      while (cell.starts_with(' ')) cell.erase(0, 1);
      rows.back().push_back(ParseValue(cell, script.input->fields[rows.back().size()].type));
    }
  }
  data::Batch batch = MakeBatch(script.input, rows);
  batch.kinds = kinds;
  return batch;
}

std::vector<std::string> RunStep(const Script& script, const Step& step, Task* task) {
  task->output.lines.clear();
  if (step.command == "rows") task->Process(ParseRows(script, step.argument));
  if (step.command == "watermark") {
    task->Watermark(step.argument == "max" ? kMaxWatermark : std::stoll(step.argument));
  }
  if (step.command == "barrier") task->Barrier();
  return task->output.lines;
}

std::vector<std::filesystem::path> Scripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& file : std::filesystem::directory_iterator(test::SourceDir() + "/tests/stream/exec/golden")) {
    paths.push_back(file.path());
  }
  std::ranges::sort(paths);
  return paths;
}

class Golden : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, HoldsStraight) {
  const Script script = Read(GetParam());
  ASSERT_FALSE(script.steps.empty());
  Task task(script.node);
  for (const Step& step : script.steps) {
    EXPECT_EQ(RunStep(script, step, &task), step.expected) << step.command << " " << step.argument;
  }
}

TEST_P(Golden, HoldsWhenKilledBehindEachBarrier) {
  const Script script = Read(GetParam());
  size_t barriers = 0;
  for (size_t killed = 0; killed < script.steps.size(); ++killed) {
    if (script.steps[killed].command != "barrier") continue;
    ++barriers;
    Task task(script.node);
    for (size_t i = 0; i <= killed; ++i) RunStep(script, script.steps[i], &task);
    // What happens between the barrier and the crash must leave no trace.
    for (size_t i = killed + 1; i < script.steps.size() && script.steps[i].command != "barrier"; ++i) {
      RunStep(script, script.steps[i], &task);
    }
    task.KillAndRestore();
    for (size_t i = killed + 1; i < script.steps.size(); ++i) {
      EXPECT_EQ(RunStep(script, script.steps[i], &task), script.steps[i].expected)
          << "killed behind step " << killed << ": " << script.steps[i].command << " " << script.steps[i].argument;
    }
  }
  EXPECT_GT(barriers, 0u) << "a script without a barrier tests no restore";
}

INSTANTIATE_TEST_SUITE_P(Scripts, Golden, ::testing::ValuesIn(Scripts()),
                         [](const auto& script) { return script.param.stem().string(); });

}  // namespace
}  // namespace leat::exec
