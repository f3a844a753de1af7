#include "stream/exec/over_functions.h"

#include <algorithm>

#include "base/bytes.h"
#include "stream/data/key_codec.h"

namespace leat::exec {
namespace {

using plan::AggregateKind;

bool IsAccumulated(AggregateKind kind) {
  return kind != AggregateKind::kFirstValue && kind != AggregateKind::kLastValue && kind != AggregateKind::kRowNumber &&
         kind != AggregateKind::kLag;
}

std::string Encoded(const data::Batch& batch, int column, size_t row) {
  std::string value;
  data::EncodeKey({&batch.columns[static_cast<size_t>(column)], 1}, row, &value);
  return value;
}

absl::Status AppendEncoded(std::string_view value, data::Column* column) {
  data::Column* const columns[] = {column};
  return data::DecodeKey(value, columns);
}

bool Passes(const data::Batch& batch, int filter, size_t row) {
  if (filter < 0) return true;
  const data::Column& column = *batch.columns[static_cast<size_t>(filter)];
  return !column.IsNull(row) && column.values<uint8_t>()[row] != 0;
}

void WriteAll(const std::vector<std::string>& values, BytesWriter* writer) {
  writer->WriteUnsignedVarint(values.size());
  for (const std::string& value : values) {
    writer->WriteUnsignedVarint(value.size());
    writer->WriteBytes(value);
  }
}

}  // namespace

absl::StatusOr<OverFunctions> OverFunctions::Make(const plan::Node& node) {
  std::set<int> read;
  for (const plan::Aggregate& aggregate : node.aggregates) {
    for (const int column : {aggregate.argument, aggregate.filter, aggregate.default_column}) {
      if (column >= 0) read.insert(column);
    }
  }
  const std::vector<int> columns(read.begin(), read.end());
  auto schema = std::make_shared<data::Schema>();
  for (const int column : columns)
    schema->fields.push_back(node.inputs[0]->schema->fields[static_cast<size_t>(column)]);
  std::vector<Function> functions;
  std::vector<plan::Aggregate> accumulated;
  for (plan::Aggregate aggregate : node.aggregates) {
    for (int* column : {&aggregate.argument, &aggregate.filter, &aggregate.default_column}) {
      if (*column >= 0) *column = static_cast<int>(std::ranges::find(columns, *column) - columns.begin());
    }
    Function function{.aggregate = aggregate};
    if (IsAccumulated(aggregate.kind)) {
      function.slot = static_cast<int>(accumulated.size());
      accumulated.push_back(aggregate);
    }
    functions.push_back(std::move(function));
  }
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout layout, AccumulatorLayout::Make(accumulated, *schema));
  OverFunctions made(std::move(layout));
  made.columns_ = columns;
  made.schema_ = std::move(schema);
  made.functions_ = std::move(functions);
  return made;
}

OverFunctions::Values OverFunctions::Empty() const {
  Values values;
  values.accumulator.assign(layout_.bytes(), 0);
  values.seen.resize(layout_.slots().size());
  values.kept.resize(functions_.size());
  return values;
}

absl::Status OverFunctions::Load(std::string_view stored, Values* values) const {
  BytesReader reader(stored);
  values->rows = reader.Read<int64_t>();
  const std::string_view accumulator = reader.ReadBytes(reader.ReadUnsignedVarint());
  for (auto& seen : values->seen) {
    for (uint32_t left = reader.ReadUnsignedVarint(); left > 0 && reader.ok(); --left) {
      seen.emplace(reader.ReadBytes(reader.ReadUnsignedVarint()));
    }
  }
  for (auto& kept : values->kept) {
    for (uint32_t left = reader.ReadUnsignedVarint(); left > 0 && reader.ok(); --left) {
      kept.emplace_back(reader.ReadBytes(reader.ReadUnsignedVarint()));
    }
  }
  if (!reader.ok() || reader.remaining() > 0) return DataLoss("state: ", stored.size(), " bytes are no values of OVER");
  LEAT_RETURN_IF_ERROR(layout_.Load(accumulator, values->accumulator.data()));
  layout_.OwnTexts(values->accumulator.data(), values->texts);
  return absl::OkStatus();
}

std::string OverFunctions::Store(const Values& values) const {
  std::string out;
  BytesWriter writer(&out);
  writer.Write<int64_t>(values.rows);
  std::string accumulator;
  layout_.Store(values.accumulator.data(), &accumulator);
  writer.WriteUnsignedVarint(accumulator.size());
  writer.WriteBytes(accumulator);
  for (const auto& seen : values.seen) WriteAll({seen.begin(), seen.end()}, &writer);
  for (const auto& kept : values.kept) WriteAll(kept, &writer);
  return out;
}

void OverFunctions::Add(const data::Batch& batch, const std::vector<BoundSlot>& bound, size_t row,
                        Values* values) const {
  ++values->rows;
  for (size_t i = 0; i < functions_.size(); ++i) {
    const plan::Aggregate& aggregate = functions_[i].aggregate;
    if (functions_[i].slot >= 0) {
      const auto slot = static_cast<size_t>(functions_[i].slot);
      if (!bound[slot].Takes(row)) continue;
      if (bound[slot].slot->distinct && !values->seen[slot].insert(Encoded(batch, aggregate.argument, row)).second) {
        continue;
      }
      AccumulatorLayout::Add(bound[slot], row, Sign::kAdd, values->accumulator.data(), values->texts);
      continue;
    }
    if (aggregate.kind == AggregateKind::kRowNumber) continue;
    std::vector<std::string>& kept = values->kept[i];
    if (aggregate.kind == AggregateKind::kLag) {
      // The row itself and the `offset` rows before it.
      kept.push_back(Encoded(batch, aggregate.argument, row));
      if (kept.size() > static_cast<size_t>(aggregate.offset) + 1) kept.erase(kept.begin());
      continue;
    }
    // FIRST_VALUE and LAST_VALUE pass over NULL.
    const data::Column& argument = *batch.columns[static_cast<size_t>(aggregate.argument)];
    if (argument.IsNull(row) || !Passes(batch, aggregate.filter, row)) continue;
    if (aggregate.kind == AggregateKind::kFirstValue && !kept.empty()) continue;
    kept.assign(1, Encoded(batch, aggregate.argument, row));
  }
}

absl::Status OverFunctions::Append(const Values& values, const data::Batch& batch, size_t row,
                                   std::span<const std::shared_ptr<data::Column>> results) const {
  for (size_t i = 0; i < functions_.size(); ++i) {
    const plan::Aggregate& aggregate = functions_[i].aggregate;
    data::Column* result = results[i].get();
    if (functions_[i].slot >= 0) {
      AccumulatorLayout::AppendResult(layout_.slots()[static_cast<size_t>(functions_[i].slot)],
                                      values.accumulator.data(), result);
    } else if (aggregate.kind == AggregateKind::kRowNumber) {
      result->Append<int64_t>(values.rows);
    } else if (aggregate.kind == AggregateKind::kLag &&
               values.kept[i].size() <= static_cast<size_t>(aggregate.offset)) {
      if (aggregate.default_column < 0) {
        result->AppendNull();
      } else {
        result->AppendFrom(*batch.columns[static_cast<size_t>(aggregate.default_column)], row);
      }
    } else if (values.kept[i].empty()) {
      result->AppendNull();
    } else {
      LEAT_RETURN_IF_ERROR(AppendEncoded(values.kept[i].front(), result));
    }
  }
  return absl::OkStatus();
}

}  // namespace leat::exec
