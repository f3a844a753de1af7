#include "broker/producer_ids.h"

#include "base/check.h"
#include "base/logging.h"

namespace leat::broker {

void ProducerIds::Take(int64_t count, Done done) {
  LEAT_CHECK(count > 0 && count <= kBlock) << count << " ids at once";
  if (end_ - next_ >= count) {
    next_ += count;
    return done(Block{next_ - count, next_});
  }
  waiting_.emplace_back(count, std::move(done));
  Fetch();
}

void ProducerIds::Fetch() {
  if (fetching_) return;
  fetching_ = true;
  reserve_(kBlock, [this](absl::StatusOr<Block> block) { TakeBlock(std::move(block)); });
}

void ProducerIds::TakeBlock(absl::StatusOr<Block> block) {
  fetching_ = false;
  auto waiting = std::exchange(waiting_, {});
  if (!block.ok()) {
    LogWarning("broker", "no producer ids can be reserved: ", Message(block.status()));
    for (auto& [count, done] : waiting) done(block.status());
    return;
  }
  next_ = block->begin;
  end_ = block->end;
  for (auto& [count, done] : waiting) Take(count, std::move(done));
}

}  // namespace leat::broker
