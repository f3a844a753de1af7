// LIKE, SIMILAR TO and the REGEXP functions. Regular expressions run on RE2, in time linear in the text: what Java has
// and RE2 has not (look-around, back references) is refused when the job is compiled, naming the pattern.
#include <re2/re2.h>

#include "base/strings.h"
#include "stream/exec/node.h"
#include "stream/exec/utf8.h"

namespace leat::exec {
namespace {

using plan::FunctionId;
using Text = std::string_view;
using Regex = std::shared_ptr<const re2::RE2>;

constexpr int kMaxCompiledBytes = 8 << 20;

re2::StringPiece Piece(Text text) { return {text.data(), text.size()}; }

absl::StatusOr<Regex> CompileRegex(Text pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxCompiledBytes);
  options.set_dot_nl(false);
  auto regex = std::make_shared<const re2::RE2>(Piece(pattern), options);
  if (!regex->ok()) {
    return InvalidArgument("regular expression '", pattern, "': ", regex->error(),
                           "; look-around and back references are not supported");
  }
  return regex;
}

// LIKE's and SIMILAR TO's pattern as a regular expression over the whole text. In LIKE only % and _ mean something.
enum class Dialect { kLike, kSimilar };
absl::StatusOr<std::string> Translate(Text pattern, Text escape, Dialect dialect) {
  if (utf8::Count(escape) > 1) return InvalidArgument("ESCAPE '", escape, "': expected one character");
  std::string out = "(?s)\\A(?:";
  while (!pattern.empty()) {
    Text one = pattern.substr(0, utf8::Length(pattern));
    pattern.remove_prefix(one.size());
    if (!escape.empty() && one == escape) {
      if (pattern.empty()) return InvalidArgument("pattern ends with its escape character '", escape, "'");
      one = pattern.substr(0, utf8::Length(pattern));
      pattern.remove_prefix(one.size());
      out += re2::RE2::QuoteMeta(Piece(one));
    } else if (one == "%") {
      out += ".*";
    } else if (one == "_") {
      out += ".";
    } else if (dialect == Dialect::kSimilar && Text("|*+?{}()[]-^,0123456789").find(one) != Text::npos) {
      out += one;
    } else {
      out += re2::RE2::QuoteMeta(Piece(one));
    }
  }
  return out + ")\\z";
}

absl::StatusOr<Regex> CompilePattern(Text pattern, Text escape, Dialect dialect) {
  LEAT_ASSIGN_OR_RETURN(const std::string regex, Translate(pattern, escape, dialect));
  return CompileRegex(regex);
}

// Patterns that vary by row are compiled once per run of equal ones.
template <typename Compile>
class LastPattern {
 public:
  explicit LastPattern(Compile compile) : compile_(compile) {}
  // Null, with the row failed, if it is no pattern.
  const re2::RE2* Get(const KernelCall& call, size_t row, Text pattern) {
    if (!known_ || pattern_ != pattern) {
      pattern_ = pattern;
      compiled_ = compile_(pattern);
      known_ = true;
    }
    if (compiled_.ok()) return compiled_->get();
    call.errors.Add(row, Message(compiled_.status()));
    return nullptr;
  }

