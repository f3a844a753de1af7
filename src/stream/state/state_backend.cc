#include "stream/state/state_backend.h"

#include <map>

#include "base/check.h"
#include "stream/state/overlay_table.h"

namespace leat::state {
namespace {

class OverlayBackend : public StateBackend {
 public:
  OverlayBackend(CommittedStore& store, const Options& options) : overlay_(store, options.memory_bytes) {}

  StateTable& Table(int node_id, int index) override {
    LEAT_CHECK(node_id >= 0 && node_id <= kMaxNodeId) << "node " << node_id;
    LEAT_CHECK(index >= 0 && index <= kMaxTableIndex) << "table " << index;
    const TableId id{static_cast<uint16_t>(node_id), static_cast<uint8_t>(index)};
    auto& table = tables_[id];
    if (table == nullptr) table = std::make_unique<OverlayTable>(id, overlay_);
    return *table;
  }

  void TakeChanges(int64_t epoch, std::string_view prefix, ChangeVisitor visit) override {
    LEAT_CHECK(epoch > last_epoch_) << epoch << " after " << last_epoch_;
    last_epoch_ = epoch;
    for (auto& [id, table] : tables_) table->TakeChanges(epoch, prefix, visit);
  }

  std::vector<Change> TakeUnapplied(std::string_view prefix) override {
    std::vector<Change> changes;
    for (auto& [id, table] : tables_) table->TakeUnapplied(prefix, &changes);
    return changes;
  }

  void OnApplied(int64_t epoch) override {
    LEAT_CHECK(epoch <= last_epoch_) << epoch << " was not taken";
    for (auto& [id, table] : tables_) table->OnApplied(epoch);
  }

  size_t DirtyBytes() const override {
    for (const auto& [id, table] : tables_) table->Recharge();
    return overlay_.dirty_bytes();
  }
  size_t MemoryBytes() const override {
    for (const auto& [id, table] : tables_) table->Recharge();
    return overlay_.memory_bytes();
  }
  size_t MemoryBytesOf(int node_id) const override {
    size_t bytes = 0;
    const TableId first{static_cast<uint16_t>(node_id), 0};
    for (auto it = tables_.lower_bound(first); it != tables_.end() && it->first.node == first.node; ++it) {
      it->second->Recharge();
      bytes += it->second->memory_bytes();
    }
    return bytes;
  }

 private:
  Overlay overlay_;
  std::map<TableId, std::unique_ptr<OverlayTable>> tables_;
  int64_t last_epoch_ = kNoEpoch;
};

}  // namespace

std::unique_ptr<StateBackend> StateBackend::Create(CommittedStore& store, const Options& options) {
  return std::make_unique<OverlayBackend>(store, options);
}

}  // namespace leat::state
