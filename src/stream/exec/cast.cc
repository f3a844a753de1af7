// CAST and TRY_CAST between numbers, BOOLEAN and times. Text on either side is in cast_text.cc.
#include "stream/exec/cast.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stream/data/decimal.h"
#include "stream/data/time_text.h"
#include "stream/exec/decimal.h"
#include "stream/exec/storage.h"

namespace leat::exec {
namespace {

using data::Int128;
using data::Storage;
using data::Type;
using data::TypeKind;

// Integers narrow by cutting bits, as in Java.
int32_t Narrow(int64_t value, TypeKind kind) {
  switch (kind) {
    case TypeKind::kTinyInt:
      return static_cast<int8_t>(value);
    case TypeKind::kSmallInt:
      return static_cast<int16_t>(value);
    default:
      return static_cast<int32_t>(value);
  }
}

// Java's (long) and (int) of a double: NaN is 0, out of range is the nearest end.
template <typename T>
T Saturate(double value) {
  if (std::isnan(value)) return 0;
  constexpr double kLimit = -static_cast<double>(std::numeric_limits<T>::min());
  if (value >= kLimit) return std::numeric_limits<T>::max();
  if (value <= -kLimit) return std::numeric_limits<T>::min();
  return static_cast<T>(value);
}

template <typename A>
int64_t ToInt64(A value, int scale) {
  if constexpr (std::is_same_v<A, double>) {
    return Saturate<int64_t>(value);
  } else if constexpr (std::is_same_v<A, Int128>) {
    return static_cast<int64_t>(value / data::PowerOfTen(scale));
  } else {
    return static_cast<int64_t>(value);
  }
}

template <typename A>
double ToDouble(A value, int scale) {
  if constexpr (std::is_same_v<A, Int128>) {
    return data::DecimalToDouble(value, scale);
  } else {
    return static_cast<double>(value);
  }
}

template <typename A>
absl::StatusOr<Kernel> FromNumber(const Binding& binding) {
  const Type& to = binding.call.type;
  const int scale = std::is_same_v<A, Int128> ? binding.arg(0).scale : 0;
  switch (to.kind) {
    case TypeKind::kBoolean:
      return Kernel([](const KernelCall& call) {
        return MapAll<uint8_t, A>(call, [](A a) { return static_cast<uint8_t>(a != A{0}); });
      });
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
      return Kernel([scale, kind = to.kind](const KernelCall& call) {
        return MapAll<int32_t, A>(call, [scale, kind](A a) {
          if constexpr (std::is_same_v<A, double>) return Narrow(Saturate<int32_t>(a), kind);
          return Narrow(ToInt64<A>(a, scale), kind);
        });
      });
    case TypeKind::kBigInt:
      return Kernel([scale](const KernelCall& call) {
        return MapAll<int64_t, A>(call, [scale](A a) { return ToInt64<A>(a, scale); });
      });
    case TypeKind::kFloat:
      return Kernel([scale](const KernelCall& call) {
        return MapAll<double, A>(
            call, [scale](A a) { return static_cast<double>(static_cast<float>(ToDouble<A>(a, scale))); });
      });
    case TypeKind::kDouble:
      return Kernel([scale](const KernelCall& call) {
        return MapAll<double, A>(call, [scale](A a) { return ToDouble<A>(a, scale); });
      });
    case TypeKind::kDecimal:
      return Kernel([scale, format = decimal::FormatOf(to)](const KernelCall& call) {
        return MapRows<Int128, A>(call, [&](size_t, Int128* out, A a) {
          if constexpr (std::is_same_v<A, double>) {
            return data::DecimalFromDouble(a, format.precision, format.scale, out) == data::DecimalResult::kOk;
          } else {
            const std::optional<Int128> value = decimal::Rescale(a, scale, format);
            if (value) *out = *value;
            return value.has_value();
          }
        });
      });
    default:
      return NoKernel(binding);
  }
}

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

absl::StatusOr<Kernel> FromDate(const Binding& binding) {
  if (!binding.call.type.IsTimestamp()) return NoKernel(binding);
  return Kernel([](const KernelCall& call) {
    return MapAll<int64_t, int32_t>(call, [](int32_t days) { return int64_t{days} * data::kMicrosPerDay; });
  });
}

absl::StatusOr<Kernel> FromTime(const Binding& binding) {
  if (!binding.call.type.IsTimestamp()) return NoKernel(binding);
  return Kernel([](const KernelCall& call) {
    return MapAll<int64_t, int32_t>(call, [](int32_t ms) { return int64_t{ms} * data::kMicrosPerMilli; });
  });
}

absl::StatusOr<Kernel> PlainFromTimestamp(const Binding& binding) {
  const Type& to = binding.call.type;
  switch (to.kind) {
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return Kernel([precision = to.precision](const KernelCall& call) {
        return MapAll<int64_t, int64_t>(call, [precision](int64_t us) { return data::TruncateMicros(us, precision); });
      });
    case TypeKind::kDate:
      return Kernel([](const KernelCall& call) {
        return MapAll<int32_t, int64_t>(
            call, [](int64_t us) { return static_cast<int32_t>(FloorDivide(us, data::kMicrosPerDay)); });
      });
    case TypeKind::kTime:
      return Kernel([precision = to.precision](const KernelCall& call) {
        return MapAll<int32_t, int64_t>(call, [precision](int64_t us) {
          const int64_t of_day = us - FloorDivide(us, data::kMicrosPerDay) * data::kMicrosPerDay;
          return static_cast<int32_t>(data::TruncateMicros(of_day, std::min(precision, 3)) / data::kMicrosPerMilli);
        });
      });
    default:
      return NoKernel(binding);
  }
}

// Before or behind a cast that takes both kinds of timestamp for the same number.
Kernel Mapped(const Type& type, std::function<int64_t(int64_t)> map) {
  return [type, map = std::move(map)](const KernelCall& call) {
    return MapAll<int64_t, int64_t>({type, call.args.first(1), call.rows, call.context, call.errors}, map);
  };
}
Kernel Then(Kernel first, Kernel second) {
  return [first = std::move(first), second = std::move(second)](const KernelCall& call) {
    const Vector args[] = {{first(call), false}};
    return second({call.type, args, call.rows, call.context, call.errors});
  };
}

// From or to an instant, between it and what the wall shows.
absl::StatusOr<Kernel> InZone(const Binding& binding, absl::StatusOr<Kernel> cast) {
  const bool from = binding.arg(0).kind == TypeKind::kTimestampLtz;
  const bool to = binding.call.type.kind == TypeKind::kTimestampLtz;
  if (!cast.ok() || from == to) return cast;
  LEAT_ASSIGN_OR_RETURN(const data::TimeZone zone, ZoneOf(binding));
  if (zone.IsUtc()) return cast;
  if (from) return Then(Mapped(binding.arg(0), [zone](int64_t us) { return zone.ToLocal(us); }), *std::move(cast));
  return Then(*std::move(cast), Mapped(binding.call.type, [zone](int64_t us) { return zone.ToEpoch(us); }));
}

Kernel CastNull() {
  return [](const KernelCall& call) { return AllNull(call.type, call.rows); };
}

// The same values under another type: widths of text, nullability.
Kernel Relabel() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    if (call.args[0].column->type() == call.type) return call.args[0].column;
    std::vector<uint32_t> all(call.rows);
    for (uint32_t row = 0; row < call.rows; ++row) all[row] = row;
    auto out = std::make_shared<data::Column>(call.type);
    WithStorage(call.type.storage(), [&]<typename T>(std::type_identity<T>) {
      std::ranges::copy(call.args[0].column->values<T>().first(call.rows), out->Resize<T>(call.rows).begin());
    });
    out->SetValidity(StrictValidity(call));
    out->KeepAliveFrom(*call.args[0].column);
    return out;
  };
}

