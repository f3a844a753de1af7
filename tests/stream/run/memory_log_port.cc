#include "tests/stream/run/memory_log_port.h"

#include "base/check.h"
#include "model/aborted_filter.h"
#include "model/transaction.h"

#include <algorithm>
#include <cstdint>

namespace leat::run {

using model::TopicPartition;

void MemoryLogPort::CreateTopic(const std::string& topic, int32_t partitions) {
  const std::lock_guard<std::mutex> lock(mutex_);
  topics_[topic].resize(static_cast<size_t>(partitions));
}

void MemoryLogPort::Produce(const std::string& topic, int32_t partition, const std::vector<std::string>& values) {
  model::BatchBuilder builder({});
  const int64_t now_ms = WallMillis();
  for (const std::string& value : values) builder.Add(now_ms, std::nullopt, value);
  const TopicPartition tp{topic, model::PartitionId{partition}};
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    AppendLocked(tp, *builder.Finish());
  }
  AnswerParked();
}

std::vector<TestRow> MemoryLogPort::ReadCommittedLocked(const std::string& topic) {
  std::vector<TestRow> rows;
  for (size_t i = 0; i < topics_[topic].size(); ++i) {
    const absl::StatusOr<LogData> data = ReadLocked({.partition = {topic, model::PartitionId{static_cast<int32_t>(i)}},
                                                     .offset = model::Offset{0},
                                                     .max_bytes = SIZE_MAX,
                                                     .isolation = model::Isolation::kReadCommitted});
    LEAT_CHECK_OK(data.status());
    model::AbortedFilter aborted(data->aborted);
    std::string_view rest = data->batches;
    while (!rest.empty()) {
      const std::string_view bytes = *model::TakeBatch(&rest);
      auto records = model::RecordIterator::Open(bytes, size_t{64} << 20);
      LEAT_CHECK_OK(records.status());
      if (*aborted.Skips(bytes, records->header()) || records->header().control()) continue;
      model::RecordView view;
      while (*records->Next(&view)) {
        TestRow row{.key = std::nullopt, .value = std::string(view.value.value_or("")), .headers = {}};
        if (view.key) row.key = std::string(*view.key);
        for (const model::Header& header : view.headers) {
          row.headers[std::string(header.key)] = std::string(header.value.value_or(""));
        }
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

std::vector<TestRow> MemoryLogPort::Read(const std::string& topic) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ReadCommittedLocked(topic);
}

void MemoryLogPort::WaitForRecords(const std::string& topic, size_t records) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return ReadCommittedLocked(topic).size() >= records; });
}

void MemoryLogPort::WaitForCommitted(const std::string& group, const std::string& topic, int32_t partition,
                                     int64_t offset) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] {
    const auto it = committed_.find({group, {topic, model::PartitionId{partition}}});
    return it != committed_.end() && it->second >= offset;
  });
}

void MemoryLogPort::FailAppends(const std::string& topic, int count, Fate fate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  failures_[topic] = {count, fate};
}

void MemoryLogPort::LimitBatches(const std::string& topic, size_t max_batch_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  max_batch_bytes_[topic] = max_batch_bytes;
}

void MemoryLogPort::FailCalls(Call call, int count, Fate fate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  call_failures_[call] = {count, fate};
}

int64_t MemoryLogPort::committed_transactions() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return transactions_.committed();
}

int64_t MemoryLogPort::Partition::stable_end() const {
  int64_t stable = end();
  for (const auto& [producer, first] : open) stable = std::min(stable, first);
  return stable;
}

int64_t MemoryLogPort::AppendLocked(const TopicPartition& tp, std::string batches) {
  Partition& partition = topics_[tp.topic].at(static_cast<size_t>(tp.partition.value()));
  const int64_t base = partition.end();
  std::string_view rest = batches;
  while (!rest.empty()) {
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&rest);
    LEAT_CHECK_OK(batch.status());
    std::string copy(*batch);
    model::SetBaseOffset(copy.data(), model::Offset{partition.end()});
    const model::BatchHeader header = *model::ParseBatchHeader(copy);
    if (header.transactional() && !header.control()) {
      partition.open.try_emplace(header.producer_id, header.base_offset.value());
    }
    partition.batches.push_back(std::move(copy));
    partition.ends.push_back(header.next_offset().value());
  }
  changed_.notify_all();
  return base;
}

