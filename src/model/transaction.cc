#include "model/transaction.h"

#include "base/bytes.h"
#include "base/check.h"
#include "model/record_batch.h"

namespace leat::model {
namespace {
constexpr size_t kKeyBytes = 4;
constexpr size_t kValueBytes = 6;
constexpr size_t kMarkerLimitBytes = 64 << 10;  // far above what any control record holds
}  // namespace

std::string EncodeMarkerBatch(const MarkerBatch& marker) {
  char key[kKeyBytes], value[kValueBytes];
  StoreBigEndian(key, int16_t{0});
  StoreBigEndian(key + 2, static_cast<int16_t>(marker.marker.end));
  StoreBigEndian(value, int16_t{0});
  StoreBigEndian(value + 2, marker.marker.coordinator_epoch);
  BatchBuilder builder({.producer_id = marker.producer_id,
                        .producer_epoch = marker.producer_epoch,
                        .transactional = true,
                        .control = true});
  builder.Add(marker.timestamp_ms, std::string_view(key, sizeof(key)), std::string_view(value, sizeof(value)));
  absl::StatusOr<std::string> batch = builder.Finish();
  LEAT_CHECK(batch.ok()) << batch.status();
  return *std::move(batch);
}

absl::StatusOr<std::optional<EndMarker>> DecodeMarkerBatch(std::string_view batch) {
  LEAT_ASSIGN_OR_RETURN(RecordIterator records, RecordIterator::Open(batch, kMarkerLimitBytes));
  RecordView record;
  LEAT_ASSIGN_OR_RETURN(const bool there, records.Next(&record));
  // The cleaner may have left the batch without its record.
  if (!there) return std::nullopt;
  const Offset at = records.header().base_offset;
  if (!record.key || record.key->size() < kKeyBytes) {
    return DataLoss("control batch at offset ", at, ": expected a key of ", kKeyBytes, " bytes");
  }
  const auto type = LoadBigEndian<int16_t>(record.key->data() + 2);
  if (type != static_cast<int16_t>(TransactionEnd::kAbort) && type != static_cast<int16_t>(TransactionEnd::kCommit)) {
    return std::nullopt;
  }
  if (!record.value || record.value->size() < kValueBytes) {
    return DataLoss("control batch at offset ", at, ": expected a value of ", kValueBytes, " bytes");
  }
  return EndMarker{static_cast<TransactionEnd>(type), LoadBigEndian<int32_t>(record.value->data() + 2)};
}

}  // namespace leat::model
