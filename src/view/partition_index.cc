#include "view/partition_index.h"

#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/strings.h"

namespace leat::view {
namespace {

// The store keeps its position under the empty key, and a record's key may be empty.
constexpr char kRowPrefix = 'r';
constexpr char kBehindRows = 's';

std::string StoreKey(std::string_view key) {
  std::string out(1, kRowPrefix);
  out += key;
  return out;
}

std::string EncodeEntry(const Record& record) {
  std::string out;
  BytesWriter writer(&out);
  writer.Write(record.offset.value());
  writer.Write(record.timestamp_ms);
  writer.WriteBytes(*record.value);
  return out;
}

bool DecodeEntry(std::string_view bytes, Entry* out) {
  BytesReader reader(bytes);
  out->offset = model::Offset(reader.Read<int64_t>());
  out->timestamp_ms = reader.Read<int64_t>();
  if (!reader.ok()) return false;
  out->value = std::string(reader.rest());
  return true;
}

}  // namespace

absl::StatusOr<size_t> PartitionIndex::Apply(const CommittedRecords& read) {
  if (read.next < applied()) {
    return Internal("a view at offset ", applied(), " was given records up to ", read.next);
  }
  // The last one of each key, in the order of the keys, which is what the store takes in quickest.
  size_t keyless = 0;
  std::map<std::string_view, const Record*> last;
  for (const Record& record : read.records) {
    if (record.key) {
      last[*record.key] = &record;
    } else {
      ++keyless;
    }
  }
  std::vector<state::Change> changes;
  changes.reserve(last.size());
  for (const auto& [key, record] : last) {
    state::Change& change = changes.emplace_back();
    change.key = StoreKey(key);
    if (record->value) change.value = EncodeEntry(*record);
  }
  LEAT_RETURN_IF_ERROR(store_->Apply(changes, read.next.value()));
  return keyless;
}

absl::StatusOr<Page> PartitionIndex::Read(const Range& range, const PageLimit& limit) {
  Page page{.applied = applied()};
  if (range.empty()) return page;
  absl::Status damage;
  size_t bytes = 0;
  const std::string end = range.end ? StoreKey(*range.end) : std::string(1, kBehindRows);
  LEAT_RETURN_IF_ERROR(store_->Scan(StoreKey(range.begin), end, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(1);
    const size_t row_bytes = key.size() + value.size();
    const bool full = page.rows.size() >= limit.rows || bytes + row_bytes > limit.bytes;
    if (full && !page.rows.empty()) {
      page.next = std::string(key);
      return false;
    }
    bytes += row_bytes;
    Row& row = page.rows.emplace_back();
    row.key = std::string(key);
    if (DecodeEntry(value, &row.entry)) return true;
    damage = DataLoss("a row of ", value.size(), " bytes has another form than was written");
    return false;
  }));
  LEAT_RETURN_IF_ERROR(damage);
  return page;
}

}  // namespace leat::view
