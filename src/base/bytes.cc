#include "base/bytes.h"

#include <bit>

namespace leat {
namespace {

uint64_t ZigZag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
int64_t UnZigZag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

}  // namespace

uint64_t BytesReader::ReadUnsigned(int max_bits) {
  uint64_t value = 0;
  for (int shift = 0; shift < max_bits; shift += 7) {
    if (rest_.empty()) return Fail<uint64_t>();
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    const int bits_left = max_bits - shift;
    if (bits_left < 7 && (byte >> bits_left) != 0) return Fail<uint64_t>();  // does not fit
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return Fail<uint64_t>();
}

int32_t BytesReader::ReadVarint() { return static_cast<int32_t>(UnZigZag(ReadUnsigned(32))); }
int64_t BytesReader::ReadVarlong() { return UnZigZag(ReadUnsigned(64)); }
uint32_t BytesReader::ReadUnsignedVarint() { return static_cast<uint32_t>(ReadUnsigned(32)); }

void BytesWriter::WriteUnsignedVarint(uint64_t value) {
  char bytes[10];
  size_t n = 0;
  while (value >= 0x80) {
    bytes[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[n++] = static_cast<char>(value);
  out_->append(bytes, n);
}

void BytesWriter::WriteVarlong(int64_t value) { WriteUnsignedVarint(ZigZag(value)); }

size_t VarlongSize(int64_t value) {
  const uint64_t zigzag = ZigZag(value) | 1;
  return static_cast<size_t>((std::bit_width(zigzag) + 6) / 7);
}

}  // namespace leat
