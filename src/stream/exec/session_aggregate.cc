// GROUP BY the window and the keys of SESSION: a session holds its accumulators, and the values under its DISTINCT
// aggregates, which get them when it ends. Of an input that takes rows back those of MIN and MAX too, with how often
// each is there; a session whose rows are all taken back gives none.
#include <map>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "stream/data/key_codec.h"
#include "stream/exec/accumulator.h"
#include "stream/exec/operators.h"
#include "stream/exec/row_output.h"
#include "stream/exec/session_operator.h"

namespace leat::exec {
namespace {

// A session's accumulators, read from its content and written back. Content: varint length and stored accumulator,
// then for each DISTINCT aggregate a varint count of values and each value with a varint length before it; where rows
// are taken back, how often it is there as a varint behind it.
struct Aggregated {
  std::vector<char> accumulator;
  std::vector<std::map<std::string, uint32_t, std::less<>>> values;  // per slot
};

class AggregateContent : public SessionContent {
 public:
  AggregateContent(plan::NodePtr node, const WindowZone& zone, std::shared_ptr<const AccumulatorLayout> layout)
      : node_(std::move(node)),
        zone_(zone),
        layout_(std::move(layout)),
        rows_(node_->schema),
        retracting_(node_->inputs[0]->produces_updates) {}

  void Bind(const data::Batch& batch) override {
    batch_ = &batch;
    bound_ = layout_->Bind(batch);
  }
  bool TakesChanges() const override { return retracting_; }
  absl::Status Add(size_t row, std::string* content) override;
  absl::Status Merge(std::string_view from, std::string* into) override;
  absl::Status Emit(std::string_view key, const Session& session, Output& output) override;
  absl::Status Flush(Output& output) override { return rows_.Flush(output); }

 private:
  bool IsDistinct(size_t slot) const { return layout_->slots()[slot].distinct; }
  // The texts of the result point into `content`.
  absl::StatusOr<Aggregated> Load(std::string_view content) const;
  std::string Store(const Aggregated& aggregated) const;

  plan::NodePtr node_;
  WindowZone zone_;
  std::shared_ptr<const AccumulatorLayout> layout_;
  absl::Status Feed(Aggregated* aggregated, data::TextArena& texts) const;

