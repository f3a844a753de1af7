// Writes the primitive types of Kafka's protocol. The result is a list of chunks whose bytes, one after another, are
// the message: small values are gathered in common chunks, and a large string that is handed over becomes a chunk of
// its own without being copied. Any one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "model/ids.h"
#include "wire/reader.h"  // Form

namespace leat::wire {

class Writer {
 public:
  // A string that is handed over and has at least this many bytes is not copied.
  static constexpr size_t kOwnChunkBytes = 4096;

  Writer() = default;

  // Reserves the four bytes of a frame's length, which Take fills in. REQUIRES: nothing has been written.
  void BeginFrame();

  template <typename T>
  void Number(T value) {
    char bytes[sizeof(T)];
    StoreBigEndian(bytes, value);
    open_.append(bytes, sizeof(T));
  }
  void Number(bool value) { open_.push_back(value ? 1 : 0); }
  void Number(double value);
  void Number(const model::TopicId& id);
  void UnsignedVarint(uint32_t value);

  // Strings and bytes. REQUIRES: a classic string has at most 32,767 bytes; the tail of a longer one is cut, so that a
  // long message in an answer cannot break the frame.
  void Text(Form form, std::string_view value);
  void NullableText(Form form, const std::optional<std::string_view>& value);
  void NullableText(Form form, const std::optional<std::string>& value);
  void Bytes(Form form, std::string_view value);
  void NullableBytes(Form form, const std::optional<std::string_view>& value);
  void NullableBytes(Form form, const std::optional<std::string>& value);
  // Bytes that are handed over.
  void MoveBytes(Form form, std::string value);

  void Count(Form form, size_t count);
  void NullCount(Form form);

  template <typename T>
  void Numbers(Form form, const std::vector<T>& values) {
    Count(form, values.size());
    for (const T& value : values) Number(value);
  }
  template <typename T>
  void Texts(Form form, const std::vector<T>& values) {
    Count(form, values.size());
    for (const T& value : values) Text(form, std::string_view(value));
  }
  // The elements have `Write(Writer&, int16_t version)`, which is not const where it moves records out.
  template <typename Vector>
  void Structs(Form form, int16_t version, Vector& values) {
    Count(form, values.size());
    for (auto& value : values) value.Write(*this, version);
  }
  template <typename Struct>
  void NullableStruct(int16_t version, const std::optional<Struct>& value) {
    Number(static_cast<int8_t>(value.has_value() ? 1 : -1));
    if (value.has_value()) value->Write(*this, version);
  }

  // A tagged field whose value has been written into `value`.
  void Tagged(uint32_t tag, Writer value);
  void NoTags() { open_.push_back(0); }

  size_t size() const { return closed_bytes_ + open_.size(); }
  // Everything written, in order; no chunk is empty. The writer is empty afterwards.
  std::vector<std::string> Take();
  std::string TakeString();  // the same, joined

 private:
  void Close();
  std::vector<std::string> closed_;
  size_t closed_bytes_ = 0;
  std::string open_;
  bool frame_ = false;
};

}  // namespace leat::wire
