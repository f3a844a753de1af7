#include "txn/transaction_records.h"

#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"

namespace leat::txn {
namespace {

constexpr int16_t kKeyVersion = 0;
constexpr int16_t kValueVersion = 1;

enum Tag : uint32_t {
  kPreviousProducerId = 0,
  kNextProducerId = 1,
  kClientVersion = 2,
  kLastProducerEpoch = 10'000,  // ours, far from Kafka's
};

struct TaggedField {
  uint32_t tag;
  std::string bytes;
};

template <typename T>
void AddTagged(std::vector<TaggedField>* fields, Tag tag, T value, T absent) {
  if (value == absent) return;
  TaggedField field{tag, {}};
  BytesWriter(&field.bytes).Write(value);
  fields->push_back(std::move(field));
}

void WriteTaggedFields(BytesWriter& writer, const Transaction& transaction) {
  std::vector<TaggedField> fields;  // in the order of their tags
  AddTagged<int64_t>(&fields, kPreviousProducerId, transaction.previous_producer_id.value(), -1);
  AddTagged<int64_t>(&fields, kNextProducerId, transaction.next_producer_id.value(), -1);
  AddTagged<int16_t>(&fields, kClientVersion, static_cast<int16_t>(transaction.client_version), 0);
  AddTagged<int16_t>(&fields, kLastProducerEpoch, transaction.last_producer_epoch, kNoEpoch);
  writer.WriteUnsignedVarint(fields.size());
  for (const TaggedField& field : fields) {
    writer.WriteUnsignedVarint(field.tag);
    writer.WriteUnsignedVarint(field.bytes.size());
    writer.WriteBytes(field.bytes);
  }
}

void WritePartitions(BytesWriter& writer, const Transaction& transaction) {
  if (transaction.state == State::kEmpty) {
    writer.WriteUnsignedVarint(0);  // null, as Kafka has it
    return;
  }
  std::vector<std::pair<std::string_view, std::vector<int32_t>>> topics;
  for (const model::TopicPartition& partition : transaction.partitions) {
    if (topics.empty() || topics.back().first != partition.topic) topics.emplace_back(partition.topic, 0);
    topics.back().second.push_back(partition.partition.value());
  }
  writer.WriteUnsignedVarint(topics.size() + 1);
  for (const auto& [topic, partitions] : topics) {
    writer.WriteUnsignedVarint(topic.size() + 1);
    writer.WriteBytes(topic);
    writer.WriteUnsignedVarint(partitions.size() + 1);
    for (const int32_t partition : partitions) writer.Write(partition);
    writer.WriteUnsignedVarint(0);  // no tagged fields
  }
}

// The lengths of version 0 are whole numbers, those of version 1 varints that are one too large so that 0 is null.
int64_t ReadCount(BytesReader& reader, bool flexible) {
  return flexible ? static_cast<int64_t>(reader.ReadUnsignedVarint()) - 1 : reader.Read<int32_t>();
}

void SkipTaggedFields(BytesReader& reader) {
  const uint32_t count = reader.ReadUnsignedVarint();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    reader.ReadUnsignedVarint();
    reader.ReadBytes(reader.ReadUnsignedVarint());
  }
}

// False if a count goes beyond the bytes that are there.
bool ReadPartitions(BytesReader& reader, bool flexible, std::set<model::TopicPartition>* partitions) {
  const int64_t topics = ReadCount(reader, flexible);
  for (int64_t t = 0; t < topics && reader.ok(); ++t) {
    const int64_t name_size = flexible ? ReadCount(reader, true) : reader.Read<int16_t>();
    const std::string_view topic = reader.ReadBytes(name_size);
    const int64_t count = ReadCount(reader, flexible);
    if (count < 0 || static_cast<uint64_t>(count) > reader.remaining() / sizeof(int32_t)) return false;
    for (int64_t i = 0; i < count; ++i) {
      partitions->insert({std::string(topic), model::PartitionId(reader.Read<int32_t>())});
    }
    if (flexible) SkipTaggedFields(reader);
  }
  return reader.ok();
}

void ReadTaggedFields(BytesReader& reader, Transaction* transaction) {
  const uint32_t count = reader.ReadUnsignedVarint();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    const uint32_t tag = reader.ReadUnsignedVarint();
    BytesReader field(reader.ReadBytes(reader.ReadUnsignedVarint()));
    if (tag == kPreviousProducerId) transaction->previous_producer_id = model::ProducerId(field.Read<int64_t>());
    if (tag == kNextProducerId) transaction->next_producer_id = model::ProducerId(field.Read<int64_t>());
    if (tag == kClientVersion) transaction->client_version = static_cast<Version>(field.Read<int16_t>());
    if (tag == kLastProducerEpoch) transaction->last_producer_epoch = field.Read<int16_t>();
    if (!field.ok()) reader.ReadBytes(-1);  // fails the record
  }
}

}  // namespace

