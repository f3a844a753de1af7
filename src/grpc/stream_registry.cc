#include "grpc/stream_registry.h"

#include <algorithm>

namespace leat::rpc {

StreamRegistry::Admission StreamRegistry::Add(const std::shared_ptr<Stream>& stream) {
  const Lock lock(mutex_);
  if (stopping_) return Admission::kStopping;
  if (streams_.size() >= max_streams_) return Admission::kFull;
  streams_.push_back(stream);
  return Admission::kAccepted;
}

void StreamRegistry::Remove(const Stream* stream) {
  const Lock lock(mutex_);
  const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& s) { return s.get() == stream; });
  if (found == streams_.end()) return;
  std::swap(*found, streams_.back());
  streams_.pop_back();
}

void StreamRegistry::Drain() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    const Lock lock(mutex_);
    stopping_ = true;
    streams = streams_;
  }
  for (const auto& stream : streams) stream->Drain();
}

}  // namespace leat::rpc
