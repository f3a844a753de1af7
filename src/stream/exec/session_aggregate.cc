// GROUP BY the window and the keys of SESSION: a session holds its accumulators, and what its DISTINCT aggregates have
// seen.
#include <memory>
#include <set>

#include "base/bytes.h"
#include "stream/data/key_codec.h"
#include "stream/exec/accumulator.h"
#include "stream/exec/operators.h"
#include "stream/exec/row_output.h"
#include "stream/exec/session_operator.h"

namespace leat::exec {
namespace {

// A session's accumulators, read from its content and written back. Content: varint length and stored accumulator,
// then for each DISTINCT aggregate a varint count of values and each value with a varint length before it.
struct Aggregated {
  std::vector<char> accumulator;
  std::vector<std::set<std::string, std::less<>>> seen;  // per slot
};

class AggregateContent : public SessionContent {
 public:
  AggregateContent(plan::NodePtr node, const WindowZone& zone, std::shared_ptr<const AccumulatorLayout> layout)
      : node_(std::move(node)), zone_(zone), layout_(std::move(layout)), rows_(node_->schema) {}

  void Bind(const data::Batch& batch) override {
    batch_ = &batch;
    bound_ = layout_->Bind(batch);
  }
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
  RowOutput rows_;
  const data::Batch* batch_ = nullptr;
  std::vector<BoundSlot> bound_;
};

absl::StatusOr<Aggregated> AggregateContent::Load(std::string_view content) const {
  Aggregated aggregated;
  aggregated.accumulator.resize(layout_->bytes());
  aggregated.seen.resize(layout_->slots().size());
  if (content.empty()) return aggregated;
  BytesReader reader(content);
  LEAT_RETURN_IF_ERROR(layout_->Load(reader.ReadBytes(reader.ReadUnsignedVarint()), aggregated.accumulator.data()));
  for (size_t slot = 0; slot < layout_->slots().size(); ++slot) {
    if (!IsDistinct(slot)) continue;
    const uint32_t count = reader.ReadUnsignedVarint();
    for (uint32_t i = 0; i < count && reader.ok(); ++i) {
      aggregated.seen[slot].emplace(reader.ReadBytes(reader.ReadUnsignedVarint()));
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
    writer.WriteUnsignedVarint(aggregated.seen[slot].size());
    for (const std::string& value : aggregated.seen[slot]) {
      writer.WriteUnsignedVarint(value.size());
      writer.WriteBytes(value);
    }
  }
  return content;
}

absl::Status AggregateContent::Add(size_t row, std::string* content) {
  LEAT_ASSIGN_OR_RETURN(Aggregated aggregated, Load(*content));
  data::TextArena texts;
  for (size_t slot = 0; slot < bound_.size(); ++slot) {
    if (!bound_[slot].Takes(row)) continue;
    if (IsDistinct(slot)) {
      std::string value;
      data::EncodeKey({&batch_->columns[static_cast<size_t>(bound_[slot].slot->argument)], 1}, row, &value);
      if (!aggregated.seen[slot].insert(std::move(value)).second) continue;
    }
    AccumulatorLayout::Add(bound_[slot], row, Sign::kAdd, aggregated.accumulator.data(), texts);
  }
  *content = Store(aggregated);
  return absl::OkStatus();
}

absl::Status AggregateContent::Merge(std::string_view from, std::string* into) {
  LEAT_ASSIGN_OR_RETURN(Aggregated source, Load(from));
  LEAT_ASSIGN_OR_RETURN(Aggregated target, Load(*into));
  // DISTINCT aggregates are fed with the values that only the source has seen.
  for (size_t slot = 0; slot < layout_->slots().size(); ++slot) {
    if (IsDistinct(slot)) layout_->Reset(slot, source.accumulator.data());
  }
  data::TextArena texts;
  layout_->Merge(source.accumulator.data(), target.accumulator.data(), texts);
  for (size_t slot = 0; slot < layout_->slots().size(); ++slot) {
    const AggregateSlot& aggregate = layout_->slots()[slot];
    for (const std::string& value : source.seen[slot]) {
      if (!target.seen[slot].insert(value).second) continue;
      data::Column column(aggregate.argument_type);
      data::Column* const columns[] = {&column};
      LEAT_RETURN_IF_ERROR(data::DecodeKey(value, columns));
      AccumulatorLayout::Add(AccumulatorLayout::BindColumn(aggregate, column), 0, Sign::kAdd, target.accumulator.data(),
                             texts);
    }
  }
  *into = Store(target);
  return absl::OkStatus();
}

absl::Status AggregateContent::Emit(std::string_view key, const Session& session, Output& output) {
  LEAT_ASSIGN_OR_RETURN(const Aggregated aggregated, Load(session.content));
  LEAT_RETURN_IF_ERROR(rows_.AppendStored(key, node_->keys.size()));
  auto& columns = rows_.Row();
  size_t column = node_->keys.size();
  for (const AggregateSlot& slot : layout_->slots()) {
    AccumulatorLayout::AppendResult(slot, aggregated.accumulator.data(), columns[column++].get());
  }
  for (const plan::Node::WindowColumn bound : node_->window_columns) {
    columns[column++]->Append<int64_t>(SessionBoundMicros(bound, session, zone_));
  }
  return rows_.Finish(data::RowKind::kInsert, output);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeSessionAggregate(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout made, AccumulatorLayout::Make(node->aggregates, *node->inputs[0]->schema));
  auto layout = std::make_shared<const AccumulatorLayout>(std::move(made));
  LEAT_ASSIGN_OR_RETURN(const WindowZone zone, WindowZone::Make(node->window));
  return MakeSessionOperator(node, "SessionAggregate",
                             [=] { return std::make_unique<AggregateContent>(node, zone, layout); });
}

}  // namespace leat::exec
