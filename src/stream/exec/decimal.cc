#include "stream/exec/decimal.h"

#include <algorithm>

#include "base/check.h"
#include "stream/data/decimal.h"

namespace leat::exec::decimal {
namespace {

constexpr int kMaxPower = data::kMaxDecimalPrecision;

using data::DecimalResult;
using data::PowerOfTen;

std::optional<Int128> IfFits(DecimalResult result, Int128 value) {
  return result == DecimalResult::kOk ? std::optional<Int128>(value) : std::nullopt;
}

UInt128 Magnitude(Int128 value) { return value < 0 ? ~static_cast<UInt128>(value) + 1 : static_cast<UInt128>(value); }

// 256 bits without sign.
struct Wide {
  UInt128 high = 0;
  UInt128 low = 0;
};

Wide Product(UInt128 a, UInt128 b) {
  constexpr UInt128 kHalf = ~uint64_t{0};
  const UInt128 a0 = a & kHalf;
  const UInt128 a1 = a >> 64;
  const UInt128 b0 = b & kHalf;
  const UInt128 b1 = b >> 64;
  const UInt128 low = a0 * b0;
  const UInt128 middle = a1 * b0 + (low >> 64);
  const UInt128 middle2 = a0 * b1 + (middle & kHalf);
  return {a1 * b1 + (middle >> 64) + (middle2 >> 64), (middle2 << 64) | (low & kHalf)};
}

// value * 10^n, nullopt if it passes 256 bits.
std::optional<Wide> Scaled(Wide value, int n) {
  while (n > 0) {
    const int step = std::min(n, kMaxPower);
    const auto power = static_cast<UInt128>(PowerOfTen(step));
    const Wide low = Product(value.low, power);
    const Wide high = Product(value.high, power);
    if (high.high != 0) return std::nullopt;
    const UInt128 sum = low.high + high.low;
    if (sum < low.high) return std::nullopt;
    value = {sum, low.low};
    n -= step;
  }
  return value;
}

struct Division {
  Wide quotient;
  UInt128 remainder;
};

Division Divide(Wide value, UInt128 by) {
  if (value.high == 0) return {{0, value.low / by}, value.low % by};
  Division result{{value.high / by, 0}, value.high % by};
  UInt128 rest = result.remainder;
  UInt128 low = 0;
  for (int bit = 127; bit >= 0; --bit) {  // schoolbook, one bit a step: only numbers beyond 38 digits come here
    const bool carry = (rest >> 127) != 0;
    rest = (rest << 1) | ((value.low >> bit) & 1);
    low <<= 1;
    if (carry || rest >= by) {
      rest -= by;
      low |= 1;
    }
  }
  result.quotient.low = low;
  result.remainder = rest;
  return result;
}

// (value * 10^up) / by, rounded half up, as a signed number within the precision.
std::optional<Int128> Quotient(Wide value, int up, UInt128 by, bool negative, int precision) {
  const std::optional<Wide> numerator = Scaled(value, up);
  if (!numerator) return std::nullopt;
  Division division = Divide(*numerator, by);
  if (division.remainder >= by - division.remainder) {  // 2 * remainder >= by, without overflow
    if (++division.quotient.low == 0) ++division.quotient.high;
  }
  if (division.quotient.high != 0 || division.quotient.low >= static_cast<UInt128>(PowerOfTen(precision))) {
    return std::nullopt;
  }
  const auto magnitude = static_cast<Int128>(division.quotient.low);
  return negative ? -magnitude : magnitude;
}

// value * 10^-from_scale at the asked format.
std::optional<Int128> Fit(Wide value, bool negative, int from_scale, Format to) {
  const int up = to.scale - from_scale;
  if (up >= 0) return Quotient(value, up, 1, negative, to.precision);
  int down = -up;
  if (down <= kMaxPower) return Quotient(value, 0, static_cast<UInt128>(PowerOfTen(down)), negative, to.precision);
  // Cutting first cannot change the rounding: HALF_UP looks at the highest digit dropped only.
  const Division cut = Divide(value, static_cast<UInt128>(PowerOfTen(down - kMaxPower)));
  return Quotient(cut.quotient, 0, static_cast<UInt128>(PowerOfTen(kMaxPower)), negative, to.precision);
}

}  // namespace

std::optional<Int128> Rescale(Int128 value, int from_scale, Format to) {
  Int128 out = 0;
  const DecimalResult result = data::RescaleDecimal(value, from_scale, to.precision, to.scale, &out);
  return IfFits(result, out);
}

std::optional<Int128> Add(Int128 a, int a_scale, Int128 b, int b_scale, Format to) {
  const int scale = std::max(a_scale, b_scale);
  Int128 left = 0;
  Int128 right = 0;
  Int128 sum = 0;
  if (!__builtin_mul_overflow(a, PowerOfTen(scale - a_scale), &left) &&
      !__builtin_mul_overflow(b, PowerOfTen(scale - b_scale), &right) && !__builtin_add_overflow(left, right, &sum)) {
    return Rescale(sum, scale, to);
  }
  // Beyond 128 bits: magnitudes in 256 bits.
  const std::optional<Wide> wide_a = Scaled({0, Magnitude(a)}, scale - a_scale);
  const std::optional<Wide> wide_b = Scaled({0, Magnitude(b)}, scale - b_scale);
  if (!wide_a || !wide_b) return std::nullopt;
  if ((a < 0) == (b < 0)) {
    Wide total{wide_a->high + wide_b->high, wide_a->low + wide_b->low};
    if (total.low < wide_a->low) ++total.high;
    return Fit(total, a < 0, scale, to);
  }
  const bool a_larger = wide_a->high != wide_b->high ? wide_a->high > wide_b->high : wide_a->low >= wide_b->low;
  const Wide& big = a_larger ? *wide_a : *wide_b;
  const Wide& small = a_larger ? *wide_b : *wide_a;
  const Wide difference{big.high - small.high - (big.low < small.low ? 1 : 0), big.low - small.low};
  return Fit(difference, a_larger ? a < 0 : b < 0, scale, to);
}

std::optional<Int128> Multiply(Int128 a, int a_scale, Int128 b, int b_scale, Format to) {
  Int128 out = 0;
  const DecimalResult result = data::MultiplyDecimal({a, a_scale}, {b, b_scale}, to.precision, to.scale, &out);
  return IfFits(result, out);
}

std::optional<Int128> Divide(Int128 a, int a_scale, Int128 b, int b_scale, Format to) {
  LEAT_CHECK(b != 0);
  Int128 out = 0;
  const DecimalResult result = data::DivideDecimal({a, a_scale}, {b, b_scale}, to.precision, to.scale, &out);
  return IfFits(result, out);
}

std::optional<Int128> Modulo(Int128 a, int a_scale, Int128 b, int b_scale, Format to) {
  LEAT_CHECK(b != 0);
  const int scale = std::max(a_scale, b_scale);
  const std::optional<Wide> left = Scaled({0, Magnitude(a)}, scale - a_scale);
  const std::optional<Wide> right = Scaled({0, Magnitude(b)}, scale - b_scale);
  if (!left || !right) return std::nullopt;
  if (right->high != 0) {
    // |b| at this scale is past 128 bits, and |a| < 10^38 at its own scale: a is the remainder unless it is larger.
    if (left->high < right->high) return Rescale(a, a_scale, to);
    return std::nullopt;
  }
  const Division division = Divide(*left, right->low);
  return Fit({0, division.remainder}, a < 0, scale, to);
}

std::optional<Int128> Round(Int128 value, int scale, int digits, Rounding rounding) {
  const int drop = scale - digits;
  if (drop <= 0) return value;
  if (drop > kMaxPower) return Int128{0};
  const Int128 unit = PowerOfTen(drop);
  Int128 whole = value / unit;
  const Int128 rest = value % unit;
  switch (rounding) {
    case Rounding::kDown:
      break;
    case Rounding::kFloor:
      if (rest < 0) --whole;
      break;
    case Rounding::kCeiling:
      if (rest > 0) ++whole;
      break;
    case Rounding::kHalfUp:
      if (rest >= unit - rest) ++whole;
      if (-rest >= unit + rest) --whole;
      break;
  }
  Int128 result = 0;
  if (__builtin_mul_overflow(whole, unit, &result) || !data::FitsPrecision(result, kMaxPower)) return std::nullopt;
  return result;
}

}  // namespace leat::exec::decimal
