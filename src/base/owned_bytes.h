// Bytes that pass from one owner to the next without being copied: those of a string, or a piece of a larger buffer
// that lives as long as any of its pieces. Whoever holds them may change them in place; pieces do not overlap. Moved by
// pointer; a copy is a copy of the bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace leat {

class OwnedBytes {
 public:
  OwnedBytes() = default;
  OwnedBytes(std::string text) : text_(std::move(text)) {}  // NOLINT: most owners have a string
  OwnedBytes(const char* text) : text_(text) {}             // NOLINT
  // `size` bytes at `data`, which live as long as `owner` does.
  OwnedBytes(std::shared_ptr<const void> owner, char* data, size_t size)
      : owner_(std::move(owner)), data_(data), size_(size) {}
  OwnedBytes(OwnedBytes&& from) noexcept
      : text_(std::move(from.text_)),
        owner_(std::move(from.owner_)),
        data_(std::exchange(from.data_, nullptr)),
        size_(std::exchange(from.size_, 0)) {}
  OwnedBytes& operator=(OwnedBytes&& from) noexcept {
    text_ = std::move(from.text_);
    owner_ = std::move(from.owner_);
    data_ = std::exchange(from.data_, nullptr);
    size_ = std::exchange(from.size_, 0);
    return *this;
  }
  OwnedBytes(const OwnedBytes& from) : text_(from.view()) {}
  OwnedBytes& operator=(const OwnedBytes& from) {
    if (this != &from) *this = OwnedBytes(from);
    return *this;
  }
  ~OwnedBytes() = default;

  char* data() { return data_ != nullptr ? data_ : text_.data(); }
  const char* data() const { return data_ != nullptr ? data_ : text_.data(); }
  size_t size() const { return data_ != nullptr ? size_ : text_.size(); }
  bool empty() const { return size() == 0; }
  std::string_view view() const { return {data(), size()}; }
  operator std::string_view() const { return view(); }  // NOLINT: it is bytes

 private:
  std::string text_;
  std::shared_ptr<const void> owner_;
  char* data_ = nullptr;  // null: the text's
  size_t size_ = 0;
};

}  // namespace leat
