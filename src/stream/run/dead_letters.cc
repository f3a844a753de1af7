#include "stream/run/dead_letters.h"

namespace leat::run {

DeadRecord FromFailedRow(exec::FailedRow row, std::string step) {
  DeadRecord record;
  record.reason = std::move(row.reason);
  record.step = std::move(step);
  record.value = std::move(row.row);
  record.offset = row.offset;
  if (row.source != nullptr) {
    record.topic = row.source->topic;
    record.partition = row.source->partition;
  }
  return record;
}

absl::Status WriteDeadRecord(const DeadRecord& record, std::string_view job, int64_t wall_ms, TopicWriter& writer,
                             std::vector<PendingAppend>* ready) {
  const std::string partition = StrCat(record.partition);
  const std::string offset = StrCat(record.offset);
  std::vector<model::Header> headers = {
      {"leat.reason", record.reason}, {"leat.operator", record.step}, {"leat.job", job}};
  if (!record.topic.empty()) {
    headers.push_back({"leat.topic", record.topic});
    headers.push_back({"leat.partition", partition});
    headers.push_back({"leat.offset", offset});
  }
  const auto view = [](const std::optional<std::string>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
  };
  return writer.Add(wall_ms, view(record.key), view(record.value), headers, ready);
}

}  // namespace leat::run
