#include "log/checkpoint_file.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include "log/damage.h"

namespace leat::log {

std::string EncodeCheckpoint(const std::vector<std::string>& lines) {
  std::string text = StrCat("0\n", lines.size(), "\n");
  for (const std::string& line : lines) StrAppend(&text, line, "\n");
  return text;
}

absl::StatusOr<std::vector<std::string_view>> DecodeCheckpoint(std::string_view text) {
  if (!text.ends_with('\n')) return DataLoss("expected a newline at the end of the checkpoint");
  text.remove_suffix(1);
  std::vector<std::string_view> lines;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) lines.push_back(ToStd(line));
  if (lines[0] != "0") return DataLoss("line 1: expected version 0, got '", lines[0], "'");
  size_t count = 0;
  if (lines.size() < 2 || !absl::SimpleAtoi(ToAbsl(lines[1]), &count) || count != lines.size() - 2) {
    return DataLoss("line 2: expected the number of the lines that follow, which is ", lines.size() - 2);
  }
  lines.erase(lines.begin(), lines.begin() + 2);
  return lines;
}

std::string EncodeOffsetCheckpoint(const model::TopicPartition& tp, model::Offset offset) {
  return EncodeCheckpoint({StrCat(tp.topic, " ", tp.partition, " ", offset)});
}

absl::StatusOr<model::Offset> DecodeOffsetCheckpoint(std::string_view text, const model::TopicPartition& tp) {
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string_view> lines, DecodeCheckpoint(text));
  const std::string prefix = StrCat(tp.topic, " ", tp.partition, " ");
  int64_t offset = 0;
  if (lines.size() != 1 || !lines[0].starts_with(prefix) ||
      !absl::SimpleAtoi(ToAbsl(lines[0].substr(prefix.size())), &offset) || offset < 0) {
    return DataLoss("expected one line '", prefix, "<offset>'");
  }
  return model::Offset(offset);
}

absl::StatusOr<std::optional<model::Offset>> ReadOffsetCheckpoint(env::Disk& disk, const std::string& path,
                                                                  const model::TopicPartition& tp) {
  const absl::StatusOr<std::string> text = env::ReadWholeFile(disk, path);
  if (absl::IsNotFound(text.status())) return std::nullopt;
  if (!text.ok()) return text.status();
  absl::StatusOr<model::Offset> offset = DecodeOffsetCheckpoint(*text, tp);
  if (!offset.ok()) return Damage(Annotate(offset.status(), path));
  return *offset;
}

}  // namespace leat::log
