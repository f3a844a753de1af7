#include "stream/run/operator_entries.h"

#include "base/bytes.h"
#include "stream/run/changelog.h"

namespace leat::run {
namespace {

constexpr int64_t kForm = 1;
constexpr uint32_t kMostTexts = 10'000;

void WriteText(std::string_view text, BytesWriter* to) {
  to->WriteUnsignedVarint(static_cast<uint32_t>(text.size()));
  to->WriteBytes(text);
}
std::string ReadText(BytesReader* from) { return std::string(from->ReadBytes(from->ReadUnsignedVarint())); }

state::Change KeyOf(int id) {
  return EncodePosition({.node_id = kOperatorNode, .partition = {"", model::PartitionId{id}}, .next = {}});
}

}  // namespace

state::Change EncodeOperator(int id, const OperatorEntry& entry) {
  state::Change change = KeyOf(id);
  change.value->clear();
  BytesWriter writer(&*change.value);
  writer.Write<int64_t>(kForm);
  writer.Write<int64_t>(entry.revision);
  if (!entry.identity) return change;
  const plan::OperatorIdentity& identity = *entry.identity;
  WriteText(identity.kind, &writer);
  WriteText(identity.reads, &writer);
  writer.WriteUnsignedVarint(static_cast<uint32_t>(identity.parts.size()));
  for (const auto& [name, text] : identity.parts) {
    WriteText(name, &writer);
    WriteText(text, &writer);
  }
  writer.WriteUnsignedVarint(static_cast<uint32_t>(identity.feeds.size()));
  for (const std::string& consumer : identity.feeds) WriteText(consumer, &writer);
  return change;
}

state::Change ForgetOperator(int id) {
  state::Change change = KeyOf(id);
  change.value.reset();
  return change;
}

absl::StatusOr<OperatorEntry> DecodeOperator(int id, std::string_view value) {
  BytesReader reader(value);
  OperatorEntry entry;
  const auto form = reader.Read<int64_t>();
  entry.revision = reader.Read<int64_t>();
  if (reader.ok() && form != kForm) {
    return FailedPrecondition("the job's operator ", id, " is described in form ", form,
                              ", this version of leatd knows ", kForm, ": start a newer one");
  }
  if (reader.ok() && reader.remaining() == 0) return entry;
  plan::OperatorIdentity& identity = entry.identity.emplace();
  identity.kind = ReadText(&reader);
  identity.reads = ReadText(&reader);
  const uint32_t parts = reader.ReadUnsignedVarint();
  for (uint32_t i = 0; i < parts && i < kMostTexts && reader.ok(); ++i) {
    std::string name = ReadText(&reader);
    identity.parts.emplace_back(std::move(name), ReadText(&reader));
  }
  const uint32_t feeds = reader.ReadUnsignedVarint();
  for (uint32_t i = 0; i < feeds && i < kMostTexts && reader.ok(); ++i) identity.feeds.push_back(ReadText(&reader));
  if (!reader.ok() || reader.remaining() > 0) {
    return DataLoss("the description of the job's operator ", id, ", ", value.size(),
                    " bytes, is damaged; remove the job's state folder, it is rebuilt from the changelog");
  }
  return entry;
}

}  // namespace leat::run
