// Rounding functions of every numeric type, and the functions of real numbers (all on DOUBLE).
#include <cmath>
#include <numbers>

#include "stream/data/decimal.h"
#include "stream/exec/decimal.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using data::Int128;
using data::TypeKind;
using decimal::Rounding;
using plan::FunctionId;

Rounding RoundingOf(FunctionId id) {
  switch (id) {
    case FunctionId::kFloor:
      return Rounding::kFloor;
    case FunctionId::kCeil:
      return Rounding::kCeiling;
    case FunctionId::kTruncate:
      return Rounding::kDown;
    default:
      return Rounding::kHalfUp;
  }
}

// ROUND and TRUNCATE of a double work on its shortest decimal form, so that ROUND(2.675, 2) is 2.68.
double RoundDouble(double value, int digits, Rounding rounding) {
  if (rounding == Rounding::kFloor) return std::floor(value);
  if (rounding == Rounding::kCeiling) return std::ceil(value);
  constexpr int kDigits = 17;
  if (!std::isfinite(value) || std::fabs(value) >= 1e18 || digits > kDigits) return value;
  Int128 exact = 0;
  if (data::DecimalFromDouble(value, data::kMaxDecimalPrecision, kDigits, &exact) != data::DecimalResult::kOk) {
    return value;
  }
  const std::optional<Int128> rounded = decimal::Round(exact, kDigits, digits, rounding);
  return rounded ? data::DecimalToDouble(*rounded, kDigits) : value;
}

template <typename T>
T RoundInteger(T value, int digits, Rounding rounding) {
  if (digits >= 0) return value;
  return static_cast<T>(decimal::Round(value, 0, digits, rounding).value_or(value));
}

// f(row's value, digits) over a column with an optional second argument.
template <typename T, typename F>
Kernel WithDigits(size_t count, F f) {
  if (count == 1) {
    return
        [f](const KernelCall& call) { return MapRows<T, T>(call, [&](size_t, T* out, T a) { return f(a, 0, out); }); };
  }
  return [f](const KernelCall& call) {
    return MapRows<T, T, int32_t>(call, [&](size_t, T* out, T a, int32_t digits) { return f(a, digits, out); });
  };
}

template <typename F>
Kernel Real(F f) {
  return [f](const KernelCall& call) { return MapAll<double, double>(call, f); };
}
template <typename F>
Kernel Real2(F f) {
  return [f](const KernelCall& call) { return MapAll2<double, double, double>(call, f); };
}

Kernel Constant(double value) {
  return [value](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) out->Append<double>(value);
    return out;
  };
}

absl::StatusOr<Kernel> MakeUnary(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kSqrt:
      return Real([](double a) { return std::sqrt(a); });
    case FunctionId::kLn:
    case FunctionId::kLog:
      return Real([](double a) { return std::log(a); });
    case FunctionId::kLog10:
      return Real([](double a) { return std::log10(a); });
    case FunctionId::kLog2:
      return Real([](double a) { return std::log2(a); });
    case FunctionId::kExp:
      return Real([](double a) { return std::exp(a); });
    case FunctionId::kSin:
      return Real([](double a) { return std::sin(a); });
    case FunctionId::kCos:
      return Real([](double a) { return std::cos(a); });
    case FunctionId::kTan:
      return Real([](double a) { return std::tan(a); });
    case FunctionId::kSinh:
      return Real([](double a) { return std::sinh(a); });
    case FunctionId::kCosh:
      return Real([](double a) { return std::cosh(a); });
    case FunctionId::kTanh:
      return Real([](double a) { return std::tanh(a); });
    case FunctionId::kCot:
      return Real([](double a) { return 1.0 / std::tan(a); });
    case FunctionId::kAsin:
      return Real([](double a) { return std::asin(a); });
    case FunctionId::kAcos:
      return Real([](double a) { return std::acos(a); });
    case FunctionId::kAtan:
      return Real([](double a) { return std::atan(a); });
    case FunctionId::kRadians:
      return Real([](double a) { return a / 180.0 * std::numbers::pi; });
    case FunctionId::kDegrees:
      return Real([](double a) { return a * 180.0 / std::numbers::pi; });
    default:
      return NoKernel(binding);
  }
}

}  // namespace

absl::StatusOr<Kernel> MakeRoundingKernel(const Binding& binding) {
  const Rounding rounding = RoundingOf(binding.call.function);
  const data::Type& from = binding.arg(0);
  const size_t count = binding.count();
  if (from.kind == TypeKind::kDecimal && binding.call.type.kind == TypeKind::kDecimal) {
    const int scale = from.scale;
    const decimal::Format to = decimal::FormatOf(binding.call.type);
    return WithDigits<Int128>(count, [=](Int128 a, int digits, Int128* out) {
      const std::optional<Int128> rounded = decimal::Round(a, scale, digits, rounding);
      const std::optional<Int128> fitted = rounded ? decimal::Rescale(*rounded, scale, to) : std::nullopt;
      if (fitted) *out = *fitted;
      return fitted.has_value();
    });
  }
  if (from.kind != binding.call.type.kind || !from.IsNumeric()) return NoKernel(binding);
  if (count > 1 && binding.arg(1).storage() != data::Storage::kInt32) return NoKernel(binding);
  switch (from.storage()) {
    case data::Storage::kInt32:
      return WithDigits<int32_t>(count, [=](int32_t a, int digits, int32_t* out) {
        *out = RoundInteger(a, digits, rounding);
        return true;
      });
    case data::Storage::kInt64:
      return WithDigits<int64_t>(count, [=](int64_t a, int digits, int64_t* out) {
        *out = RoundInteger(a, digits, rounding);
        return true;
      });
    default:
      return WithDigits<double>(count, [=](double a, int digits, double* out) {
        *out = RoundDouble(a, digits, rounding);
        return true;
      });
  }
}

absl::StatusOr<Kernel> MakeMathKernel(const Binding& binding) {
  for (size_t i = 0; i < binding.count(); ++i) {
    if (binding.arg(i).storage() != data::Storage::kDouble) return NoKernel(binding);
  }
  if (binding.call.type.storage() != data::Storage::kDouble) return NoKernel(binding);
  if (binding.count() == 0) {
    return binding.call.function == FunctionId::kPi ? absl::StatusOr<Kernel>(Constant(std::numbers::pi))
                                                    : NoKernel(binding);
  }
  if (binding.count() == 1) return MakeUnary(binding);
  switch (binding.call.function) {
    case FunctionId::kPower:
      return Real2([](double a, double b) { return std::pow(a, b); });
    case FunctionId::kAtan2:
      return Real2([](double a, double b) { return std::atan2(a, b); });
    case FunctionId::kLog:  // LOG(base, x)
      return Real2([](double base, double x) { return std::log(x) / std::log(base); });
    default:
      return NoKernel(binding);
  }
}

}  // namespace leat::exec
