#include "stream/exec/keyed_matches.h"

#include "base/bytes.h"
#include "stream/data/key_codec.h"

namespace leat::exec {
namespace {

constexpr uint8_t kForm = 1;

// Rows are counted from the first one that is stored.
void StoreQueue(const MatchQueue& queue, int64_t first_row, BytesWriter* writer) {
  writer->WriteUnsignedVarint(queue.size());
  for (const PartialMatch& match : queue.items()) {
    writer->WriteUnsignedVarint(static_cast<uint64_t>(match.state));
    writer->WriteUnsignedVarint(match.begun() ? static_cast<uint64_t>(match.start - first_row) + 1 : 0);
    for (const int32_t count : match.counts) writer->WriteUnsignedVarint(static_cast<uint64_t>(count));
  }
}

}  // namespace

KeyedMatches::KeyedMatches(MatchRun begun, data::SchemaPtr schema) : run(std::move(begun)) {
  rows_.schema = std::move(schema);
  Clear();
}

void KeyedMatches::Clear() {
  bytes_.clear();
  columns_.clear();
  rows_.columns.clear();
  rows_.rows = 0;
  for (const data::Field& field : rows_.schema->fields) {
    columns_.push_back(std::make_shared<data::Column>(field.type));
    rows_.columns.push_back(columns_.back());
  }
}

absl::Status KeyedMatches::Append(int64_t time_ms, std::string_view row) {
  std::vector<data::Column*> into;
  into.reserve(columns_.size());
  for (const auto& column : columns_) into.push_back(column.get());
  LEAT_RETURN_IF_ERROR(data::DecodeKey(row, into));
  bytes_.push_back({time_ms, std::string(row)});
  ++rows_.rows;
  return absl::OkStatus();
}

std::string KeyedMatches::Store() const {
  std::string out;
  BytesWriter writer(&out);
  writer.Write<uint8_t>(kForm);
  writer.Write<int64_t>(timer_ms);
  const int64_t first = run.FirstRow();
  const auto skipped = static_cast<size_t>(first - first_row());
  writer.WriteUnsignedVarint(bytes_.size() - skipped);
  for (size_t i = skipped; i < bytes_.size(); ++i) {
    writer.Write<int64_t>(bytes_[i].ms);
    writer.WriteUnsignedVarint(bytes_[i].bytes.size());
    writer.WriteBytes(bytes_[i].bytes);
  }
  StoreQueue(run.open, first, &writer);
  StoreQueue(run.completed, first, &writer);
  return out;
}

absl::Status KeyedMatches::Load(std::string_view bytes, const MatchAutomaton& automaton) {
  const auto damaged = [] { return DataLoss("state: the begun matches of MATCH_RECOGNIZE are cut off"); };
  BytesReader reader(bytes);
  if (reader.Read<uint8_t>() != kForm) return DataLoss("state: the begun matches of MATCH_RECOGNIZE have another form");
  timer_ms = reader.Read<int64_t>();
  const uint32_t rows = reader.ReadUnsignedVarint();
  for (uint32_t i = 0; i < rows && reader.ok(); ++i) {
    const auto ms = reader.Read<int64_t>();
    const std::string_view row = reader.ReadBytes(reader.ReadUnsignedVarint());
    if (!reader.ok()) return damaged();
    LEAT_RETURN_IF_ERROR(Append(ms, row));
  }
  const size_t variables = run.open.first().counts.size();
  run.open = {};
  run.next_row = rows;
  for (MatchQueue* queue : {&run.open, &run.completed}) {
    const uint32_t count = reader.ReadUnsignedVarint();
    for (uint32_t i = 0; i < count && reader.ok(); ++i) {
      PartialMatch match{.state = static_cast<int>(reader.ReadUnsignedVarint())};
      const uint32_t start = reader.ReadUnsignedVarint();
      for (size_t v = 0; v < variables; ++v) match.counts.push_back(static_cast<int32_t>(reader.ReadUnsignedVarint()));
      if (!reader.ok() || start > rows || !automaton.HasState(match.state)) return damaged();
      if (start > 0) {
        match.start = int64_t{start} - 1;
        match.start_ms = bytes_[start - 1].ms;
        if (match.start + match.rows() > rows) return damaged();
      }
      queue->Add(std::move(match));
    }
  }
  stored = true;
  return reader.ok() && reader.remaining() == 0 ? absl::OkStatus() : damaged();
}

}  // namespace leat::exec