absl::StatusOr<Kernel> MakePlainCast(const Binding& binding) {
  const Type& from = binding.arg(0);
  const Type& to = binding.call.type;
  if (from.kind == TypeKind::kNull) return CastNull();
  if (data::SameIgnoringNullability(from, to) && from.storage() != Storage::kRow) return Relabel();
  if (IsNestedCast(from, to)) return MakeNestedCast(binding);
  if (from.storage() == Storage::kText || to.storage() == Storage::kText) return MakeTextCast(binding);
  switch (from.kind) {
    case TypeKind::kBoolean:
      return to.kind == TypeKind::kDecimal || to.IsNumeric() ? FromNumber<uint8_t>(binding) : NoKernel(binding);
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
      return FromNumber<int32_t>(binding);
    case TypeKind::kBigInt:
      return FromNumber<int64_t>(binding);
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      return FromNumber<double>(binding);
    case TypeKind::kDecimal:
      return FromNumber<Int128>(binding);
    case TypeKind::kDate:
      return InZone(binding, FromDate(binding));
    case TypeKind::kTime:
      return InZone(binding, FromTime(binding));
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return InZone(binding, PlainFromTimestamp(binding));
    default:
      return from.kind == to.kind && from.storage() != Storage::kRow ? absl::StatusOr<Kernel>(Relabel())
                                                                     : NoKernel(binding);
  }
}

// Failing rows become NULL.
Kernel Try(Kernel cast) {
  return [cast = std::move(cast)](const KernelCall& call) -> data::ColumnPtr {
    std::vector<RowError> failed;
    ErrorSink ignored({}, &failed);
    const data::ColumnPtr result = cast({call.type, call.args, call.rows, call.context, ignored});
    for (const RowError& error : failed) {
      LEAT_CHECK(result->IsNull(error.row)) << "a failed CAST has no value";
    }
    return result;
  };
}

}  // namespace

absl::StatusOr<data::TimeZone> ZoneOf(const Binding& binding) {
  if (binding.count() < 2) return data::TimeZone::Utc();
  const auto name = binding.ConstantText(1);
  if (!name) return Internal("the time zone of a CAST is no constant");
  return data::TimeZone::Load(*name);
}

absl::StatusOr<Kernel> MakeCastKernel(const Binding& binding) {
  LEAT_ASSIGN_OR_RETURN(Kernel cast, MakePlainCast(binding));
  if (binding.call.function == plan::FunctionId::kTryCast) return Try(std::move(cast));
  return cast;
}

}  // namespace leat::exec
