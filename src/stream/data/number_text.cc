#include "stream/data/number_text.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "base/check.h"

namespace leat::data {
namespace {

// `text` is [-]d[.ddd]e[+-]xx, the shortest one: the digits are laid out again as Java does.
void AppendJava(std::string_view text, std::string* out) {
  if (text[0] == '-') {
    out->push_back('-');
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  int exponent = 0;
  const size_t exponent_at = e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + exponent_at, text.data() + text.size(), exponent);
  char digits[32];
  size_t count = 0;
  for (const char c : text.substr(0, e)) {
    if (c != '.') digits[count++] = c;
  }
  const std::string_view all(digits, count);
  if (exponent >= -3 && exponent < 0) {
    out->append("0.");
    out->append(static_cast<size_t>(-exponent - 1), '0');
    out->append(all);
  } else if (exponent >= 0 && exponent < 7) {
    const auto whole = static_cast<size_t>(exponent) + 1;
    if (count <= whole) {
      out->append(all);
      out->append(whole - count, '0');
      out->append(".0");
    } else {
      out->append(all.substr(0, whole));
      out->push_back('.');
      out->append(all.substr(whole));
    }
  } else {
    out->push_back(digits[0]);
    out->push_back('.');
    out->append(count > 1 ? all.substr(1) : std::string_view("0"));
    out->push_back('E');
    char number[8];
    out->append(number, static_cast<size_t>(std::to_chars(number, number + sizeof(number), exponent).ptr - number));
  }
}

template <typename T>
void Append(T value, std::string* out) {
  if (std::isnan(value)) {
    out->append("NaN");
  } else if (std::isinf(value)) {
    out->append(value < 0 ? "-Infinity" : "Infinity");
  } else if (value == 0) {
    out->append(std::signbit(value) ? "-0.0" : "0.0");
  } else {
    char text[40];
    const auto [end, error] = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
    LEAT_CHECK(error == std::errc());
    AppendJava(std::string_view(text, static_cast<size_t>(end - text)), out);
  }
}

}  // namespace

void AppendJavaDouble(double value, std::string* out) { Append(value, out); }
void AppendJavaFloat(float value, std::string* out) { Append(value, out); }

}  // namespace leat::data
