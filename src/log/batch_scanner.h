// Walks the batches of a segment file from a position on, in order, checking that their offsets join (or rise, in the
// part of a log that compaction has been over). Used by recovery,
// index rebuilds and time look-up. Owns a read buffer; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "env/disk.h"
#include "model/record_batch.h"

namespace leat::log {

// No batch in a log is larger; a length field above it is damage.
inline constexpr size_t kLargestBatchBytes = size_t{128} << 20;

// kMarkers: of control batches the CRC as well, because what they say is looked at.
enum class ScanCheck { kHeader, kMarkers, kCrc };

struct ScannedBatch {
  enum class Kind { kBatch, kEnd, kBad };
  Kind kind = Kind::kEnd;
  uint64_t position = 0;
  model::BatchHeader header;  // kBatch
  std::string_view bytes;     // of a kBatch whose CRC was checked; until the next call
  std::string problem;        // kBad: what was expected there and what was found
};

// What is wrong with a header that should begin the batch of `expected`, or empty. Below `gaps_until` compaction may
// have taken offsets: the batch may be a later one. Does not look at the CRC.
std::string HeaderProblem(const absl::StatusOr<model::BatchHeader>& header, model::Offset expected,
                          model::Offset gaps_until);

class BatchScanner {
 public:
  // Scans [position, end). `expected`: the offset that the first batch begins with, unless there is a gap (see
  // HeaderProblem). `file` must outlive the scanner.
  BatchScanner(const env::File& file, uint64_t position, uint64_t end, model::Offset expected, model::Offset gaps_until,
               ScanCheck check);
  // After kEnd and kBad, do not call again. An error is the disk's.
  absl::StatusOr<ScannedBatch> Next();
  uint64_t position() const { return position_; }       // behind the last batch
  model::Offset expected() const { return expected_; }  // of the next batch

 private:
  absl::StatusOr<std::string_view> Fill(size_t bytes);
  const env::File& file_;
  uint64_t position_;
  uint64_t end_;
  model::Offset expected_;
  model::Offset gaps_until_;
  ScanCheck check_;
  std::string buffer_;
  uint64_t buffer_at_ = 0;
};

}  // namespace leat::log
