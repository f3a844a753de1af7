// A JSON document as a tree, for the JSON functions. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leat::exec {

struct JsonNode {
  enum class Kind { kNull, kBoolean, kNumber, kText, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;  // kNumber as written; kText unescaped; kBoolean true or false
  std::vector<JsonNode> items;
  std::vector<std::string> names;  // kObject: of the items, each once

  bool IsScalar() const { return kind != Kind::kArray && kind != Kind::kObject; }
  const JsonNode* Find(std::string_view name) const;
};

// False if the text is no JSON document; of a name that comes twice the last counts. At most 200 levels deep.
bool ParseJson(std::string_view text, JsonNode* node);
// Without blanks, the names of objects in order: as Flink's JSON functions write.
void AppendJson(const JsonNode& node, std::string* out);
// A scalar's text: of a string without quotes, of a number as Java's BigDecimal and BigInteger print it.
std::string ScalarText(const JsonNode& node);
void AppendQuotedJson(std::string_view text, std::string* out);

}  // namespace leat::exec
