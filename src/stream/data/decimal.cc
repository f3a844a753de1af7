#include "stream/data/decimal.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace leat::data {
namespace {

__extension__ using UInt128 = unsigned __int128;

constexpr std::array<Int128, kMaxDecimalPrecision + 1> MakePowers() {
  std::array<Int128, kMaxDecimalPrecision + 1> powers{};
  Int128 power = 1;
  for (size_t i = 0; i < powers.size(); ++i) {
    powers[i] = power;
    if (i + 1 < powers.size()) power *= 10;
  }
  return powers;
}
constexpr auto kPowers = MakePowers();

UInt128 Magnitude(Int128 value) { return value < 0 ? UInt128{0} - static_cast<UInt128>(value) : UInt128(value); }
Int128 WithSign(UInt128 magnitude, bool negative) {
  return static_cast<Int128>(negative ? UInt128{0} - magnitude : magnitude);
}

// A 256-bit unsigned number for what lies between two 128-bit operands and their rounded result.
struct Wide {
  UInt128 high = 0;
  UInt128 low = 0;
};

Wide MultiplyWide(UInt128 a, UInt128 b) {
  constexpr UInt128 kMask = ~uint64_t{0};
  const UInt128 a0 = a & kMask, a1 = a >> 64, b0 = b & kMask, b1 = b >> 64;
  const UInt128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const UInt128 middle = (p00 >> 64) + (p01 & kMask) + (p10 & kMask);
  return {p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64), (middle << 64) | (p00 & kMask)};
}

// wide / divisor; *remainder gets the rest. Bit by bit: only reached when 128 bits do not suffice.
// REQUIRES: divisor < 2^127.
Wide DivideWide(Wide wide, UInt128 divisor, UInt128* remainder) {
  if (wide.high == 0) {
    *remainder = wide.low % divisor;
    return {0, wide.low / divisor};
  }
  Wide quotient;
  UInt128 rest = 0;
  for (int bit = 255; bit >= 0; --bit) {
    const UInt128 part = bit >= 128 ? wide.high >> (bit - 128) : wide.low >> bit;
    rest = (rest << 1) | (part & 1);
    if (rest >= divisor) {
      rest -= divisor;
      (bit >= 128 ? quotient.high : quotient.low) |= UInt128{1} << (bit % 128);
    }
  }
  *remainder = rest;
  return quotient;
}

// Rounds quotient by what remained, and checks the digits.
DecimalResult Finish(Wide quotient, UInt128 remainder, UInt128 divisor, bool negative, int precision, Int128* out) {
  if (quotient.high != 0) return DecimalResult::kOverflow;
  UInt128 value = quotient.low;
  if (remainder >= divisor - remainder) {
    if (++value == 0) return DecimalResult::kOverflow;
  }
  if (value >= static_cast<UInt128>(kPowers[static_cast<size_t>(precision)])) return DecimalResult::kOverflow;
  *out = WithSign(value, negative);
  return DecimalResult::kOk;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The digits of a number's text, as far as 38 significant ones and their rounding need them.
struct DigitScan {
  UInt128 digits = 0;
  int count = 0;          // significant digits in `digits`
  int dropped = 0;        // digits after those that no longer fit
  int first_dropped = 0;  // the first of them
  int fraction = 0;       // digits after the point, of those kept and dropped
  bool any = false;
};

// Reads digits[.digits]; returns the rest.
std::string_view ScanDigits(std::string_view text, DigitScan* scan) {
  bool point = false;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!IsDigit(c)) break;
    scan->any = true;
    scan->fraction += point ? 1 : 0;
    if (scan->count < kMaxDecimalPrecision) {
      scan->digits = scan->digits * 10 + static_cast<unsigned>(c - '0');
      if (scan->digits != 0) ++scan->count;
    } else {
      if (scan->dropped++ == 0) scan->first_dropped = c - '0';
    }
  }
  return text.substr(i);
}