void MemoryLogPort::WriteMarkerLocked(const TopicPartition& tp, const model::MarkerBatch& marker) {
  const auto topic = topics_.find(tp.topic);
  if (topic == topics_.end()) return;
  AppendLocked(tp, model::EncodeMarkerBatch(marker));
  Partition& partition = topic->second.at(static_cast<size_t>(tp.partition.value()));
  const auto open = partition.open.extract(marker.producer_id);
  if (open && marker.marker.end == model::TransactionEnd::kAbort) {
    partition.aborted.push_back({marker.producer_id, model::Offset{open.mapped()}});
  }
}

absl::StatusOr<LogData> MemoryLogPort::ReadLocked(const LogFetch& fetch) {
  const auto topic = topics_.find(fetch.partition.topic);
  if (topic == topics_.end()) return NotFound("no topic ", fetch.partition.topic);
  const Partition& partition = topic->second.at(static_cast<size_t>(fetch.partition.partition.value()));
  const bool committed = fetch.isolation == model::Isolation::kReadCommitted;
  const int64_t end = committed ? partition.stable_end() : partition.end();
  LogData data{.batches = {},
               .high_watermark = model::Offset{partition.end()},
               .log_start = model::Offset{0},
               .end = model::Offset{end}};
  int64_t first = end;
  for (size_t i = 0; i < partition.batches.size() && data.batches.size() < fetch.max_bytes; ++i) {
    if (partition.ends[i] <= fetch.offset.value() || partition.ends[i] > end) continue;
    data.batches += partition.batches[i];
    first = std::min(first, i == 0 ? 0 : partition.ends[i - 1]);
  }
  if (!committed) return data;
  // Transactions that were over before this answer begins are not told, as a broker does not.
  for (const model::AbortedTransaction& aborted : partition.aborted) {
    for (size_t i = 0; i < partition.batches.size(); ++i) {
      const model::BatchHeader header = *model::ParseBatchHeader(partition.batches[i]);
      if (!header.control() || header.producer_id != aborted.producer_id) continue;
      if (header.base_offset < aborted.first_offset) continue;
      if (header.base_offset.value() >= first) data.aborted.push_back(aborted);
      break;
    }
  }
  return data;
}

void MemoryLogPort::Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) {
  absl::StatusOr<LogData> data;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    data = ReadLocked(fetch);
    if (data.ok() && data->batches.empty() && fetch.max_wait > absl::ZeroDuration()) {
      parked_.push_back({std::move(fetch), std::move(done)});
      return;
    }
  }
  done(std::move(data));
}

void MemoryLogPort::AnswerParked() {
  std::vector<std::pair<Parked, absl::StatusOr<LogData>>> ready;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < parked_.size();) {
      absl::StatusOr<LogData> data = ReadLocked(parked_[i].fetch);
      if (data.ok() && data->batches.empty()) {
        ++i;
        continue;
      }
      ready.emplace_back(std::move(parked_[i]), std::move(data));
      parked_.erase(parked_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  for (auto& [parked, data] : ready) parked.done(std::move(data));
}

absl::Status MemoryLogPort::CheckLocked(const LogAppend& append) {
  const auto limit = max_batch_bytes_.find(append.partition.topic);
  for (std::string_view rest = append.batches; !rest.empty();) {
    LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&rest));
    if (limit != max_batch_bytes_.end() && batch.size() > limit->second) {
      return InvalidArgument("the batch is larger than max.message.bytes");
    }
    LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header,
                          model::ValidateBatch(batch, model::RecordCheck::kEveryRecord, size_t{64} << 20));
    LEAT_CHECK(header.transactional() == !append.transactional_id.empty());
    if (header.transactional()) {
      LEAT_RETURN_IF_ERROR(transactions_.Take(append.transactional_id, append.partition, header));
    }
  }
  return absl::OkStatus();
}

void MemoryLogPort::Append(LogAppend append, Callback<absl::StatusOr<model::Offset>> done) {
  absl::StatusOr<model::Offset> base = Unavailable("the broker has gone");
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Failures& failures = failures_[append.partition.topic];
    const bool fail = failures.count > 0 && failures.count-- > 0;
    if (!fail || failures.fate == Fate::kWritten) {
      const absl::Status status = CheckLocked(append);
      if (status.ok()) {
        const model::Offset at{AppendLocked(append.partition, std::move(append.batches))};
        if (!fail) base = at;
      } else {
        base = status;
      }
    }
  }
  AnswerParked();
  done(std::move(base));
}

