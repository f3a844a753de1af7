// Producer ids, from blocks that the cluster's metadata reserves for this node before one of them is given out. One
// shard.
#pragma once

#include <absl/functional/any_invocable.h>

#include <functional>
#include <utility>
#include <vector>

#include "coordinator/txn_coordinator.h"

namespace leat::broker {

class ProducerIds {
 public:
  using Block = coordinator::TxnPort::Block;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Block>)>;
  using Reserve = std::function<void(int64_t count, Done done)>;
  // `reserve` answers on the shard, perhaps at once. This outlives its answers.
  explicit ProducerIds(Reserve reserve) : reserve_(std::move(reserve)) {}

  // Ids that nobody was given before; at once if there are some. REQUIRES: 0 < count <= kBlock.
  void Take(int64_t count, Done done);

  static constexpr int64_t kBlock = 1000;

 private:
  void Fetch();
  void TakeBlock(absl::StatusOr<Block> block);

  const Reserve reserve_;
  int64_t next_ = 0;
  int64_t end_ = 0;
  bool fetching_ = false;
  std::vector<std::pair<int64_t, Done>> waiting_;
};

}  // namespace leat::broker
