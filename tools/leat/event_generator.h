// What `leat datagen` writes: lines, each with the key to produce it under, and the truth about what was planted in
// them. Not thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace leat::tool {

class EventGenerator {
 public:
  virtual ~EventGenerator() = default;
  // Appends the next line. False when all were made.
  virtual bool Next(std::string* out) = 0;
  // Of the line that Next made last.
  virtual std::string_view key() const = 0;
  // Lines of JSON about what was planted since the last call.
  virtual std::string TakeTruth() = 0;
};

}  // namespace leat::tool
