#include "stream/run/file_tables.h"

#include <absl/strings/numbers.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <filesystem>

#include "stream/plan/changelog.h"

namespace leat::run {
namespace {

namespace fs = std::filesystem;

// Positions of files have nodes below this one, which no plan and no other entry has.
constexpr int kFileNodes = -1000;
constexpr int kEntries = 4;

std::string Option(const plan::Table& table, const std::string& key) {
  const auto found = table.options.find(key);
  return found == table.options.end() ? std::string() : found->second;
}

absl::Status Bad(const plan::Table& table, std::string_view key, std::string_view expected, std::string_view got) {
  return InvalidArgument("table ", table.name, ": option '", key, "': expected ", expected, ", got '", got, "'");
}

absl::StatusOr<int64_t> Millis(const plan::Table& table, const std::string& key) {
  const absl::StatusOr<int64_t> millis = ParseDurationMillis(Option(table, key));
  if (!millis.ok() || *millis <= 0) return Bad(table, key, "a duration like '5 s'", Option(table, key));
  return *millis;
}

// "128MB", "1 gb", "1000": Flink's memory sizes, in steps of 1024.
absl::StatusOr<int64_t> Bytes(const plan::Table& table, const std::string& key) {
  const std::string text = Option(table, key);
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t number = 0;
  std::string unit(absl::StripAsciiWhitespace(text.substr(digits)));
  for (char& c : unit) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  const std::pair<std::string_view, int> units[] = {{"", 0},   {"b", 0},   {"bytes", 0}, {"k", 10}, {"kb", 10},
                                                    {"m", 20}, {"mb", 20}, {"g", 30},    {"gb", 30}};
  for (const auto& [name, shift] : units) {
    if (name != unit || !absl::SimpleAtoi(text.substr(0, digits), &number)) continue;
    if (number > 0 && number <= (INT64_MAX >> shift)) return number << shift;
  }
  return Bad(table, key, "a size like '128MB'", text);
}

bool IsBelow(const fs::path& path, const fs::path& folder) {
  const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  // "/a/" ends with an empty part.
  return end == folder.end() || (end->empty() && std::next(end) == folder.end());
}

}  // namespace

bool IsFileTable(const plan::Table& table) { return Option(table, "connector") == "filesystem"; }

absl::StatusOr<FileTable> ParseFileTable(const plan::Table& table) {
  FileTable made;
  std::string path = Option(table, "path");
  for (const std::string_view scheme : {"file://", "file:"}) {
    if (!path.starts_with(scheme)) continue;
    path.erase(0, scheme.size());
    break;
  }
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
    return Bad(table, "path", "an absolute path of this node, such as 'file:///srv/in'", Option(table, "path"));
  }
  made.path = fs::path(path).lexically_normal().string();
  if (made.path.size() > 1 && made.path.back() == '/') made.path.pop_back();
  const auto has = [&](const char* key) { return table.options.contains(key); };
  if (has("source.monitor-interval")) {
    LEAT_ASSIGN_OR_RETURN(made.monitor_interval_ms, Millis(table, "source.monitor-interval"));
  }
  if (has("sink.rolling-policy.file-size")) {
    LEAT_ASSIGN_OR_RETURN(made.roll_bytes, Bytes(table, "sink.rolling-policy.file-size"));
  }
  if (has("sink.rolling-policy.rollover-interval")) {
    LEAT_ASSIGN_OR_RETURN(made.roll_ms, Millis(table, "sink.rolling-policy.rollover-interval"));
  }
  return made;
}

absl::StatusOr<KafkaTable> FileLines(const plan::Table& table) {
  LEAT_RETURN_IF_ERROR(ParseFileTable(table).status());
  KafkaTable lines;
  lines.topics = {StrCat("filesystem:", table.name)};
  lines.value_format = Option(table, "format");
  if (lines.value_format != "json" && lines.value_format != "csv" && lines.value_format != "raw") {
    return Bad(table, "format", "json, csv or raw", lines.value_format);
  }
  const std::string prefix = lines.value_format + ".";
  for (const auto& [key, value] : table.options) {
    if (key.starts_with(prefix)) lines.value_options[key.substr(prefix.size())] = value;
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].kind == plan::TableColumn::Kind::kPhysical) {
      lines.value_columns.push_back(static_cast<int>(i));
    }
  }
  lines.watermark_on_event = Option(table, "scan.watermark.emit.strategy") == "on-event";
  return lines;
}

// No topic has a colon in its name.
bool IsOfFiles(const KafkaTable& table) { return table.topics.front().starts_with("filesystem:"); }

absl::Status CheckFolders(const plan::Table& table, const std::vector<std::string>& allowed) {
  if (!IsFileTable(table)) return absl::OkStatus();
  LEAT_ASSIGN_OR_RETURN(const FileTable files, ParseFileTable(table));
  std::error_code error;
  const fs::path path = fs::weakly_canonical(files.path, error);
  for (const std::string& folder : allowed) {
    std::error_code other;
    const fs::path real = fs::weakly_canonical(folder, other);
    if (!error && !other && IsBelow(path, real)) return absl::OkStatus();
  }
  return FailedPrecondition("table ", table.name, ": jobs may not use the path ", files.path, " of this node: ",
                            allowed.empty() ? "no folder is allowed" : "it lies in none of the allowed folders",
                            "; the configuration's key jobs.filesystem_folders lists them");
}

state::Change EncodeFile(int plan_id, const std::string& path, FileEntry entry, int64_t next, int64_t watermark_ms) {
  return EncodePosition({.node_id = kFileNodes - (plan_id * kEntries + static_cast<int>(entry)),
                         .partition = {path, model::PartitionId{0}},
                         .next = model::Offset{next},
                         .watermark_ms = watermark_ms});
}

state::Change ForgetFile(int plan_id, const std::string& path, FileEntry entry) {
  state::Change change = EncodeFile(plan_id, path, entry, 0, 0);
  change.value.reset();
  return change;
}

bool IsFilePosition(const SourcePosition& position) { return position.node_id <= kFileNodes; }

absl::StatusOr<std::map<int, KnownFiles>> FilesOf(const std::vector<SourcePosition>& positions) {
  std::map<int, KnownFiles> known;
  for (const SourcePosition& position : positions) {
    const int number = kFileNodes - position.node_id;
    const auto entry = static_cast<FileEntry>(number % kEntries);
    KnownFiles& of_node = known[number / kEntries];
    const std::string& path = position.partition.topic;
    if (path.empty()) return DataLoss("a checkpoint's entry of a file has no name");
    of_node.files[path] = {entry, position.next.value()};
    of_node.watermark_ms = std::max(of_node.watermark_ms, position.watermark_ms);
  }
  return known;
}

std::string FilePrefix(std::string_view job, int plan_id) { return StrCat("part-", job, "@", plan_id, "-"); }

}  // namespace leat::run