template <typename Reply, typename Run>
void MemoryLogPort::Transact(Call call, Run run, Callback<Reply> done) {
  Reply reply = absl::Status(Unavailable("the coordinator has gone"));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Failures& failures = call_failures_[call];
    const bool fail = failures.count > 0 && failures.count-- > 0;
    if (!fail)
      reply = run();
    else if (failures.fate == Fate::kWritten)
      (void)run();
    changed_.notify_all();
  }
  AnswerParked();
  done(std::move(reply));
}

void MemoryLogPort::OpenProducer(std::string id, Duration, Callback<absl::StatusOr<TransactionalProducer>> done) {
  Transact<absl::StatusOr<TransactionalProducer>>(
      Call::kOpenProducer, [&] { return absl::StatusOr<TransactionalProducer>(transactions_.Open(id)); },
      std::move(done));
}

void MemoryLogPort::AddToTransaction(std::string id, TransactionalProducer producer,
                                     std::vector<TopicPartition> partitions, Callback<absl::Status> done) {
  Transact<absl::Status>(
      Call::kAddToTransaction, [&] { return transactions_.Add(id, producer, partitions); }, std::move(done));
}

void MemoryLogPort::EndTransaction(std::string id, TransactionalProducer producer, model::TransactionEnd end,
                                   Callback<absl::StatusOr<TransactionalProducer>> done) {
  Transact<absl::StatusOr<TransactionalProducer>>(
      Call::kEndTransaction, [&] { return transactions_.End(id, producer, end); }, std::move(done));
}

void MemoryLogPort::DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) {
  std::vector<PartitionOffsets> partitions;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto limit = max_batch_bytes_.find(topic);
    for (const Partition& partition : topics_[topic]) {
      const model::PartitionId id{static_cast<int32_t>(partitions.size())};
      partitions.push_back({id, model::Offset{0}, model::Offset{partition.end()}});
      if (limit != max_batch_bytes_.end()) partitions.back().max_batch_bytes = limit->second;
    }
  }
  if (partitions.empty())
    done(NotFound("no topic ", topic));
  else
    done(std::move(partitions));
}

void MemoryLogPort::OffsetForTime(TopicPartition, int64_t, Callback<absl::StatusOr<model::Offset>> done) {
  done(model::Offset{0});
}

void MemoryLogPort::EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>>,
                                Callback<absl::Status> done) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto& made = topics_[topic];
    if (made.empty()) made.resize(static_cast<size_t>(std::max(1, partitions)));
  }
  done(absl::OkStatus());
}

void MemoryLogPort::DeleteTopic(std::string topic, Callback<absl::Status> done) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    topics_.erase(topic);
  }
  done(absl::OkStatus());
}

void MemoryLogPort::CommitOffsets(std::string group, std::vector<std::pair<TopicPartition, model::Offset>> offsets,
                                  Callback<absl::Status> done) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [tp, offset] : offsets) committed_[{group, tp}] = offset.value();
    changed_.notify_all();
  }
  done(absl::OkStatus());
}

void MemoryLogPort::CommittedOffsets(std::string group, std::vector<TopicPartition> partitions,
                                     Callback<absl::StatusOr<std::vector<model::Offset>>> done) {
  std::vector<model::Offset> offsets;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const TopicPartition& tp : partitions) {
      const auto it = committed_.find({group, tp});
      offsets.push_back(model::Offset{it == committed_.end() ? -1 : it->second});
    }
  }
  done(std::move(offsets));
}

int64_t MemoryLogPort::WallMillis() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return now_ms_ += 1;  // time passes as it is looked at
}
Instant MemoryLogPort::Now() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Instant::FromNanos(now_nanos_ += 1000);
}

namespace {
absl::Status Dead() { return Unavailable("the process was killed"); }
}  // namespace

void KillableLogPort::Kill() {
  const std::lock_guard<std::mutex> lock(mutex_);
  dead_ = true;
}

void KillableLogPort::KillAt(std::string kind, When when, int nth) {
  const std::lock_guard<std::mutex> lock(mutex_);
  kind_ = std::move(kind);
  when_ = when;
  left_ = nth;
}

bool KillableLogPort::dead() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dead_;
}

