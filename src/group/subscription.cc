#include "group/subscription.h"

#include "base/bytes.h"

namespace leat::group {

std::optional<std::vector<std::string>> SubscribedTopics(std::string_view metadata) {
  BytesReader reader(metadata);
  const int16_t version = reader.Read<int16_t>();
  const int32_t count = reader.Read<int32_t>();
  // Every topic takes two bytes at least. Newer versions only append fields.
  if (!reader.ok() || version < 0 || count < 0 || static_cast<size_t>(count) > reader.remaining() / 2) {
    return std::nullopt;
  }
  std::vector<std::string> topics;
  for (int32_t i = 0; i < count; ++i) topics.emplace_back(reader.ReadBytes(reader.Read<int16_t>()));
  if (!reader.ok()) return std::nullopt;
  return topics;
}

}  // namespace leat::group
