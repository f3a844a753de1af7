#include "stream/run/changelog.h"

#include "base/bytes.h"
#include "model/record_batch.h"
#include "model/transaction.h"
#include "stream/run/planted.h"

namespace leat::run {
namespace {

// First byte of a record's key.
constexpr char kEntry = 'e';   // then the store's key
constexpr char kBegin = 'b';   // value: epoch i64
constexpr char kCommit = 'c';  // value: epoch i64, number of entries i64

// State keys begin with a node id of two bytes; this one belongs to no node.
constexpr uint16_t kPositionNode = 0xffff;
constexpr size_t kMaxDecompressedBytes = size_t{256} << 20;

std::string Marker(char kind) { return std::string(1, kind); }

// With fewer entries than these bytes a worker leaves the batches to others, so that a small epoch is one batch.
constexpr size_t kLooseBytes = size_t{64} << 10;
constexpr size_t kRecordOverheadBytes = 64;  // more than a record needs beside its key and value

}  // namespace

// Cuts records into batches.
class EpochPartBuilder::Writer {
 public:
  Writer(int64_t wall_ms, size_t max_batch_bytes) : wall_ms_(wall_ms), max_batch_bytes_(max_batch_bytes) {}

  absl::Status Add(std::string_view key, std::optional<std::string_view> value) {
    const size_t bytes = key.size() + (value ? value->size() : 0) + kRecordOverheadBytes;
    if (builder_ && builder_->uncompressed_bytes() + bytes > max_batch_bytes_) LEAT_RETURN_IF_ERROR(Flush());
    if (!builder_) builder_.emplace(model::BatchBuilder::Options{});
    builder_->Add(wall_ms_, key, value);
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<std::string>> Finish() {
    LEAT_RETURN_IF_ERROR(Flush());
    return std::move(batches_);
  }

 private:
  absl::Status Flush() {
    if (!builder_) return absl::OkStatus();
    LEAT_ASSIGN_OR_RETURN(std::string batch, builder_->Finish());
    batches_.push_back(std::move(batch));
    builder_.reset();
    return absl::OkStatus();
  }
  int64_t wall_ms_;
  size_t max_batch_bytes_;
  std::optional<model::BatchBuilder> builder_;
  std::vector<std::string> batches_;
};

EpochPartBuilder::EpochPartBuilder(int64_t wall_ms, size_t max_batch_bytes)
    : wall_ms_(wall_ms), max_batch_bytes_(max_batch_bytes) {}
EpochPartBuilder::~EpochPartBuilder() = default;

void EpochPartBuilder::Add(std::string_view key, std::optional<std::string_view> value) {
  if (writer_ != nullptr) return Write(key, value);
  part_.changes.push_back({.key = std::string(key), .value = std::nullopt});
  if (value) part_.changes.back().value = std::string(*value);
  bytes_ += key.size() + value.value_or("").size() + kRecordOverheadBytes;
  if (bytes_ <= kLooseBytes) return;
  writer_ = std::make_unique<Writer>(wall_ms_, max_batch_bytes_);
  for (const state::Change& change : part_.changes) Write(change.key, change.value);
  part_.changes.clear();
}

void EpochPartBuilder::Write(std::string_view key, std::optional<std::string_view> value) {
  key_.assign(1, kEntry);
  key_ += key;
  status_.Update(writer_->Add(key_, value));
  ++part_.batched;
}

absl::StatusOr<EpochPart> EpochPartBuilder::Finish() {
  LEAT_RETURN_IF_ERROR(status_);
  if (writer_ != nullptr) {
    LEAT_ASSIGN_OR_RETURN(part_.batches, writer_->Finish());
  }
  return std::move(part_);
}

std::string ChangelogTopic(std::string_view job) { return StrCat("__leat_changelog_", job); }

absl::StatusOr<std::vector<std::string>> EncodeEpochBatches(int64_t epoch, EpochPart part, int64_t wall_ms,
                                                            size_t max_batch_bytes) {
  const int64_t entries = part.batched + static_cast<int64_t>(part.changes.size());
  std::vector<std::string> batches;
  EpochPartBuilder::Writer first(wall_ms, max_batch_bytes);
  EpochPartBuilder::Writer rest(wall_ms, max_batch_bytes);
  EpochPartBuilder::Writer& last = part.batches.empty() ? first : rest;
  std::string value;
  BytesWriter begin(&value);
  begin.Write<int64_t>(epoch);
  LEAT_RETURN_IF_ERROR(first.Add(Marker(kBegin), value));
  std::string key;
  for (const state::Change& change : part.changes) {
    key.assign(1, kEntry);
    key += change.key;
    LEAT_RETURN_IF_ERROR(last.Add(key, change.value ? std::optional<std::string_view>(*change.value) : std::nullopt));
  }
  value.clear();
  BytesWriter commit(&value);
  commit.Write<int64_t>(epoch);
  commit.Write<int64_t>(entries);
  LEAT_RETURN_IF_ERROR(last.Add(Marker(kCommit), value));
  LEAT_ASSIGN_OR_RETURN(batches, first.Finish());
  std::move(part.batches.begin(), part.batches.end(), std::back_inserter(batches));
  LEAT_ASSIGN_OR_RETURN(std::vector<std::string> ending, rest.Finish());
  std::move(ending.begin(), ending.end(), std::back_inserter(batches));
  return batches;
}

absl::StatusOr<std::string> EncodeEpoch(int64_t epoch, std::vector<state::Change> changes, int64_t wall_ms,
                                        size_t max_batch_bytes) {
  EpochPart part;
  part.changes = std::move(changes);
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> batches,
                        EncodeEpochBatches(epoch, std::move(part), wall_ms, max_batch_bytes));
  std::string bytes;
  for (const std::string& batch : batches) bytes += batch;
  return bytes;
}

absl::Status ChangelogReplay::OnRecord(const model::RecordView& record, Pending* pending) {
  using State = Pending::State;
  const auto damaged = [&](std::string_view what) {
    return DataLoss("changelog record at offset ", record.offset.value(), ": ", what,
                    "; the job's state cannot be rebuilt from here");
  };
  const std::string_view key = record.key.value_or("");
  if (key.empty()) return damaged("expected a key, got none");
  if (key[0] == kEntry) {
    if (pending->state != State::kOpen)
      return absl::OkStatus();  // of an epoch that began before the position asked for
    state::Change change{.key = std::string(key.substr(1)), .value = std::nullopt};
    if (record.value) change.value = std::string(*record.value);
    pending->epoch.changes.push_back(std::move(change));
    return absl::OkStatus();
  }
  BytesReader reader(record.value.value_or(""));
  const int64_t epoch = reader.Read<int64_t>();
  if (key[0] == kBegin) {
    if (!reader.ok()) return damaged("a begin record without its epoch");
    // An open epoch without its commit was cut off by a crash and never happened.
    *pending = {.state = State::kOpen, .epoch = {.epoch = epoch, .changes = {}, .next = record.offset}};
    return absl::OkStatus();
  }
  if (key[0] != kCommit) return damaged("unknown kind of record");
  const int64_t entries = reader.Read<int64_t>();
  if (!reader.ok()) return damaged("a commit record without its epoch");
  if (pending->state != State::kOpen) return absl::OkStatus();
  if (epoch != pending->epoch.epoch || entries != static_cast<int64_t>(pending->epoch.changes.size())) {
    return damaged(StrCat("the commit of epoch ", epoch, " with ", entries, " entries follows epoch ",
                          pending->epoch.epoch, " with ", pending->epoch.changes.size()));
  }
  pending->state = State::kComplete;
  pending->epoch.next = record.offset + 1;
  return absl::OkStatus();
}

absl::Status ChangelogReplay::OnMarker(std::string_view batch, model::ProducerId producer,
                                       const std::function<absl::Status(Epoch&)>& apply) {
  LEAT_ASSIGN_OR_RETURN(const std::optional<model::EndMarker> marker, model::DecodeMarkerBatch(batch));
  const auto it = transactions_.find(producer);
  if (!marker || it == transactions_.end()) return absl::OkStatus();
  Pending pending = std::move(it->second);
  transactions_.erase(it);
  if (marker->end == model::TransactionEnd::kAbort || pending.state == Pending::State::kNone) return absl::OkStatus();
  if (pending.state == Pending::State::kOpen) {
    return DataLoss("changelog: the transaction that ends before offset ", next_offset_.value(),
                    " was committed with a part of epoch ", pending.epoch.epoch,
                    "; the job's state cannot be rebuilt from here");
  }
  if (Planted(Defect::kRestoreSkipsEpoch) && pending.epoch.epoch % 8 == 5) return absl::OkStatus();
  return apply(pending.epoch);
}

absl::Status ChangelogReplay::Feed(std::string_view batches, model::Offset from,
                                   const std::function<absl::Status(Epoch&)>& apply) {
  while (!batches.empty()) {
    LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&batches));
    LEAT_ASSIGN_OR_RETURN(auto records, model::RecordIterator::Open(batch, kMaxDecompressedBytes));
    const model::BatchHeader header = records.header();
    next_offset_ = header.next_offset();
    if (header.control()) {
      LEAT_RETURN_IF_ERROR(OnMarker(batch, header.producer_id, apply));
      continue;
    }
    Pending& pending = header.transactional() ? transactions_[header.producer_id] : loose_;
    model::RecordView record;
    while (true) {
      LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
      if (!more) break;
      if (record.offset < from) continue;
      LEAT_RETURN_IF_ERROR(OnRecord(record, &pending));
      if (header.transactional() || pending.state != Pending::State::kComplete) continue;
      LEAT_RETURN_IF_ERROR(apply(pending.epoch));
      pending = {};
    }
  }
  return absl::OkStatus();
}

