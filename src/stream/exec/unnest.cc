// UNNEST: each row once for each value of its collection, with the value's columns behind its own. Kinds of rows stay
// as they are: a row that is taken back takes back the same rows that it gave.
#include "base/strings.h"
#include "stream/data/collection.h"
#include "stream/exec/operators.h"

namespace leat::exec {
namespace {

using data::TypeKind;

class Unnest : public StatelessOperator {
 public:
  explicit Unnest(plan::NodePtr node)
      : node_(std::move(node)), type_(node_->inputs[0]->schema->fields[static_cast<size_t>(node_->keys[0])].type) {
    if (type_.IsCollection()) cells_ = data::CellTypes(type_);
  }

  std::string Name() const override { return StrCat("Unnest#", node_->id); }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;

 private:
  // The rows that come out next: which input row each is of, and the columns of its value.
  struct Rows {
    std::vector<uint32_t> of;
    std::vector<std::shared_ptr<data::Column>> columns;
  };
  Rows Start() const;
  void AddCollection(std::string_view bytes, uint32_t row, Rows* rows) const;
  void AddPadding(uint32_t row, Rows* rows) const;
  void AddPlace(int32_t place, Rows* rows) const {
    if (node_->rank.with_rank) rows->columns.back()->Append<int32_t>(place);
  }
  absl::Status Emit(const data::Batch& input, Rows* rows, Output& output) const;

  plan::NodePtr node_;
  data::Type type_;
  std::vector<data::Type> cells_;
};

Unnest::Rows Unnest::Start() const {
  Rows rows;
  // An element that is a ROW is taken as one column, whose fields come out.
  for (const data::Type& cell : cells_) rows.columns.push_back(std::make_shared<data::Column>(cell.AsNullable()));
  if (type_.kind == TypeKind::kMultiset) rows.columns.pop_back();  // how often, which is no column
  if (node_->rank.with_rank) rows.columns.push_back(std::make_shared<data::Column>(data::Int()));
  return rows;
}

void Unnest::AddCollection(std::string_view bytes, uint32_t row, Rows* rows) const {
  data::CollectionReader reader(bytes, cells_);
  int32_t place = 0;
  while (!reader.done()) {
    const std::string_view first = reader.Next();
    int32_t times = 1;
    std::string_view second;
    if (cells_.size() > 1) second = reader.Next();
    if (type_.kind == TypeKind::kMultiset) {
      data::Column count(data::Int());
      data::AppendCellTo(second, &count);
      times = count.values<int32_t>()[0];
    }
    for (int32_t i = 0; i < times; ++i) {
      rows->of.push_back(row);
      data::AppendCellTo(first, rows->columns[0].get());
      if (type_.kind == TypeKind::kMap) data::AppendCellTo(second, rows->columns[1].get());
      AddPlace(++place, rows);
    }
  }
}

void Unnest::AddPadding(uint32_t row, Rows* rows) const {
  rows->of.push_back(row);
  for (auto& column : rows->columns) column->AppendNull();
}

absl::Status Unnest::Process(OperatorState&, const Context&, const data::Batch& input, Output& output) const {
  const data::Column& column = *input.columns[static_cast<size_t>(node_->keys[0])];
  Rows rows = Start();
  for (uint32_t row = 0; row < input.rows; ++row) {
    const size_t before = rows.of.size();
    if (!column.IsNull(row)) {
      if (type_.IsCollection()) {
        AddCollection(column.values<std::string_view>()[row], row, &rows);
      } else {
        for (int64_t i = 0; i < column.values<int64_t>()[row]; ++i) rows.of.push_back(row);
      }
    }
    if (rows.of.size() == before && node_->join.type == plan::JoinType::kLeft) AddPadding(row, &rows);
    if (rows.of.size() < data::kBatchRows) continue;
    LEAT_RETURN_IF_ERROR(Emit(input, &rows, output));
    rows = Start();
  }
  return rows.of.empty() ? absl::OkStatus() : Emit(input, &rows, output);
}

absl::Status Unnest::Emit(const data::Batch& input, Rows* rows, Output& output) const {
  data::Batch batch = data::Gather(input, rows->of);
  batch.schema = node_->schema;
  for (const auto& column : rows->columns) {
    if (column->type().kind != TypeKind::kRow || type_.kind != TypeKind::kArray) {
      batch.columns.push_back(column);
      continue;
    }
    batch.columns.insert(batch.columns.end(), column->children().begin(), column->children().end());
  }
  return output.Emit(std::move(batch));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeUnnest(const plan::NodePtr& node) {
  return std::unique_ptr<Operator>(std::make_unique<Unnest>(node));
}

}  // namespace leat::exec
