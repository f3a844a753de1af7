#include "tests/stream/run/memory_log_port.h"

#include "base/check.h"

#include <algorithm>

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
  AnswerParked(tp);
}

std::vector<TestRow> MemoryLogPort::Read(const std::string& topic) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<TestRow> rows;
  for (const Partition& partition : topics_[topic]) {
    for (const std::string& bytes : partition.batches) {
      auto records = model::RecordIterator::Open(bytes, size_t{64} << 20);
      LEAT_CHECK_OK(records.status());
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

void MemoryLogPort::WaitForRecords(const std::string& topic, size_t records) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] {
    int64_t total = 0;
    for (const Partition& partition : topics_[topic]) total += partition.end();
    return total >= static_cast<int64_t>(records);
  });
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

int64_t MemoryLogPort::AppendLocked(const TopicPartition& tp, std::string batches) {
  Partition& partition = topics_[tp.topic].at(static_cast<size_t>(tp.partition.value()));
  const int64_t base = partition.end();
  std::string_view rest = batches;
  while (!rest.empty()) {
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&rest);
    LEAT_CHECK_OK(batch.status());
    std::string copy(*batch);
    model::SetBaseOffset(copy.data(), model::Offset{partition.end()});
    const int64_t end = model::ParseBatchHeader(copy)->next_offset().value();
    partition.batches.push_back(std::move(copy));
    partition.ends.push_back(end);
  }
  changed_.notify_all();
  return base;
}

absl::StatusOr<LogData> MemoryLogPort::ReadLocked(const LogFetch& fetch) {
  const auto topic = topics_.find(fetch.partition.topic);
  if (topic == topics_.end()) return NotFound("no topic ", fetch.partition.topic);
  const Partition& partition = topic->second.at(static_cast<size_t>(fetch.partition.partition.value()));
  LogData data{.batches = {}, .high_watermark = model::Offset{partition.end()}, .log_start = model::Offset{0}};
  for (size_t i = 0; i < partition.batches.size() && data.batches.size() < fetch.max_bytes; ++i) {
    if (partition.ends[i] > fetch.offset.value()) data.batches += partition.batches[i];
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

void MemoryLogPort::AnswerParked(const TopicPartition& tp) {
  std::vector<std::pair<Parked, absl::StatusOr<LogData>>> ready;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < parked_.size();) {
      if (parked_[i].fetch.partition != tp) {
        ++i;
        continue;
      }
      absl::StatusOr<LogData> data = ReadLocked(parked_[i].fetch);
      ready.emplace_back(std::move(parked_[i]), std::move(data));
      parked_.erase(parked_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  for (auto& [parked, data] : ready) parked.done(std::move(data));
}

void MemoryLogPort::Append(TopicPartition tp, std::string batches, Callback<absl::StatusOr<model::Offset>> done) {
  int64_t base = -1;
  bool too_large = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto limit = max_batch_bytes_.find(tp.topic); limit != max_batch_bytes_.end()) {
      for (std::string_view rest = batches; !rest.empty();)
        too_large |= model::TakeBatch(&rest)->size() > limit->second;
    }
    Failures& failures = failures_[tp.topic];
    const bool fail = failures.count > 0 && failures.count-- > 0;
    if (!too_large && (!fail || failures.fate == Fate::kWritten)) base = AppendLocked(tp, std::move(batches));
    if (fail) base = -1;
  }
  AnswerParked(tp);
  if (too_large)
    done(InvalidArgument("the batch is larger than max.message.bytes"));
  else if (base < 0)
    done(Unavailable("the broker has gone"));
  else
    done(model::Offset{base});
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

namespace {
absl::Status Dead() { return Unavailable("the process was killed"); }
}  // namespace

void KillableLogPort::Kill() {
  const std::lock_guard<std::recursive_mutex> lock(mutex_);
  killed_ = true;
}

void KillableLogPort::DescribeTopic(std::string topic, Callback<absl::StatusOr<std::vector<PartitionOffsets>>> done) {
  if (!IfAlive([&] { log_.DescribeTopic(std::move(topic), std::move(done)); })) done(Dead());
}
void KillableLogPort::OffsetForTime(TopicPartition partition, int64_t timestamp_ms,
                                    Callback<absl::StatusOr<model::Offset>> done) {
  if (!IfAlive([&] { log_.OffsetForTime(std::move(partition), timestamp_ms, std::move(done)); })) done(Dead());
}
void KillableLogPort::EnsureTopic(std::string topic, int32_t partitions,
                                  std::vector<std::pair<std::string, std::string>> configs,
                                  Callback<absl::Status> done) {
  if (!IfAlive([&] { log_.EnsureTopic(std::move(topic), partitions, std::move(configs), std::move(done)); }))
    done(Dead());
}
void KillableLogPort::Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) {
  if (!IfAlive([&] { log_.Fetch(std::move(fetch), std::move(done)); })) done(Dead());
}
void KillableLogPort::Append(TopicPartition partition, std::string batches,
                             Callback<absl::StatusOr<model::Offset>> done) {
  if (!IfAlive([&] { log_.Append(std::move(partition), std::move(batches), std::move(done)); })) done(Dead());
}
void KillableLogPort::DeleteTopic(std::string topic, Callback<absl::Status> done) {
  if (!IfAlive([&] { log_.DeleteTopic(std::move(topic), std::move(done)); })) done(Dead());
}
void KillableLogPort::CommitOffsets(std::string group, std::vector<std::pair<TopicPartition, model::Offset>> offsets,
                                    Callback<absl::Status> done) {
  if (!IfAlive([&] { log_.CommitOffsets(std::move(group), std::move(offsets), std::move(done)); })) done(Dead());
}
void KillableLogPort::CommittedOffsets(std::string group, std::vector<TopicPartition> partitions,
                                       Callback<absl::StatusOr<std::vector<model::Offset>>> done) {
  if (!IfAlive([&] { log_.CommittedOffsets(std::move(group), std::move(partitions), std::move(done)); })) done(Dead());
}

}  // namespace leat::run
