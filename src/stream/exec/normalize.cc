// The rows of an upsert source as a full changelog: the first row of a key gives +I, later ones -U and +U with the row
// before, a delete gives -D with all columns. A row that changes nothing gives nothing, and a delete of a key that is
// not there is ignored. State: the last row of each key.
#include "base/bytes.h"
#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/change_output.h"
#include "stream/exec/expiry.h"
#include "stream/exec/operators.h"

namespace leat::exec {
namespace {

using data::RowKind;

constexpr int kRowTable = 0;
constexpr int kExpiryTable = 1;
constexpr size_t kTimeBytes = sizeof(int64_t);

struct NormalizeState : OperatorState {
  explicit NormalizeState(state::StateTable& table, Expiry made) : rows(table), expiry(made) {}
  state::StateTable& rows;  // when the row came, then the row
  Expiry expiry;
  std::string key;  // scratch
  std::string row;  // scratch
};

class Normalize : public Operator {
 public:
  explicit Normalize(plan::NodePtr node) : node_(std::move(node)) {}

  std::string Name() const override { return StrCat("Normalize#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    LEAT_ASSIGN_OR_RETURN(Expiry expiry, Expiry::Open(node_->ttl_ms, backend.Table(node_->id, kExpiryTable)));
    return std::make_unique<NormalizeState>(backend.Table(node_->id, kRowTable), expiry);
  }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState&, const Context&, Output&) const override { return absl::OkStatus(); }
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }

 private:
  absl::Status Put(const data::Batch& input, size_t row, int64_t now_ms, NormalizeState* state,
                   ChangeOutput* out) const;
  static absl::Status Remove(int64_t now_ms, NormalizeState* state, ChangeOutput* out);
  static absl::Status Sweep(int64_t now_ms, NormalizeState* state);

  plan::NodePtr node_;
};

absl::Status Normalize::Process(OperatorState& operator_state, const Context& context, const data::Batch& input,
                                Output& output) const {
  auto& state = static_cast<NormalizeState&>(operator_state);
  LEAT_RETURN_IF_ERROR(Sweep(context.wall_ms, &state));
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  ChangeOutput out(node_->schema, output);
  for (size_t row = 0; row < input.rows; ++row) {
    if (input.kind(row) == RowKind::kUpdateBefore) continue;
    state.key.clear();
    data::EncodeKey(keys, row, &state.key);
    if (input.kind(row) == RowKind::kDelete) {
      LEAT_RETURN_IF_ERROR(Remove(context.wall_ms, &state, &out));
    } else {
      LEAT_RETURN_IF_ERROR(Put(input, row, context.wall_ms, &state, &out));
    }
  }
  return out.Flush();
}

absl::Status Normalize::Put(const data::Batch& input, size_t row, int64_t now_ms, NormalizeState* state,
                            ChangeOutput* out) const {
  state->row.clear();
  BytesWriter(&state->row).Write<int64_t>(now_ms);
  EncodeRow(input, row, &state->row);
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * stored, state->rows.Mutate(0, state->key, &inserted));
  if (inserted) {
    stored->swap(state->row);
    LEAT_RETURN_IF_ERROR(state->expiry.Watch(state->key, now_ms));
    return out->Add(RowKind::kInsert, input, row);
  }
  if (stored->size() < kTimeBytes) return DataLoss("state: a row of ", stored->size(), " bytes");
  stored->swap(state->row);
  const std::string& before = state->row;
  if (state->expiry.IsOver(LoadBigEndian<int64_t>(before.data()), now_ms)) {
    return out->Add(RowKind::kInsert, input, row);
  }
  const std::string_view old_row = std::string_view(before).substr(kTimeBytes);
  if (!state->expiry.enabled() && old_row == std::string_view(*stored).substr(kTimeBytes)) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(out->Add(RowKind::kUpdateBefore, old_row));
  return out->Add(RowKind::kUpdateAfter, input, row);
}

absl::Status Normalize::Remove(int64_t now_ms, NormalizeState* state, ChangeOutput* out) {
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->rows.Find(0, state->key));
  if (stored == nullptr) {
    ++state->counters.ignored_retractions;
    return absl::OkStatus();
  }
  if (stored->size() < kTimeBytes) return DataLoss("state: a row of ", stored->size(), " bytes");
  if (state->expiry.IsOver(LoadBigEndian<int64_t>(stored->data()), now_ms)) {
    ++state->counters.ignored_retractions;
  } else {
    LEAT_RETURN_IF_ERROR(out->Add(RowKind::kDelete, std::string_view(*stored).substr(kTimeBytes)));
  }
  return state->rows.Erase(0, state->key);
}

absl::Status Normalize::Sweep(int64_t now_ms, NormalizeState* state) {
  return state->expiry.Sweep(now_ms, [&](std::string_view key) -> absl::StatusOr<std::optional<int64_t>> {
    LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->rows.Find(0, key));
    if (stored == nullptr) return std::nullopt;
    if (stored->size() < kTimeBytes) return DataLoss("state: a row of ", stored->size(), " bytes");
    const auto written = LoadBigEndian<int64_t>(stored->data());
    if (!state->expiry.IsOver(written, now_ms)) return written;
    LEAT_RETURN_IF_ERROR(state->rows.Erase(0, key));
    return std::nullopt;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeNormalize(const plan::NodePtr& node) {
  return std::unique_ptr<Operator>(std::make_unique<Normalize>(node));
}

}  // namespace leat::exec
