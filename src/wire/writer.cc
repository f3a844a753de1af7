#include "wire/writer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace leat::wire {

namespace {

constexpr size_t kFirstBytes = 128;  // most answers are smaller, and are written in the memory that they begin with

}  // namespace

void Writer::BeginFrame() {
  LEAT_CHECK(size() == 0);
  frame_ = true;
  open_.reserve(kFirstBytes);
  open_.append(sizeof(int32_t), '\0');
}

void Writer::Number(double value) { Number(std::bit_cast<uint64_t>(value)); }
void Writer::Number(const model::TopicId& id) {
  Number(id.high);
  Number(id.low);
}
void Writer::UnsignedVarint(uint32_t value) {
  while (value >= 0x80) {
    open_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  open_.push_back(static_cast<char>(value));
}

void Writer::Text(Form form, std::string_view value) {
  value = value.substr(0, INT16_MAX);
  if (form == Form::kCompact) {
    UnsignedVarint(static_cast<uint32_t>(value.size()) + 1);
  } else {
    Number(static_cast<int16_t>(value.size()));
  }
  open_.append(value);
}
void Writer::NullableText(Form form, const std::optional<std::string_view>& value) {
  if (value.has_value()) return Text(form, *value);
  if (form == Form::kCompact) return UnsignedVarint(0);
  Number(int16_t{-1});
}
void Writer::NullableText(Form form, const std::optional<std::string>& value) {
  NullableText(form, value.has_value() ? std::optional<std::string_view>(*value) : std::nullopt);
}

void Writer::Bytes(Form form, std::string_view value) {
  Count(form, value.size());
  open_.append(value);
}
void Writer::NullableBytes(Form form, const std::optional<std::string_view>& value) {
  if (value.has_value()) return Bytes(form, *value);
  NullCount(form);
}
void Writer::NullableBytes(Form form, const std::optional<std::string>& value) {
  NullableBytes(form, value.has_value() ? std::optional<std::string_view>(*value) : std::nullopt);
}
void Writer::MoveBytes(Form form, std::string value) {
  if (value.size() < kOwnChunkBytes) return Bytes(form, value);
  Count(form, value.size());
  Close();
  closed_bytes_ += value.size();
  closed_.push_back(std::move(value));
}

void Writer::Count(Form form, size_t count) {
  LEAT_CHECK(count <= INT32_MAX);
  if (form == Form::kCompact) return UnsignedVarint(static_cast<uint32_t>(count) + 1);
  Number(static_cast<int32_t>(count));
}
void Writer::NullCount(Form form) {
  if (form == Form::kCompact) return UnsignedVarint(0);
  Number(int32_t{-1});
}

void Writer::Tagged(uint32_t tag, Writer value) {
  UnsignedVarint(tag);
  UnsignedVarint(static_cast<uint32_t>(value.size()));
  open_.append(value.TakeString());
}

void Writer::Close() {
  if (open_.empty()) return;
  closed_bytes_ += open_.size();
  closed_.push_back(std::exchange(open_, {}));
}

std::vector<std::string> Writer::Take() {
  Close();
  if (frame_) {
    LEAT_CHECK(closed_bytes_ <= INT32_MAX);
    StoreBigEndian(closed_.front().data(), static_cast<int32_t>(closed_bytes_ - sizeof(int32_t)));
  }
  frame_ = false;
  closed_bytes_ = 0;
  return std::exchange(closed_, {});
}
std::string Writer::TakeString() {
  std::vector<std::string> chunks = Take();
  if (chunks.size() == 1) return std::move(chunks.front());
  std::string joined;
  for (const std::string& chunk : chunks) joined.append(chunk);
  return joined;
}

}  // namespace leat::wire
