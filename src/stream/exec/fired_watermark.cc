#include "stream/exec/fired_watermark.h"

#include "base/bytes.h"

namespace leat::exec {
namespace {

constexpr std::string_view kWatermarkKey = "watermark";

}  // namespace

absl::Status FiredWatermark::Open(state::StateTable& table) {
  table_ = &table;
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, table.Find(0, kWatermarkKey));
  if (stored == nullptr) return absl::OkStatus();
  if (stored->size() != sizeof(int64_t)) return DataLoss("state: a watermark of ", stored->size(), " bytes");
  ms_ = LoadBigEndian<int64_t>(stored->data());
  stored_ms_ = ms_;
  return absl::OkStatus();
}

absl::Status FiredWatermark::Store() {
  if (ms_ == stored_ms_) return absl::OkStatus();
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, table_->Mutate(0, kWatermarkKey, &inserted));
  value->resize(sizeof(int64_t));
  StoreBigEndian(value->data(), ms_);
  stored_ms_ = ms_;
  return absl::OkStatus();
}

}  // namespace leat::exec
