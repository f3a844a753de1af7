#include "leat/client/consumer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "client/clock.h"
#include "client/connection.h"
#include "client/fetcher.h"
#include "client/group_member.h"
#include "client/metadata.h"
#include "model/aborted_filter.h"
#include "model/record_batch.h"

namespace leat::client {
namespace {

// A batch of this many bytes, decompressed, is an attack.
constexpr size_t kMaxDecompressedBytes = size_t{256} << 20;
// How long a member of a group waits for records before it looks what the group wants of it.
constexpr absl::Duration kGroupSlice = absl::Milliseconds(200);

std::string NameOf(const TopicPartition& partition) { return StrCat(partition.topic, "-", partition.partition); }

ConsumerRecord RecordOf(const TopicPartition& partition, const model::RecordView& view) {
  ConsumerRecord record{.partition = partition, .offset = view.offset.value(), .timestamp_ms = view.timestamp_ms};
  if (view.key) record.key.emplace(*view.key);
  if (view.value) record.value.emplace(*view.value);
  for (const model::Header& header : view.headers) {
    record.headers.emplace_back(header.key, header.value ? std::optional<std::string>(*header.value) : std::nullopt);
  }
  return record;
}

}  // namespace

struct Consumer::Impl {
  Impl(std::shared_ptr<Connection> to, const ConsumerOptions& consumer_options)
      : connection(std::move(to)), options(consumer_options), fetcher(connection, options) {}

  // Goes on from the positions as they are now.
  void Restart() {
    iterator.reset();
    piece.reset();
    damage = error = absl::OkStatus();
    fetcher.Restart(positions);
  }
  absl::Status SeekAll(OffsetSpec spec, int64_t timestamp_ms);
  // Takes the next fetched piece in hand. False: none came.
  absl::StatusOr<bool> NextPiece(absl::Duration timeout);
  // Opens the next batch of the piece in hand that has records to return. False: the piece is used up.
  absl::StatusOr<bool> NextBatch();
  absl::Status AssignHere(const std::vector<TopicPartition>& partitions);
  // Where each of these is to be read from: its committed offset, or as `reset` says.
  absl::StatusOr<std::map<TopicPartition, int64_t>> StartsOf(const std::vector<TopicPartition>& partitions);
  // Does what the group asks of this member; waits for it at most so long.
  absl::Status ServeGroup(absl::Duration timeout);
  // Begins at the assignment that the group has made. What fails is tried again by the next Poll.
  absl::Status TakeAssignment();
  absl::Status TakeAdjustment();
  void GiveBackWhatIsMissing(const std::set<TopicPartition>& wanted);
  void GiveUp(const std::function<void(const std::vector<TopicPartition>&)>& callback);
  absl::Status TakeRecords(size_t max_records, std::vector<ConsumerRecord>* records);
  absl::Status Damaged(const absl::Status& status) {
    return DataLoss(NameOf(piece->partition), " at offset ", positions[piece->partition], ": ", Message(status));
  }

