#include "stream/exec/accumulator.h"

#include <cstring>

#include "base/check.h"
#include "stream/data/collection.h"
#include "stream/data/decimal.h"
#include "stream/exec/accumulator_slots.h"
#include "stream/exec/moments.h"

namespace leat::exec {
namespace {

using data::Int128;
using data::Storage;
using plan::AggregateKind;
using Step = AggregateSlot::Step;

size_t SlotBytes(Step step) {
  switch (step) {
    case Step::kCountRows:
    case Step::kCount:
      return sizeof(Count);
    case Step::kSumInt32:
    case Step::kSumInt64:
      return sizeof(Sum<int64_t>);
    case Step::kSumDouble:
      return sizeof(Sum<double>);
    case Step::kSumDecimal:
      return sizeof(DecimalSum);
    case Step::kExtremeDecimal:
      return sizeof(Extreme<Int128>);
    case Step::kExtremeText:
      return sizeof(TextExtreme);
    case Step::kMomentsInt32:
    case Step::kMomentsInt64:
      return MomentsBytes(MomentsKind::kInteger);
    case Step::kMomentsDouble:
      return MomentsBytes(MomentsKind::kDouble);
    case Step::kMomentsDecimal:
      return MomentsBytes(MomentsKind::kDecimal);
    case Step::kList:
      return sizeof(ListSlot);
    default:
      return sizeof(Extreme<int64_t>);
  }
}

std::optional<Step> SumStep(Storage storage, const data::Type& type) {
  if (!type.IsNumeric()) return std::nullopt;
  switch (storage) {
    case Storage::kInt32:
      return Step::kSumInt32;
    case Storage::kInt64:
      return Step::kSumInt64;
    case Storage::kDouble:
      return Step::kSumDouble;
    default:
      return Step::kSumDecimal;
  }
}

std::optional<Step> MomentsStep(Storage storage, const data::Type& type) {
  if (!type.IsNumeric()) return std::nullopt;
  switch (storage) {
    case Storage::kInt32:
      return Step::kMomentsInt32;
    case Storage::kInt64:
      return Step::kMomentsInt64;
    case Storage::kDouble:
      return Step::kMomentsDouble;
    default:
      return Step::kMomentsDecimal;
  }
}

MomentsKind MomentsOf(Step step) {
  return step == Step::kMomentsDouble    ? MomentsKind::kDouble
         : step == Step::kMomentsDecimal ? MomentsKind::kDecimal
                                         : MomentsKind::kInteger;
}

std::optional<Step> ExtremeStep(Storage storage) {
  switch (storage) {
    case Storage::kBool:
      return Step::kExtremeBool;
    case Storage::kInt32:
      return Step::kExtremeInt32;
    case Storage::kInt64:
      return Step::kExtremeInt64;
    case Storage::kDouble:
      return Step::kExtremeDouble;
    case Storage::kInt128:
      return Step::kExtremeDecimal;
    case Storage::kText:
      return Step::kExtremeText;
    case Storage::kRow:
      break;
  }
  return std::nullopt;
}

std::optional<Step> StepOf(AggregateKind kind, const data::Type& argument) {
  switch (kind) {
    case AggregateKind::kCountStar:
      return Step::kCountRows;
    case AggregateKind::kCount:
      return Step::kCount;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      return SumStep(argument.storage(), argument);
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      return ExtremeStep(argument.storage());
    case AggregateKind::kVarPop:
    case AggregateKind::kVarSamp:
    case AggregateKind::kStddevPop:
    case AggregateKind::kStddevSamp:
      return MomentsStep(argument.storage(), argument);
    case AggregateKind::kFirstValue:
    case AggregateKind::kLastValue:
    case AggregateKind::kListAgg:
    case AggregateKind::kCollect:
    case AggregateKind::kArrayAgg:
    case AggregateKind::kJsonArrayAgg:
    case AggregateKind::kJsonObjectAgg:
      return Step::kList;
    case AggregateKind::kRowNumber:
    case AggregateKind::kLag:
      break;  // OVER's own
  }
  return std::nullopt;
}

ListKeeps KeepsOf(const plan::Aggregate& aggregate, InputRows rows) {
  const bool inserts = rows == InputRows::kInserts;
  if (aggregate.kind == AggregateKind::kFirstValue) return inserts ? ListKeeps::kFirst : ListKeeps::kAll;
  if (aggregate.kind == AggregateKind::kLastValue) return inserts ? ListKeeps::kLast : ListKeeps::kAll;
  return aggregate.kind == AggregateKind::kCollect || aggregate.distinct ? ListKeeps::kDifferent : ListKeeps::kAll;
}

template <typename V>
void AddSum(V value, Sign sign, char* at) {
  // Integers wrap, as in Java.
  auto slot = Get<Sum<V>>(at);
  if constexpr (std::is_same_v<V, int64_t>) {
    const auto add = static_cast<uint64_t>(value);
    slot.sum = static_cast<int64_t>(static_cast<uint64_t>(slot.sum) + (sign == Sign::kAdd ? add : 0 - add));
  } else {
    slot.sum += sign == Sign::kAdd ? value : -value;
  }
  slot.count += static_cast<int64_t>(sign);
  Put(slot, at);
}

void AddDecimal(Int128 value, Sign sign, char* at) {
  auto slot = Get<DecimalSum>(at);
  if (__builtin_add_overflow(slot.sum, sign == Sign::kAdd ? value : -value, &slot.sum)) slot.overflowed = 1;
  slot.count += static_cast<int64_t>(sign);
  Put(slot, at);
}

template <typename S, typename V>
void AddExtreme(bool smallest, V value, char* at) {
  const auto slot = Get<Extreme<S>>(at);
  if (slot.present != 0 && !(smallest ? value < slot.value : slot.value < value)) return;
  Put(Extreme<S>{.present = 1, .value = value}, at);
}

bool BetterText(bool smallest, std::string_view value, const TextExtreme& slot) {
  if (slot.size_plus_one == 0) return true;
  const std::string_view held(slot.bytes, static_cast<size_t>(slot.size_plus_one - 1));
  return smallest ? value < held : held < value;
}

template <typename S>
void MergeExtreme(bool smallest, const char* from, char* into) {
  const auto slot = Get<Extreme<S>>(from);
  if (slot.present != 0) AddExtreme<S>(smallest, slot.value, into);
}

template <typename V>
void MergeSum(const char* from, char* into) {
  const auto a = Get<Sum<V>>(from);
  auto b = Get<Sum<V>>(into);
  if constexpr (std::is_same_v<V, int64_t>) {
    b.sum = static_cast<int64_t>(static_cast<uint64_t>(b.sum) + static_cast<uint64_t>(a.sum));
  } else {
    b.sum += a.sum;
  }
  b.count += a.count;
  Put(b, into);
}

void MergeDecimal(const char* from, char* into) {
  const auto a = Get<DecimalSum>(from);
  auto b = Get<DecimalSum>(into);
  if (__builtin_add_overflow(a.sum, b.sum, &b.sum)) b.overflowed = 1;
  b.overflowed |= a.overflowed;
  b.count += a.count;
  Put(b, into);
}

void AppendInteger(const data::Type& type, int64_t value, data::Column* column) {
  switch (type.kind) {
    case data::TypeKind::kTinyInt:
      return column->Append<int32_t>(static_cast<int8_t>(value));
    case data::TypeKind::kSmallInt:
      return column->Append<int32_t>(static_cast<int16_t>(value));
    case data::TypeKind::kInt:
      return column->Append<int32_t>(static_cast<int32_t>(value));
    default:
      return column->Append<int64_t>(value);
  }
}

void AppendIntegerSum(const AggregateSlot& slot, const char* at, data::Column* column) {
  const auto sum = Get<Sum<int64_t>>(at);
  if (sum.count == 0) return column->AppendNull();
  const bool average = slot.kind == AggregateKind::kAvg;
  const int64_t value = !average ? sum.sum : sum.count == -1 ? 0 : sum.sum / sum.count;
  AppendInteger(slot.type, value, column);
}

void AppendDoubleSum(const AggregateSlot& slot, const char* at, data::Column* column) {
  const auto sum = Get<Sum<double>>(at);
  if (sum.count == 0) return column->AppendNull();
  const double value = slot.kind == AggregateKind::kAvg ? sum.sum / static_cast<double>(sum.count) : sum.sum;
  column->Append<double>(slot.type.kind == data::TypeKind::kFloat ? static_cast<float>(value) : value);
}

void AppendDecimalSum(const AggregateSlot& slot, const char* at, data::Column* column) {
  const auto sum = Get<DecimalSum>(at);
  if (sum.count == 0 || sum.overflowed != 0 || !data::FitsPrecision(sum.sum, data::kMaxDecimalPrecision)) {
    return column->AppendNull();
  }
  Int128 value = 0;
  const int scale = slot.argument_type.scale;
  const data::DecimalResult result =
      slot.kind == AggregateKind::kAvg
          ? data::DivideDecimal({sum.sum, scale}, {sum.count, 0}, slot.type.precision, slot.type.scale, &value)
          : data::RescaleDecimal(sum.sum, scale, slot.type.precision, slot.type.scale, &value);
  if (result != data::DecimalResult::kOk) return column->AppendNull();
  column->Append<Int128>(value);
}

template <typename S, typename C>
void AppendExtreme(const char* at, data::Column* column) {
  const auto slot = Get<Extreme<S>>(at);
  if (slot.present == 0) return column->AppendNull();
  column->Append<C>(static_cast<C>(slot.value));
}

bool AddToListSlot(const BoundSlot& bound, size_t row, Sign sign, char* at, data::TextArena& texts) {
  std::string cell;
  data::AppendCell(*bound.column, row, &cell);
  if (sign == Sign::kRetract) return TakeFromList(cell, at, texts);
  AddToList(cell, bound.slot->keeps, at, texts);
  return true;
}

void AppendList(const AggregateSlot& slot, const char* at, data::Column* column) {
  switch (slot.kind) {
    case AggregateKind::kListAgg:
      return AppendListAgg(at, slot.separator, column);
    case AggregateKind::kCollect:
      return AppendCollect(at, slot.different, column);
    case AggregateKind::kArrayAgg:
      return AppendArrayAgg(at, column);
    case AggregateKind::kJsonArrayAgg:
      return AppendJsonArray(at, column);
    case AggregateKind::kJsonObjectAgg:
      return AppendJsonObject(at, column);
    default:
      return AppendOneOf(at, slot.kind == AggregateKind::kFirstValue ? ListKeeps::kFirst : ListKeeps::kLast, column);
  }
}

}  // namespace

absl::StatusOr<AccumulatorLayout> AccumulatorLayout::Make(const std::vector<plan::Aggregate>& aggregates,
                                                          const data::Schema& input, InputRows rows) {
  AccumulatorLayout layout;
  for (const plan::Aggregate& aggregate : aggregates) {
    AggregateSlot slot;
    slot.kind = aggregate.kind;
    slot.argument = aggregate.argument;
    slot.filter = aggregate.filter;
    slot.type = aggregate.type;
    if (aggregate.argument >= 0) slot.argument_type = input.fields[static_cast<size_t>(aggregate.argument)].type;
    const std::optional<Step> step = StepOf(aggregate.kind, slot.argument_type);
    if (!step) {
      return Unimplemented("an aggregate over ", slot.argument_type.ToString(), " is not supported; CAST its argument");
    }
    slot.step = *step;
    // The extreme of the distinct values is the extreme of all.
    slot.distinct = aggregate.distinct && aggregate.kind != AggregateKind::kMin &&
                    aggregate.kind != AggregateKind::kMax && aggregate.argument >= 0 && slot.step != Step::kList;
    slot.different = aggregate.distinct;
    slot.takes_nulls = aggregate.takes_nulls;
    slot.keeps = KeepsOf(aggregate, rows);
    slot.separator = aggregate.separator;
    slot.offset = layout.bytes_;
    layout.bytes_ += SlotBytes(slot.step);
    layout.slots_.push_back(std::move(slot));
  }
  return layout;
}

absl::StatusOr<AccumulatorLayout> AccumulatorLayout::OfWindow(const plan::Node& node) {
  const plan::Node& input = *node.inputs[0];
  if (!input.produces_updates) return Make(node.aggregates, *input.schema);
  std::vector<plan::Aggregate> aggregates = node.aggregates;
  aggregates.push_back({.kind = AggregateKind::kCountStar, .type = data::BigInt().AsNotNull()});
  LEAT_ASSIGN_OR_RETURN(AccumulatorLayout layout, Make(aggregates, *input.schema, InputRows::kChanges));
  layout.counts_rows_ = true;
  for (AggregateSlot& slot : layout.slots_) {
    slot.distinct = slot.distinct || slot.kind == AggregateKind::kMin || slot.kind == AggregateKind::kMax;
  }
  return layout;
}

int64_t AccumulatorLayout::CountedRows(const char* accumulator) const {
  return counts_rows_ ? Get<Count>(accumulator + slots_.back().offset).count : 1;
}

bool AccumulatorLayout::has_distinct() const {
  for (const AggregateSlot& slot : slots_) {
    if (slot.distinct) return true;
  }
  return false;
}

BoundSlot AccumulatorLayout::BindColumn(const AggregateSlot& slot, const data::Column& column) {
  BoundSlot bound;
  bound.slot = &slot;
  bound.column = &column;
  if (column.has_nulls() && !slot.takes_nulls) bound.valid = column.validity().data();
  switch (column.type().storage()) {
    case Storage::kBool:
      bound.values = column.values<uint8_t>().data();
      break;
    case Storage::kInt32:
      bound.values = column.values<int32_t>().data();
      break;
    case Storage::kInt64:
      bound.values = column.values<int64_t>().data();
      break;
    case Storage::kDouble:
      bound.values = column.values<double>().data();
      break;
    case Storage::kInt128:
      bound.values = column.values<Int128>().data();
      break;
    case Storage::kText:
      bound.values = column.values<std::string_view>().data();
      break;
    case Storage::kRow:
      break;  // COUNT of a ROW looks at validity only
  }
  return bound;
}

std::vector<BoundSlot> AccumulatorLayout::Bind(const data::Batch& batch) const {
  std::vector<BoundSlot> bound;
  for (const AggregateSlot& slot : slots_) {
    BoundSlot one;
    one.slot = &slot;
    if (slot.argument >= 0) one = BindColumn(slot, *batch.columns[static_cast<size_t>(slot.argument)]);
    if (slot.filter >= 0) {
      const data::Column& filter = *batch.columns[static_cast<size_t>(slot.filter)];
      one.filter = filter.values<uint8_t>().data();
      if (filter.has_nulls()) one.filter_valid = filter.validity().data();
    }
    bound.push_back(one);
  }
  return bound;
}

bool AccumulatorLayout::Add(const BoundSlot& bound, size_t row, Sign sign, char* accumulator, data::TextArena& texts) {
  const AggregateSlot& slot = *bound.slot;
  char* at = accumulator + slot.offset;
  const bool smallest = slot.kind == AggregateKind::kMin;
  switch (slot.step) {
    case Step::kCountRows:
    case Step::kCount:
      Put(Count{Get<Count>(at).count + static_cast<int64_t>(sign)}, at);
      return true;
    case Step::kSumInt32:
      AddSum<int64_t>(static_cast<const int32_t*>(bound.values)[row], sign, at);
      return true;
    case Step::kSumInt64:
      AddSum<int64_t>(static_cast<const int64_t*>(bound.values)[row], sign, at);
      return true;
    case Step::kSumDouble:
      AddSum<double>(static_cast<const double*>(bound.values)[row], sign, at);
      return true;
    case Step::kSumDecimal:
      AddDecimal(static_cast<const Int128*>(bound.values)[row], sign, at);
      return true;
    case Step::kExtremeBool:
      AddExtreme<int64_t>(smallest, int64_t{static_cast<const uint8_t*>(bound.values)[row]}, at);
      return true;
    case Step::kExtremeInt32:
      AddExtreme<int64_t>(smallest, int64_t{static_cast<const int32_t*>(bound.values)[row]}, at);
      return true;
    case Step::kExtremeInt64:
      AddExtreme<int64_t>(smallest, static_cast<const int64_t*>(bound.values)[row], at);
      return true;
    case Step::kExtremeDouble:
      AddExtreme<double>(smallest, static_cast<const double*>(bound.values)[row], at);
      return true;
    case Step::kExtremeDecimal:
      AddExtreme<Int128>(smallest, static_cast<const Int128*>(bound.values)[row], at);
      return true;
    case Step::kExtremeText: {
      const std::string_view value = static_cast<const std::string_view*>(bound.values)[row];
      if (!BetterText(smallest, value, Get<TextExtreme>(at))) return true;
      const std::string_view kept = texts.Copy(value);
      Put(TextExtreme{static_cast<int64_t>(kept.size()) + 1, kept.data()}, at);
      return true;
    }
    case Step::kMomentsInt32:
      AddMoment(int64_t{static_cast<const int32_t*>(bound.values)[row]}, static_cast<int>(sign), at);
      return true;
    case Step::kMomentsInt64:
      AddMoment(static_cast<const int64_t*>(bound.values)[row], static_cast<int>(sign), at);
      return true;
    case Step::kMomentsDouble:
      AddMoment(static_cast<const double*>(bound.values)[row], static_cast<int>(sign), at);
      return true;
    case Step::kMomentsDecimal:
      AddMoment(static_cast<const Int128*>(bound.values)[row], slot.argument_type.scale, slot.type.scale,
                static_cast<int>(sign), at);
      return true;
    case Step::kList:
      return AddToListSlot(bound, row, sign, at, texts);
  }
  return true;
}

void AccumulatorLayout::Merge(const char* from_block, char* into_block, data::TextArena& texts) const {
  for (const AggregateSlot& slot : slots_) {
    const char* from = from_block + slot.offset;
    char* into = into_block + slot.offset;
    const bool smallest = slot.kind == AggregateKind::kMin;
    switch (slot.step) {
      case Step::kCountRows:
      case Step::kCount:
        Put(Count{Get<Count>(into).count + Get<Count>(from).count}, into);
        break;
      case Step::kSumInt32:
      case Step::kSumInt64:
        MergeSum<int64_t>(from, into);
        break;
      case Step::kSumDouble:
        MergeSum<double>(from, into);
        break;
      case Step::kSumDecimal:
        MergeDecimal(from, into);
        break;
      case Step::kExtremeDouble:
        MergeExtreme<double>(smallest, from, into);
        break;
      case Step::kExtremeDecimal:
        MergeExtreme<Int128>(smallest, from, into);
        break;
      case Step::kExtremeText: {
        const auto text = Get<TextExtreme>(from);
        if (text.size_plus_one == 0) break;
        const std::string_view value(text.bytes, static_cast<size_t>(text.size_plus_one - 1));
        if (BetterText(smallest, value, Get<TextExtreme>(into))) Put(text, into);
        break;
      }
      case Step::kMomentsInt32:
      case Step::kMomentsInt64:
      case Step::kMomentsDouble:
      case Step::kMomentsDecimal:
        MergeMoments(MomentsOf(slot.step), from, into);
        break;
      case Step::kList:
        MergeLists(from, slot.keeps, into, texts);
        break;
      default:
        MergeExtreme<int64_t>(smallest, from, into);
    }
  }
}

void AccumulatorLayout::Reset(size_t slot, char* accumulator) const {
  std::memset(accumulator + slots_[slot].offset, 0, SlotBytes(slots_[slot].step));
}

void AccumulatorLayout::AppendResult(const AggregateSlot& slot, const char* accumulator, data::Column* column) {
  const char* at = accumulator + slot.offset;
  switch (slot.step) {
    case Step::kCountRows:
    case Step::kCount:
      return column->Append<int64_t>(Get<Count>(at).count);
    case Step::kSumInt32:
    case Step::kSumInt64:
      return AppendIntegerSum(slot, at, column);
    case Step::kSumDouble:
      return AppendDoubleSum(slot, at, column);
    case Step::kSumDecimal:
      return AppendDecimalSum(slot, at, column);
    case Step::kExtremeBool:
      return AppendExtreme<int64_t, uint8_t>(at, column);
    case Step::kExtremeInt32:
      return AppendExtreme<int64_t, int32_t>(at, column);
    case Step::kExtremeInt64:
      return AppendExtreme<int64_t, int64_t>(at, column);
    case Step::kExtremeDouble:
      return AppendExtreme<double, double>(at, column);
    case Step::kExtremeDecimal:
      return AppendExtreme<Int128, Int128>(at, column);
    case Step::kExtremeText: {
      const auto text = Get<TextExtreme>(at);
      if (text.size_plus_one == 0) return column->AppendNull();
      return column->AppendText({text.bytes, static_cast<size_t>(text.size_plus_one - 1)});
    }
    case Step::kMomentsInt32:
    case Step::kMomentsInt64:
    case Step::kMomentsDouble:
    case Step::kMomentsDecimal:
      return AppendMoments(MomentsOf(slot.step), slot.kind, slot.argument_type, slot.type, at, column);
    case Step::kList:
      return AppendList(slot, at, column);
  }
}

}  // namespace leat::exec
