#include "stream/data/column.h"

#include <algorithm>

namespace leat::data {
namespace {

// How many of the last owners are compared before one is added again: rows mostly come in runs from one column.
constexpr size_t kOwnersCompared = 8;

template <typename T>
void GatherInto(std::span<const T> from, std::span<const uint32_t> rows, std::span<T> to) {
  for (size_t i = 0; i < rows.size(); ++i) to[i] = from[rows[i]];
}

}  // namespace

Column::Column(Type type) : type_(std::move(type)) {
  switch (type_.storage()) {
    case Storage::kBool:
      break;
    case Storage::kInt32:
      data_.emplace<std::vector<int32_t>>();
      break;
    case Storage::kInt64:
      data_.emplace<std::vector<int64_t>>();
      break;
    case Storage::kDouble:
      data_.emplace<std::vector<double>>();
      break;
    case Storage::kInt128:
      data_.emplace<std::vector<Int128>>();
      break;
    case Storage::kText:
      data_.emplace<std::vector<std::string_view>>();
      break;
    case Storage::kRow:
      LEAT_CHECK(type_.fields != nullptr);
      for (const Field& field : *type_.fields) children_.push_back(std::make_shared<Column>(field.type));
      break;
  }
}

void Column::AppendNull() {
  if (valid_.empty()) valid_.assign(size_, 1);
  valid_.push_back(0);
  ++null_count_;
  ++size_;
  if (type_.storage() == Storage::kRow) {
    for (size_t i = 0; i < children_.size(); ++i) MutableChild(i).AppendNull();
    return;
  }
  std::visit([](auto& values) { values.emplace_back(); }, data_);
}

void Column::AppendValue(const Value& value) {
  if (value.is_null()) return AppendNull();
  const auto held = [&]<typename T>(const T* pointer) -> const T& {
    LEAT_CHECK(pointer != nullptr) << "a value of another storage than " << type_.ToString();
    return *pointer;
  };
  switch (type_.storage()) {
    case Storage::kBool:
      return Append<uint8_t>(held(std::get_if<bool>(&value.v)) ? 1 : 0);
    case Storage::kInt32:
      return Append<int32_t>(held(std::get_if<int32_t>(&value.v)));
    case Storage::kInt64:
      return Append<int64_t>(held(std::get_if<int64_t>(&value.v)));
    case Storage::kDouble:
      return Append<double>(held(std::get_if<double>(&value.v)));
    case Storage::kInt128:
      return Append<Int128>(held(std::get_if<Int128>(&value.v)));
    case Storage::kText:
      return AppendText(held(std::get_if<std::string>(&value.v)));
    case Storage::kRow:
      break;
  }
  LEAT_CHECK(false) << "a ROW is appended field by field";
}

void Column::AppendFrom(const Column& other, size_t row) {
  if (other.IsNull(row)) return AppendNull();
  switch (type_.storage()) {
    case Storage::kBool:
      return Append<uint8_t>(other.values<uint8_t>()[row]);
    case Storage::kInt32:
      return Append<int32_t>(other.values<int32_t>()[row]);
    case Storage::kInt64:
      return Append<int64_t>(other.values<int64_t>()[row]);
    case Storage::kDouble:
      return Append<double>(other.values<double>()[row]);
    case Storage::kInt128:
      return Append<Int128>(other.values<Int128>()[row]);
    case Storage::kText:
      KeepAliveFrom(other);
      return Append<std::string_view>(other.values<std::string_view>()[row]);
    case Storage::kRow:
      for (size_t i = 0; i < children_.size(); ++i) MutableChild(i).AppendFrom(*other.children()[i], row);
      return AppendRow();
  }
}

void Column::Reserve(size_t rows) {
  std::visit([rows](auto& values) { values.reserve(rows); }, data_);
}

void Column::SetValidity(std::vector<uint8_t> valid) {
  LEAT_CHECK(valid.empty() || valid.size() == size_) << valid.size() << " for " << size_ << " rows";
  null_count_ = static_cast<size_t>(std::count(valid.begin(), valid.end(), uint8_t{0}));
  valid_ = std::move(valid);
  if (null_count_ == 0) valid_.clear();
}

void Column::SetNull(size_t row) {
  if (valid_.empty()) valid_.assign(size_, 1);
  if (valid_[row] == 0) return;
  valid_[row] = 0;
  ++null_count_;
}

TextArena& Column::arena() {
  if (arena_ == nullptr) arena_ = std::make_shared<TextArena>();
  return *arena_;
}

void Column::KeepAlive(std::shared_ptr<const void> memory) {
  const size_t compared = std::min(owners_.size(), kOwnersCompared);
  for (auto owner = owners_.rbegin(); owner != owners_.rbegin() + static_cast<ptrdiff_t>(compared); ++owner) {
    if (*owner == memory) return;
  }
  owners_.push_back(std::move(memory));
}

void Column::KeepAliveFrom(const Column& other) {
  if (other.arena_ != nullptr && other.arena_ != arena_) {
    if (owners_.empty() || owners_.back() != other.arena_) KeepAlive(other.arena_);
  }
  if (&other == this) return;
  for (const auto& owner : other.owners_) {
    if (owners_.empty() || owners_.back() != owner) KeepAlive(owner);
  }
  for (size_t i = 0; i < std::min(children_.size(), other.children_.size()); ++i) {
    if (children_[i] != other.children_[i]) MutableChild(i).KeepAliveFrom(*other.children_[i]);
  }
}

void Column::SetChildren(std::vector<ColumnPtr> children, size_t rows) {
  LEAT_CHECK(type_.storage() == Storage::kRow && children.size() == type_.fields->size());
  for (const ColumnPtr& child : children) LEAT_CHECK(child->size() == rows) << child->size() << " for " << rows;
  children_ = std::move(children);
  size_ = rows;
  valid_.clear();
  null_count_ = 0;
}

Column& Column::MutableChild(size_t field) {
  LEAT_CHECK(children_[field].use_count() == 1) << "the field is shared already";
  // Children are made as mutable columns by the constructor; until they are shared they belong to this column alone.
  return const_cast<Column&>(*children_[field]);
}

void Column::AppendRow() {
  ++size_;
  if (!valid_.empty()) valid_.push_back(1);
  for (const ColumnPtr& child : children_) LEAT_CHECK(child->size() == size_) << child->size() << " for " << size_;
}

void Column::Truncate(size_t rows) {
  LEAT_CHECK(rows <= size_) << rows << " of " << size_;
  if (type_.storage() == Storage::kRow) {
    // A row that was begun has fields that the column does not count yet.
    for (size_t i = 0; i < children_.size(); ++i) MutableChild(i).Truncate(rows);
  }
  if (rows == size_) return;
  size_ = rows;
  if (!valid_.empty()) {
    null_count_ -= static_cast<size_t>(std::count(valid_.begin() + static_cast<ptrdiff_t>(rows), valid_.end(), 0));
    valid_.resize(rows);
    if (null_count_ == 0) valid_.clear();
  }
  if (type_.storage() != Storage::kRow) {
    std::visit([rows](auto& values) { values.resize(rows); }, data_);
  }
}

Value Column::GetValue(size_t row) const {
  LEAT_CHECK(row < size_) << row << " of " << size_;
  if (IsNull(row)) return Value::Null();
  switch (type_.storage()) {
    case Storage::kBool:
      return {values<uint8_t>()[row] != 0};
    case Storage::kInt32:
      return {values<int32_t>()[row]};
    case Storage::kInt64:
      return {values<int64_t>()[row]};
    case Storage::kDouble:
      return {values<double>()[row]};
    case Storage::kInt128:
      return {values<Int128>()[row]};
    case Storage::kText:
      return {std::string(values<std::string_view>()[row])};
    case Storage::kRow:
      break;
  }
  LEAT_CHECK(false) << "a ROW is no single value";
  return {};
}

size_t Column::MemoryBytes() const {
  size_t bytes = sizeof(Column) + valid_.capacity();
  bytes += std::visit([](const auto& values) { return values.capacity() * sizeof(values[0]); }, data_);
  if (arena_ != nullptr) bytes += arena_->bytes();
  for (const ColumnPtr& child : children_) bytes += child->MemoryBytes();
  return bytes;
}

ColumnPtr Gather(const ColumnPtr& source, std::span<const uint32_t> rows) {
  auto out = std::make_shared<Column>(source->type());
  const auto fill = [&]<typename T>(T) { GatherInto<T>(source->values<T>(), rows, out->Resize<T>(rows.size())); };
  switch (source->type().storage()) {
    case Storage::kBool:
      fill(uint8_t{});
      break;
    case Storage::kInt32:
      fill(int32_t{});
      break;
    case Storage::kInt64:
      fill(int64_t{});
      break;
    case Storage::kDouble:
      fill(double{});
      break;
    case Storage::kInt128:
      fill(Int128{});
      break;
    case Storage::kText:
      fill(std::string_view{});
      out->KeepAliveFrom(*source);
      break;
    case Storage::kRow: {
      std::vector<ColumnPtr> children;
      for (const ColumnPtr& child : source->children()) children.push_back(Gather(child, rows));
      out->SetChildren(std::move(children), rows.size());
      break;
    }
  }
  if (source->has_nulls()) {
    std::vector<uint8_t> valid(rows.size());
    GatherInto<uint8_t>(source->validity(), rows, valid);
    out->SetValidity(std::move(valid));
  }
  return out;
}

ColumnPtr Constant(const Type& type, const Value& value, size_t rows) {
  auto out = std::make_shared<Column>(type);
  out->Reserve(rows);
  if (rows == 0) return out;
  out->AppendValue(value);
  const bool text = !value.is_null() && type.storage() == Storage::kText;
  const std::string_view view = text ? out->values<std::string_view>()[0] : std::string_view();
  for (size_t i = 1; i < rows; ++i) {
    // One copy of the bytes serves all rows.
    if (text) {
      out->Append(view);
    } else {
      out->AppendValue(value);
    }
  }
  return out;
}

}  // namespace leat::data
