#include "stream/run/dead_letters.h"

#include <absl/strings/numbers.h>

#include "stream/format/format.h"

namespace leat::run {

int32_t AttemptOf(const model::RecordView& record) {
  int32_t attempt = 0;
  for (const model::Header& header : record.headers) {
    if (header.key != kAttemptHeader || !header.value) continue;
    if (!absl::SimpleAtoi(ToAbsl(*header.value), &attempt) || attempt < 0) attempt = 0;
  }
  return attempt;
}

DeadRecord FromUnwrittenRow(const data::Batch& batch, size_t row, std::string reason, std::string_view table) {
  DeadRecord record;
  record.reason = std::move(reason);
  record.step = StrCat("write ", table);
  record.value = data::FormatRow(batch, row);
  if (batch.source != nullptr && !batch.offsets.empty()) {
    record.topic = batch.source->topic;
    record.partition = batch.source->partition;
    record.offset = batch.offsets[row];
  }
  return record;
}

absl::Status WriteLateRows(const data::Batch& batch, std::span<const uint32_t> rows, std::string_view step,
                           std::string_view job, int64_t wall_ms, TopicWriter& writer,
                           std::vector<PendingAppend>* ready) {
  LEAT_ASSIGN_OR_RETURN(const auto encoder, format::MakeEncoder("json", {}, *batch.schema));
  std::string value;
  for (const uint32_t row : rows) {
    value.clear();
    LEAT_RETURN_IF_ERROR(encoder->Encode(batch, row, &value));
    std::vector<model::Header> headers = {{"leat.operator", step}, {"leat.job", job}};
    std::string partition;
    std::string offset;
    if (batch.source != nullptr && !batch.offsets.empty()) {
      partition = StrCat(batch.source->partition);
      offset = StrCat(batch.offsets[row]);
      headers.push_back({"leat.topic", batch.source->topic});
      headers.push_back({"leat.partition", partition});
      headers.push_back({"leat.offset", offset});
    }
    LEAT_RETURN_IF_ERROR(writer.Add(wall_ms, std::nullopt, value, headers, ready));
  }
  return absl::OkStatus();
}

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

namespace {

constexpr size_t kRoomForHeaderNames = 256;  // and what else stands around them
constexpr size_t kRoomForOneHeader = 16;     // of the record's own: its lengths

// The record's own headers, unless they would leave too little room for its value.
void AddOwnHeaders(const DeadRecord& record, size_t max_record_bytes, std::vector<model::Header>* headers,
                   size_t* bytes) {
  size_t own = 0;
  for (const auto& [name, value] : record.headers) own += name.size() + (value ? value->size() : 0) + kRoomForOneHeader;
  if (own > max_record_bytes / 4) return;
  for (const auto& [name, value] : record.headers) {
    headers->push_back({name, value ? std::optional<std::string_view>(*value) : std::nullopt});
  }
  *bytes += own;
}

}  // namespace

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
  std::optional<std::string_view> value;
  if (record.value) value = *record.value;
  const std::string length = StrCat(value ? value->size() : 0);
  const std::string attempt = StrCat(record.attempt);
  if (record.attempt > 0) headers.push_back({kAttemptHeader, attempt});
  size_t beside = (record.key ? record.key->size() : 0) + kRoomForHeaderNames;
  for (const model::Header& header : headers) beside += header.value->size();
  AddOwnHeaders(record, writer.max_record_bytes(), &headers, &beside);
  const size_t room = writer.max_record_bytes() - std::min(writer.max_record_bytes(), beside);
  if (value && value->size() > room) {
    value = value->substr(0, room);
    headers.push_back({"leat.truncated", length});
  }
  return writer.Add(wall_ms, record.key ? std::optional<std::string_view>(*record.key) : std::nullopt, value, headers,
                    ready);
}

}  // namespace leat::run
