// Reading and writing of big-endian numbers and varints, as Kafka's formats have them. A reader never goes past its
// end: a short read makes it fail, every later read returns zero, and the caller looks at ok() once at the end.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace leat {

namespace internal {
template <typename T>
T SwapToBigEndian(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
}
}  // namespace internal

template <typename T>
T LoadBigEndian(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return internal::SwapToBigEndian(value);
}
template <typename T>
void StoreBigEndian(char* to, T value) {
  value = internal::SwapToBigEndian(value);
  std::memcpy(to, &value, sizeof(T));
}

class BytesReader {
 public:
  explicit BytesReader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  size_t remaining() const { return rest_.size(); }
  std::string_view rest() const { return rest_; }
  template <typename T>
  T Read() {
    if (rest_.size() < sizeof(T)) return Fail<T>();
    const T value = LoadBigEndian<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  // The next n bytes; empty and !ok() if fewer remain (or n < 0).
  std::string_view ReadBytes(int64_t n) {
    if (n < 0 || static_cast<uint64_t>(n) > rest_.size()) return Fail<std::string_view>();
    const std::string_view bytes = rest_.substr(0, static_cast<size_t>(n));
    rest_.remove_prefix(static_cast<size_t>(n));
    return bytes;
  }
  // Zigzag varints of at most 5 and 10 bytes; longer ones fail.
  int32_t ReadVarint();
  int64_t ReadVarlong();
  uint32_t ReadUnsignedVarint();

 private:
  template <typename T>
  T Fail() {
    ok_ = false;
    rest_ = {};
    return T{};
  }
  uint64_t ReadUnsigned(int max_bits);
  std::string_view rest_;
  bool ok_ = true;
};

class BytesWriter {
 public:
  // Appends to *out, which must outlive the writer.
  explicit BytesWriter(std::string* out) : out_(out) {}
  template <typename T>
  void Write(T value) {
    char bytes[sizeof(T)];
    StoreBigEndian(bytes, value);
    out_->append(bytes, sizeof(T));
  }
  void WriteBytes(std::string_view bytes) { out_->append(bytes); }
  void WriteVarint(int32_t value) { WriteVarlong(value); }
  void WriteVarlong(int64_t value);
  void WriteUnsignedVarint(uint64_t value);
  size_t size() const { return out_->size(); }

 private:
  std::string* out_;
};

// Bytes that a zigzag varint of this value takes.
size_t VarlongSize(int64_t value);

}  // namespace leat