 private:
  Compile compile_;
  bool known_ = false;
  std::string pattern_;
  absl::StatusOr<Regex> compiled_ = absl::UnknownError("");
};

// --- LIKE on constant patterns without _ and escapes: fixed parts between % signs ---

struct FixedLike {
  std::vector<std::string> parts;  // 'a%b%c' -> a b c; the first is a prefix, the last a suffix
  bool Matches(Text text) const {
    if (parts.size() == 1) return text == parts[0];
    if (!text.starts_with(parts.front())) return false;
    text.remove_prefix(parts.front().size());
    if (!text.ends_with(parts.back())) return false;
    text.remove_suffix(parts.back().size());
    for (size_t i = 1; i + 1 < parts.size(); ++i) {
      const size_t at = text.find(parts[i]);
      if (at == Text::npos) return false;
      text.remove_prefix(at + parts[i].size());
    }
    return true;
  }
};

Kernel MakeFixedLike(Text pattern) {
  FixedLike like{{""}};
  for (const char c : pattern) {
    if (c == '%') {
      like.parts.emplace_back();
    } else {
      like.parts.back().push_back(c);
    }
  }
  return [like = std::move(like)](const KernelCall& call) {
    return MapAll<uint8_t, Text>(call, [&](Text text) { return static_cast<uint8_t>(like.Matches(text)); });
  };
}

Kernel FullMatch(Regex regex) {
  return [regex](const KernelCall& call) {
    return MapAll<uint8_t, Text>(
        call, [&](Text text) { return static_cast<uint8_t>(re2::RE2::PartialMatch(Piece(text), *regex)); });
  };
}

absl::StatusOr<Kernel> MakeLike(const Binding& binding, Dialect dialect) {
  const std::optional<std::string> pattern = binding.ConstantText(1);
  const std::optional<std::string> escape =
      binding.count() > 2 ? binding.ConstantText(2) : std::optional<std::string>("");
  if (!escape) return Unimplemented("ESCAPE of LIKE and SIMILAR TO must be a constant");
  if (pattern && dialect == Dialect::kLike && escape->empty() && pattern->find('_') == std::string::npos) {
    return MakeFixedLike(*pattern);
  }
  if (pattern) {
    LEAT_ASSIGN_OR_RETURN(Regex regex, CompilePattern(*pattern, *escape, dialect));
    return FullMatch(std::move(regex));
  }
  return Kernel([escape = *escape, dialect](const KernelCall& call) {
    LastPattern last([&](Text text) { return CompilePattern(text, escape, dialect); });
    return MapRows<uint8_t, Text, Text>(call, [&](size_t row, uint8_t* out, Text text, Text row_pattern) {
      const re2::RE2* regex = last.Get(call, row, row_pattern);
      if (regex != nullptr) *out = re2::RE2::PartialMatch(Piece(text), *regex);
      return regex != nullptr;
    });
  });
}

// --- REGEXP, REGEXP_EXTRACT, REGEXP_REPLACE ---

// NULL if there is no match, no such group, or the group took no part.
bool Extract(const re2::RE2& regex, Text text, int32_t group, Text* out) {
  if (group < 0 || group > regex.NumberOfCapturingGroups()) return false;
  std::vector<re2::StringPiece> groups(static_cast<size_t>(group) + 1);
  if (!regex.Match(Piece(text), 0, text.size(), re2::RE2::UNANCHORED, groups.data(), group + 1)) return false;
  const re2::StringPiece& found = groups.back();
  if (found.data() == nullptr) return false;
  *out = Text(found.data(), found.size());
  return true;
}

// The replacement stands for itself: Flink quotes it, so that $1 is no group.
std::string Rewrite(Text replacement) {
  std::string out;
  for (const char c : replacement) {
    if (c == '\\') out.push_back(c);
    out.push_back(c);
  }
  return out;
}

// Compiles each row's pattern with `last`; a constant one is compiled at once, so that a bad one fails the job early.
absl::Status CheckConstant(const Binding& binding) {
  const std::optional<std::string> pattern = binding.ConstantText(1);
  return pattern ? CompileRegex(*pattern).status() : absl::OkStatus();
}

Kernel MakeRegexp() {
  return [](const KernelCall& call) {
    LastPattern last(CompileRegex);
    return MapRows<uint8_t, Text, Text>(call, [&](size_t row, uint8_t* out, Text text, Text pattern) {
      const re2::RE2* regex = last.Get(call, row, pattern);
      // An empty pattern matches nothing here, unlike in the other functions.
      if (regex != nullptr) *out = !pattern.empty() && re2::RE2::PartialMatch(Piece(text), *regex);
      return regex != nullptr;
    });
  };
}

Kernel MakeExtract(size_t count) {
  return [count](const KernelCall& call) {
    LastPattern last(CompileRegex);
    const auto extract = [&](size_t row, Text* out, Text text, Text pattern, int32_t group) {
      const re2::RE2* regex = last.Get(call, row, pattern);
      return regex != nullptr && Extract(*regex, text, group, out);
    };
    if (count == 3) return MapView<Text, Text, int32_t>(call, extract);
    return MapView<Text, Text>(
        call, [&](size_t row, Text* out, Text text, Text pattern) { return extract(row, out, text, pattern, 0); });
  };
}

Kernel MakeRegexReplace() {
  return [](const KernelCall& call) {
    LastPattern last(CompileRegex);
    return MapText<Text, Text, Text>(call,
                                     [&](size_t row, std::string* out, Text text, Text pattern, Text replacement) {
                                       const re2::RE2* regex = last.Get(call, row, pattern);
                                       if (regex == nullptr) return false;
                                       const std::string rewrite = Rewrite(replacement);
                                       std::string error;
                                       if (!regex->CheckRewriteString(rewrite, &error)) return false;
                                       *out = text;
                                       re2::RE2::GlobalReplace(out, *regex, rewrite);
                                       return true;
                                     });
  };
}

}  // namespace

absl::StatusOr<Kernel> MakePatternKernel(const Binding& binding) {
  const size_t texts = binding.call.function == FunctionId::kRegexpExtract ? 2 : binding.count();
  for (size_t i = 0; i < binding.count(); ++i) {
    const data::Storage want = i < texts ? data::Storage::kText : data::Storage::kInt32;
    if (binding.arg(i).storage() != want) return NoKernel(binding);
  }
  switch (binding.call.function) {
    case FunctionId::kLike:
      return MakeLike(binding, Dialect::kLike);
    case FunctionId::kSimilar:
      return MakeLike(binding, Dialect::kSimilar);
    default:
      break;
  }
  LEAT_RETURN_IF_ERROR(CheckConstant(binding));
  switch (binding.call.function) {
    case FunctionId::kRegexp:
      return MakeRegexp();
    case FunctionId::kRegexpExtract:
      return MakeExtract(binding.count());
    default:
      return MakeRegexReplace();
  }
}

}  // namespace leat::exec
