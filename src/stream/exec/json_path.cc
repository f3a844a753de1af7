#include "stream/exec/json_path.h"

#include <charconv>

#include "base/strings.h"

namespace leat::exec {
namespace {

using Step = JsonPath::Step;

std::string_view TrimLeft(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

// Takes `word` and the blanks behind it from the front, whatever its case.
bool TakeWord(std::string_view word, std::string_view* text) {
  if (text->size() <= word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    if (((*text)[i] | 0x20) != word[i]) return false;
  }
  const std::string_view rest = text->substr(word.size());
  const std::string_view trimmed = TrimLeft(rest);
  if (trimmed.size() == rest.size()) return false;
  *text = trimmed;
  return true;
}

// The step in brackets that `text` begins with; false if there is none that is known.
bool TakeBracket(std::string_view* text, Step* step) {
  std::string_view rest = TrimLeft(text->substr(1));
  if (rest.starts_with('*')) {
    step->kind = Step::Kind::kAll;
    rest.remove_prefix(1);
  } else if (rest.starts_with('\'') || rest.starts_with('"')) {
    const char quote = rest[0];
    size_t i = 1;
    for (; i < rest.size() && rest[i] != quote; ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
      step->name.push_back(rest[i]);
    }
    if (i >= rest.size()) return false;
    step->kind = Step::Kind::kName;
    rest.remove_prefix(i + 1);
  } else {
    step->kind = Step::Kind::kPlace;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), step->place);
    if (error != std::errc()) return false;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  }
  rest = TrimLeft(rest);
  if (!rest.starts_with(']')) return false;
  *text = rest.substr(1);
  return true;
}

bool TakeStep(std::string_view* text, Step* step) {
  if (text->starts_with('[')) return TakeBracket(text, step);
  if (!text->starts_with('.')) return false;
  text->remove_prefix(1);
  if (text->starts_with('[')) return TakeBracket(text, step);
  if (text->starts_with('*')) {
    text->remove_prefix(1);
    return true;
  }
  const size_t end = std::min(text->find_first_of(".[ ()?@"), text->size());
  if (end == 0) return false;
  step->kind = Step::Kind::kName;
  step->name = text->substr(0, end);
  text->remove_prefix(end);
  return true;
}

const JsonNode* Take(const JsonNode& node, const Step& step) {
  if (step.kind == Step::Kind::kName) return node.kind == JsonNode::Kind::kObject ? node.Find(step.name) : nullptr;
  if (node.kind != JsonNode::Kind::kArray) return nullptr;
  const auto size = static_cast<int64_t>(node.items.size());
  const int64_t place = step.place < 0 ? size + step.place : step.place;
  return place >= 0 && place < size ? &node.items[static_cast<size_t>(place)] : nullptr;
}

}  // namespace

absl::StatusOr<JsonPath> JsonPath::Parse(std::string_view text) {
  JsonPath path;
  std::string_view rest = TrimLeft(text);
  if (TakeWord("lax", &rest)) {
    path.lax = true;
  } else {
    TakeWord("strict", &rest);
  }
  const auto bad = [&] {
    return InvalidArgument("JSON path '", text,
                           "': expected [lax|strict] $ and then .name, ['name'], [place], .* or [*]");
  };
  if (!rest.starts_with('$')) return bad();
  rest.remove_prefix(1);
  while (!rest.empty() && TrimLeft(rest) != "") {
    Step& step = path.steps.emplace_back();
    if (!TakeStep(&rest, &step)) return bad();
    path.definite = path.definite && step.kind != Step::Kind::kAll;
  }
  return path;
}

JsonFound Follow(const JsonPath& path, const JsonNode& document) {
  std::vector<const JsonNode*> at = {&document};
  bool definite = true;
  for (const Step& step : path.steps) {
    std::vector<const JsonNode*> next;
    for (const JsonNode* node : at) {
      if (step.kind == Step::Kind::kAll) {
        for (const JsonNode& item : node->items) next.push_back(&item);
      } else if (const JsonNode* found = Take(*node, step); found != nullptr) {
        next.push_back(found);
      }
    }
    // A path fails where it is still one way and ends.
    if (definite && step.kind != Step::Kind::kAll && next.empty()) {
      if (path.definite || !path.lax) return {.missing = true};
      return {.node = JsonNode{.kind = JsonNode::Kind::kArray}};
    }
    definite = definite && step.kind != Step::Kind::kAll;
    at = std::move(next);
  }
  if (path.definite) {
    if (at[0]->kind == JsonNode::Kind::kNull) return {};
    return {.node = *at[0]};
  }
  JsonNode all;
  all.kind = JsonNode::Kind::kArray;
  for (const JsonNode* node : at) all.items.push_back(*node);
  return {.node = std::move(all)};
}

}  // namespace leat::exec
