// Decimal arithmetic on unscaled 128-bit numbers, with 256-bit intermediates and rounding HALF_UP. A result that needs
// more than 38 digits, or more than the asked precision, is nullopt: SQL's NULL. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stream/data/type.h"

namespace leat::exec::decimal {

using data::Int128;
__extension__ using UInt128 = unsigned __int128;

struct Format {
  int precision;
  int scale;
};
inline Format FormatOf(const data::Type& type) { return {type.precision, type.scale}; }

// 10^n. REQUIRES: 0 <= n <= 38.
Int128 PowerOfTen(int n);
bool Fits(Int128 value, int precision);

// The same number at another scale, if it fits.
std::optional<Int128> Rescale(Int128 value, int from_scale, Format to);
std::optional<Int128> Add(Int128 a, int a_scale, Int128 b, int b_scale, Format to);
std::optional<Int128> Multiply(Int128 a, int a_scale, Int128 b, int b_scale, Format to);
// REQUIRES: b != 0.
std::optional<Int128> Divide(Int128 a, int a_scale, Int128 b, int b_scale, Format to);
// The remainder with the sign of a. REQUIRES: b != 0.
std::optional<Int128> Modulo(Int128 a, int a_scale, Int128 b, int b_scale, Format to);

// Rounds towards zero at 10^-digits; digits may be negative. Scale is kept.
enum class Rounding { kHalfUp, kDown, kFloor, kCeiling };
std::optional<Int128> Round(Int128 value, int scale, int digits, Rounding rounding);

double ToDouble(Int128 value, int scale);
// The shortest decimal that prints as this double, rounded to the format.
std::optional<Int128> FromDouble(double value, Format to);

// "-12.5e3" and such; surrounding blanks allowed. *well_formed = false if it is no number at all.
std::optional<Int128> Parse(std::string_view text, Format to, bool* well_formed);

}  // namespace leat::exec::decimal
