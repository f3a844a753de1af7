#include "model/ids.h"

#include <absl/strings/escaping.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/strings.h"

namespace leat::model {

std::string TopicId::ToString() const {
  char bytes[16];
  StoreBigEndian(bytes, high);
  StoreBigEndian(bytes + 8, low);
  return absl::WebSafeBase64Escape(absl::string_view(bytes, sizeof(bytes)));
}

std::string TopicPartition::ToString() const { return StrCat(topic, "-", partition.value()); }

bool IsValidTopicName(std::string_view name) {
  if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

}  // namespace leat::model
