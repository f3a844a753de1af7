// Comparison of values of one type, and what is made of it: NULLIF, GREATEST, LEAST, IS [NOT] DISTINCT FROM.
#include <algorithm>

#include "stream/data/collection.h"
#include "stream/exec/node.h"
#include "stream/exec/storage.h"

namespace leat::exec {
namespace {

using plan::FunctionId;

template <typename T, typename Compare>
Kernel Comparison(Compare compare) {
  return [compare](const KernelCall& call) {
    return MapAll2<uint8_t, T, T>(call,
                                  [compare](const T& a, const T& b) { return static_cast<uint8_t>(compare(a, b)); });
  };
}

// 1 where exactly one is NULL, or both are there and differ; `same` is what equal rows give.
template <typename T>
Kernel Distinct(uint8_t same) {
  return [same](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<uint8_t> values = out->Resize<uint8_t>(call.rows);
    const View<T> a(call.args[0]);
    const View<T> b(call.args[1]);
    for (size_t row = 0; row < call.rows; ++row) {
      const bool a_null = a.IsNull(row);
      const bool equal = a_null == b.IsNull(row) && (a_null || a[row] == b[row]);
      values[row] = equal ? same : static_cast<uint8_t>(1 - same);
    }
    return out;
  };
}

// The first argument unless it equals the second.
template <typename T>
Kernel NullIf() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<T> values = out->Resize<T>(call.rows);
    const View<T> a(call.args[0]);
    const View<T> b(call.args[1]);
    std::vector<uint8_t> valid(call.rows, 1);
    for (size_t row = 0; row < call.rows; ++row) {
      values[row] = a[row];
      valid[row] = !a.IsNull(row) && (b.IsNull(row) || !(a[row] == b[row]));
    }
    if constexpr (std::is_same_v<T, std::string_view>) out->KeepAliveFrom(*call.args[0].column);
    if (std::ranges::find(valid, 0) != valid.end()) out->SetValidity(std::move(valid));
    return out;
  };
}

// The extreme of all arguments; NULL if any is.
template <typename T, typename Compare>
Kernel Extreme(Compare better) {
  return [better](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<T> values = out->Resize<T>(call.rows);
    for (size_t i = 0; i < call.args.size(); ++i) {
      const View<T> arg(call.args[i]);
      for (size_t row = 0; row < call.rows; ++row) {
        if (i == 0 || better(arg[row], values[row])) values[row] = arg[row];
      }
      if constexpr (std::is_same_v<T, std::string_view>) out->KeepAliveFrom(*call.args[i].column);
    }
    out->SetValidity(StrictValidity(call));
    return out;
  };
}

// The value such that equal ones have equal bytes: of a MAP its entries in order. Fields that are NULL are equal.
void AppendComparable(const Vector& vector, size_t row, std::string* out) {
  const data::Column& column = *vector.column;
  const size_t at = vector.constant ? 0 : row;
  if (column.type().storage() == data::Storage::kRow) return data::AppendCell(column, at, out);
  *out += data::CanonicalMap(column.values<std::string_view>()[at], column.type());
}

// Of ROWs, MAPs and MULTISETs, which have no order. `same`: what equal ones give.
enum class Nulls : uint8_t { kUnknown, kValues };
Kernel WholeEquality(uint8_t same, Nulls nulls) {
  return [same, nulls](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<uint8_t> values = out->Resize<uint8_t>(call.rows);
    std::string a;
    std::string b;
    for (size_t row = 0; row < call.rows; ++row) {
      const bool a_null = call.args[0].IsNull(row);
      const bool b_null = call.args[1].IsNull(row);
      bool equal = a_null == b_null;
      if (!a_null && !b_null) {
        a.clear();
        b.clear();
        AppendComparable(call.args[0], row, &a);
        AppendComparable(call.args[1], row, &b);
        equal = a == b;
      }
      values[row] = equal ? same : static_cast<uint8_t>(1 - same);
    }
    if (nulls == Nulls::kUnknown) out->SetValidity(StrictValidity(call));
    return out;
  };
}

absl::StatusOr<Kernel> MakeWhole(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kEqual:
      return WholeEquality(1, Nulls::kUnknown);
    case FunctionId::kNotEqual:
      return WholeEquality(0, Nulls::kUnknown);
    case FunctionId::kIsDistinctFrom:
      return WholeEquality(0, Nulls::kValues);
    case FunctionId::kIsNotDistinctFrom:
      return WholeEquality(1, Nulls::kValues);
    default:
      return NoKernel(binding);
  }
}

template <typename T>
absl::StatusOr<Kernel> Make(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kEqual:
      return Comparison<T>(std::equal_to<T>());
    case FunctionId::kNotEqual:
      return Comparison<T>(std::not_equal_to<T>());
    case FunctionId::kLess:
      return Comparison<T>(std::less<T>());
    case FunctionId::kLessOrEqual:
      return Comparison<T>(std::less_equal<T>());
    case FunctionId::kGreater:
      return Comparison<T>(std::greater<T>());
    case FunctionId::kGreaterOrEqual:
      return Comparison<T>(std::greater_equal<T>());
    case FunctionId::kIsDistinctFrom:
      return Distinct<T>(0);
    case FunctionId::kIsNotDistinctFrom:
      return Distinct<T>(1);
    case FunctionId::kNullIf:
      return NullIf<T>();
    case FunctionId::kGreatest:
      return Extreme<T>(std::greater<T>());
    case FunctionId::kLeast:
      return Extreme<T>(std::less<T>());
    default:
      return NoKernel(binding);
  }
}

}  // namespace

absl::StatusOr<Kernel> MakeCompareKernel(const Binding& binding) {
  const data::Storage storage = binding.arg(0).storage();
  const data::TypeKind kind = binding.arg(0).kind;
  if (storage == data::Storage::kRow || kind == data::TypeKind::kMap || kind == data::TypeKind::kMultiset) {
    return binding.arg(1).storage() == storage ? MakeWhole(binding) : NoKernel(binding);
  }
  for (size_t i = 1; i < binding.count(); ++i) {
    if (binding.arg(i).storage() != storage || binding.arg(i).scale != binding.arg(0).scale) return NoKernel(binding);
  }
  return WithStorage(storage, [&]<typename T>(std::type_identity<T>) { return Make<T>(binding); });
}

}  // namespace leat::exec
