#include "stream/exec/version_cache.h"

#include <algorithm>

#include "base/strings.h"
#include "stream/data/key_codec.h"

namespace leat::exec {

VersionCache::VersionCache(state::StateTable& table, data::SchemaPtr schema, size_t max_bytes)
    : table_(&table), schema_(std::move(schema)), max_bytes_(max_bytes) {
  Clear();
}

void VersionCache::Clear() {
  keys_.clear();
  columns_.clear();
  pointers_.clear();
  bytes_ = 0;
  for (const data::Field& field : schema_->fields) {
    columns_.push_back(std::make_shared<data::Column>(field.type));
    pointers_.push_back(columns_.back().get());
  }
}

void VersionCache::Forget(std::string_view key) { keys_.erase(ToAbsl(key)); }

absl::StatusOr<const VersionCache::Versions*> VersionCache::Load(std::string_view key) {
  // Stays where it is until the next call on this table.
  LEAT_ASSIGN_OR_RETURN(const std::string* found, table_->Find(0, key));
  Versions versions;
  if (found != nullptr) {
    LEAT_ASSIGN_OR_RETURN(const std::vector<StoredRow> stored, ReadStoredRows(*found));
    versions.reserve(stored.size());
    for (const StoredRow& version : stored) {
      const auto row = static_cast<uint32_t>(columns_[0]->size());
      versions.push_back({version.time_ms, version.tag == kVersionRow ? row : kNoRow});
      if (version.tag == kVersionRow) LEAT_RETURN_IF_ERROR(data::DecodeKey(version.row, pointers_));
    }
    bytes_ += 2 * found->size();
  }
  constexpr size_t kKeyBytes = 100;  // beside its bytes and versions
  bytes_ += kKeyBytes + key.size() + versions.size() * sizeof(Version);
  return &keys_.insert_or_assign(std::string(key), std::move(versions)).first->second;
}

absl::StatusOr<uint32_t> VersionCache::Find(std::string_view key, int64_t time_ms) {
  const auto known = keys_.find(ToAbsl(key));
  const Versions* versions = known == keys_.end() ? nullptr : &known->second;
  if (versions == nullptr) {
    LEAT_ASSIGN_OR_RETURN(versions, Load(key));
  }
  const auto next = std::ranges::upper_bound(*versions, time_ms, {}, &Version::time_ms);
  return next == versions->begin() ? kNoRow : std::prev(next)->row;
}

}  // namespace leat::exec
