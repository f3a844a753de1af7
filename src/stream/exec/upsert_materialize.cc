// Rows that change by another key than the sink's, brought to the sink's: of the rows that are there with one key, the
// one that came last counts. When it goes, the one before it comes back. State: the rows of each key in the order in
// which they came.
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

// One key's state: when it was last written, then each row with its size in front.
class RowList {
 public:
  explicit RowList(std::string* bytes) : bytes_(bytes) {}

  absl::Status Read() {
    rows_.clear();
    if (bytes_->size() < kTimeBytes) return DataLoss("state: rows of a key in ", bytes_->size(), " bytes");
    BytesReader reader(std::string_view(*bytes_).substr(kTimeBytes));
    while (reader.remaining() > 0) {
      const size_t begin = bytes_->size() - reader.remaining();
      const uint32_t size = reader.ReadUnsignedVarint();
      const std::string_view row = reader.ReadBytes(size);
      if (!reader.ok()) return DataLoss("state: a row of ", size, " bytes is cut off");
      rows_.push_back({begin, row});
    }
    return absl::OkStatus();
  }
  bool empty() const { return rows_.empty(); }
  std::string_view last() const { return rows_.back().bytes; }
  // The newest row with these bytes; -1 if there is none.
  int Find(std::string_view row) const {
    for (size_t i = rows_.size(); i > 0; --i) {
      if (rows_[i - 1].bytes == row) return static_cast<int>(i) - 1;
    }
    return -1;
  }
  bool IsLast(int index) const { return static_cast<size_t>(index) + 1 == rows_.size(); }
  // The views of Read are stale behind this.
  void Remove(int index) {
    const size_t begin = rows_[static_cast<size_t>(index)].begin;
    const size_t end = IsLast(index) ? bytes_->size() : rows_[static_cast<size_t>(index) + 1].begin;
    bytes_->erase(begin, end - begin);
  }
  static void Append(std::string_view row, std::string* bytes) {
    BytesWriter(bytes).WriteUnsignedVarint(static_cast<uint32_t>(row.size()));
    bytes->append(row);
  }

 private:
  struct Row {
    size_t begin;
    std::string_view bytes;
  };
  std::string* bytes_;
  std::vector<Row> rows_;
};

struct MaterializeState : OperatorState {
  explicit MaterializeState(state::StateTable& table, Expiry made) : rows(table), expiry(made) {}
  state::StateTable& rows;
  Expiry expiry;
  std::string key;  // scratch
  std::string row;  // scratch
};

class UpsertMaterialize : public Operator {
 public:
  explicit UpsertMaterialize(plan::NodePtr node) : node_(std::move(node)) {}

  std::string Name() const override { return StrCat("UpsertMaterialize#", node_->id); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    LEAT_ASSIGN_OR_RETURN(Expiry expiry, Expiry::Open(node_->ttl_ms, backend.Table(node_->id, kExpiryTable)));
    return std::make_unique<MaterializeState>(backend.Table(node_->id, kRowTable), expiry);
  }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState&, const Context&, Output&) const override { return absl::OkStatus(); }
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }

 private:
  static absl::Status Put(const data::Batch& input, size_t row, int64_t now_ms, MaterializeState* state,
                          ChangeOutput* out);
  static absl::Status Remove(int64_t now_ms, MaterializeState* state, ChangeOutput* out);
  static absl::Status Sweep(int64_t now_ms, MaterializeState* state);

  plan::NodePtr node_;
};

absl::Status UpsertMaterialize::Process(OperatorState& operator_state, const Context& context, const data::Batch& input,
                                        Output& output) const {
  auto& state = static_cast<MaterializeState&>(operator_state);
  LEAT_RETURN_IF_ERROR(Sweep(context.wall_ms, &state));
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  ChangeOutput out(node_->schema, output);
  for (size_t row = 0; row < input.rows; ++row) {
    state.key.clear();
    data::EncodeKey(keys, row, &state.key);
    state.row.clear();
    EncodeRow(input, row, &state.row);
    if (data::IsRetraction(input.kind(row))) {
      LEAT_RETURN_IF_ERROR(Remove(context.wall_ms, &state, &out));
    } else {
      LEAT_RETURN_IF_ERROR(Put(input, row, context.wall_ms, &state, &out));
    }
  }
  return out.Flush();
}

absl::Status UpsertMaterialize::Put(const data::Batch& input, size_t row, int64_t now_ms, MaterializeState* state,
                                    ChangeOutput* out) {
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * stored, state->rows.Mutate(0, state->key, &inserted));
  bool first = inserted;
  if (inserted) {
    LEAT_RETURN_IF_ERROR(state->expiry.Watch(state->key, now_ms));
  } else {
    if (stored->size() < kTimeBytes) return DataLoss("state: rows of a key in ", stored->size(), " bytes");
    first = state->expiry.IsOver(LoadBigEndian<int64_t>(stored->data()), now_ms);
  }
  if (first) stored->assign(kTimeBytes, '\0');
  StoreBigEndian<int64_t>(stored->data(), now_ms);
  RowList::Append(state->row, stored);
  return out->Add(first ? RowKind::kInsert : RowKind::kUpdateAfter, input, row);
}

absl::Status UpsertMaterialize::Remove(int64_t now_ms, MaterializeState* state, ChangeOutput* out) {
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * stored, state->rows.Mutate(0, state->key, &inserted));
  if (inserted) {
    ++state->counters.ignored_retractions;
    return state->rows.Erase(0, state->key);
  }
  RowList list(stored);
  LEAT_RETURN_IF_ERROR(list.Read());
  const bool over = state->expiry.IsOver(LoadBigEndian<int64_t>(stored->data()), now_ms);
  const int index = over ? -1 : list.Find(state->row);
  if (index < 0) {
    ++state->counters.ignored_retractions;
    return over ? state->rows.Erase(0, state->key) : absl::OkStatus();
  }
  const bool last = list.IsLast(index);
  list.Remove(index);
  StoreBigEndian<int64_t>(stored->data(), now_ms);
  LEAT_RETURN_IF_ERROR(list.Read());
  if (list.empty()) {
    LEAT_RETURN_IF_ERROR(out->Add(RowKind::kDelete, state->row));
    return state->rows.Erase(0, state->key);
  }
  return last ? out->Add(RowKind::kUpdateAfter, list.last()) : absl::OkStatus();
}

absl::Status UpsertMaterialize::Sweep(int64_t now_ms, MaterializeState* state) {
  return state->expiry.Sweep(now_ms, [&](std::string_view key) -> absl::StatusOr<std::optional<int64_t>> {
    LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->rows.Find(0, key));
    if (stored == nullptr) return std::nullopt;
    if (stored->size() < kTimeBytes) return DataLoss("state: rows of a key in ", stored->size(), " bytes");
    const auto written = LoadBigEndian<int64_t>(stored->data());
    if (!state->expiry.IsOver(written, now_ms)) return written;
    LEAT_RETURN_IF_ERROR(state->rows.Erase(0, key));
    return std::nullopt;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeUpsertMaterialize(const plan::NodePtr& node) {
  return std::unique_ptr<Operator>(std::make_unique<UpsertMaterialize>(node));
}

}  // namespace leat::exec
