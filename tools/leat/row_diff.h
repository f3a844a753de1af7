// Rows that were expected held against rows that came. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

namespace leat::tool {

// JSON in one form: names sorted, numbers of the same value alike (12.5, 12.50, 1.25e1).
std::string CanonicalJson(const boost::json::value& value);
// The document in that form; text that is no JSON as it is.
std::string CanonicalText(const std::string& text);

enum class RowOrder { kKept, kAny };
// Empty if both are the same; else a line for each row: "  " in both, "- " expected and missing, "+ " came and was not
// expected. Rows in both that are far from a difference are left out.
std::string DiffRows(std::vector<std::string> expected, std::vector<std::string> came, RowOrder order);

}  // namespace leat::tool
