// + - * / % on integers (wrapping, as in Java) and floating point; negation, ABS and SIGN. DECIMAL is in
// decimal_kernels.cc, times and intervals are in interval.cc.
#include <cmath>
#include <limits>

#include "stream/exec/decimal.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using data::TypeKind;
using plan::FunctionId;

// Two's complement arithmetic at the width of T, computed at 64 bits and cut back.
template <typename T>
T Wrap(uint64_t value) {
  return static_cast<T>(value);
}

template <typename Cut, typename T>
absl::StatusOr<Kernel> IntegerKernel(const Binding& binding) {
  // Cut is the SQL width (int8_t .. int64_t), T the storage.
  switch (binding.call.function) {
    case FunctionId::kAdd:
      return Kernel([](const KernelCall& call) {
        return MapAll2<T, T, T>(
            call, [](T a, T b) -> T { return Wrap<Cut>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); });
      });
    case FunctionId::kSubtract:
      return Kernel([](const KernelCall& call) {
        return MapAll2<T, T, T>(
            call, [](T a, T b) -> T { return Wrap<Cut>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b)); });
      });
    case FunctionId::kMultiply:
      return Kernel([](const KernelCall& call) {
        return MapAll2<T, T, T>(
            call, [](T a, T b) -> T { return Wrap<Cut>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); });
      });
    case FunctionId::kDivide:
      return Kernel([](const KernelCall& call) {
        return MapRows<T, T, T>(call, [&](size_t row, T* out, T a, T b) {
          if (b == 0) {
            call.errors.Add(row, "division by zero");
            return false;
          }
          *out = b == -1 ? Wrap<Cut>(uint64_t{0} - static_cast<uint64_t>(a)) : static_cast<Cut>(a / b);
          return true;
        });
      });
    case FunctionId::kModulo:
      return Kernel([](const KernelCall& call) {
        return MapRows<T, T, T>(call, [&](size_t row, T* out, T a, T b) {
          if (b == 0) {
            call.errors.Add(row, "division by zero (remainder)");
            return false;
          }
          *out = b == -1 ? T{0} : static_cast<T>(a % b);
          return true;
        });
      });
    case FunctionId::kNegate:
      return Kernel([](const KernelCall& call) {
        return MapAll<T, T>(call, [](T a) -> T { return Wrap<Cut>(uint64_t{0} - static_cast<uint64_t>(a)); });
      });
    case FunctionId::kAbs:
      return Kernel([](const KernelCall& call) {
        return MapAll<T, T>(call,
                            [](T a) -> T { return a < 0 ? Wrap<Cut>(uint64_t{0} - static_cast<uint64_t>(a)) : a; });
      });
    case FunctionId::kSign:
      return Kernel(
          [](const KernelCall& call) { return MapAll<T, T>(call, [](T a) -> T { return (a > 0) - (a < 0); }); });
    default:
      return NoKernel(binding);
  }
}

// BIGINT by a divisor that was no BIGINT: neither is the remainder.
Kernel NarrowModulo() {
  return [](const KernelCall& call) {
    return MapRows<int32_t, int64_t, int64_t>(call, [&](size_t row, int32_t* out, int64_t a, int64_t b) {
      if (b == 0) {
        call.errors.Add(row, "division by zero (remainder)");
        return false;
      }
      *out = b == -1 ? 0 : static_cast<int32_t>(a % b);
      return true;
    });
  };
}

// Floating point; FLOAT results are rounded to float.
template <typename Width>
absl::StatusOr<Kernel> FloatKernel(const Binding& binding) {
  const auto two = [](auto f) {
    return Kernel([f](const KernelCall& call) {
      return MapAll2<double, double, double>(call,
                                             [f](double a, double b) -> double { return static_cast<Width>(f(a, b)); });
    });
  };
  const auto one = [](auto f) {
    return Kernel([f](const KernelCall& call) { return MapAll<double, double>(call, f); });
  };
  switch (binding.call.function) {
    case FunctionId::kAdd:
      return two([](double a, double b) { return a + b; });
    case FunctionId::kSubtract:
      return two([](double a, double b) { return a - b; });
    case FunctionId::kMultiply:
      return two([](double a, double b) { return a * b; });
    case FunctionId::kDivide:
      return two([](double a, double b) { return a / b; });
    case FunctionId::kModulo:
      return two([](double a, double b) { return std::fmod(a, b); });
    case FunctionId::kNegate:
      return one([](double a) { return -a; });
    case FunctionId::kAbs:
      return one([](double a) { return std::fabs(a); });
    case FunctionId::kSign:
      return one([](double a) { return std::isnan(a) ? a : static_cast<double>((a > 0) - (a < 0)); });
    default:
      return NoKernel(binding);
  }
}

}  // namespace

absl::StatusOr<Kernel> MakeArithmeticKernel(const Binding& binding) {
  // A remainder has the type of the divisor; both arguments have the wider type.
  const bool modulo = binding.call.function == FunctionId::kModulo;
  const TypeKind kind = modulo ? binding.arg(0).kind : binding.call.type.kind;
  bool same = true;
  for (size_t i = 0; i < binding.count(); ++i) same = same && binding.arg(i).kind == kind;
  bool any_decimal = false;
  for (size_t i = 0; i < binding.count(); ++i) any_decimal = any_decimal || binding.arg(i).kind == TypeKind::kDecimal;
  if (any_decimal) return MakeDecimalKernel(binding);
  if (!same || !binding.call.type.IsNumeric()) return MakeIntervalKernel(binding);
  if (modulo && binding.call.type.storage() != binding.arg(0).storage()) return NarrowModulo();
  switch (kind) {
    case TypeKind::kTinyInt:
      return IntegerKernel<int8_t, int32_t>(binding);
    case TypeKind::kSmallInt:
      return IntegerKernel<int16_t, int32_t>(binding);
    case TypeKind::kInt:
      return IntegerKernel<int32_t, int32_t>(binding);
    case TypeKind::kBigInt:
      return IntegerKernel<int64_t, int64_t>(binding);
    case TypeKind::kFloat:
      return FloatKernel<float>(binding);
    case TypeKind::kDouble:
      return FloatKernel<double>(binding);
    default:
      return NoKernel(binding);
  }
}

}  // namespace leat::exec