template <typename Reply, typename Run>
void KillableLogPort::Pass(const std::string& kind, Run run, Callback<Reply> done) {
  Reply reply = Dead();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool last = !dead_ && kind == kind_ && --left_ == 0;
    if (last && when_ == When::kBefore) dead_ = true;
    if (!dead_) run([&reply](Reply answer) { reply = std::move(answer); });
    if (last) {
      dead_ = true;
      reply = Dead();
    }
  }
  done(std::move(reply));
}

void KillableLogPort::DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) {
  Pass<absl::StatusOr<std::vector<PartitionOffsets>>>(
      "describe", [&](auto answer) { log_.DescribeTopic(std::move(topic), std::move(answer)); }, std::move(done));
}
void KillableLogPort::OffsetForTime(TopicPartition partition, int64_t timestamp_ms,
                                    Callback<absl::StatusOr<model::Offset>> done) {
  Pass<absl::StatusOr<model::Offset>>(
      "offset-for-time",
      [&](auto answer) { log_.OffsetForTime(std::move(partition), timestamp_ms, std::move(answer)); }, std::move(done));
}
void KillableLogPort::EnsureTopic(std::string topic, int32_t partitions,
                                  std::vector<std::pair<std::string, std::string>> configs,
                                  Callback<absl::Status> done) {
  Pass<absl::Status>(
      "ensure",
      [&](auto answer) { log_.EnsureTopic(std::move(topic), partitions, std::move(configs), std::move(answer)); },
      std::move(done));
}
// A long poll is answered whenever there is something, also to the dead, who do not listen.
void KillableLogPort::Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) {
  if (dead()) return done(Dead());
  log_.Fetch(std::move(fetch), std::move(done));
}
void KillableLogPort::Append(LogAppend append, Callback<absl::StatusOr<model::Offset>> done) {
  const bool changelog = append.partition.topic.starts_with("__leat_changelog_");
  Pass<absl::StatusOr<model::Offset>>(
      changelog ? "changelog" : "append", [&](auto answer) { log_.Append(std::move(append), std::move(answer)); },
      std::move(done));
}
void KillableLogPort::DeleteTopic(std::string topic, Callback<absl::Status> done) {
  Pass<absl::Status>(
      "delete", [&](auto answer) { log_.DeleteTopic(std::move(topic), std::move(answer)); }, std::move(done));
}
void KillableLogPort::CommitOffsets(std::string group, std::vector<std::pair<TopicPartition, model::Offset>> offsets,
                                    Callback<absl::Status> done) {
  Pass<absl::Status>(
      "commit-offsets",
      [&](auto answer) { log_.CommitOffsets(std::move(group), std::move(offsets), std::move(answer)); },
      std::move(done));
}
void KillableLogPort::CommittedOffsets(std::string group, std::vector<TopicPartition> partitions,
                                       Callback<absl::StatusOr<std::vector<model::Offset>>> done) {
  Pass<absl::StatusOr<std::vector<model::Offset>>>(
      "committed-offsets",
      [&](auto answer) { log_.CommittedOffsets(std::move(group), std::move(partitions), std::move(answer)); },
      std::move(done));
}
void KillableLogPort::OpenProducer(std::string id, Duration timeout,
                                   Callback<absl::StatusOr<TransactionalProducer>> done) {
  Pass<absl::StatusOr<TransactionalProducer>>(
      "open", [&](auto answer) { log_.OpenProducer(std::move(id), timeout, std::move(answer)); }, std::move(done));
}
void KillableLogPort::AddToTransaction(std::string id, TransactionalProducer producer,
                                       std::vector<TopicPartition> partitions, Callback<absl::Status> done) {
  const std::string kind = partitions.empty() ? "settle" : "add";
  Pass<absl::Status>(
      kind,
      [&](auto answer) { log_.AddToTransaction(std::move(id), producer, std::move(partitions), std::move(answer)); },
      std::move(done));
}
void KillableLogPort::EndTransaction(std::string id, TransactionalProducer producer, model::TransactionEnd end,
                                     Callback<absl::StatusOr<TransactionalProducer>> done) {
  Pass<absl::StatusOr<TransactionalProducer>>(
      "end", [&](auto answer) { log_.EndTransaction(std::move(id), producer, end, std::move(answer)); },
      std::move(done));
}

}  // namespace leat::run