std::string EncodeKey(std::string_view transactional_id) {
  LEAT_CHECK(transactional_id.size() <= INT16_MAX) << "a transactional id of " << transactional_id.size() << " bytes";
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(kKeyVersion);
  writer.Write(static_cast<int16_t>(transactional_id.size()));
  writer.WriteBytes(transactional_id);
  return bytes;
}

std::string EncodeValue(const Transaction& transaction) {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write(kValueVersion);
  writer.Write(transaction.producer_id.value());
  writer.Write(transaction.producer_epoch);
  writer.Write(transaction.timeout_ms);
  writer.Write(static_cast<int8_t>(transaction.state));
  WritePartitions(writer, transaction);
  writer.Write(transaction.last_update_ms);
  writer.Write(transaction.start_ms);
  WriteTaggedFields(writer, transaction);
  return bytes;
}

absl::StatusOr<std::optional<std::string>> DecodeKey(std::string_view bytes) {
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  if (!reader.ok()) return DataLoss("transaction record: expected a key of at least 2 bytes, got ", bytes.size());
  if (version != kKeyVersion) return std::nullopt;
  const std::string_view id = reader.ReadBytes(reader.Read<int16_t>());
  if (!reader.ok() || reader.remaining() != 0) {
    return DataLoss("transaction record: the key of ", bytes.size(), " bytes does not hold a transactional id");
  }
  return std::string(id);
}

absl::StatusOr<Transaction> DecodeValue(std::string_view bytes) {
  BytesReader reader(bytes);
  const int16_t version = reader.Read<int16_t>();
  if (!reader.ok()) return DataLoss("transaction record: expected a value of at least 2 bytes, got ", bytes.size());
  if (version < 0 || version > kValueVersion) {
    return Unimplemented("transaction record: expected value version 0 or 1, got ", version);
  }
  const bool flexible = version >= 1;
  Transaction transaction;
  transaction.producer_id = model::ProducerId(reader.Read<int64_t>());
  transaction.producer_epoch = reader.Read<int16_t>();
  transaction.timeout_ms = reader.Read<int32_t>();
  const int8_t state = reader.Read<int8_t>();
  if (state < 0 || state > static_cast<int8_t>(State::kDead)) {
    return Unimplemented("transaction record: expected a state of 0 to 6, got ", state);
  }
  transaction.state = static_cast<State>(state);
  const bool partitions = ReadPartitions(reader, flexible, &transaction.partitions);
  transaction.last_update_ms = reader.Read<int64_t>();
  transaction.start_ms = reader.Read<int64_t>();
  if (flexible) ReadTaggedFields(reader, &transaction);
  if (!partitions || !reader.ok() || reader.remaining() != 0) {
    return DataLoss("transaction record: the value of ", bytes.size(), " bytes does not hold the fields of version ",
                    version);
  }
  return transaction;
}

}  // namespace leat::txn
