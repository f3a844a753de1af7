#include "stream/exec/sort_key.h"

#include "stream/exec/ordered_bag.h"

namespace leat::exec {
namespace {

// Text has no fixed size: its zeros become 00 ff, and 00 00 ends it, so that no text's bytes run into the next column.
void EscapeText(size_t from, std::string* out) {
  const std::string text = out->substr(from);
  out->resize(from);
  for (const char c : text) {
    out->push_back(c);
    if (c == '\0') out->push_back('\xff');
  }
  out->append(2, '\0');
}

}  // namespace

void AppendSortKey(const data::Batch& batch, std::span<const plan::OrderKey> order, size_t row, std::string* out) {
  for (const plan::OrderKey& key : order) {
    const data::Column& column = *batch.columns[static_cast<size_t>(key.column)];
    const bool null = column.IsNull(row);
    out->push_back(null == key.nulls_first ? '\0' : '\1');
    if (null) continue;
    const size_t from = out->size();
    EncodeOrdered(column, row, out);
    if (column.type().storage() == data::Storage::kText) EscapeText(from, out);
    if (!key.descending) continue;
    for (size_t i = from; i < out->size(); ++i) (*out)[i] = static_cast<char>(~(*out)[i]);
  }
}

}  // namespace leat::exec
