#include "log/segment.h"

namespace leat::log {

// Pinned segments are not in the list: with many partitions they would be all that is ever looked at.
void SegmentCache::Touch(Segment* segment) {
  if (segment->pinned_) return;
  if (segment->cached_) order_.erase(segment->place_);
  order_.push_front(segment);
  segment->place_ = order_.begin();
  segment->cached_ = true;
  if (order_.size() <= capacity_) return;
  for (auto it = std::prev(order_.end()); it != order_.begin(); --it) {
    if (!(*it)->droppable()) continue;
    (*it)->Drop();
    (*it)->cached_ = false;
    order_.erase(it);
    return;
  }
}

void SegmentCache::Forget(Segment* segment) {
  if (!segment->cached_) return;
  order_.erase(segment->place_);
  segment->cached_ = false;
}

void Segment::set_pinned(bool pinned) {
  if (pinned_ == pinned) return;
  pinned_ = pinned;
  if (pinned) {
    home_.cache->Forget(this);
  } else if (loaded_) {
    home_.cache->Touch(this);
  }
}

}  // namespace leat::log
