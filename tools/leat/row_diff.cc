#include "tools/leat/row_diff.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>

#include "base/strings.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

constexpr size_t kMostCompared = 4'000'000;  // pairs of rows
constexpr size_t kContext = 2;               // rows in both beside a difference
constexpr double kExactIntegers = 9007199254740992.0;

std::string NumberText(double number) {
  if (std::floor(number) == number && std::fabs(number) < kExactIntegers) {
    return StrCat(static_cast<int64_t>(number));
  }
  char text[32];
  return std::string(text, std::to_chars(std::begin(text), std::end(text), number).ptr);
}

// How many rows the ends [i, ..) of one and [j, ..) of the other have in common, in order.
class CommonRows {
 public:
  CommonRows(const std::vector<std::string>& a, const std::vector<std::string>& b)
      : width_(b.size() + 1), length_((a.size() + 1) * width_) {
    for (size_t i = a.size(); i-- > 0;) {
      for (size_t j = b.size(); j-- > 0;) {
        at(i, j) = a[i] == b[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
      }
    }
  }
  uint32_t& at(size_t i, size_t j) { return length_[i * width_ + j]; }

 private:
  size_t width_;
  std::vector<uint32_t> length_;
};

std::vector<std::string> Lines(const std::vector<std::string>& expected, const std::vector<std::string>& came) {
  std::vector<std::string> lines;
  size_t i = 0;
  size_t j = 0;
  const auto step = [&](bool missing) {
    lines.push_back(missing ? StrCat("- ", expected[i++]) : StrCat("+ ", came[j++]));
  };
  if ((expected.size() + 1) * (came.size() + 1) > kMostCompared) {  // place by place
    while (i < expected.size() && j < came.size() && expected[i] == came[j]) {
      lines.push_back(StrCat("  ", expected[i]));
      ++i, ++j;
    }
    while (i < expected.size()) step(true);
    while (j < came.size()) step(false);
    return lines;
  }
  CommonRows common(expected, came);
  while (i < expected.size() || j < came.size()) {
    if (i < expected.size() && j < came.size() && expected[i] == came[j]) {
      lines.push_back(StrCat("  ", expected[i]));
      ++i, ++j;
    } else {
      step(j == came.size() || (i < expected.size() && common.at(i + 1, j) >= common.at(i, j + 1)));
    }
  }
  return lines;
}

}  // namespace

std::string CanonicalJson(const json::value& value) {
  std::string text;
  switch (value.kind()) {
    case json::kind::object: {
      std::map<std::string, std::string> fields;
      for (const auto& [name, field] : value.get_object()) fields[json::serialize(name)] = CanonicalJson(field);
      for (const auto& [name, field] : fields) StrAppend(&text, text.empty() ? "{" : ",", name, ":", field);
      return text.empty() ? "{}" : StrCat(text, "}");
    }
    case json::kind::array:
      for (const json::value& item : value.get_array()) StrAppend(&text, text.empty() ? "[" : ",", CanonicalJson(item));
      return text.empty() ? "[]" : StrCat(text, "]");
    case json::kind::double_:
      return NumberText(value.get_double());
    default:
      return json::serialize(value);
  }
}

std::string CanonicalText(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  return error ? text : CanonicalJson(value);
}

std::string DiffRows(std::vector<std::string> expected, std::vector<std::string> came, RowOrder order) {
  if (order == RowOrder::kAny) {
    std::sort(expected.begin(), expected.end());
    std::sort(came.begin(), came.end());
  }
  if (expected == came) return "";
  const std::vector<std::string> lines = Lines(expected, came);
  std::string text;
  size_t left_out = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t first = i < kContext ? 0 : i - kContext;
    const size_t last = std::min(lines.size(), i + kContext + 1);
    const bool near =
        std::any_of(lines.begin() + static_cast<ptrdiff_t>(first), lines.begin() + static_cast<ptrdiff_t>(last),
                    [](const std::string& line) { return line[0] != ' '; });
    if (!near) {
      ++left_out;
      continue;
    }
    if (left_out > 0) StrAppend(&text, "  .. ", left_out, " row(s) as expected\n");
    left_out = 0;
    StrAppend(&text, lines[i], "\n");
  }
  if (left_out > 0) StrAppend(&text, "  .. ", left_out, " row(s) as expected\n");
  return text;
}

}  // namespace leat::tool
