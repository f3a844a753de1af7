// JSON text. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace leat::format {

// Appends the text in quotes, escaped by RFC 8259. Bytes that are no UTF-8 become U+FFFD: JSON cannot carry them.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace leat::format
