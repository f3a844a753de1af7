// + and - of times and intervals, intervals times numbers. Months are cut to the end of the month they land in.
#include <algorithm>

#include "stream/exec/calendar.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using data::Type;
using data::TypeKind;
using plan::FunctionId;

bool IsInterval(const Type& type) {
  return type.kind == TypeKind::kIntervalDayTime || type.kind == TypeKind::kIntervalYearMonth;
}

int64_t Negated(int64_t value) { return value == INT64_MIN ? INT64_MAX : -value; }
int32_t Clamp32(int64_t value) { return static_cast<int32_t>(std::clamp<int64_t>(value, INT32_MIN, INT32_MAX)); }

// f(a, b) with the arguments swapped when the time stands on the right.
template <typename R, typename A, typename B, typename F>
Kernel Ordered(bool swapped, F f) {
  if (swapped) {
    return [f](const KernelCall& call) { return MapAll2<R, B, A>(call, [f](B b, A a) { return f(a, b); }); };
  }
  return [f](const KernelCall& call) { return MapAll2<R, A, B>(call, f); };
}

// time + sign * interval.
absl::StatusOr<Kernel> TimePlus(const Binding& binding, const Type& time, const Type& interval, bool swapped) {
  const int64_t sign = binding.call.function == FunctionId::kSubtract ? -1 : 1;
  const bool months = interval.kind == TypeKind::kIntervalYearMonth;
  if (binding.call.type.storage() != time.storage()) return NoKernel(binding);
  if (time.IsTimestamp() && months) {
    return Ordered<int64_t, int64_t, int32_t>(
        swapped, [sign](int64_t us, int32_t n) { return AddMonths(us, sign * int64_t{n}); });
  }
  if (time.IsTimestamp()) {
    return Ordered<int64_t, int64_t, int64_t>(
        swapped, [sign](int64_t us, int64_t by) { return SaturatingAdd(us, sign < 0 ? Negated(by) : by); });
  }
  if (time.kind == TypeKind::kDate && months) {
    return Ordered<int32_t, int32_t, int32_t>(swapped, [sign](int32_t days, int32_t n) {
      return Clamp32(FloorDiv(AddMonths(int64_t{days} * data::kMicrosPerDay, sign * int64_t{n}), data::kMicrosPerDay));
    });
  }
  if (time.kind == TypeKind::kDate) {
    return Ordered<int32_t, int32_t, int64_t>(swapped, [sign](int32_t days, int64_t by) {
      const int64_t us = SaturatingAdd(int64_t{days} * data::kMicrosPerDay, sign < 0 ? Negated(by) : by);
      return Clamp32(FloorDiv(us, data::kMicrosPerDay));
    });
  }
  if (time.kind == TypeKind::kTime && !months) {
    return Ordered<int32_t, int32_t, int64_t>(swapped, [sign](int32_t ms, int64_t by) {
      const int64_t us = SaturatingAdd(int64_t{ms} * data::kMicrosPerMilli, sign < 0 ? Negated(by) : by);
      return static_cast<int32_t>(FloorMod(us, data::kMicrosPerDay) / data::kMicrosPerMilli);
    });
  }
  return NoKernel(binding);
}

absl::StatusOr<Kernel> IntervalPlus(const Binding& binding) {
  const int64_t sign = binding.call.function == FunctionId::kSubtract ? -1 : 1;
  if (binding.arg(0).kind == TypeKind::kIntervalYearMonth) {
    return Ordered<int32_t, int32_t, int32_t>(
        false, [sign](int32_t a, int32_t b) { return Clamp32(int64_t{a} + sign * int64_t{b}); });
  }
  return Ordered<int64_t, int64_t, int64_t>(
      false, [sign](int64_t a, int64_t b) { return SaturatingAdd(a, sign < 0 ? Negated(b) : b); });
}

absl::StatusOr<Kernel> IntervalTimes(const Binding& binding, const Type& interval, const Type& number, bool swapped) {
  if (number.storage() != data::Storage::kInt64) return NoKernel(binding);
  if (interval.kind == TypeKind::kIntervalYearMonth) {
    return Ordered<int32_t, int32_t, int64_t>(
        swapped, [](int32_t months, int64_t n) { return Clamp32(SaturatingMultiply(months, n)); });
  }
  return Ordered<int64_t, int64_t, int64_t>(swapped, SaturatingMultiply);
}

absl::StatusOr<Kernel> MakeNegate(const Binding& binding) {
  if (binding.arg(0).kind == TypeKind::kIntervalYearMonth) {
    return Kernel([](const KernelCall& call) {
      return MapAll<int32_t, int32_t>(call, [](int32_t months) { return Clamp32(-int64_t{months}); });
    });
  }
  return Kernel([](const KernelCall& call) { return MapAll<int64_t, int64_t>(call, Negated); });
}

}  // namespace

absl::StatusOr<Kernel> MakeIntervalKernel(const Binding& binding) {
  const FunctionId id = binding.call.function;
  if (binding.count() == 1) {
    return id == FunctionId::kNegate && IsInterval(binding.arg(0)) ? MakeNegate(binding) : NoKernel(binding);
  }
  const Type& a = binding.arg(0);
  const Type& b = binding.arg(1);
  const bool sum = id == FunctionId::kAdd || id == FunctionId::kSubtract;
  if (sum && IsInterval(a) && a.kind == b.kind) return IntervalPlus(binding);
  if (sum && IsInterval(b)) return TimePlus(binding, a, b, false);
  if (id == FunctionId::kAdd && IsInterval(a)) return TimePlus(binding, b, a, true);
  if (id == FunctionId::kMultiply && IsInterval(a)) return IntervalTimes(binding, a, b, false);
  if (id == FunctionId::kMultiply && IsInterval(b)) return IntervalTimes(binding, b, a, true);
  // The difference of two timestamps.
  if (id == FunctionId::kSubtract && a.IsTimestamp() && b.IsTimestamp() &&
      binding.call.type.kind == TypeKind::kIntervalDayTime) {
    return Ordered<int64_t, int64_t, int64_t>(false, [](int64_t x, int64_t y) { return SaturatingAdd(x, Negated(y)); });
  }
  return NoKernel(binding);
}

}  // namespace leat::exec
