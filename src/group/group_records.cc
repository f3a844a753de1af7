#include "group/group_records.h"

#include <set>

#include "base/bytes.h"
#include "base/check.h"

namespace leat::group {
namespace {

constexpr int16_t kKeyVersion = 2;
constexpr int16_t kValueVersion = 3;
constexpr int16_t kFlexibleVersion = 4;  // compact lengths and tagged fields
// The smallest member: the lengths of its strings and byte arrays.
constexpr size_t kMinMemberBytes = 7;

void WriteString(BytesWriter& writer, std::string_view text) {
  LEAT_CHECK(text.size() <= INT16_MAX) << "a string of " << text.size() << " bytes in a group record";
  writer.Write(static_cast<int16_t>(text.size()));
  writer.WriteBytes(text);
}

void WriteNullable(BytesWriter& writer, const std::optional<std::string>& text) {
  if (text) {
    WriteString(writer, *text);
  } else {
    writer.Write(int16_t{-1});
  }
}

void WriteBlob(BytesWriter& writer, std::string_view bytes) {
  LEAT_CHECK(bytes.size() <= INT32_MAX);
  writer.Write(static_cast<int32_t>(bytes.size()));
  writer.WriteBytes(bytes);
}

// Reads the fields of one version of the value.
class ValueReader {
 public:
  ValueReader(BytesReader& reader, int16_t version) : reader_(reader), flexible_(version >= kFlexibleVersion) {}

  std::string String() { return Nullable().value_or(""); }
  std::optional<std::string> Nullable() {
    const int64_t size = flexible_ ? Compact() : reader_.Read<int16_t>();
    if (size < 0) return std::nullopt;
    return std::string(reader_.ReadBytes(size));
  }
  std::string Blob() {
    const int64_t size = flexible_ ? Compact() : reader_.Read<int32_t>();
    return size < 0 ? std::string() : std::string(reader_.ReadBytes(size));
  }
  int64_t Count() { return flexible_ ? Compact() : reader_.Read<int32_t>(); }
  void SkipTags() {
    if (!flexible_) return;
    const uint32_t tags = reader_.ReadUnsignedVarint();
    for (uint32_t i = 0; i < tags && reader_.ok(); ++i) {
      reader_.ReadUnsignedVarint();
      reader_.ReadBytes(reader_.ReadUnsignedVarint());
    }
  }

 private:
  int64_t Compact() { return static_cast<int64_t>(reader_.ReadUnsignedVarint()) - 1; }
  BytesReader& reader_;
  const bool flexible_;
};

GroupMetadata::Member ReadMember(BytesReader& reader, ValueReader& fields, int16_t version) {
  GroupMetadata::Member member;
  member.id = fields.String();
  if (version >= 3) member.instance = fields.Nullable();
  member.client_id = fields.String();
  member.client_host = fields.String();
  if (version >= 1) member.rebalance_timeout_ms = reader.Read<int32_t>();
  member.session_timeout_ms = reader.Read<int32_t>();
  if (version == 0) member.rebalance_timeout_ms = member.session_timeout_ms;
  member.subscription = fields.Blob();
  member.assignment = fields.Blob();
  fields.SkipTags();
  return member;
}

}  // namespace

std::string EncodeGroupKey(std::string_view group) {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(kKeyVersion);
  WriteString(writer, group);
  return bytes;
}

std::string EncodeGroupMetadata(const GroupMetadata& metadata) {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(kValueVersion);
  WriteString(writer, metadata.protocol_type);
  writer.Write(metadata.generation);
  WriteNullable(writer, metadata.protocol);
  WriteNullable(writer, metadata.leader);
  writer.Write(metadata.state_time_ms);
  writer.Write(static_cast<int32_t>(metadata.members.size()));
  for (const GroupMetadata::Member& member : metadata.members) {
    WriteString(writer, member.id);
    WriteNullable(writer, member.instance);
    WriteString(writer, member.client_id);
    WriteString(writer, member.client_host);
    writer.Write(member.rebalance_timeout_ms);
    writer.Write(member.session_timeout_ms);
    WriteBlob(writer, member.subscription);
    WriteBlob(writer, member.assignment);
  }
  return bytes;
}

absl::StatusOr<std::optional<std::string>> DecodeGroupKey(std::string_view bytes) {
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  if (!reader.ok()) return DataLoss("group record: expected a key of at least 2 bytes, got ", bytes.size());
  if (version != kKeyVersion) return std::nullopt;
  const std::string_view group = reader.ReadBytes(reader.Read<int16_t>());
  if (!reader.ok() || reader.remaining() != 0) {
    return DataLoss("group record: the key of ", bytes.size(), " bytes does not hold a group");
  }
  return std::string(group);
}

absl::StatusOr<GroupMetadata> DecodeGroupMetadata(std::string_view bytes) {
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  if (!reader.ok()) return DataLoss("group record: expected a value of at least 2 bytes, got ", bytes.size());
  if (version < 0 || version > kFlexibleVersion) {
    return Unimplemented("group record: expected value version 0 to 4, got ", version);
  }
  ValueReader fields(reader, version);
  GroupMetadata metadata;
  metadata.protocol_type = fields.String();
  metadata.generation = reader.Read<int32_t>();
  metadata.protocol = fields.Nullable();
  metadata.leader = fields.Nullable();
  if (version >= 2) metadata.state_time_ms = reader.Read<int64_t>();
  const int64_t count = fields.Count();
  if (!reader.ok() || count < 0 || static_cast<uint64_t>(count) > reader.remaining() / kMinMemberBytes) {
    return DataLoss("group record: the value of ", bytes.size(), " bytes cannot hold ", count, " members");
  }
  std::set<std::string> ids;
  std::set<std::string> instances;
  for (int64_t i = 0; i < count && reader.ok(); ++i) {
    GroupMetadata::Member member = ReadMember(reader, fields, version);
    const bool one_of_each =
        ids.insert(member.id).second && (!member.instance || instances.insert(*member.instance).second);
    if (reader.ok() && !one_of_each) return DataLoss("group record: the member ", member.id, " is in it twice");
    metadata.members.push_back(std::move(member));
  }
  fields.SkipTags();
  if (!reader.ok() || reader.remaining() != 0) {
    return DataLoss("group record: the value of ", bytes.size(), " bytes does not hold the fields of version ",
                    version);
  }
  return metadata;
}

}  // namespace leat::group
