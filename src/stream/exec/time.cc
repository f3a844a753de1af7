// Functions of time: parts, rounding to a unit, distances, and the clock. Units are constants of the script.
#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "stream/data/time_zone.h"
#include "stream/exec/calendar.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using data::Type;
using data::TypeKind;
using plan::FunctionId;

// DATE and TIME as microseconds; timestamps are that already.
int64_t DateMicros(int32_t days) { return int64_t{days} * data::kMicrosPerDay; }
int64_t TimeMicros(int32_t millis) { return int64_t{millis} * data::kMicrosPerMilli; }
int32_t ToDays(int64_t micros) {
  return static_cast<int32_t>(std::clamp<int64_t>(FloorDiv(micros, data::kMicrosPerDay), INT32_MIN, INT32_MAX));
}
int32_t ToTimeOfDay(int64_t micros) {
  return static_cast<int32_t>(FloorMod(micros, data::kMicrosPerDay) / data::kMicrosPerMilli);
}

bool IsTime(const Type& type) {
  return type.kind == TypeKind::kDate || type.kind == TypeKind::kTime || type.IsTimestamp();
}

absl::StatusOr<TimeUnit> UnitArgument(const Binding& binding, size_t i) {
  const std::optional<std::string> name = binding.ConstantText(i);
  const std::optional<TimeUnit> unit = name ? ParseTimeUnit(*name) : std::nullopt;
  if (unit) return *unit;
  return InvalidArgument(plan::GetFunctionInfo(binding.call.function).name, ": '", name.value_or("?"),
                         "' is no unit of time; expected YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, ..");
}

absl::StatusOr<Kernel> MakeExtract(const Binding& binding) {
  LEAT_ASSIGN_OR_RETURN(const TimeUnit unit, UnitArgument(binding, 0));
  if (binding.call.type.storage() != data::Storage::kInt64) return NoKernel(binding);
  const auto over = [unit]<typename A>(auto micros) {
    return Kernel([unit, micros](const KernelCall& call) {
      return MapRows<int64_t, std::string_view, A>(call, [&](size_t, int64_t* out, std::string_view, A time) {
        *out = Extract(unit, micros(time));
        return true;
      });
    });
  };
  switch (binding.arg(1).kind) {
    case TypeKind::kDate:
      return over.operator()<int32_t>(DateMicros);
    case TypeKind::kTime:
      return over.operator()<int32_t>(TimeMicros);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return over.operator()<int64_t>([](int64_t micros) { return micros; });
    default:
      return NoKernel(binding);
  }
}

// time -> time of the same type through microseconds.
template <typename F>
absl::StatusOr<Kernel> Shift(const Binding& binding, size_t time_argument, F f) {
  const auto at = [time_argument, f]<typename A>(auto to_micros, auto from_micros) {
    return Kernel([=](const KernelCall& call) {
      auto out = std::make_shared<data::Column>(call.type);
      const std::span<A> values = out->Resize<A>(call.rows);
      const View<A> time(call.args[time_argument]);
      for (size_t row = 0; row < call.rows; ++row) values[row] = from_micros(f(call, row, to_micros(time[row])));
      out->SetValidity(StrictValidity(call));
      return data::ColumnPtr(out);
    });
  };
  if (binding.arg(time_argument).storage() != binding.call.type.storage()) return NoKernel(binding);
  const auto same = [](int64_t micros) { return micros; };
  switch (binding.arg(time_argument).kind) {
    case TypeKind::kDate:
      return at.template operator()<int32_t>(DateMicros, ToDays);
    case TypeKind::kTime:
      return at.template operator()<int32_t>(TimeMicros, ToTimeOfDay);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return at.template operator()<int64_t>(same, same);
    default:
      return NoKernel(binding);
  }
}

absl::StatusOr<Kernel> MakeRoundTo(const Binding& binding) {
  LEAT_ASSIGN_OR_RETURN(const TimeUnit unit, UnitArgument(binding, 1));
  data::TimeZone zone = data::TimeZone::Utc();
  if (binding.count() > 2) {
    const auto name = binding.ConstantText(2);
    if (!name) return Internal("the time zone of FLOOR and CEIL is no constant");
    LEAT_ASSIGN_OR_RETURN(zone, data::TimeZone::Load(*name));
  }
  const auto round = binding.call.function == FunctionId::kFloorTo ? FloorTo : CeilTo;
  return Shift(binding, 0, [unit, zone, round](const KernelCall&, size_t, int64_t micros) {
    // By the zone's distance from UTC then, also where the result is on the other side of a change, as on Flink.
    const int64_t offset = zone.ToLocal(micros) - micros;
    return round(unit, micros + offset) - offset;
  });
}

absl::StatusOr<Kernel> MakeTimestampAdd(const Binding& binding) {
  LEAT_ASSIGN_OR_RETURN(const TimeUnit unit, UnitArgument(binding, 0));
  if (!AddUnits(unit, 0, 1)) return NoKernel(binding);
  if (binding.arg(1).storage() != data::Storage::kInt32) return NoKernel(binding);
  return Shift(binding, 2, [unit](const KernelCall& call, size_t row, int64_t micros) {
    return AddUnits(unit, micros, View<int32_t>(call.args[1])[row]).value_or(micros);
  });
}

