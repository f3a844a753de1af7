// Who is shown changed entries one by one: a key and its new value, or none for a removal. Both are the shower's.
#pragma once

#include <absl/functional/function_ref.h>

#include <optional>
#include <string_view>

namespace leat::state {

using ChangeVisitor = absl::FunctionRef<void(std::string_view key, std::optional<std::string_view> value)>;

}  // namespace leat::state
