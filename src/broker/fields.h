// Structs as bytes, for messages between nodes: each struct lists its fields once, in a function Visit(fields, struct)
// found beside it, and is written and read by that list. Big-endian, counts and lengths of four bytes. Pure.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/owned_bytes.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "model/ids.h"

namespace leat::broker {

class FieldWriter {
 public:
  template <typename... Fields>
  void operator()(Fields&... fields) {
    (Put(fields), ...);
  }
  // As the reader's, which refuses what is larger than `last`.
  template <typename Enum>
  void Choice(Enum& value, Enum) {
    writer_.Write(static_cast<uint8_t>(value));
  }
  std::string Take() { return std::move(out_); }

 private:
  template <std::integral T>
  void Put(T value) {
    if constexpr (std::same_as<T, bool>) {
      writer_.Write<uint8_t>(value ? 1 : 0);
    } else {
      writer_.Write(value);
    }
  }
  void Put(double value) {
    uint64_t bits = 0;
    static_assert(sizeof(bits) == sizeof(value));
    std::memcpy(&bits, &value, sizeof(bits));
    writer_.Write(bits);
  }
  void Put(std::string_view value) {
    writer_.Write(static_cast<uint32_t>(value.size()));
    writer_.WriteBytes(value);
  }
  void Put(std::string& value) { Put(std::string_view(value)); }
  void Put(Duration value) { writer_.Write(absl::ToInt64Microseconds(value)); }
  template <typename Tag, typename Rep>
  void Put(StrongId<Tag, Rep> id) {
    writer_.Write(id.value());
  }
  template <typename T>
  void Put(std::vector<T>& list) {
    writer_.Write(static_cast<uint32_t>(list.size()));
    for (T& item : list) Put(item);
  }
  template <typename A, typename B>
  void Put(std::pair<A, B>& pair) {
    Put(pair.first);
    Put(pair.second);
  }
  void Put(model::TopicPartition& partition) { (*this)(partition.topic, partition.partition); }
  template <typename T>
  requires std::is_class_v<T>
  void Put(T& value) { Visit(*this, value); }

  std::string out_;
  BytesWriter writer_{&out_};
};

// A short read, a count beyond the bytes that are there, a number that means nothing: ok() is false at the end.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : reader_(bytes) {}
  template <typename... Fields>
  void operator()(Fields&... fields) {
    (Get(fields), ...);
  }
  template <typename Enum>
  void Choice(Enum& value, Enum last) {
    const auto number = reader_.Read<uint8_t>();
    if (number > static_cast<uint8_t>(last)) good_ = false;
    if (good_) value = static_cast<Enum>(number);
  }
  bool ok() const { return good_ && reader_.ok() && reader_.remaining() == 0; }

 private:
  template <std::integral T>
  void Get(T& value) {
    if constexpr (std::same_as<T, bool>) {
      const auto byte = reader_.Read<uint8_t>();
      good_ = good_ && byte <= 1;
      value = byte == 1;
    } else {
      value = reader_.Read<T>();
    }
  }
  void Get(double& value) {
    const auto bits = reader_.Read<uint64_t>();
    std::memcpy(&value, &bits, sizeof(bits));
  }
  void Get(std::string& value) { value = std::string(reader_.ReadBytes(reader_.Read<uint32_t>())); }
  void Get(Duration& value) { value = absl::Microseconds(reader_.Read<int64_t>()); }
  template <typename Tag, typename Rep>
  void Get(StrongId<Tag, Rep>& id) {
    id = StrongId<Tag, Rep>(reader_.Read<Rep>());
  }
  template <typename T>
  void Get(std::vector<T>& list) {
    list.clear();
    const auto count = reader_.Read<uint32_t>();
    if (count > reader_.remaining()) good_ = false;  // each takes a byte at least
    for (uint32_t i = 0; i < count && good_ && reader_.ok(); ++i) Get(list.emplace_back());
  }
  template <typename A, typename B>
  void Get(std::pair<A, B>& pair) {
    Get(pair.first);
    Get(pair.second);
  }
  void Get(model::TopicPartition& partition) { (*this)(partition.topic, partition.partition); }
  template <typename T>
  requires std::is_class_v<T>
  void Get(T& value) { Visit(*this, value); }

  BytesReader reader_;
  bool good_ = true;
};

}  // namespace leat::broker