  RowOutput rows_;
  bool retracting_;
  const data::Batch* batch_ = nullptr;
  std::vector<BoundSlot> bound_;
};

absl::StatusOr<Aggregated> AggregateContent::Load(std::string_view content) const {
  Aggregated aggregated;
  aggregated.accumulator.resize(layout_->bytes());
  aggregated.values.resize(layout_->slots().size());
  if (content.empty()) return aggregated;
  BytesReader reader(content);
  LEAT_RETURN_IF_ERROR(layout_->Load(reader.ReadBytes(reader.ReadUnsignedVarint()), aggregated.accumulator.data()));
  for (size_t slot = 0; slot < layout_->slots().size(); ++slot) {
    if (!IsDistinct(slot)) continue;
    const uint32_t count = reader.ReadUnsignedVarint();
    for (uint32_t i = 0; i < count && reader.ok(); ++i) {
      std::string value(reader.ReadBytes(reader.ReadUnsignedVarint()));
      aggregated.values[slot].emplace(std::move(value), retracting_ ? reader.ReadUnsignedVarint() : 1);
    }
  }
  if (!reader.ok()) return DataLoss("state: the aggregates of a session are cut off");
  return aggregated;
}

std::string AggregateContent::Store(const Aggregated& aggregated) const {
  std::string accumulator;
  layout_->Store(aggregated.accumulator.data(), &accumulator);
  std::string content;
  BytesWriter writer(&content);
  writer.WriteUnsignedVarint(accumulator.size());
  writer.WriteBytes(accumulator);
  for (size_t slot = 0; slot < layout_->slots().size(); ++slot) {
    if (!IsDistinct(slot)) continue;
    writer.WriteUnsignedVarint(aggregated.values[slot].size());
    for (const auto& [value, count] : aggregated.values[slot]) {
      writer.WriteUnsignedVarint(value.size());
      writer.WriteBytes(value);
      if (retracting_) writer.WriteUnsignedVarint(count);
    }
  }
  return content;
}

absl::Status AggregateContent::Add(size_t row, std::string* content) {
  LEAT_ASSIGN_OR_RETURN(Aggregated aggregated, Load(*content));
  const Sign sign = data::IsRetraction(batch_->kind(row)) ? Sign::kRetract : Sign::kAdd;
  if (sign == Sign::kRetract && layout_->CountedRows(aggregated.accumulator.data()) <= 0) return absl::OkStatus();
  data::TextArena texts;
  for (size_t slot = 0; slot < bound_.size(); ++slot) {
    if (!bound_[slot].Takes(row)) continue;
    if (!IsDistinct(slot)) {
      AccumulatorLayout::Add(bound_[slot], row, sign, aggregated.accumulator.data(), texts);
      continue;
    }
    std::string value;
    data::EncodeKey({&batch_->columns[static_cast<size_t>(bound_[slot].slot->argument)], 1}, row, &value);
    auto& values = aggregated.values[slot];
    if (sign == Sign::kAdd) {
      uint32_t& count = values[std::move(value)];
      count = retracting_ ? count + 1 : 1;
    } else if (const auto found = values.find(value); found != values.end() && --found->second == 0) {
      values.erase(found);
    }
  }
  *content = Store(aggregated);
  return absl::OkStatus();
}

absl::Status AggregateContent::Merge(std::string_view from, std::string* into) {
  LEAT_ASSIGN_OR_RETURN(const Aggregated source, Load(from));
  LEAT_ASSIGN_OR_RETURN(Aggregated target, Load(*into));
  data::TextArena texts;
  layout_->Merge(source.accumulator.data(), target.accumulator.data(), texts);
  for (size_t slot = 0; slot < layout_->slots().size(); ++slot) {
    for (const auto& [value, count] : source.values[slot]) {
      uint32_t& sum = target.values[slot][value];
      sum = retracting_ ? sum + count : 1;
    }
  }
  *into = Store(target);
  return absl::OkStatus();
}

// Gives each DISTINCT aggregate its values, each once.
absl::Status AggregateContent::Feed(Aggregated* aggregated, data::TextArena& texts) const {
  for (size_t slot = 0; slot < layout_->slots().size(); ++slot) {
    if (!IsDistinct(slot)) continue;
    const AggregateSlot& aggregate = layout_->slots()[slot];
    layout_->Reset(slot, aggregated->accumulator.data());
    for (const auto& [value, count] : aggregated->values[slot]) {
      data::Column column(aggregate.argument_type);
      data::Column* const columns[] = {&column};
      LEAT_RETURN_IF_ERROR(data::DecodeKey(value, columns));
      AccumulatorLayout::Add(AccumulatorLayout::BindColumn(aggregate, column), 0, Sign::kAdd,
                             aggregated->accumulator.data(), texts);
    }
  }
  return absl::OkStatus();
}

absl::Status AggregateContent::Emit(std::string_view key, const Session& session, Output& output) {
  LEAT_ASSIGN_OR_RETURN(Aggregated aggregated, Load(session.content));
  if (layout_->CountedRows(aggregated.accumulator.data()) <= 0) return absl::OkStatus();
  data::TextArena texts;
  LEAT_RETURN_IF_ERROR(Feed(&aggregated, texts));
  LEAT_RETURN_IF_ERROR(rows_.AppendStored(key, node_->keys.size()));
  auto& columns = rows_.Row();
  size_t column = node_->keys.size();
  for (const AggregateSlot& slot : std::span(layout_->slots()).first(node_->aggregates.size())) {
    AccumulatorLayout::AppendResult(slot, aggregated.accumulator.data(), columns[column++].get());
  }
  for (const plan::Node::WindowColumn bound : node_->window_columns) {
    columns[column++]->Append<int64_t>(SessionBoundMicros(bound, session, zone_));
  }
  return rows_.Finish(data::RowKind::kInsert, output);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeSessionAggregate(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout made, AccumulatorLayout::OfWindow(*node));
  auto layout = std::make_shared<const AccumulatorLayout>(std::move(made));
  LEAT_ASSIGN_OR_RETURN(const WindowZone zone, WindowZone::Make(node->window));
  return MakeSessionOperator(node, "SessionAggregate",
                             [=] { return std::make_unique<AggregateContent>(node, zone, layout); });
}

}  // namespace leat::exec
