// The string helpers every module uses. The absl of Debian is built with a string_view of its own, so text is passed
// as std::string_view everywhere and crosses into absl only here.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace leat {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

namespace internal {
template <typename T>
decltype(auto) StrCatArg(const T& value) {
  if constexpr (std::convertible_to<const T&, std::string_view>) {
    return ToAbsl(std::string_view(value));
  } else if constexpr (
      requires { value.value(); } && !requires { absl::AlphaNum(value); }) {
    return value.value();  // a strong id
  } else {
    return (value);
  }
}
}  // namespace internal

// Concatenates text and numbers, as absl::StrCat; also takes std::string_view and strong ids.
template <typename... Args>
std::string StrCat(const Args&... args) {
  return absl::StrCat(internal::StrCatArg(args)...);
}
template <typename... Args>
void StrAppend(std::string* out, const Args&... args) {
  absl::StrAppend(out, internal::StrCatArg(args)...);
}

// Hash maps keyed by text that look up by std::string_view without a copy.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return absl::HashOf(ToAbsl(text)); }
};
template <typename V>
using StringMap = absl::flat_hash_map<std::string, V, StringHash, std::equal_to<>>;
using StringSet = absl::flat_hash_set<std::string, StringHash, std::equal_to<>>;

// The candidate closest to `word` by edit distance, or empty if none is close: for "did you mean" in errors.
std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace leat
