#include "stream/format/json_text.h"

#include <cstdint>

#include "stream/format/byte_blocks.h"

namespace leat::format {
namespace {

uint8_t At(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }
bool IsTail(std::string_view text, size_t i) { return i < text.size() && (At(text, i) & 0xc0) == 0x80; }

// Bytes of the well-formed UTF-8 character at i; 0 if there is none.
size_t CharacterBytes(std::string_view text, size_t i) {
  const uint8_t lead = At(text, i);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4 || !IsTail(text, i + 1)) return 0;
  if (lead < 0xe0) return 2;
  const uint8_t second = At(text, i + 1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if (!IsTail(text, i + 2)) return 0;
  if (lead < 0xf0) return 3;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return IsTail(text, i + 3) ? 4 : 0;
}

void AppendEscape(char c, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('\\');
  switch (c) {
    case '"':
    case '\\':
      out->push_back(c);
      return;
    case '\b':
      out->push_back('b');
      return;
    case '\f':
      out->push_back('f');
      return;
    case '\n':
      out->push_back('n');
      return;
    case '\r':
      out->push_back('r');
      return;
    case '\t':
      out->push_back('t');
      return;
    default:
      out->append("u00");
      out->push_back(kHex[static_cast<uint8_t>(c) >> 4]);
      out->push_back(kHex[static_cast<uint8_t>(c) & 15]);
  }
}

// How many bytes from `from` on, in whole blocks, stand in JSON as they are.
size_t PlainBytes(std::string_view text, size_t from) {
  size_t i = from;
  for (; i + sizeof(ByteBlock) <= text.size(); i += sizeof(ByteBlock)) {
    const ByteBlock block = LoadBlock(text.data() + i);
    if (AnyBit((block < ' ') | (block == '"') | (block == '\\'))) break;
  }
  return i - from;
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  size_t plain = 0;  // from here to i nothing needs a change
  size_t i = PlainBytes(text, 0);
  while (i < text.size()) {
    const uint8_t c = At(text, i);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const size_t bytes = CharacterBytes(text, i);
    if (bytes > 1) {
      i += bytes;
      continue;
    }
    out->append(text.substr(plain, i - plain));
    if (bytes == 0) {
      out->append("\xef\xbf\xbd");
    } else {
      AppendEscape(text[i], out);
    }
    plain = ++i;
    i += PlainBytes(text, i);
  }
  out->append(text.substr(plain));
  out->push_back('"');
}

}  // namespace leat::format