// A time argument's values in microseconds.
std::vector<int64_t> Micros(const Vector& vector, size_t rows) {
  std::vector<int64_t> micros(rows);
  if (vector.column->type().storage() == data::Storage::kInt64) {
    const View<int64_t> values(vector);
    for (size_t row = 0; row < rows; ++row) micros[row] = values[row];
    return micros;
  }
  const View<int32_t> values(vector);
  const bool date = vector.column->type().kind == TypeKind::kDate;
  for (size_t row = 0; row < rows; ++row) micros[row] = date ? DateMicros(values[row]) : TimeMicros(values[row]);
  return micros;
}

absl::StatusOr<Kernel> MakeTimestampDiff(const Binding& binding) {
  LEAT_ASSIGN_OR_RETURN(const TimeUnit unit, UnitArgument(binding, 0));
  if (!UnitsBetween(unit, 0, 0) || !IsTime(binding.arg(1)) || !IsTime(binding.arg(2))) return NoKernel(binding);
  if (binding.call.type.storage() != data::Storage::kInt32) return NoKernel(binding);
  return Kernel([unit](const KernelCall& call) -> data::ColumnPtr {
    const std::vector<int64_t> from = Micros(call.args[1], call.rows);
    const std::vector<int64_t> to = Micros(call.args[2], call.rows);
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<int32_t> values = out->Resize<int32_t>(call.rows);
    for (size_t row = 0; row < call.rows; ++row) {
      values[row] = static_cast<int32_t>(UnitsBetween(unit, from[row], to[row]).value_or(0));
    }
    out->SetValidity(StrictValidity(call));
    return out;
  });
}

// TO_TIMESTAMP_LTZ(number, 0 or 3): seconds or milliseconds since 1970.
absl::StatusOr<Kernel> MakeToTimestampLtz(const Binding& binding) {
  int precision = 3;
  if (binding.count() > 1) {
    const data::Column* constant = binding.constants[1];
    if (constant == nullptr || constant->type().storage() != data::Storage::kInt32 || constant->IsNull(0)) {
      return NoKernel(binding);
    }
    precision = constant->values<int32_t>()[0];
  }
  if (precision != 0 && precision != 3) {
    return InvalidArgument("TO_TIMESTAMP_LTZ: precision ", precision, ": expected 0 (seconds) or 3 (milliseconds)");
  }
  const int64_t unit = precision == 0 ? data::kMicrosPerSecond : data::kMicrosPerMilli;
  if (binding.arg(0).storage() == data::Storage::kInt64) {
    return Kernel([unit](const KernelCall& call) {
      auto out = std::make_shared<data::Column>(call.type);
      const std::span<int64_t> values = out->Resize<int64_t>(call.rows);
      const View<int64_t> numbers(call.args[0]);
      for (size_t row = 0; row < call.rows; ++row) values[row] = SaturatingMultiply(numbers[row], unit);
      out->SetValidity(StrictValidity(call));
      return data::ColumnPtr(out);
    });
  }
  if (binding.arg(0).storage() != data::Storage::kDouble) return NoKernel(binding);
  return Kernel([unit](const KernelCall& call) {
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<int64_t> values = out->Resize<int64_t>(call.rows);
    const View<double> numbers(call.args[0]);
    for (size_t row = 0; row < call.rows; ++row) {
      const double micros = numbers[row] * static_cast<double>(unit);
      values[row] = std::fabs(micros) < 9e18 ? FloorDiv(static_cast<int64_t>(micros), 1000) * 1000 : 0;
    }
    out->SetValidity(StrictValidity(call));
    return data::ColumnPtr(out);
  });
}

// One value for the whole batch; nullopt is NULL.
template <typename T, typename F>
Kernel OfContext(F f) {
  return [f](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const std::optional<T> value = f(call.context);
    for (size_t row = 0; row < call.rows; ++row) {
      if (value) {
        out->Append<T>(*value);
      } else {
        out->AppendNull();
      }
    }
    return out;
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeTimeKernel(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kExtract:
      return MakeExtract(binding);
    case FunctionId::kFloorTo:
    case FunctionId::kCeilTo:
      return MakeRoundTo(binding);
    case FunctionId::kTimestampAdd:
      return MakeTimestampAdd(binding);
    case FunctionId::kTimestampDiff:
      return MakeTimestampDiff(binding);
    case FunctionId::kToTimestampLtz:
      return MakeToTimestampLtz(binding);
    case FunctionId::kCurrentWatermark:
      return OfContext<int64_t>([](const Context& context) {
        if (context.watermark_ms == kMinWatermark) return std::optional<int64_t>();
        return std::optional(SaturatingMultiply(context.watermark_ms, data::kMicrosPerMilli));
      });
    case FunctionId::kCurrentDate:
      return OfContext<int32_t>([](const Context& context) {
        return std::optional(ToDays(SaturatingMultiply(context.wall_ms, data::kMicrosPerMilli)));
      });
    default:  // PROCTIME, CURRENT_TIMESTAMP, LOCALTIMESTAMP
      return OfContext<int64_t>([](const Context& context) {
        return std::optional(SaturatingMultiply(context.wall_ms, data::kMicrosPerMilli));
      });
  }
}

}  // namespace leat::exec
