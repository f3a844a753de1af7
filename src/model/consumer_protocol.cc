#include "model/consumer_protocol.h"

#include <map>

#include "base/bytes.h"
#include "base/check.h"

namespace leat::model {
namespace {

constexpr int16_t kVersion = 1;
constexpr int16_t kFirstWithGeneration = 2;

void WriteString(BytesWriter& writer, std::string_view text) {
  LEAT_CHECK(text.size() <= INT16_MAX);
  writer.Write(static_cast<int16_t>(text.size()));
  writer.WriteBytes(text);
}

void WritePartitions(BytesWriter& writer, const std::vector<TopicPartition>& partitions) {
  std::map<std::string, std::vector<int32_t>> by_topic;
  for (const TopicPartition& partition : partitions) by_topic[partition.topic].push_back(partition.partition.value());
  writer.Write(static_cast<int32_t>(by_topic.size()));
  for (const auto& [topic, numbers] : by_topic) {
    WriteString(writer, topic);
    writer.Write(static_cast<int32_t>(numbers.size()));
    for (const int32_t number : numbers) writer.Write(number);
  }
}

// A count of things that take so many bytes each at least; -1 fails the reader.
int32_t ReadCount(BytesReader& reader, size_t min_bytes) {
  const int32_t count = reader.Read<int32_t>();
  if (count < 0 || static_cast<size_t>(count) > reader.remaining() / min_bytes) return -1;
  return count;
}

bool ReadPartitions(BytesReader& reader, std::vector<TopicPartition>* partitions) {
  const int32_t topics = ReadCount(reader, sizeof(int16_t) + sizeof(int32_t));
  for (int32_t i = 0; i < topics; ++i) {
    const std::string topic(reader.ReadBytes(reader.Read<int16_t>()));
    const int32_t count = ReadCount(reader, sizeof(int32_t));
    if (count < 0) return false;
    for (int32_t k = 0; k < count; ++k) partitions->push_back({topic, PartitionId(reader.Read<int32_t>())});
  }
  return topics >= 0 && reader.ok();
}

}  // namespace

std::string EncodeSubscription(const ConsumerSubscription& subscription) {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(subscription.generation ? kFirstWithGeneration : kVersion);
  writer.Write(static_cast<int32_t>(subscription.topics.size()));
  for (const std::string& topic : subscription.topics) WriteString(writer, topic);
  writer.Write(subscription.user_data.empty() ? int32_t{-1} : static_cast<int32_t>(subscription.user_data.size()));
  writer.WriteBytes(subscription.user_data);
  WritePartitions(writer, subscription.owned);
  if (subscription.generation) writer.Write(*subscription.generation);
  return bytes;
}

std::optional<ConsumerSubscription> DecodeSubscription(std::string_view bytes) {
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  const int32_t count = ReadCount(reader, sizeof(int16_t));
  if (!reader.ok() || version < 0 || count < 0) return std::nullopt;
  ConsumerSubscription subscription;
  for (int32_t i = 0; i < count; ++i) subscription.topics.emplace_back(reader.ReadBytes(reader.Read<int16_t>()));
  if (!reader.ok()) return std::nullopt;
  const int32_t user_data = reader.remaining() == 0 ? -1 : reader.Read<int32_t>();
  if (user_data > 0) subscription.user_data = reader.ReadBytes(user_data);
  if (version >= 1 && reader.remaining() > 0 && !ReadPartitions(reader, &subscription.owned)) return std::nullopt;
  if (version >= kFirstWithGeneration) subscription.generation = reader.Read<int32_t>();
  if (!reader.ok()) return std::nullopt;
  return subscription;
}

std::string EncodeAssignment(const std::vector<TopicPartition>& partitions) {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(kVersion);
  WritePartitions(writer, partitions);
  writer.Write(int32_t{-1});  // no user data
  return bytes;
}

std::optional<std::vector<TopicPartition>> DecodeAssignment(std::string_view bytes) {
  std::vector<TopicPartition> partitions;
  if (bytes.empty()) return partitions;  // of a member that got nothing
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  if (!reader.ok() || version < 0 || !ReadPartitions(reader, &partitions)) return std::nullopt;
  return partitions;
}

}  // namespace leat::model
