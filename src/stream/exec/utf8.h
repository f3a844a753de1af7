// UTF-8 by code points. Bytes that are no UTF-8 count as one code point each; nothing reads past the end. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leat::exec::utf8 {

// Bytes of the code point at text[0]. REQUIRES: !text.empty().
inline size_t Length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t want = lead < 0x80 ? 1 : lead >= 0xf0 && lead < 0xf8 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  if (lead >= 0xf8 || want > text.size()) return 1;
  for (size_t i = 1; i < want; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  }
  return want;
}

size_t Count(std::string_view text);
// The first n code points (all if there are fewer).
std::string_view Prefix(std::string_view text, size_t n);
// The code point at text[0] of the given length; a byte that is no UTF-8 is itself.
uint32_t Decode(std::string_view text, size_t length);
void Append(uint32_t code_point, std::string* out);

}  // namespace leat::exec::utf8
