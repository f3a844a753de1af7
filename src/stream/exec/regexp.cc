// REGEXP_COUNT, REGEXP_INSTR and REGEXP_SUBSTR. A text that is no regular expression gives NULL, as on Flink.
#include <re2/re2.h>

#include "stream/exec/node.h"
#include "stream/exec/utf8.h"

namespace leat::exec {
namespace {

using plan::FunctionId;
using Text = std::string_view;

// Compiles each run of equal patterns once.
class Patterns {
 public:
  const re2::RE2* Get(Text pattern) {
    if (regex_ == nullptr || regex_->pattern() != pattern) {
      regex_ = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), re2::RE2::Quiet);
    }
    return regex_->ok() ? regex_.get() : nullptr;
  }

 private:
  std::unique_ptr<re2::RE2> regex_;
};

// The first match at or behind `from`.
bool Find(const re2::RE2& regex, Text text, size_t from, Text* found) {
  re2::StringPiece match;
  const re2::StringPiece piece(text.data(), text.size());
  if (!regex.Match(piece, from, text.size(), re2::RE2::UNANCHORED, &match, 1)) return false;
  *found = text.substr(static_cast<size_t>(match.data() - text.data()), match.size());
  return true;
}

int32_t Count(const re2::RE2& regex, Text text) {
  int32_t count = 0;
  Text found;
  for (size_t from = 0; from <= text.size() && Find(regex, text, from, &found); ++count) {
    from = static_cast<size_t>(found.data() - text.data()) + found.size();
    if (found.empty()) from += from < text.size() ? utf8::Length(text.substr(from)) : 1;
  }
  return count;
}

template <typename F>
Kernel Number(F f) {
  return [f](const KernelCall& call) {
    Patterns patterns;
    return MapRows<int32_t, Text, Text>(call, [&](size_t, int32_t* out, Text text, Text pattern) {
      const re2::RE2* regex = patterns.Get(pattern);
      if (regex != nullptr) *out = f(*regex, text);
      return regex != nullptr;
    });
  };
}

int32_t Place(const re2::RE2& regex, Text text) {
  Text found;
  if (!Find(regex, text, 0, &found)) return 0;
  return static_cast<int32_t>(utf8::Count(text.substr(0, static_cast<size_t>(found.data() - text.data())))) + 1;
}

Kernel MakeSubstr() {
  return [](const KernelCall& call) {
    Patterns patterns;
    return MapView<Text, Text>(call, [&](size_t, Text* out, Text text, Text pattern) {
      const re2::RE2* regex = patterns.Get(pattern);
      return regex != nullptr && Find(*regex, text, 0, out);
    });
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeRegexpKernel(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kRegexpCount:
      return Number(Count);
    case FunctionId::kRegexpInstr:
      return Number(Place);
    default:
      return MakeSubstr();
  }
}

}  // namespace leat::exec
