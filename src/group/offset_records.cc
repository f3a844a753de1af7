#include "group/offset_records.h"

#include "base/bytes.h"
#include "base/check.h"

namespace leat::group {
namespace {

constexpr int16_t kKeyVersion = 1;
constexpr int16_t kGroupMetadataKeyVersion = 2;
constexpr int16_t kValueVersion = 3;
constexpr int16_t kFlexibleValueVersion = 4;  // compact lengths and tagged fields; what Kafka 4 writes

void WriteString(BytesWriter& writer, std::string_view text) {
  LEAT_CHECK(text.size() <= INT16_MAX) << "a string of " << text.size() << " bytes in an offset record";
  writer.Write(static_cast<int16_t>(text.size()));
  writer.WriteBytes(text);
}

std::string_view ReadString(BytesReader& reader) {
  const int16_t size = reader.Read<int16_t>();
  return reader.ReadBytes(size);
}

std::string_view ReadCompactString(BytesReader& reader) {
  return reader.ReadBytes(static_cast<int64_t>(reader.ReadUnsignedVarint()) - 1);
}

// One is the topic's id: here an offset belongs to a name, and goes when the topic of that name does.
void SkipTaggedFields(BytesReader& reader) {
  const uint32_t fields = reader.ReadUnsignedVarint();
  for (uint32_t i = 0; i < fields && reader.ok(); ++i) {
    reader.ReadUnsignedVarint();
    reader.ReadBytes(reader.ReadUnsignedVarint());
  }
}

// The UTF-16 units of a UTF-8 text, one call of `unit` each. Bytes that are not UTF-8 count as U+FFFD, as Java decodes
// them.
template <typename Unit>
void ForEachUtf16Unit(std::string_view text, Unit unit) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t length = lead < 0x80 ? 1 : (lead >> 5) == 6 ? 2 : (lead >> 4) == 14 ? 3 : (lead >> 3) == 30 ? 4 : 0;
    uint32_t point = length < 2 ? lead : lead & (0x7f >> length);
    bool valid = length != 0 && i + length <= text.size();
    for (size_t k = 1; valid && k < length; ++k) {
      const auto next = static_cast<uint8_t>(text[i + k]);
      valid = (next & 0xc0) == 0x80;
      point = (point << 6) | (next & 0x3f);
    }
    if (!valid) {
      unit(uint16_t{0xfffd});
      ++i;
      continue;
    }
    i += length;
    if (point >= 0x10000) {
      unit(static_cast<uint16_t>(0xd800 + ((point - 0x10000) >> 10)));
      unit(static_cast<uint16_t>(0xdc00 + ((point - 0x10000) & 0x3ff)));
    } else {
      unit(static_cast<uint16_t>(point));
    }
  }
}

}  // namespace

std::string EncodeOffsetKey(const OffsetKey& key) {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(kKeyVersion);
  WriteString(writer, key.group);
  WriteString(writer, key.partition.topic);
  writer.Write(key.partition.partition.value());
  return bytes;
}

std::string EncodeOffsetValue(const OffsetValue& value) {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(kValueVersion);
  writer.Write(value.offset.value());
  writer.Write(value.leader_epoch.value());
  WriteString(writer, value.metadata);
  writer.Write(value.commit_time_ms);
  return bytes;
}

absl::StatusOr<std::optional<OffsetKey>> DecodeOffsetKey(std::string_view bytes) {
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  if (!reader.ok()) return DataLoss("offset record: expected a key of at least 2 bytes, got ", bytes.size());
  if (version == kGroupMetadataKeyVersion) return std::nullopt;
  if (version < 0 || version > kKeyVersion) {
    return Unimplemented("offset record: expected key version 0, 1 or 2, got ", version);
  }
  OffsetKey key;
  key.group = ReadString(reader);
  key.partition.topic = ReadString(reader);
  key.partition.partition = model::PartitionId(reader.Read<int32_t>());
  if (!reader.ok() || reader.remaining() != 0) {
    return DataLoss("offset record: the key of ", bytes.size(),
                    " bytes does not hold a group, a topic and a partition");
  }
  return key;
}

absl::StatusOr<OffsetValue> DecodeOffsetValue(std::string_view bytes) {
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  if (!reader.ok()) return DataLoss("offset record: expected a value of at least 2 bytes, got ", bytes.size());
  if (version < 0 || version > kFlexibleValueVersion) {
    return Unimplemented("offset record: expected value version 0 to 4, got ", version);
  }
  OffsetValue value;
  value.offset = model::Offset(reader.Read<int64_t>());
  if (version >= 3) value.leader_epoch = model::LeaderEpoch(reader.Read<int32_t>());
  value.metadata = version >= kFlexibleValueVersion ? ReadCompactString(reader) : ReadString(reader);
  value.commit_time_ms = reader.Read<int64_t>();
  if (version == 1) reader.Read<int64_t>();  // when it expires: later versions leave that to the broker
  if (version >= kFlexibleValueVersion) SkipTaggedFields(reader);
  if (!reader.ok() || reader.remaining() != 0) {
    return DataLoss("offset record: the value of ", bytes.size(), " bytes does not hold the fields of version ",
                    version);
  }
  return value;
}

int32_t PartitionForGroup(std::string_view group, int32_t partitions) {
  LEAT_CHECK(partitions > 0);
  uint32_t hash = 0;
  ForEachUtf16Unit(group, [&](uint16_t unit) { hash = hash * 31 + unit; });
  const auto signed_hash = static_cast<int32_t>(hash);
  if (signed_hash == INT32_MIN) return 0;
  return (signed_hash < 0 ? -signed_hash : signed_hash) % partitions;
}

}  // namespace leat::group
