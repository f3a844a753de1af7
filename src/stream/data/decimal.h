// DECIMAL arithmetic on the unscaled 128-bit number: text, scale changes, limits. Rounding is HALF_UP (away from zero
// on a tie), as in Flink. Pure; any thread. Values given are within 38 digits unless said otherwise.
#pragma once

#include <string>
#include <string_view>

#include "stream/data/type.h"

namespace leat::data {

enum class DecimalResult : uint8_t {
  kOk,
  kMalformed,  // the text is no number
  kOverflow,   // more digits before the point than precision - scale
};

// 10^exponent. REQUIRES: 0 <= exponent <= 38.
Int128 PowerOfTen(int exponent);
// True if |unscaled| has at most `precision` digits.
bool FitsPrecision(Int128 unscaled, int precision);
// Reads [+-]digits[.digits][e[+-]digits], exactly, then rounds to `scale`. No blanks are accepted.
DecimalResult ParseDecimal(std::string_view text, int precision, int scale, Int128* unscaled);
// Changes the scale; rounds when digits are lost.
DecimalResult RescaleDecimal(Int128 unscaled, int from_scale, int to_precision, int to_scale, Int128* out);
// numerator / denominator rounded HALF_UP. REQUIRES: denominator != 0.
Int128 DivideHalfUp(Int128 numerator, Int128 denominator);

// left * right and left / right with a result of the given precision and scale; exact before the one rounding, whatever
// the size in between. REQUIRES: for the quotient, right != 0.
struct DecimalOperand {
  Int128 unscaled;
  int scale;
};
DecimalResult MultiplyDecimal(DecimalOperand left, DecimalOperand right, int precision, int scale, Int128* out);
DecimalResult DivideDecimal(DecimalOperand left, DecimalOperand right, int precision, int scale, Int128* out);

// Plain digits with exactly `scale` of them after the point: -0.50. Any Int128.
void AppendDecimal(Int128 unscaled, int scale, std::string* out);
std::string FormatDecimal(Int128 unscaled, int scale);

double DecimalToDouble(Int128 unscaled, int scale);
// Through the shortest text of the double, as Java's BigDecimal.valueOf; NaN and infinities are kMalformed.
DecimalResult DecimalFromDouble(double value, int precision, int scale, Int128* unscaled);

}  // namespace leat::data
