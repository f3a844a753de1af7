// What kernels need of DECIMAL beyond data/decimal.h: one shape for every operation, and sums, remainders and rounding,
// exact before the one rounding HALF_UP. A result that does not fit the asked format is nullopt: SQL's NULL. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "stream/data/type.h"

namespace leat::exec::decimal {

using data::Int128;
__extension__ using UInt128 = unsigned __int128;

struct Format {
  int precision;
  int scale;
};
inline Format FormatOf(const data::Type& type) { return {type.precision, type.scale}; }

// The same number at another scale, if it fits.
std::optional<Int128> Rescale(Int128 value, int from_scale, Format to);
std::optional<Int128> Add(Int128 a, int a_scale, Int128 b, int b_scale, Format to);
std::optional<Int128> Multiply(Int128 a, int a_scale, Int128 b, int b_scale, Format to);
// REQUIRES: b != 0.
std::optional<Int128> Divide(Int128 a, int a_scale, Int128 b, int b_scale, Format to);
// The remainder with the sign of a. REQUIRES: b != 0.
std::optional<Int128> Modulo(Int128 a, int a_scale, Int128 b, int b_scale, Format to);

// Rounds at 10^-digits; digits may be negative. The scale is kept.
enum class Rounding { kHalfUp, kDown, kFloor, kCeiling };
std::optional<Int128> Round(Int128 value, int scale, int digits, Rounding rounding);

}  // namespace leat::exec::decimal
