#include "stream/exec/window_output.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/bytes.h"
#include "stream/data/key_codec.h"

namespace leat::exec {
namespace {

// The first eight bytes as a number that orders as they do.
uint64_t Prefix(std::string_view key) {
  char bytes[sizeof(uint64_t)] = {};
  std::memcpy(bytes, key.data(), std::min(key.size(), sizeof(bytes)));
  return LoadBigEndian<uint64_t>(bytes);
}

}  // namespace

int64_t WindowBoundMicros(plan::Node::WindowColumn column, int64_t window_end_ms, const WindowMath& window,
                          const WindowZone& zone) {
  switch (column) {
    case plan::Node::WindowColumn::kStart:
      return WindowMath::MicrosOf(window.Start(window_end_ms));
    case plan::Node::WindowColumn::kEnd:
      return WindowMath::MicrosOf(window_end_ms);
    case plan::Node::WindowColumn::kTime:
      break;
  }
  return zone.TimeMicros(window_end_ms);
}

WindowOutput::WindowOutput(const plan::Node& node, const WindowMath& window, const WindowZone& zone,
                           const AccumulatorLayout& layout, Output& output)
    : node_(node), window_(window), zone_(zone), layout_(layout), output_(output) {}

void WindowOutput::Start() {
  columns_.clear();
  keys_.clear();
  for (const data::Field& field : node_.schema->fields) columns_.push_back(std::make_shared<data::Column>(field.type));
  for (size_t i = 0; i < node_.keys.size(); ++i) keys_.push_back(columns_[i].get());
}

absl::Status WindowOutput::Add(int64_t window_end_ms, const KeyedBlock& groups) {
  order_.clear();
  for (uint32_t entry = 0; entry < groups.size(); ++entry) order_.emplace_back(Prefix(groups.key(entry)), entry);
  std::ranges::sort(order_, [&](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : groups.key(a.second) < groups.key(b.second);
  });
  for (const auto& [prefix, entry] : order_) {
    if (layout_.CountedRows(groups.value(entry)) <= 0) continue;
    if (rows_ == 0) Start();
    LEAT_RETURN_IF_ERROR(data::DecodeKey(groups.key(entry), keys_));
    size_t column = keys_.size();
    for (const AggregateSlot& slot : std::span(layout_.slots()).first(node_.aggregates.size())) {
      AccumulatorLayout::AppendResult(slot, groups.value(entry), columns_[column++].get());
    }
    for (const plan::Node::WindowColumn window_column : node_.window_columns) {
      columns_[column++]->Append<int64_t>(WindowBoundMicros(window_column, window_end_ms, window_, zone_));
    }
    if (++rows_ == data::kBatchRows) LEAT_RETURN_IF_ERROR(Flush());
  }
  return absl::OkStatus();
}

absl::Status WindowOutput::Flush() {
  if (rows_ == 0) return absl::OkStatus();
  data::Batch batch;
  batch.schema = node_.schema;
  batch.rows = rows_;
  for (auto& column : columns_) batch.columns.push_back(std::move(column));
  rows_ = 0;
  return output_.Emit(std::move(batch));
}

}  // namespace leat::exec
