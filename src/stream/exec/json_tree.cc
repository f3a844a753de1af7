#include "stream/exec/json_tree.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/strings.h"
#include "stream/exec/utf8.h"

namespace leat::exec {
namespace {

constexpr int kMaxDepth = 200;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool Document(JsonNode* node) {
    if (!Value(node, 0)) return false;
    SkipBlanks();
    return rest_.empty();
  }

 private:
  void SkipBlanks() {
    const size_t first = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(std::min(first, rest_.size()));
  }
  bool Take(char c) {
    SkipBlanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool Value(JsonNode* node, int depth) {
    if (depth > kMaxDepth) return false;
    SkipBlanks();
    if (rest_.empty()) return false;
    switch (rest_[0]) {
      case '{':
        return Object(node, depth);
      case '[':
        return Array(node, depth);
      case '"':
        node->kind = JsonNode::Kind::kText;
        return String(&node->text);
      case 'n':
        return Word("null");
      case 't':
      case 'f':
        node->kind = JsonNode::Kind::kBoolean;
        node->text = rest_[0] == 't' ? "true" : "false";
        return Word(node->text);
      default:
        node->kind = JsonNode::Kind::kNumber;
        return Number(&node->text);
    }
  }

  bool Array(JsonNode* node, int depth) {
    node->kind = JsonNode::Kind::kArray;
    rest_.remove_prefix(1);
    if (Take(']')) return true;
    do {
      if (!Value(&node->items.emplace_back(), depth + 1)) return false;
    } while (Take(','));
    return Take(']');
  }

  bool Object(JsonNode* node, int depth) {
    node->kind = JsonNode::Kind::kObject;
    rest_.remove_prefix(1);
    if (Take('}')) return true;
    do {
      SkipBlanks();
      std::string name;
      JsonNode value;
      if (!String(&name) || !Take(':') || !Value(&value, depth + 1)) return false;
      const auto known = std::ranges::find(node->names, name);
      if (known != node->names.end()) {
        node->items[static_cast<size_t>(known - node->names.begin())] = std::move(value);
        continue;
      }
      node->names.push_back(std::move(name));
      node->items.push_back(std::move(value));
    } while (Take(','));
    return Take('}');
  }

  bool Number(std::string* text) {
    size_t i = rest_.starts_with('-') ? 1 : 0;
    const auto digits = [&] {
      const size_t from = i;
      while (i < rest_.size() && IsDigit(rest_[i])) ++i;
      return i > from;
    };
    const size_t first = i;
    if (!digits() || (rest_[first] == '0' && i > first + 1)) return false;
    if (i < rest_.size() && rest_[i] == '.') {
      ++i;
      if (!digits()) return false;
    }
    if (i < rest_.size() && (rest_[i] == 'e' || rest_[i] == 'E')) {
      ++i;
      if (i < rest_.size() && (rest_[i] == '+' || rest_[i] == '-')) ++i;
      if (!digits()) return false;
    }
    *text = rest_.substr(0, i);
    rest_.remove_prefix(i);
    return true;
  }

  bool Hex4(uint32_t* value) {
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, *value, 16);
    if (error != std::errc() || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
  }

  bool Escape(std::string* text) {
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (c == 'u') {
      uint32_t code = 0;
      if (!Hex4(&code)) return false;
      uint32_t low = 0;
      if (code >= 0xd800 && code < 0xdc00 && rest_.starts_with("\\u")) {
        rest_.remove_prefix(2);
        if (!Hex4(&low) || low < 0xdc00 || low >= 0xe000) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      }
      utf8::Append(code, text);
      return true;
    }
    constexpr std::string_view kNames = "\"\\/bfnrt";
    const size_t at = kNames.find(c);
    if (at == std::string_view::npos) return false;
    text->push_back("\"\\/\b\f\n\r\t"[at]);
    return true;
  }

  bool String(std::string* text) {
    if (!rest_.starts_with('"')) return false;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') {
        if (!Escape(text)) return false;
      } else {
        text->push_back(c);
      }
    }
    return false;
  }

  std::string_view rest_;
};

// As java.math.BigDecimal.toString: an exponent only where the number has one and needs it.
std::string NumberText(const std::string& raw) {
  const size_t e = raw.find_first_of("eE");
  if (e == std::string::npos) return raw;
  const bool negative = raw[0] == '-';
  std::string digits;
  int64_t scale = 0;
  bool fraction = false;
  for (size_t i = negative ? 1 : 0; i < e; ++i) {
    if (raw[i] == '.') {
      fraction = true;
    } else {
      digits.push_back(raw[i]);
      if (fraction) ++scale;
    }
  }
  int64_t exponent = 0;
  const size_t number = e + (raw[e + 1] == '+' ? 2 : 1);
  const auto [end, error] = std::from_chars(raw.data() + number, raw.data() + raw.size(), exponent);
  if (error != std::errc() || end == nullptr || exponent > 1'000'000 || exponent < -1'000'000) return raw;
  scale -= exponent;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  const int64_t adjusted = static_cast<int64_t>(digits.size()) - 1 - scale;
  std::string out = negative && digits != "0" ? "-" : "";
  if (scale >= 0 && adjusted >= -6) {
    if (scale > 0 && static_cast<int64_t>(digits.size()) <= scale) {
      digits.insert(0, static_cast<size_t>(scale) + 1 - digits.size(), '0');
    }
    if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
    return out + digits;
  }
  out += digits.substr(0, 1);
  if (digits.size() > 1) StrAppend(&out, ".", digits.substr(1));
  return StrCat(out, "E", adjusted > 0 ? "+" : "", adjusted == 0 ? "" : StrCat(adjusted));
}

}  // namespace

const JsonNode* JsonNode::Find(std::string_view name) const {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return &items[i];
  }
  return nullptr;
}

bool ParseJson(std::string_view text, JsonNode* node) { return Parser(text).Document(node); }

void AppendQuotedJson(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
    const size_t at = kEscaped.find(c);
    if (at != std::string_view::npos) {
      out->push_back('\\');
      out->push_back("\"\\bfnrt"[at]);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      StrAppend(out, "\\u00", c < 0x10 ? "0" : "1", std::string(1, "0123456789ABCDEF"[c & 15]));
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

std::string ScalarText(const JsonNode& node) {
  if (node.kind == JsonNode::Kind::kNull) return "null";
  return node.kind == JsonNode::Kind::kNumber ? NumberText(node.text) : node.text;
}

void AppendJson(const JsonNode& node, std::string* out) {
  if (node.kind == JsonNode::Kind::kText) return AppendQuotedJson(node.text, out);
  if (node.IsScalar()) {
    *out += ScalarText(node);
    return;
  }
  const bool object = node.kind == JsonNode::Kind::kObject;
  std::vector<size_t> order(node.items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (object) std::ranges::sort(order, {}, [&](size_t i) -> const std::string& { return node.names[i]; });
  out->push_back(object ? '{' : '[');
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0) out->push_back(',');
    if (object) {
      AppendQuotedJson(node.names[order[i]], out);
      out->push_back(':');
    }
    AppendJson(node.items[order[i]], out);
  }
  out->push_back(object ? '}' : ']');
}

}  // namespace leat::exec
