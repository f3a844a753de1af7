#include "stream/exec/join_side.h"

#include <algorithm>

#include "base/bytes.h"
#include "stream/exec/calendar.h"

namespace leat::exec {

namespace {

// Chunk 0 of a key begins with the number of its chunks.
constexpr size_t kCountBytes = sizeof(uint32_t);
constexpr size_t kChunkBytes = 4096;
// A row: its size as a varint, when it was written, how many it meets, its bytes.
constexpr size_t kHeadBytes = sizeof(int64_t) + sizeof(int32_t);
constexpr size_t kMaxVarintBytes = 5;

struct Record {
  size_t begin = 0;
  size_t head = 0;  // of time and matches
  int64_t written_ms = 0;
  int32_t matches = 0;
  std::string_view row;
};

class Reader {
 public:
  Reader(std::string_view chunk, uint32_t index) : chunk_(chunk), reader_(chunk) {
    if (index == 0) reader_.ReadBytes(static_cast<int64_t>(kCountBytes));
  }
  // False at the end and when the bytes are damaged.
  bool Next(Record* record) {
    if (reader_.remaining() == 0) return false;
    record->begin = chunk_.size() - reader_.remaining();
    const uint32_t size = reader_.ReadUnsignedVarint();
    record->head = chunk_.size() - reader_.remaining();
    record->written_ms = reader_.Read<int64_t>();
    record->matches = reader_.Read<int32_t>();
    record->row = reader_.ReadBytes(size);
    return reader_.ok();
  }
  size_t position() const { return chunk_.size() - reader_.remaining(); }
  absl::Status status() const {
    return reader_.ok() ? absl::OkStatus() : DataLoss("state: rows of a join in ", chunk_.size(), " bytes are cut off");
  }

 private:
  std::string_view chunk_;
  BytesReader reader_;
};

void AppendRow(std::string_view row, int32_t matches, int64_t now_ms, std::string* chunk) {
  BytesWriter writer(chunk);
  writer.WriteUnsignedVarint(row.size());
  writer.Write<int64_t>(now_ms);
  writer.Write<int32_t>(matches);
  writer.WriteBytes(row);
}

// The namespace of rows that stay. That of others is odd, and says when they go: x of 2 x + 1.
constexpr state::Namespace kStays = 0;
constexpr int64_t kMaxUntilMs = int64_t{1} << 60;
// A row that goes so many steps behind the watermark goes with others of a longer step.
constexpr int64_t kStepsAhead = 16;
// As many as a look-up may look through. What finds no place stays, as without a bound.
constexpr size_t kMostNamespaces = 128;

size_t FirstByte(uint32_t chunk) { return chunk == 0 ? kCountBytes : 0; }

}  // namespace

absl::StatusOr<JoinSide> JoinSide::Open(state::StateBackend& backend, int node_id, int first_table, int64_t ttl_ms,
                                        int64_t step_ms) {
  LEAT_ASSIGN_OR_RETURN(Expiry expiry, Expiry::Open(ttl_ms, backend.Table(node_id, first_table + 1)));
  JoinSide made(backend.Table(node_id, first_table), expiry, step_ms);
  LEAT_ASSIGN_OR_RETURN(auto ns, made.rows_->NextNamespace(std::numeric_limits<state::Namespace>::min()));
  while (ns) {
    made.live_.push_back(*ns);
    LEAT_ASSIGN_OR_RETURN(ns, made.rows_->NextNamespace(*ns + 1));
  }
  return made;
}

state::Namespace JoinSide::NamespaceOf(int64_t until_ms) const {
  if (until_ms > kMaxUntilMs) return kStays;
  const int64_t until = std::max(until_ms, -kMaxUntilMs);
  // While a watermark stands still, the other side's rows may be of any time.
  const int64_t ahead = watermark_ms_ ? until - std::clamp(*watermark_ms_, -kMaxUntilMs, kMaxUntilMs) : 0;
  int64_t size = step_ms_;
  while (ahead / size > kStepsAhead) size *= 2;
  return 2 * ((FloorDiv(until, size) + 1) * size - 1) + 1;
}

void JoinSide::Enter(state::Namespace ns) {
  ns_ = ns;
  if (!live_.empty() && live_.back() == ns_) return;
  auto at = std::ranges::lower_bound(live_, ns_);
  if (at != live_.end() && *at == ns_) return;
  if (live_.size() >= kMostNamespaces) {
    ns_ = kStays;
    at = std::ranges::lower_bound(live_, ns_);
    if (at != live_.end() && *at == ns_) return;
  }
  live_.insert(at, ns_);
}

absl::Status JoinSide::DropPassed(int64_t watermark_ms) {
  watermark_ms_ = watermark_ms;
  size_t kept = 0;
  for (const state::Namespace ns : live_) {
    if (ns == kStays || (ns - 1) / 2 >= watermark_ms) {
      live_[kept++] = ns;
    } else {
      LEAT_RETURN_IF_ERROR(rows_->EraseNamespace(ns));
    }
  }
  live_.resize(kept);
  return absl::OkStatus();
}

std::string_view JoinSide::ChunkKey(std::string_view key, uint32_t chunk) {
  chunk_key_.clear();
  BytesWriter(&chunk_key_).Write<uint32_t>(chunk);
  chunk_key_.append(key);
  return chunk_key_;
}

absl::StatusOr<uint32_t> JoinSide::ChunkCount(std::string_view key) {
  LEAT_ASSIGN_OR_RETURN(const std::string* first, rows_->Find(ns_, ChunkKey(key, 0)));
  if (first == nullptr) return 0;
  if (first->size() < kCountBytes) return DataLoss("state: rows of a join in ", first->size(), " bytes");
  return LoadBigEndian<uint32_t>(first->data());
}

absl::Status JoinSide::SetChunkCount(std::string_view key, uint32_t count) {
  if (count == 0) return rows_->Erase(ns_, ChunkKey(key, 0));
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * first, rows_->Mutate(ns_, ChunkKey(key, 0), &inserted));
  if (first->size() < kCountBytes) first->resize(kCountBytes);
  StoreBigEndian<uint32_t>(first->data(), count);
  return absl::OkStatus();
}

