// Java's patterns for dates and times (java.time.format.DateTimeFormatter), the letters that SQL scripts use:
// y u M d D H h k K m s S n E a, quoted text, and every other character as itself. English names. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::exec {

class JavaTimePattern {
 public:
  // kInvalidArgument: a letter with no meaning here, or an open quote; the message names it.
  static absl::StatusOr<JavaTimePattern> Parse(std::string_view pattern);

  void Format(int64_t micros, std::string* out) const;
  // False if the text does not follow the pattern or names a time that does not exist. Absent parts are those of
  // 1970-01-01T00:00.
  bool Read(std::string_view text, int64_t* micros) const;

 private:
  struct Part {
    char letter = 0;  // 0: literal text
    int count = 0;
    std::string text;
  };
  std::vector<Part> parts_;
};

}  // namespace leat::exec
