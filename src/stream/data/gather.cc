#include "stream/data/gather.h"

namespace leat::data {
namespace {

template <typename T>
void Fill(std::span<const Cell> cells, Column* out) {
  const std::span<T> to = out->Resize<T>(cells.size());
  std::vector<uint8_t> valid;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    if (cell.column != nullptr) to[i] = cell.column->values<T>()[cell.row];
    if (cell.column != nullptr && !cell.column->IsNull(cell.row)) continue;
    if (valid.empty()) valid.assign(cells.size(), 1);
    valid[i] = 0;
  }
  if (!valid.empty()) out->SetValidity(std::move(valid));
}

void FillText(std::span<const Cell> cells, Column* out) {
  Fill<std::string_view>(cells, out);
  const Column* kept = nullptr;
  for (const Cell& cell : cells) {
    if (cell.column == nullptr || cell.column == kept) continue;
    kept = cell.column;
    out->KeepAliveFrom(*kept);
  }
}

void FillRows(std::span<const Cell> cells, Column* out) {
  for (const Cell& cell : cells) {
    if (cell.column == nullptr) {
      out->AppendNull();
    } else {
      out->AppendFrom(*cell.column, cell.row);
    }
  }
}

}  // namespace

ColumnPtr GatherCells(const Type& type, std::span<const Cell> cells) {
  auto out = std::make_shared<Column>(type);
  switch (type.storage()) {
    case Storage::kBool:
      Fill<uint8_t>(cells, out.get());
      break;
    case Storage::kInt32:
      Fill<int32_t>(cells, out.get());
      break;
    case Storage::kInt64:
      Fill<int64_t>(cells, out.get());
      break;
    case Storage::kDouble:
      Fill<double>(cells, out.get());
      break;
    case Storage::kInt128:
      Fill<Int128>(cells, out.get());
      break;
    case Storage::kText:
      FillText(cells, out.get());
      break;
    case Storage::kRow:
      FillRows(cells, out.get());
      break;
  }
  return out;
}

ColumnPtr WithOwnText(const ColumnPtr& source) {
  if (source->type().storage() == Storage::kText) {
    auto out = std::make_shared<Column>(source->type());
    out->Reserve(source->size());
    for (size_t row = 0; row < source->size(); ++row) {
      if (source->IsNull(row)) {
        out->AppendNull();
      } else {
        out->AppendText(source->values<std::string_view>()[row]);
      }
    }
    return out;
  }
  if (source->type().storage() != Storage::kRow) return source;
  auto out = std::make_shared<Column>(source->type());
  std::vector<ColumnPtr> children;
  for (const ColumnPtr& child : source->children()) children.push_back(WithOwnText(child));
  out->SetChildren(std::move(children), source->size());
  const std::span<const uint8_t> valid = source->validity();
  out->SetValidity({valid.begin(), valid.end()});
  return out;
}

}  // namespace leat::data
