// Records of one source table -> batches of the columns that the plan reads, computed columns and watermarks included.
// One per worker and source. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/record_batch.h"
#include "stream/data/batch.h"
#include "stream/exec/evaluator.h"
#include "stream/exec/operator.h"
#include "stream/format/format.h"
#include "stream/plan/plan.h"
#include "stream/run/dead_letters.h"
#include "stream/run/table_options.h"

namespace leat::run {

class SourceDecoder {
 public:
  static absl::StatusOr<std::unique_ptr<SourceDecoder>> Create(const plan::Node& source, const KafkaTable& options);

  struct Decoded {
    data::Batch batch;
    std::vector<int64_t> watermarks_ms;  // per row, what the WATERMARK expression gives; empty without one
  };
  // Rows of these records, in order; records that fail go to `dead`, records without a value give no row.
  absl::StatusOr<Decoded> Decode(const std::shared_ptr<const data::SourcePartition>& partition,
                                 std::span<const model::RecordView> records, const exec::Context& context,
                                 const DeadRecordSink& dead);
  bool has_watermark() const { return watermark_ != nullptr; }

 private:
  SourceDecoder() = default;
  struct Rows;
  absl::Status MakeDecoders(const std::set<int>& needed);
  void DecodeColumns(std::span<const model::RecordView> records, Rows* rows);
  void MergeUpserts(std::span<const model::RecordView> records, const Rows& keys, Rows* rows) const;
  void AddMetadata(const data::SourcePartition& partition, std::span<const model::RecordView> records,
                   Rows* rows) const;
  void AddComputed(const exec::Context& context, Rows* rows) const;
  static void Drop(Rows* rows);

  plan::TablePtr table_;
  KafkaTable options_;
  std::vector<int> output_columns_;  // table columns, as the plan's source node lists them
  data::SchemaPtr table_schema_;
  data::SchemaPtr output_schema_;
  std::vector<int> value_wanted_;  // table columns decoded from the value
  std::vector<int> key_wanted_;    // table columns decoded from the key
  std::vector<int> metadata_;      // metadata columns read
  std::unique_ptr<format::Decoder> value_decoder_;
  std::unique_ptr<format::Decoder> key_decoder_;
  std::vector<std::pair<int, std::unique_ptr<exec::Evaluator>>> computed_;  // in an order that satisfies their inputs
  std::unique_ptr<exec::Evaluator> watermark_;
  std::vector<std::optional<std::string_view>> texts_;  // reused
};

}  // namespace leat::run
