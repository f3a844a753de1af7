// Tables with the connector 'datagen': rows that are made up, as records of a partition that no log holds. Row n is a
// function of the table and of n, so that a job that goes on from a checkpoint reads the rows that it would have read;
// only times are those of the clock. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "model/ids.h"
#include "stream/format/format.h"
#include "stream/plan/plan.h"
#include "stream/run/table_options.h"

namespace leat::run {

// How the values of one column come about.
struct GeneratedField {
  enum class Kind { kRandom, kSequence };
  Kind kind = Kind::kRandom;
  data::Type type;
  int64_t min = 0;  // of integers and DECIMAL before the point; a sequence's first and last
  int64_t max = 0;
  double real_min = 0;
  double real_max = 0;
  int length = 100;  // of texts, bytes and arrays
  bool varies = false;
  int64_t max_past_ms = 0;  // times: how far behind the clock
  double null_rate = 0;
};

struct DatagenTable {
  int64_t rows_per_second = 10'000;
  int64_t rows = INT64_MAX;            // number-of-rows, or where the first sequence ends
  std::vector<GeneratedField> fields;  // of the physical columns, in order
};

bool IsDatagenTable(const plan::Table& table);
// kInvalidArgument names the option, what it takes and what came, or the column whose type cannot be made up.
absl::StatusOr<DatagenTable> ParseDatagenTable(const plan::Table& table);
// Whether DatagenSource made the table.
bool IsGenerated(const KafkaTable& table);
// How the runner reads the table: one partition of records in JSON.
absl::StatusOr<KafkaTable> DatagenSource(const plan::Table& table);

class RowGenerator {
 public:
  // Rows from `first` on are due from `now_ms` on, as the table's rate says.
  static absl::StatusOr<std::unique_ptr<RowGenerator>> Create(const plan::Table& table, int64_t first, int64_t now_ms);

  // The end of the rows that may be read now, and when there are more; -1: never.
  int64_t DueEnd(int64_t now_ms) const;
  int64_t NextDueMs(int64_t now_ms) const;
  // Rows [from, to) as one record batch.
  absl::StatusOr<std::string> MakeBatch(int64_t from, int64_t to, int64_t now_ms);

 private:
  RowGenerator() = default;
  void Append(const GeneratedField& field, int64_t row, int64_t now_ms, Random& random, data::Column* column) const;

  DatagenTable options_;
  uint64_t seed_ = 0;
  int64_t first_ = 0;
  int64_t since_ms_ = 0;
  data::SchemaPtr schema_;
  std::unique_ptr<format::Encoder> encoder_;
};

}  // namespace leat::run