absl::Status JoinSide::Add(std::string_view key, std::string_view row, int32_t matches, int64_t now_ms,
                           int64_t until_ms) {
  Enter(NamespaceOf(until_ms));
  LEAT_ASSIGN_OR_RETURN(const std::string* first, rows_->Find(ns_, ChunkKey(key, 0)));
  if (first != nullptr) {
    if (first->size() < kCountBytes) return DataLoss("state: rows of a join in ", first->size(), " bytes");
    const uint32_t count = LoadBigEndian<uint32_t>(first->data());
    if (count > 1 || first->size() >= kChunkBytes) return AddBehind(key, count, row, matches, now_ms);
  }
  bool added = false;
  LEAT_ASSIGN_OR_RETURN(std::string * bytes, rows_->Mutate(ns_, chunk_key_, &added));
  if (added) {
    bytes->reserve(kCountBytes + kMaxVarintBytes + kHeadBytes + row.size());
    bytes->resize(kCountBytes);
    StoreBigEndian<uint32_t>(bytes->data(), 1);
  }
  AppendRow(row, matches, now_ms, bytes);
  return added ? expiry_.Watch(key, now_ms) : absl::OkStatus();
}

// To the last chunk, or to a new one behind it.
absl::Status JoinSide::AddBehind(std::string_view key, uint32_t count, std::string_view row, int32_t matches,
                                 int64_t now_ms) {
  uint32_t chunk = count - 1;
  LEAT_ASSIGN_OR_RETURN(const std::string* last, rows_->Find(ns_, ChunkKey(key, chunk)));
  if (last != nullptr && last->size() >= kChunkBytes) ++chunk;
  if (chunk + 1 != count) LEAT_RETURN_IF_ERROR(SetChunkCount(key, chunk + 1));
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * bytes, rows_->Mutate(ns_, ChunkKey(key, chunk), &inserted));
  AppendRow(row, matches, now_ms, bytes);
  return absl::OkStatus();
}

// A chunk that has become empty is filled with the last one, whose place goes.
absl::Status JoinSide::Shrink(std::string_view key, uint32_t chunk, uint32_t count) {
  const uint32_t last = count - 1;
  if (chunk != last) {
    LEAT_ASSIGN_OR_RETURN(const std::string* moved, rows_->Find(ns_, ChunkKey(key, last)));
    const std::string bytes = moved == nullptr ? std::string() : *moved;
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * hole, rows_->Mutate(ns_, ChunkKey(key, chunk), &inserted));
    hole->resize(FirstByte(chunk));
    hole->append(bytes);
  }
  if (last > 0) LEAT_RETURN_IF_ERROR(rows_->Erase(ns_, ChunkKey(key, last)));
  return SetChunkCount(key, last);
}

