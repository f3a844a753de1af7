// Producer ids, from blocks that are reserved before one of them is given out.
#include "base/logging.h"
#include "coordinator/txn_coordinator.h"

namespace leat::coordinator {

void TxnCoordinator::NewProducerId(absl::AnyInvocable<void(absl::StatusOr<model::ProducerId>)> done) {
  if (HasFreshId()) {
    done(model::ProducerId(next_id_++));
    return;
  }
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) {
    done(Unavailable("the broker is stopping: try again when it is back"));
    return;
  }
  want_id_.emplace_back(std::move(done), std::move(hold));
  FetchIds();
}

void TxnCoordinator::FetchIds() {
  if (fetching_ids_) return;
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) return;
  fetching_ids_ = true;
  port_.ReserveProducerIds(
      options_.producer_id_block,
      [this, hold = std::move(hold)](absl::StatusOr<TxnPort::Block> block) { TakeIds(std::move(block)); });
}

void TxnCoordinator::TakeIds(absl::StatusOr<TxnPort::Block> block) {
  fetching_ids_ = false;
  const auto lanes = std::exchange(lanes_want_id_, {});
  auto waiting = std::move(want_id_);
  want_id_.clear();
  if (!block.ok()) {
    LogWarning("coordinator", "no producer ids can be reserved: ", Message(block.status()));
    for (auto& [done, hold] : waiting) done(block.status());
    for (const std::string& id : lanes) {
      Lane& lane = lanes_[id];
      if (lane.waiting.empty()) continue;
      Job job = std::move(lane.waiting.front());
      lane.waiting.pop_front();
      txn::Decision refused;
      refused.code = model::ErrorCode::kCoordinatorNotAvailable;
      refused.message = StrCat("no producer id could be reserved: ", Message(block.status()));
      Answer(std::move(job), refused);
      Pump(id);
    }
    return;
  }
  next_id_ = block->begin;
  ids_end_ = block->end;
  for (auto& [done, hold] : waiting) NewProducerId(std::move(done));
  for (const std::string& id : lanes) Pump(id);
}

}  // namespace leat::coordinator
