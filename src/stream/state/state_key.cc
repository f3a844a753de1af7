#include "stream/state/state_key.h"

#include "base/bytes.h"
#include "base/check.h"

namespace leat::state {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;

}  // namespace

std::string TablePrefix(TableId table) {
  std::string out;
  BytesWriter writer(&out);
  writer.Write(table.node);
  writer.Write(table.index);
  return out;
}

std::string NamespacePrefix(TableId table, int64_t ns) {
  std::string out = TablePrefix(table);
  BytesWriter(&out).Write(static_cast<uint64_t>(ns) ^ kSignBit);
  return out;
}

void AppendStateKey(const StateKey& key, std::string* out) {
  out->reserve(out->size() + kStateKeyBytes + key.key.size());
  BytesWriter writer(out);
  writer.Write(key.table.node);
  writer.Write(key.table.index);
  writer.Write(static_cast<uint64_t>(key.ns) ^ kSignBit);
  writer.Write(key.group);
  writer.WriteBytes(key.key);
}

absl::StatusOr<StateKey> ParseStateKey(std::string_view bytes) {
  BytesReader reader(bytes);
  StateKey key;
  key.table.node = reader.Read<uint16_t>();
  key.table.index = reader.Read<uint8_t>();
  key.ns = static_cast<int64_t>(reader.Read<uint64_t>() ^ kSignBit);
  key.group = reader.Read<uint16_t>();
  if (!reader.ok()) return DataLoss("state key: expected at least 13 bytes, got ", bytes.size());
  key.key = reader.rest();
  return key;
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xff) end.pop_back();
  LEAT_CHECK(!end.empty()) << "a prefix of 0xff alone has no end";
  end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

}  // namespace leat::state
