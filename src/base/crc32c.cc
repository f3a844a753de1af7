#include "base/crc32c.h"

#include <isa-l/crc.h>

namespace leat {

uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes) {
  // ISA-L works on the inverted register and takes an int length; feed it in pieces.
  uint32_t state = ~crc;
  constexpr size_t kPiece = size_t{1} << 30;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPiece);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));  // the C API lacks a const
    state = crc32_iscsi(data, static_cast<int>(piece.size()), state);
    bytes.remove_prefix(piece.size());
  }
  return ~state;
}

uint32_t Crc32c(std::string_view bytes) { return ExtendCrc32c(0, bytes); }

}  // namespace leat
