// Two visitors of messages: one fills them with random values, one prints them.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/crc32c.h"
#include "base/random.h"
#include "base/strings.h"
#include "model/ids.h"

namespace leat::wire {

enum class Null { kNever, kAllowed };

class Filler {
 public:
  explicit Filler(Random& random) : random_(random) {}

  template <typename T>
  void Field(const char*, T& value, int16_t version, Null) {
    if constexpr (std::is_same_v<T, bool>) {
      value = random_.OneIn(2);
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = static_cast<T>(random_.OneIn(2) ? random_.Next() : random_.Below(3));
    } else if constexpr (std::is_same_v<T, model::TopicId>) {
      value = random_.OneIn(4) ? model::TopicId{} : model::TopicId{random_.Next(), random_.Next()};
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
      value = Text(random_.OneIn(30) ? 300 : 12);
    } else {
      ++depth_;
      Visit(*this, value, version);
      --depth_;
    }
  }
  template <typename T>
  void Field(const char* name, std::vector<T>& values, int16_t version, Null) {
    values.resize(random_.Below(depth_ > 2 ? 2 : 4));
    for (T& value : values) Field(name, value, version, Null::kNever);
  }
  template <typename T>
  void Field(const char* name, std::optional<T>& value, int16_t version, Null null) {
    value.reset();
    if (null == Null::kNever || !random_.OneIn(3)) Field(name, value.emplace(T{}), version, Null::kNever);
  }
  // Sometimes so large that they are not copied.
  void Records(const char*, std::string& value, int16_t, Null) { value = Text(random_.OneIn(10) ? 6000 : 40); }
  void Records(const char*, std::optional<std::string_view>& value, int16_t, Null) {
    value.reset();
    if (!random_.OneIn(3)) value = Text(random_.OneIn(10) ? 6000 : 40);
  }

 private:
  std::string_view Text(size_t limit) {
    std::string& text = texts_.emplace_back(random_.Below(limit), '\0');
    for (char& c : text) c = static_cast<char>(random_.Next());
    return text;
  }
  Random& random_;
  std::deque<std::string> texts_;  // that string_views of the message point into
  int depth_ = 0;
};

class Printer {
 public:
  std::string Take() { return std::move(text_); }

  template <typename T>
  void Field(const char* name, T& value, int16_t version, Null) {
    if constexpr (std::is_same_v<T, bool>) {
      Line(name, value ? "true" : "false");
    } else if constexpr (std::is_arithmetic_v<T>) {
      Line(name, StrCat(value));
    } else if constexpr (std::is_same_v<T, model::TopicId>) {
      Line(name, value.ToString());
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
      Line(name, Quoted(value));
    } else {
      Line(name, "");
      depth_ += 2;
      Visit(*this, value, version);
      depth_ -= 2;
    }
  }
  template <typename T>
  void Field(const char* name, std::vector<T>& values, int16_t version, Null) {
    if (values.empty()) Line(name, "[]");
    for (size_t i = 0; i < values.size(); ++i) {
      const std::string element = StrCat(std::string_view(name), "[", i, "]");
      Field(element.c_str(), values[i], version, Null::kNever);
    }
  }
  template <typename T>
  void Field(const char* name, std::optional<T>& value, int16_t version, Null) {
    if (!value.has_value()) return Line(name, "null");
    Field(name, *value, version, Null::kNever);
  }
  void Records(const char* name, std::string_view value, int16_t, Null) {
    Line(name, StrCat(value.size(), " bytes, crc32c ", Crc32c(value)));
  }
  void Records(const char* name, std::optional<std::string_view>& value, int16_t version, Null null) {
    if (!value.has_value()) return Line(name, "null");
    Records(name, *value, version, null);
  }

 private:
  // Values of one struct share a line while there is room.
  void Line(const char* name, std::string_view value) {
    const std::string field = StrCat(std::string_view(name), value.empty() ? ":" : ": ", value);
    const size_t line_bytes = text_.size() - line_start_;
    if (!value.empty() && open_depth_ == depth_ && line_bytes + field.size() < 118) {
      text_.pop_back();
      StrAppend(&text_, ", ", field, "\n");
    } else {
      line_start_ = text_.size();
      text_.append(depth_, ' ');
      StrAppend(&text_, field, "\n");
    }
    open_depth_ = value.empty() ? kClosed : depth_;
  }
  static std::string Quoted(std::string_view value) {
    std::string text = "\"";
    for (const char c : value) {
      if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
        text.push_back(c);
      } else {
        constexpr char kHex[] = "0123456789abcdef";
        text += {'\\', 'x', kHex[static_cast<uint8_t>(c) >> 4], kHex[static_cast<uint8_t>(c) & 15]};
      }
    }
    return text + "\"";
  }
  std::string text_;
  static constexpr size_t kClosed = SIZE_MAX;
  size_t depth_ = 0;
  size_t line_start_ = 0;
  size_t open_depth_ = kClosed;  // of the last line, if it may grow
};

}  // namespace leat::wire