// Reads [e[+-]digits] and nothing else. Exponents beyond +-100000 saturate: no column holds them.
bool ScanExponent(std::string_view text, int64_t* exponent) {
  *exponent = 0;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return false;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    if (*exponent < 100000) *exponent = *exponent * 10 + (c - '0');
  }
  if (negative) *exponent = -*exponent;
  return true;
}

}  // namespace

Int128 PowerOfTen(int exponent) {
  LEAT_CHECK(exponent >= 0 && exponent <= kMaxDecimalPrecision) << exponent;
  return kPowers[static_cast<size_t>(exponent)];
}

bool FitsPrecision(Int128 unscaled, int precision) {
  return Magnitude(unscaled) < static_cast<UInt128>(PowerOfTen(precision));
}

DecimalResult ParseDecimal(std::string_view text, int precision, int scale, Int128* unscaled) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  DigitScan scan;
  int64_t exponent = 0;
  text = ScanDigits(text, &scan);
  if (!scan.any || !ScanExponent(text, &exponent)) return DecimalResult::kMalformed;
  if (scan.digits == 0) {
    *unscaled = 0;
    return DecimalResult::kOk;
  }
  // value = digits * 10^power, short of the dropped digits.
  const int64_t power = exponent - scan.fraction + scan.dropped;
  const int64_t shift = power + scale;  // from `digits` to the unscaled result
  if (shift > 0) {
    // Dropped digits would have to come back: there are 38 before them already.
    if (scan.count + shift > precision) return DecimalResult::kOverflow;
    *unscaled = WithSign(scan.digits * static_cast<UInt128>(PowerOfTen(static_cast<int>(shift))), negative);
    return DecimalResult::kOk;
  }
  if (shift == 0) {
    return Finish({0, scan.digits}, scan.first_dropped >= 5 ? 1 : 0, 2, negative, precision, unscaled);
  }
  if (-shift > kMaxDecimalPrecision) {
    *unscaled = 0;  // smaller than a tenth of the last place
    return DecimalResult::kOk;
  }
  const UInt128 divisor = static_cast<UInt128>(PowerOfTen(static_cast<int>(-shift)));
  return Finish({0, scan.digits / divisor}, scan.digits % divisor, divisor, negative, precision, unscaled);
}

Int128 DivideHalfUp(Int128 numerator, Int128 denominator) {
  LEAT_CHECK(denominator != 0);
  const UInt128 n = Magnitude(numerator);
  const UInt128 d = Magnitude(denominator);
  const UInt128 rest = n % d;
  return WithSign(n / d + (rest >= d - rest ? 1 : 0), (numerator < 0) != (denominator < 0));
}

DecimalResult RescaleDecimal(Int128 unscaled, int from_scale, int to_precision, int to_scale, Int128* out) {
  return MultiplyDecimal({unscaled, from_scale}, {1, 0}, to_precision, to_scale, out);
}

DecimalResult MultiplyDecimal(DecimalOperand left, DecimalOperand right, int precision, int scale, Int128* out) {
  const bool negative = (left.unscaled < 0) != (right.unscaled < 0);
  Wide product = MultiplyWide(Magnitude(left.unscaled), Magnitude(right.unscaled));
  int drop = left.scale + right.scale - scale;
  if (drop <= 0) {
    if (product.high != 0) return DecimalResult::kOverflow;
    if (product.low == 0) return Finish(product, 0, 2, negative, precision, out);
    if (-drop > kMaxDecimalPrecision) return DecimalResult::kOverflow;
    return Finish(MultiplyWide(product.low, static_cast<UInt128>(PowerOfTen(-drop))), 0, 2, negative, precision, out);
  }
  // More than 38 digits are cut in two steps. Cutting the first part off cannot change the rounding: half of the
  // second divisor is a whole number, so what is above it stays above it.
  if (drop > kMaxDecimalPrecision) {
    UInt128 ignored = 0;
    product = DivideWide(product, static_cast<UInt128>(PowerOfTen(drop - kMaxDecimalPrecision)), &ignored);
    drop = kMaxDecimalPrecision;
  }
  const UInt128 divisor = static_cast<UInt128>(PowerOfTen(drop));
  UInt128 remainder = 0;
  const Wide quotient = DivideWide(product, divisor, &remainder);
  return Finish(quotient, remainder, divisor, negative, precision, out);
}

