#include "tests/stream/run/flink_cases.h"

#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/strings.h"
#include "sql/compile.h"

namespace leat::stream {
namespace {

using exec::JsonNode;

bool StartsAsQuery(const std::string& sql) {
  const size_t first = sql.find_first_not_of(" \n");
  if (first == std::string::npos) return false;
  for (const std::string_view word : {"SELECT", "WITH", "VALUES", "("}) {
    if (std::string_view(sql).substr(first).starts_with(word)) return true;
  }
  return false;
}

FlinkAnswer ParseAnswer(const std::string& text) {
  FlinkAnswer answer;
  FlinkRows* rows = nullptr;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n', absl::SkipEmpty()))) {
    JsonNode row;
    if (line.starts_with("refused: ")) {
      answer.refused = true;
    } else if (line.starts_with("fails: ")) {
      answer.fails = true;
    } else if (rows != nullptr && (line[0] == '{' || line[0] == '"')) {
      EXPECT_TRUE(exec::ParseJson(line, &row)) << line;
      rows->rows.push_back(std::move(row));
    } else {
      const size_t colon = line.find(": ");
      EXPECT_NE(colon, std::string::npos) << line;
      rows = &answer.topics[line.substr(0, colon)];
      rows->columns = line.substr(std::min(line.size(), colon + 2));
    }
  }
  return answer;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path) {}

  std::vector<FlinkCase> Read() {
    std::ifstream file(path_);
    EXPECT_TRUE(file.is_open()) << path_;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      if (path_.extension() == ".md" && line.starts_with("```")) line = OfFence(line);
      if (line.starts_with("@")) {
        Directive(line, number);
      } else if (section_ == "rows") {
        if (!line.empty() && line[0] != '#') Row(line);
      } else if (section_ == "tables") {
        StrAppend(&tables_, line, "\n");
      } else if (section_ == "case") {
        StrAppend(&body_, line, "\n");
      } else if (section_ == "flink") {
        StrAppend(&flink_, line, "\n");
      } else if (section_ == "leat") {
        StrAppend(&leat_, line, "\n");
      }
    }
    EndCase();
    return std::move(cases_);
  }

 private:
  // Part of a test's name.
  std::string FileName() const {
    const std::string stem = absl::StrReplaceAll(path_.stem().string(), {{"-", "_"}});
    return path_.extension() == ".md" ? StrCat("page_", stem) : stem;
  }
  // A page has a block for each directive; what stands around the blocks is prose.
  static std::string OfFence(const std::string& fence) {
    const std::vector<std::string> words = absl::StrSplit(fence.substr(3), ' ');
    if (words.size() == 2 && words[1] == "tables") return "@tables";
    if (words.size() == 2 && words[1] == "result") return "@flink";
    if (words.size() == 3 && (words[1] == "rows" || words[1] == "case")) return StrCat("@", words[1], " ", words[2]);
    return "@prose";
  }

  void Directive(const std::string& line, int number) {
    const std::vector<std::string> words = absl::StrSplit(line.substr(1), absl::MaxSplits(' ', 1));
    section_ = words[0];
    if (section_ == "tables" || section_ == "case") EndCase();
    if (section_ == "tables") {
      tables_.clear();
      shared_.clear();
    } else if (section_ == "rows") {
      topic_ = words.at(1);
      ++block_;
      if (in_case_ && !std::exchange(own_rows_, true)) current_.input.clear();
    } else if (section_ == "case") {
      in_case_ = true;
      own_rows_ = false;
      current_ = {.file = FileName(), .name = words.at(1), .line = number, .body = {}, .sql = {}, .input = shared_};
    } else if (section_ == "leat") {
      EXPECT_GT(words.size(), 1u) << path_ << ":" << number << ": @leat needs its reason behind it";
    } else {
      EXPECT_TRUE(section_ == "flink" || section_ == "prose") << path_ << ":" << number;
    }
  }

  void Row(const std::string& line) {
    FlinkRecord row{.topic = topic_, .block = block_, .record = {}};
    if (const size_t arrow = line.find(" => "); arrow != std::string::npos) {
      row.record.key = line.substr(0, arrow);
      if (arrow + 4 < line.size()) row.record.value = line.substr(arrow + 4);
    } else {
      row.record.value = line;
    }
    (in_case_ ? current_.input : shared_).push_back(std::move(row));
  }

  void EndCase() {
    if (std::exchange(in_case_, false)) {
      current_.body = body_;
      if (StartsAsQuery(body_)) {
        body_ = StrCat(
            "CREATE TABLE leat_answer WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'debezium-json')\nAS ",
            body_);
      }
      current_.sql = tables_ + body_;
      current_.raw_answer = leat_.empty() ? flink_ : leat_;
      current_.answer = ParseAnswer(current_.raw_answer);
      cases_.push_back(std::move(current_));
    }
    body_.clear();
    flink_.clear();
    leat_.clear();
  }

  const std::filesystem::path path_;
  std::vector<FlinkCase> cases_;
  FlinkCase current_;
  std::vector<FlinkRecord> shared_;
  std::string tables_, body_, flink_, leat_, section_, topic_;
  int block_ = 0;
  bool in_case_ = false;
  bool own_rows_ = false;
};