  const std::shared_ptr<Connection> connection;
  const ConsumerOptions options;
  std::vector<TopicPartition> assignment;
  std::map<TopicPartition, int64_t> positions;
  std::optional<Fetched> piece;                   // in hand
  std::string_view rest;                          // of its batches
  model::AbortedFilter aborted;                   // of the piece
  std::optional<model::RecordIterator> iterator;  // of the batch in hand
  model::RecordView view;
  absl::Status damage;  // of the piece in hand: there is no way past it but a seek
  absl::Status error;   // came behind records that went first; told by the next Poll
  Fetcher fetcher;
  RebalanceCallbacks callbacks;
  std::optional<std::vector<TopicPartition>> assigned;  // by the group, and not yet begun
  bool adjusts = false;                                 // with what is there before going on
  std::unique_ptr<GroupMember> member;                  // of Subscribe
};

absl::Status Consumer::Impl::SeekAll(OffsetSpec spec, int64_t timestamp_ms) {
  LEAT_ASSIGN_OR_RETURN(std::vector<int64_t> offsets,
                        ListOffsets(connection->impl(), assignment, {spec, options.isolation, timestamp_ms}));
  if (std::find(offsets.begin(), offsets.end(), -1) != offsets.end()) {
    LEAT_ASSIGN_OR_RETURN(const std::vector<int64_t> ends,
                          ListOffsets(connection->impl(), assignment, {OffsetSpec::kLatest, options.isolation}));
    for (size_t i = 0; i < offsets.size(); ++i) {
      if (offsets[i] < 0) offsets[i] = ends[i];
    }
  }
  for (size_t i = 0; i < assignment.size(); ++i) positions[assignment[i]] = offsets[i];
  Restart();
  return absl::OkStatus();
}

absl::StatusOr<bool> Consumer::Impl::NextPiece(absl::Duration timeout) {
  LEAT_ASSIGN_OR_RETURN(piece, fetcher.Next(timeout));
  if (!piece) return false;
  if (piece->jump_to) positions[piece->partition] = *piece->jump_to;
  rest = piece->batches;
  aborted = model::AbortedFilter(std::move(piece->aborted));
  return true;
}

absl::StatusOr<bool> Consumer::Impl::NextBatch() {
  const int64_t position = positions[piece->partition];
  while (!rest.empty()) {
    absl::StatusOr<std::string_view> batch = model::TakeBatch(&rest);
    if (!batch.ok()) return Damaged(batch.status());
    absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(*batch);
    if (!header.ok()) return Damaged(header.status());
    const absl::StatusOr<bool> skip = aborted.Skips(*batch, *header);
    if (!skip.ok()) return Damaged(skip.status());
    if (header->next_offset().value() <= position) continue;
    if (header->control() || *skip) {
      positions[piece->partition] = header->next_offset().value();
      continue;
    }
    absl::StatusOr<model::RecordIterator> opened = model::RecordIterator::Open(*batch, kMaxDecompressedBytes);
    if (!opened.ok()) return Damaged(opened.status());
    iterator.emplace(*std::move(opened));
    return true;
  }
  return false;
}

absl::Status Consumer::Impl::TakeRecords(size_t max_records, std::vector<ConsumerRecord>* records) {
  while (records->size() < max_records) {
    if (!iterator) {
      LEAT_ASSIGN_OR_RETURN(const bool opened, NextBatch());
      if (!opened) {
        piece.reset();
        return absl::OkStatus();
      }
    }
    const absl::StatusOr<bool> more = iterator->Next(&view);
    if (!more.ok()) return Damaged(more.status());
    int64_t& position = positions[piece->partition];
    if (!*more) {
      position = std::max(position, iterator->header().next_offset().value());
      iterator.reset();
    } else if (view.offset.value() >= position) {  // a batch may begin below what was asked for
      records->push_back(RecordOf(piece->partition, view));
      position = view.offset.value() + 1;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Consumer>> Consumer::Create(std::shared_ptr<Connection> connection,
                                                           const ConsumerOptions& options) {
  if (connection == nullptr) return InvalidArgument("consumer: expected an open connection, got none");
  if (options.prefetch_bytes == 0) return InvalidArgument("consumer: prefetch_bytes: expected at least 1, got 0");
  if (options.max_wait < absl::ZeroDuration()) return InvalidArgument("consumer: max_wait: expected 0 or more");
  return std::unique_ptr<Consumer>(new Consumer(std::make_unique<Impl>(std::move(connection), options)));
}

Consumer::Consumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Consumer::~Consumer() = default;

absl::Status Consumer::Impl::AssignHere(const std::vector<TopicPartition>& partitions) {
  std::vector<TopicPartition> sorted = partitions;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    return InvalidArgument("assign: ", NameOf(*twice), " is listed twice");
  }
  LEAT_ASSIGN_OR_RETURN(positions, StartsOf(partitions));
  assignment = partitions;
  Restart();
  return absl::OkStatus();
}

absl::StatusOr<std::map<TopicPartition, int64_t>> Consumer::Impl::StartsOf(
    const std::vector<TopicPartition>& partitions) {
  Connection::Impl& broker = this->connection->impl();
  std::vector<int64_t> offsets(partitions.size(), -1);
  if (!options.group.empty() && !partitions.empty()) {
    LEAT_ASSIGN_OR_RETURN(offsets, CommittedOffsets(broker, options.group, partitions));
  }
  std::vector<TopicPartition> without;
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (offsets[i] < 0) without.push_back(partitions[i]);
  }
  std::map<TopicPartition, int64_t> begin;
  if (!without.empty()) {
    if (options.reset == ConsumerOptions::Reset::kError && !options.group.empty()) {
      return OutOfRange("assign: group ", options.group, " has no committed offset for ", NameOf(without.front()),
                        " and reset is kError: commit one, or choose where to start");
    }
    const bool latest = options.reset == ConsumerOptions::Reset::kLatest;
    LEAT_ASSIGN_OR_RETURN(
        const std::vector<int64_t> starts,
        ListOffsets(broker, without, {latest ? OffsetSpec::kLatest : OffsetSpec::kEarliest, options.isolation}));
    for (size_t i = 0; i < without.size(); ++i) begin[without[i]] = starts[i];
  }
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (offsets[i] >= 0) begin[partitions[i]] = offsets[i];
  }
  return begin;
}

void Consumer::Impl::GiveUp(const std::function<void(const std::vector<TopicPartition>&)>& callback) {
  if (callback && !assignment.empty()) callback(assignment);
  assigned.reset();
  assignment.clear();
  positions.clear();
  Restart();
  member->Rejoin();
}

absl::Status Consumer::Impl::TakeAssignment() {
  if (!assigned) return absl::OkStatus();
  if (adjusts) return TakeAdjustment();
  LEAT_RETURN_IF_ERROR(AssignHere(*assigned));
  assigned.reset();
  if (callbacks.on_assigned) callbacks.on_assigned(assignment);
  return absl::OkStatus();
}

void Consumer::Impl::GiveBackWhatIsMissing(const std::set<TopicPartition>& wanted) {
  std::vector<TopicPartition> gone, kept;
  for (const TopicPartition& had : assignment) (wanted.contains(had) ? kept : gone).push_back(had);
  if (gone.empty()) return;
  if (callbacks.on_revoked) callbacks.on_revoked(gone);
  assignment = kept;
  for (const TopicPartition& partition : gone) positions.erase(partition);
  if (piece && !wanted.contains(piece->partition)) {
    iterator.reset();
    piece.reset();
    damage = absl::OkStatus();
  }
  fetcher.Change(positions);
}

absl::Status Consumer::Impl::TakeAdjustment() {
  const std::set<TopicPartition> wanted(assigned->begin(), assigned->end());
  GiveBackWhatIsMissing(wanted);
  std::vector<TopicPartition> added;
  for (const TopicPartition& partition : wanted) {
    if (!positions.contains(partition)) added.push_back(partition);
  }
  LEAT_ASSIGN_OR_RETURN(const auto starts, StartsOf(added));
  assigned.reset();
  if (!added.empty()) {
    positions.insert(starts.begin(), starts.end());
    assignment.assign(wanted.begin(), wanted.end());
    fetcher.Change(positions);
    if (callbacks.on_assigned) callbacks.on_assigned(added);
  }
  member->Rejoin();
  return absl::OkStatus();
}

absl::Status Consumer::Impl::ServeGroup(absl::Duration timeout) {
  LEAT_RETURN_IF_ERROR(TakeAssignment());
  const GroupMember::Event event = member->TakeEvent(timeout);
  switch (event.kind) {
    case GroupMember::Event::Kind::kNone:
      return absl::OkStatus();
    case GroupMember::Event::Kind::kAssigned:
    case GroupMember::Event::Kind::kAdjusted:
      assigned = event.partitions;
      adjusts = event.kind == GroupMember::Event::Kind::kAdjusted;
      return TakeAssignment();
    case GroupMember::Event::Kind::kRevoke:
      GiveUp(callbacks.on_revoked);
      return absl::OkStatus();
    case GroupMember::Event::Kind::kLost:
      GiveUp(callbacks.on_lost);
      return absl::OkStatus();
    case GroupMember::Event::Kind::kFailed:
      return event.status;
  }
  return absl::OkStatus();
}

absl::Status Consumer::Assign(const std::vector<TopicPartition>& partitions) {
  impl_->member.reset();
  return impl_->AssignHere(partitions);
}

absl::Status Consumer::Subscribe(const std::vector<std::string>& topics, RebalanceCallbacks callbacks) {
  if (impl_->options.group.empty()) {
    return FailedPrecondition("subscribe: this consumer has no group: set ConsumerOptions::group");
  }
  if (topics.empty()) return InvalidArgument("subscribe: expected at least one topic, got none");
  if (impl_->options.assignors.empty()) return InvalidArgument("subscribe: assignors: expected at least one, got none");
  impl_->member.reset();
  LEAT_RETURN_IF_ERROR(impl_->AssignHere({}));
  impl_->callbacks = std::move(callbacks);
  impl_->member = std::make_unique<GroupMember>(impl_->connection, impl_->options, topics);
  return absl::OkStatus();
}

absl::Status Consumer::AssignTopic(const std::string& topic) {
  LEAT_ASSIGN_OR_RETURN(const int32_t count, PartitionCount(impl_->connection->impl(), topic));
  std::vector<TopicPartition> partitions;
  for (int32_t i = 0; i < count; ++i) partitions.push_back({topic, i});
  return Assign(partitions);
}

const std::vector<TopicPartition>& Consumer::assignment() const { return impl_->assignment; }

absl::Status Consumer::Seek(const TopicPartition& partition, int64_t offset) {
  if (offset < 0) return InvalidArgument("seek: expected an offset of 0 or more, got ", offset);
  const auto found = impl_->positions.find(partition);
  if (found == impl_->positions.end()) return FailedPrecondition("seek: ", NameOf(partition), " is not assigned");
  found->second = offset;
  impl_->Restart();
  return absl::OkStatus();
}

absl::Status Consumer::SeekToBeginning() { return impl_->SeekAll(OffsetSpec::kEarliest, 0); }
absl::Status Consumer::SeekToEnd() { return impl_->SeekAll(OffsetSpec::kLatest, 0); }
absl::Status Consumer::SeekToTime(int64_t timestamp_ms) { return impl_->SeekAll(OffsetSpec::kTimestamp, timestamp_ms); }

absl::StatusOr<std::vector<ConsumerRecord>> Consumer::Poll(absl::Duration timeout, size_t max_records) {
  std::vector<ConsumerRecord> records;
  const Instant deadline = MonotonicNow() + timeout;
  if (impl_->member != nullptr) LEAT_RETURN_IF_ERROR(impl_->ServeGroup(absl::ZeroDuration()));
  LEAT_RETURN_IF_ERROR(std::exchange(impl_->error, absl::OkStatus()));
  while (records.size() < max_records && impl_->damage.ok()) {
    if (!impl_->piece) {
      absl::Duration wait = records.empty() ? deadline - MonotonicNow() : absl::ZeroDuration();
      if (impl_->member != nullptr && records.empty()) {
        if (impl_->assignment.empty()) LEAT_RETURN_IF_ERROR(impl_->ServeGroup(std::min(wait, kGroupSlice)));
        wait = impl_->assignment.empty() ? absl::ZeroDuration() : std::min(deadline - MonotonicNow(), kGroupSlice);
      }
      const absl::StatusOr<bool> got = impl_->NextPiece(wait);
      if (!got.ok()) impl_->error = got.status();
      const bool more_time = impl_->member != nullptr && records.empty() && MonotonicNow() < deadline;
      if (got.ok() && !*got && more_time) {
        LEAT_RETURN_IF_ERROR(impl_->ServeGroup(absl::ZeroDuration()));
        continue;
      }
      if (!got.ok() || !*got) break;
    }
    impl_->damage = impl_->TakeRecords(max_records, &records);
  }
  if (!records.empty()) return records;
  LEAT_RETURN_IF_ERROR(std::exchange(impl_->error, absl::OkStatus()));
  LEAT_RETURN_IF_ERROR(impl_->damage);
  return records;
}

int64_t Consumer::Position(const TopicPartition& partition) const {
  const auto found = impl_->positions.find(partition);
  return found == impl_->positions.end() ? -1 : found->second;
}

absl::Status Consumer::Commit() {
  if (impl_->options.group.empty()) {
    return FailedPrecondition("commit: this consumer has no group: set ConsumerOptions::group");
  }
  if (impl_->positions.empty()) return absl::OkStatus();
  if (impl_->member != nullptr) return impl_->member->Commit(impl_->positions);
  return CommitOffsets(impl_->connection->impl(), impl_->options.group,
                       {impl_->positions.begin(), impl_->positions.end()});
}

absl::StatusOr<std::map<TopicPartition, int64_t>> Consumer::Committed() {
  if (impl_->options.group.empty()) {
    return FailedPrecondition("committed: this consumer has no group: set ConsumerOptions::group");
  }
  std::map<TopicPartition, int64_t> committed;
  if (impl_->assignment.empty()) return committed;
  LEAT_ASSIGN_OR_RETURN(const std::vector<int64_t> offsets,
                        CommittedOffsets(impl_->connection->impl(), impl_->options.group, impl_->assignment));
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] >= 0) committed[impl_->assignment[i]] = offsets[i];
  }
  return committed;
}

absl::StatusOr<std::map<TopicPartition, OffsetRange>> Consumer::Offsets() {
  std::map<TopicPartition, OffsetRange> ranges;
  if (impl_->assignment.empty()) return ranges;
  Connection::Impl& connection = impl_->connection->impl();
  LEAT_ASSIGN_OR_RETURN(const std::vector<int64_t> begins,
                        ListOffsets(connection, impl_->assignment, {OffsetSpec::kEarliest, impl_->options.isolation}));
  LEAT_ASSIGN_OR_RETURN(const std::vector<int64_t> ends,
                        ListOffsets(connection, impl_->assignment, {OffsetSpec::kLatest, impl_->options.isolation}));
  for (size_t i = 0; i < begins.size(); ++i) ranges[impl_->assignment[i]] = {begins[i], ends[i]};
  return ranges;
}

absl::StatusOr<int64_t> Consumer::Lag() {
  LEAT_ASSIGN_OR_RETURN(const auto ranges, Offsets());
  int64_t lag = 0;
  for (const auto& [partition, range] : ranges) {
    const int64_t from = std::max(Position(partition), range.begin);
    lag += std::max<int64_t>(0, range.end - from);
  }
  return lag;
}

}  // namespace leat::client