DecimalResult DivideDecimal(DecimalOperand left, DecimalOperand right, int precision, int scale, Int128* out) {
  LEAT_CHECK(right.unscaled != 0);
  const bool negative = (left.unscaled < 0) != (right.unscaled < 0);
  const int shift = scale - left.scale + right.scale;
  const UInt128 divisor = Magnitude(right.unscaled);
  UInt128 remainder = 0;
  if (shift < 0) {
    // The divisor grows instead: at most 38 digits more, so it may need 256 bits; then the quotient is 0.
    if (-shift > kMaxDecimalPrecision) return Finish({}, 0, 2, negative, precision, out);
    const Wide big = MultiplyWide(divisor, static_cast<UInt128>(PowerOfTen(-shift)));
    if (big.high != 0 || big.low >> 127 != 0) return Finish({}, 0, 2, negative, precision, out);
    const Wide quotient = DivideWide({0, Magnitude(left.unscaled)}, big.low, &remainder);
    return Finish(quotient, remainder, big.low, negative, precision, out);
  }
  if (shift > 2 * kMaxDecimalPrecision) return DecimalResult::kOverflow;
  const int first = shift > kMaxDecimalPrecision ? kMaxDecimalPrecision : shift;
  Wide numerator = MultiplyWide(Magnitude(left.unscaled), static_cast<UInt128>(PowerOfTen(first)));
  if (shift > first) {
    if (numerator.high != 0) return DecimalResult::kOverflow;
    numerator = MultiplyWide(numerator.low, static_cast<UInt128>(PowerOfTen(shift - first)));
  }
  const Wide quotient = DivideWide(numerator, divisor, &remainder);
  return Finish(quotient, remainder, divisor, negative, precision, out);
}

void AppendDecimal(Int128 unscaled, int scale, std::string* out) {
  char digits[48];
  char* const end = digits + sizeof(digits);
  char* next = end;
  UInt128 rest = Magnitude(unscaled);
  int written = 0;
  while (rest != 0 || written <= scale) {
    if (written == scale && scale > 0) *--next = '.';
    // Divisions of 64 bits where they suffice: they are several times as fast.
    const int digit =
        rest >> 64 == 0 ? static_cast<int>(static_cast<uint64_t>(rest) % 10) : static_cast<int>(rest % 10);
    rest = rest >> 64 == 0 ? UInt128(static_cast<uint64_t>(rest) / 10) : rest / 10;
    *--next = static_cast<char>('0' + digit);
    ++written;
  }
  if (unscaled < 0) *--next = '-';
  out->append(next, static_cast<size_t>(end - next));
}

std::string FormatDecimal(Int128 unscaled, int scale) {
  std::string text;
  AppendDecimal(unscaled, scale, &text);
  return text;
}

double DecimalToDouble(Int128 unscaled, int scale) {
  // Exact operands give the correctly rounded quotient; beyond them the text does.
  if (scale <= 22 && Magnitude(unscaled) < (UInt128{1} << 53)) {
    return static_cast<double>(static_cast<int64_t>(unscaled)) / static_cast<double>(PowerOfTen(scale));
  }
  const std::string text = FormatDecimal(unscaled, scale);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

DecimalResult DecimalFromDouble(double value, int precision, int scale, Int128* unscaled) {
  if (!std::isfinite(value)) return DecimalResult::kMalformed;
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
  LEAT_CHECK(error == std::errc());
  return ParseDecimal(std::string_view(text, static_cast<size_t>(end - text)), precision, scale, unscaled);
}

}  // namespace leat::data