// 1.50, 15E-1 and 1.5 are one number: its digits without zeros at the ends, and the place of the point.
std::string NumberKey(std::string_view text) {
  std::string digits;
  int64_t exponent = 0;
  bool negative = false;
  bool fraction = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') {
      negative = true;
    } else if (text[i] == '.') {
      fraction = true;
    } else if (text[i] == 'e' || text[i] == 'E') {
      exponent += std::strtol(std::string(text.substr(i + 1)).c_str(), nullptr, 10);
      break;
    } else {
      digits += text[i];
      if (fraction) --exponent;
    }
  }
  digits.erase(0, digits.find_first_not_of('0'));
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty()) return "0";
  return StrCat(negative ? "-" : "", digits, "e", exponent);
}

bool Near(const JsonNode& a, const JsonNode& b, double tolerance) {
  const double x = std::strtod(a.text.c_str(), nullptr);
  const double y = std::strtod(b.text.c_str(), nullptr);
  return std::abs(x - y) <= tolerance * std::max(std::abs(x), std::abs(y));
}

bool Same(const JsonNode& a, const JsonNode& b, double tolerance) {
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  if (a.kind == JsonNode::Kind::kNumber) return NumberKey(a.text) == NumberKey(b.text) || Near(a, b, tolerance);
  for (size_t i = 0; i < a.items.size(); ++i) {
    // The order of an object's names says nothing: a MAP has none.
    const JsonNode* other = a.names.empty() ? &b.items[i] : b.Find(a.names[i]);
    if (other == nullptr || !Same(a.items[i], *other, tolerance)) return false;
  }
  return a.text == b.text;
}

// Flink on Java 17 prints a FLOAT with up to nine digits, of which the last is not always needed.
double Tolerance(const std::string& type) {
  if (type.find("FLOAT") != std::string::npos) return 1e-7;
  return type.find("DOUBLE") != std::string::npos ? 1e-9 : 0;
}

// "a INT, b DECIMAL(10, 2)" -> INT, DECIMAL(10, 2)
std::map<std::string, std::string> TypesByName(const std::string& columns) {
  std::map<std::string, std::string> types;
  int depth = 0;
  std::string column;
  const auto end = [&] {
    const size_t first = column.find_first_not_of(' ');
    if (first == std::string::npos) return;
    column.erase(0, first);
    const size_t space = column.find(' ');
    types[column.substr(0, space)] = space == std::string::npos ? "" : column.substr(space + 1);
    column.clear();
  };
  for (const char c : columns) {
    if (c == '(' || c == '<') ++depth;
    if (c == ')' || c == '>') --depth;
    if (c == ',' && depth == 0) {
      end();
    } else {
      column += c;
    }
  }
  end();
  return types;
}

bool SameRow(const JsonNode& a, const JsonNode& b, const std::map<std::string, std::string>& types) {
  if (a.kind != JsonNode::Kind::kObject) return Same(a, b, 0);
  if (b.kind != a.kind || b.items.size() != a.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    const auto type = types.find(a.names[i]);
    const JsonNode* other = b.Find(a.names[i]);
    if (other == nullptr || !Same(a.items[i], *other, type == types.end() ? 0 : Tolerance(type->second))) return false;
  }
  return true;
}

std::string Text(const JsonNode& node) {
  std::string text;
  exec::AppendJson(node, &text);
  return text;
}

