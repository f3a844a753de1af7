#include "client/producer_batches.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/murmur2.h"

namespace leat::client {
namespace {

// What a record costs beside its bytes, in the batch and around it.
constexpr size_t kRecordOverheadBytes = 32;

}  // namespace

Topic& Batches::TopicNamed(std::string_view name) {
  const auto found = topics_.find(name);
  if (found != topics_.end()) return *found->second;
  auto topic = std::make_unique<Topic>();
  topic->name = name;
  return *topics_.emplace(topic->name, std::move(topic)).first->second;
}

void Batches::SetPartitionCount(Topic* topic, int32_t count) {
  topic->partition_count = count;
  while (topic->partitions.size() < static_cast<size_t>(count)) {
    auto partition = std::make_unique<Partition>();
    partition->topic = topic;
    partition->id = static_cast<int32_t>(topic->partitions.size());
    partitions_.push_back(partition.get());
    topic->partitions.push_back(std::move(partition));
  }
}

Partition& Batches::Choose(Topic* topic, const Record& record) {
  LEAT_CHECK(topic->partition_count > 0);
  if (record.partition) return *topic->partitions[static_cast<size_t>(*record.partition)];
  if (record.key) return *topic->partitions[static_cast<size_t>(PartitionForKey(*record.key, topic->partition_count))];
  const auto count = static_cast<size_t>(topic->partition_count);
  // A new batch goes to the next partition.
  Partition* const current = topic->sticky < count ? topic->partitions[topic->sticky].get() : nullptr;
  if (current != nullptr && current->open != nullptr &&
      current->open->charged_bytes + SizeOf(record) > options_.batch_bytes) {
    Seal(current);
    sealed_ = true;
  }
  if (current == nullptr || current->open == nullptr) {
    topic->sticky = (topic->sticky + 1) % count;
  }
  return *topic->partitions[topic->sticky];
}

size_t Batches::SizeOf(const Record& record) {
  size_t size =
      kRecordOverheadBytes + (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (const auto& [key, value] : record.headers) size += key.size() + (value ? value->size() : 0) + 8;
  return size;
}

void Batches::Open(Partition* partition, Instant now) {
  partition->open = std::make_unique<Batch>(model::BatchBuilder::Options{.compression = compression_});
  partition->open->deadline = now + options_.delivery_timeout;
  partition->open->generation = generation_;
  partition->linger_until = now + options_.linger;
  ++unfinished_[generation_];
}

bool Batches::Add(Partition* partition, const Record& record, Producer::Callback callback, int64_t wall_ms,
                  Instant now) {
  const size_t size = SizeOf(record);
  bool news = std::exchange(sealed_, false);
  if (partition->open != nullptr && partition->open->charged_bytes + size > options_.batch_bytes) {
    Seal(partition);
    news = true;
  }
  if (partition->open == nullptr) {
    Open(partition, now);
    news = true;
  }
  Batch& batch = *partition->open;
  const int64_t timestamp_ms = record.timestamp_ms.value_or(wall_ms);
  std::vector<model::Header> headers;
  for (const auto& [key, value] : record.headers) {
    headers.push_back({key, value ? std::optional<std::string_view>(*value) : std::nullopt});
  }
  const auto view = [](const std::optional<std::string>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
  };
  batch.builder.Add(timestamp_ms, view(record.key), view(record.value), headers);
  if (callback) batch.completions.push_back({batch.records, timestamp_ms, std::move(callback)});
  ++batch.records;
  batch.charged_bytes += size;
  buffered_bytes_ += size;
  open_bytes_ += size;
  if (batch.charged_bytes >= options_.batch_bytes) {
    Seal(partition);
    news = true;
  }
  return news;
}

void Batches::Seal(Partition* partition) {
  if (partition->open == nullptr) return;
  open_bytes_ -= partition->open->charged_bytes;
  partition->line.push_back(std::move(partition->open));
  MakeReady(partition);
}

void Batches::SealAll() {
  for (Partition* partition : partitions_) Seal(partition);
}

void Batches::SealLingering(Instant now) {
  for (Partition* partition : partitions_) {
    if (partition->open != nullptr && partition->linger_until <= now) Seal(partition);
  }
}

void Batches::MakeReady(Partition* partition) {
  if (partition->ready || partition->in_flight > 0 || partition->line.empty()) return;
  partition->ready = true;
  ready_.push_back(partition);
}

Partition* Batches::NextReady(Instant now, std::string_view leader) {
  for (size_t left = ready_.size(); left > 0; --left) {
    Partition* const partition = ready_.front();
    ready_.pop_front();
    partition->ready = false;
    if (partition->line.empty()) continue;  // its batches have failed meanwhile
    if (partition->not_before <= now && partition->leader == leader) return partition;
    MakeReady(partition);  // backing off, or another broker's: behind the others
  }
  return nullptr;
}

std::set<std::string> Batches::WaitingFor() const {
  std::set<std::string> leaders;
  for (const Partition* partition : ready_) {
    if (!partition->line.empty()) leaders.insert(partition->leader);
  }
  return leaders;
}

std::set<std::string> Batches::TopicsAt(std::string_view leader) const {
  std::set<std::string> topics;
  for (const Partition* partition : partitions_) {
    const bool busy =
        !partition->line.empty() && (partition->in_flight > 0 ? partition->sent_to : partition->leader) == leader;
    if (busy) topics.insert(partition->topic->name);
  }
  return topics;
}

Instant Batches::NextDeadline(Instant now) const {
  Instant next = Instant::Max();
  for (const Partition* partition : partitions_) {
    if (partition->open != nullptr) next = std::min(next, partition->linger_until);
    if (!partition->line.empty()) next = std::min(next, partition->line.front()->deadline);
    if (partition->ready && partition->not_before > now) next = std::min(next, partition->not_before);
  }
  return next;
}

std::vector<std::unique_ptr<Batch>> Batches::Take(Partition* partition, size_t count) {
  std::vector<std::unique_ptr<Batch>> taken;
  for (; count > 0 && !partition->line.empty(); --count) {
    taken.push_back(std::move(partition->line.front()));
    partition->line.pop_front();
  }
  return taken;
}

std::vector<std::pair<Partition*, std::vector<std::unique_ptr<Batch>>>> Batches::TakeOverdue(Instant now) {
  std::vector<std::pair<Partition*, std::vector<std::unique_ptr<Batch>>>> overdue;
  for (Partition* partition : partitions_) {
    if (partition->in_flight > 0) continue;
    size_t count = 0;
    while (count < partition->line.size() && partition->line[count]->deadline <= now) ++count;
    if (count > 0) overdue.emplace_back(partition, Take(partition, count));
  }
  return overdue;
}

std::vector<const Partition*> Batches::OverdueInFlight(Instant now) const {
  std::vector<const Partition*> overdue;
  for (const Partition* partition : partitions_) {
    if (partition->in_flight > 0 && partition->line.front()->deadline <= now) overdue.push_back(partition);
  }
  return overdue;
}

void Batches::Release(const Batch& batch) {
  buffered_bytes_ -= batch.charged_bytes;
  const auto found = unfinished_.find(batch.generation);
  LEAT_CHECK(found != unfinished_.end());
  if (--found->second == 0) unfinished_.erase(found);
}

}  // namespace leat::client