absl::StatusOr<bool> JoinSide::Remove(std::string_view key, std::string_view row, int64_t now_ms) {
  ns_ = kStays;
  LEAT_ASSIGN_OR_RETURN(const uint32_t count, ChunkCount(key));
  for (uint32_t chunk = count; chunk-- > 0;) {
    LEAT_ASSIGN_OR_RETURN(const std::string* bytes, rows_->Find(ns_, ChunkKey(key, chunk)));
    if (bytes == nullptr) return DataLoss("state: a part of a join's rows is missing");
    Reader reader(*bytes, chunk);
    Record record;
    size_t begin = 0;
    size_t end = 0;
    while (reader.Next(&record)) {
      if (record.row != row || expiry_.IsOver(record.written_ms, now_ms)) continue;
      begin = record.begin;
      end = reader.position();
    }
    LEAT_RETURN_IF_ERROR(reader.status());
    if (end == 0) continue;
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * changed, rows_->Mutate(ns_, ChunkKey(key, chunk), &inserted));
    changed->erase(begin, end - begin);
    if (changed->size() == FirstByte(chunk)) LEAT_RETURN_IF_ERROR(Shrink(key, chunk, count));
    return true;
  }
  return false;
}

absl::Status JoinSide::ForEach(std::string_view key, int64_t now_ms, Access access, Visit visit) {
  for (const state::Namespace ns : live_) {
    ns_ = ns;
    LEAT_RETURN_IF_ERROR(ForEachHere(key, now_ms, access, visit));
  }
  return absl::OkStatus();
}

absl::Status JoinSide::ForEachHere(std::string_view key, int64_t now_ms, Access access, Visit visit) {
  LEAT_ASSIGN_OR_RETURN(const uint32_t count, ChunkCount(key));
  for (uint32_t chunk = 0; chunk < count; ++chunk) {
    LEAT_ASSIGN_OR_RETURN(const std::string* found, rows_->Find(ns_, ChunkKey(key, chunk)));
    if (found == nullptr) return DataLoss("state: a part of a join's rows is missing");
    // Stays where it is until the next call on this table, whatever the operators behind this one do.
    std::string_view rows = *found;
    if (access == Access::kChange) rows = copy_ = *found;
    Reader reader(rows, chunk);
    Record record;
    bool changed = false;
    while (reader.Next(&record)) {
      if (expiry_.IsOver(record.written_ms, now_ms)) continue;
      int32_t matches = record.matches;
      LEAT_RETURN_IF_ERROR(visit(record.row, matches));
      if (matches == record.matches || access == Access::kRead) continue;
      StoreBigEndian<int32_t>(copy_.data() + record.head + sizeof(int64_t), matches);
      changed = true;
    }
    LEAT_RETURN_IF_ERROR(reader.status());
    if (!changed) continue;
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * bytes, rows_->Mutate(ns_, ChunkKey(key, chunk), &inserted));
    *bytes = copy_;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<int64_t>> JoinSide::DropOld(std::string_view key, int64_t now_ms) {
  std::optional<int64_t> oldest;
  LEAT_ASSIGN_OR_RETURN(const uint32_t all, ChunkCount(key));
  uint32_t count = all;
  for (uint32_t chunk = all; chunk-- > 0;) {
    LEAT_ASSIGN_OR_RETURN(const std::string* bytes, rows_->Find(ns_, ChunkKey(key, chunk)));
    if (bytes == nullptr) return DataLoss("state: a part of a join's rows is missing");
    std::string kept = bytes->substr(0, FirstByte(chunk));
    Reader reader(*bytes, chunk);
    Record record;
    while (reader.Next(&record)) {
      if (expiry_.IsOver(record.written_ms, now_ms)) continue;
      kept.append(*bytes, record.begin, reader.position() - record.begin);
      oldest = std::min(oldest.value_or(record.written_ms), record.written_ms);
    }
    LEAT_RETURN_IF_ERROR(reader.status());
    if (kept.size() == bytes->size()) continue;
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * changed, rows_->Mutate(ns_, ChunkKey(key, chunk), &inserted));
    changed->swap(kept);
    if (changed->size() == FirstByte(chunk)) LEAT_RETURN_IF_ERROR(Shrink(key, chunk, count--));
  }
  return oldest;
}

absl::Status JoinSide::Sweep(int64_t now_ms) {
  ns_ = kStays;
  return expiry_.Sweep(now_ms, [&](std::string_view key) { return DropOld(key, now_ms); });
}

}  // namespace leat::exec
