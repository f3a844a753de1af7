// Arithmetic of DECIMAL columns. Operands keep their own scale; an overflow of the result type gives NULL.
#include "stream/exec/decimal.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using data::Int128;
using plan::FunctionId;

bool Store(std::optional<Int128> value, Int128* out) {
  if (!value) return false;
  *out = *value;
  return true;
}

struct Scales {
  int a;
  int b;
  decimal::Format to;
};

template <typename F>
Kernel Binary(Scales scales, F f) {
  return [scales, f](const KernelCall& call) {
    return MapRows<Int128, Int128, Int128>(call, [&](size_t, Int128* out, Int128 a, Int128 b) {
      return Store(f(a, scales.a, b, scales.b, scales.to), out);
    });
  };
}

// As Binary, but b = 0 fails the row.
template <typename F>
Kernel Dividing(Scales scales, F f) {
  return [scales, f](const KernelCall& call) {
    return MapRows<Int128, Int128, Int128>(call, [&](size_t row, Int128* out, Int128 a, Int128 b) {
      if (b == 0) {
        call.errors.Add(row, "division by zero");
        return false;
      }
      return Store(f(a, scales.a, b, scales.b, scales.to), out);
    });
  };
}

template <typename F>
Kernel Unary(int scale, decimal::Format to, F f) {
  return [scale, to, f](const KernelCall& call) {
    return MapRows<Int128, Int128>(
        call, [&](size_t, Int128* out, Int128 a) { return Store(decimal::Rescale(f(a), scale, to), out); });
  };
}

absl::StatusOr<Kernel> MakeUnary(const Binding& binding) {
  const int scale = binding.arg(0).scale;
  const decimal::Format to = decimal::FormatOf(binding.call.type);
  switch (binding.call.function) {
    case FunctionId::kNegate:
      return Unary(scale, to, [](Int128 a) { return -a; });
    case FunctionId::kAbs:
      return Unary(scale, to, [](Int128 a) { return a < 0 ? -a : a; });
    case FunctionId::kSign:
      return Unary(0, to, [](Int128 a) { return Int128{(a > 0) - (a < 0)}; });
    default:
      return NoKernel(binding);
  }
}

}  // namespace

absl::StatusOr<Kernel> MakeDecimalKernel(const Binding& binding) {
  if (binding.call.type.kind != data::TypeKind::kDecimal) return NoKernel(binding);
  for (size_t i = 0; i < binding.count(); ++i) {
    if (binding.arg(i).kind != data::TypeKind::kDecimal) return NoKernel(binding);
  }
  if (binding.count() == 1) return MakeUnary(binding);
  const Scales scales{binding.arg(0).scale, binding.arg(1).scale, decimal::FormatOf(binding.call.type)};
  switch (binding.call.function) {
    case FunctionId::kAdd:
      return Binary(scales, decimal::Add);
    case FunctionId::kSubtract:
      return Binary(scales, [](Int128 a, int a_scale, Int128 b, int b_scale, decimal::Format to) {
        return decimal::Add(a, a_scale, -b, b_scale, to);
      });
    case FunctionId::kMultiply:
      return Binary(scales, decimal::Multiply);
    case FunctionId::kDivide:
      return Dividing(scales, decimal::Divide);
    case FunctionId::kModulo:
      return Dividing(scales, decimal::Modulo);
    default:
      return NoKernel(binding);
  }
}

}  // namespace leat::exec