std::string Apply(const FlinkSink& sink, const TestRecord& record, std::vector<JsonNode>* rows) {
  if (sink.format == "json") {
    JsonNode row;
    if (!exec::ParseJson(record.value.value_or(""), &row)) return StrCat("no JSON: ", record.value.value_or("(none)"));
    rows->push_back(std::move(row));
    return "";
  }
  if (sink.format != "debezium-json") {
    rows->push_back({.kind = JsonNode::Kind::kText, .text = record.value.value_or("")});
    return "";
  }
  JsonNode change;
  if (!exec::ParseJson(record.value.value_or(""), &change)) return StrCat("no JSON: ", record.value.value_or("(none)"));
  const JsonNode* op = change.Find("op");
  if (op == nullptr) return StrCat("no change: ", *record.value);
  if (op->text != "d") {
    rows->push_back(*change.Find("after"));
    return "";
  }
  const std::string before = Text(*change.Find("before"));
  const auto found = std::find_if(rows->begin(), rows->end(), [&](const JsonNode& row) { return Text(row) == before; });
  if (found == rows->end()) return StrCat("takes back a row that is not there: ", before);
  rows->erase(found);
  return "";
}

}  // namespace

void PrintTo(const FlinkCase& one, std::ostream* out) { *out << one.file << " " << one.name; }

std::vector<FlinkCase> ReadFlinkCases(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return Reader(path).Read();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const auto extension = entry.path().extension();
    if (extension == ".txt" || extension == ".md") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<FlinkCase> all;
  for (const auto& file : files) {
    for (FlinkCase& one : Reader(file).Read()) all.push_back(std::move(one));
  }
  return all;
}

std::vector<FlinkSink> SinksOf(const std::string& sql) {
  std::vector<FlinkSink> sinks;
  const auto compiled = sql::Compile(sql, {});
  if (!compiled.ok()) return sinks;
  for (const plan::NodePtr& node : compiled->plan.sinks) {
    const auto option = [&](const std::string& key) {
      const auto it = node->table->options.find(key);
      return it == node->table->options.end() ? std::string() : it->second;
    };
    FlinkSink sink{.topic = option("topic"), .format = option("format"), .columns = {}};
    if (sink.format.empty()) sink.format = option("value.format");
    sink.upsert = option("connector") == "upsert-kafka";
    for (const plan::TableColumn& column : node->table->columns) {
      if (column.kind != plan::TableColumn::Kind::kPhysical) continue;
      const std::string type = absl::StrReplaceAll(column.type.ToString(), {{" NOT NULL", ""}});
      StrAppend(&sink.columns, sink.columns.empty() ? "" : ", ", column.name, " ", type);
    }
    sinks.push_back(std::move(sink));
  }
  return sinks;
}

std::string Materialise(const FlinkSink& sink, const std::vector<TestRecord>& records, std::vector<JsonNode>* rows) {
  std::map<std::string, JsonNode> by_key;
  for (const TestRecord& record : records) {
    if (!sink.upsert) {
      if (std::string error = Apply(sink, record, rows); !error.empty()) return error;
      continue;
    }
    by_key.erase(record.key.value_or(""));
    if (!record.value) continue;
    JsonNode row;
    if (!exec::ParseJson(*record.value, &row)) return StrCat("no JSON: ", *record.value);
    by_key[record.key.value_or("")] = std::move(row);
  }
  for (auto& [key, row] : by_key) rows->push_back(std::move(row));
  return "";
}

std::string Difference(const FlinkRows& expected, const std::vector<JsonNode>& rows) {
  const std::map<std::string, std::string> types = TypesByName(expected.columns);
  std::vector<const JsonNode*> left;
  for (const JsonNode& row : rows) left.push_back(&row);
  std::string text;
  for (const JsonNode& row : expected.rows) {
    const auto found =
        std::find_if(left.begin(), left.end(), [&](const JsonNode* other) { return SameRow(row, *other, types); });
    if (found == left.end()) {
      StrAppend(&text, "  only Flink: ", Text(row), "\n");
    } else {
      left.erase(found);
    }
  }
  for (const JsonNode* row : left) StrAppend(&text, "  only Leat:  ", Text(*row), "\n");
  return text;
}

}  // namespace leat::stream
