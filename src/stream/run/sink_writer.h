// Rows of one sink -> record batches per partition of its topic. One per worker and sink. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/record_batch.h"
#include "stream/data/batch.h"
#include "stream/format/format.h"
#include "stream/run/table_options.h"

namespace leat::run {

// Batches that are ready to be appended to a topic.
struct PendingAppend {
  model::TopicPartition partition;
  std::string batches;
};

// The largest key and value together that the runner writes: below Kafka's default of max.message.bytes.
inline constexpr size_t kMaxRecordBytes = size_t{1} << 20;

// What a writer must know of its topic.
struct TopicShape {
  int32_t partitions = 1;
  size_t max_batch_bytes = size_t{1} << 20;  // a larger batch is refused by the log (max.message.bytes)
};

// Collects records for one topic. Keyed records go where Kafka's default partitioner puts them, others fill one
// partition's batch after the other.
class TopicWriter {
 public:
  TopicWriter(std::string topic, const TopicShape& shape, size_t batch_bytes);
  // Batches of batch_bytes, or as large as the topic takes them, are added to *ready.
  absl::Status Add(int64_t timestamp_ms, std::optional<std::string_view> key, std::optional<std::string_view> value,
                   const std::vector<model::Header>& headers, std::vector<PendingAppend>* ready);
  // Everything collected so far.
  absl::Status Flush(std::vector<PendingAppend>* ready);
  bool empty() const { return records_ == 0; }
  // The largest key, value and headers together of a record that the topic takes.
  size_t max_record_bytes() const;

 private:
  absl::Status Finish(size_t partition, std::vector<PendingAppend>* ready);
  std::string topic_;
  size_t batch_bytes_;
  size_t max_batch_bytes_;
  std::vector<std::optional<model::BatchBuilder>> builders_;  // by partition
  size_t sticky_ = 0;
  size_t records_ = 0;
};

class SinkWriter {
 public:
  static absl::StatusOr<std::unique_ptr<SinkWriter>> Create(const plan::Node& sink, const KafkaTable& options,
                                                            const TopicShape& shape, size_t batch_bytes);
  // A row that cannot be written (NULL for a column that is NOT NULL, the format cannot carry it, or its record is
  // larger than the topic takes) goes to `fail` with the reason, and the others go on.
  using FailedRowSink = std::function<void(size_t row, std::string reason)>;
  absl::Status Write(const data::Batch& batch, int64_t wall_ms, const FailedRowSink& fail,
                     std::vector<PendingAppend>* ready);
  absl::Status Flush(std::vector<PendingAppend>* ready) { return topic_.Flush(ready); }
  bool empty() const { return topic_.empty(); }

 private:
  enum class Fate { kWrite, kDelete, kDrop };
  // An error if a column that is NOT NULL has no value.
  absl::Status CheckNotNull(const data::Batch& batch, size_t row) const;
  std::vector<Fate> FatesOf(const data::Batch& batch, const data::Batch& keys) const;
  explicit SinkWriter(TopicWriter topic) : topic_(std::move(topic)) {}
  TopicWriter topic_;
  std::unique_ptr<format::Encoder> value_encoder_;
  std::unique_ptr<format::Encoder> key_encoder_;
  std::vector<int> value_inputs_;  // positions in the sink's input
  std::vector<int> key_inputs_;
  std::vector<int> not_null_inputs_;  // of NOT NULL columns whose input may be NULL
  int timestamp_input_ = -1;          // a writable 'timestamp' metadata column
  data::SchemaPtr value_schema_;
  data::SchemaPtr key_schema_;
  bool upsert_ = false;  // a delete is a record without a value
};

}  // namespace leat::run