state::Change EncodePosition(const SourcePosition& position) {
  state::Change change;
  BytesWriter key(&change.key);
  key.Write<uint16_t>(kPositionNode);
  key.Write<int32_t>(position.node_id);
  key.Write<int32_t>(position.partition.partition.value());
  key.WriteBytes(position.partition.topic);
  std::string value;
  BytesWriter writer(&value);
  writer.Write<int64_t>(position.next.value());
  writer.Write<int64_t>(position.watermark_ms);
  change.value = std::move(value);
  return change;
}

state::Change EncodeParallelism(int workers) {
  return EncodePosition({.node_id = kParallelismNode, .partition = {}, .next = model::Offset{workers}});
}

state::Change EncodeTotals(const Totals& totals) {
  state::Change change = EncodePosition({.node_id = kTotalsNode, .partition = {}, .next = {}});
  change.value->clear();
  BytesWriter writer(&*change.value);
  for (const uint64_t count :
       {totals.rows_in, totals.rows_out, totals.rows_late, totals.rows_dead, totals.checkpoints}) {
    writer.Write<uint64_t>(count);
  }
  writer.Write<int64_t>(totals.checkpoint_ms);
  return change;
}

absl::StatusOr<Totals> DecodeTotals(std::string_view value) {
  Totals totals;
  BytesReader reader(value);
  for (uint64_t* count :
       {&totals.rows_in, &totals.rows_out, &totals.rows_late, &totals.rows_dead, &totals.checkpoints}) {
    *count = reader.Read<uint64_t>();
  }
  totals.checkpoint_ms = reader.Read<int64_t>();
  if (!reader.ok()) {
    return DataLoss("the totals of a job, ", value.size(),
                    " bytes, are damaged; remove the job's state folder, it is rebuilt from the changelog");
  }
  return totals;
}

absl::StatusOr<SourcePosition> DecodePosition(std::string_view key, std::string_view value) {
  SourcePosition position;
  BytesReader key_reader(key);
  const auto node = key_reader.Read<uint16_t>();
  position.node_id = key_reader.Read<int32_t>();
  position.partition.partition = model::PartitionId{key_reader.Read<int32_t>()};
  position.partition.topic = std::string(key_reader.rest());
  BytesReader value_reader(value);
  position.next = model::Offset{value_reader.Read<int64_t>()};
  position.watermark_ms = value_reader.Read<int64_t>();
  if (node != kPositionNode || !key_reader.ok() || !value_reader.ok()) {
    return DataLoss("a source position of ", key.size(), " + ", value.size(),
                    " bytes is damaged; remove the job's state folder, it is rebuilt from the changelog");
  }
  return position;
}

std::string PositionKeysBegin() { return std::string("\xff\xff", 2); }
// Above every node, the negative ones too: their four bytes begin with ff, their partition does not.
std::string PositionKeysEnd() { return std::string(2 + sizeof(int32_t) + 1, '\xff'); }

}  // namespace leat::run
