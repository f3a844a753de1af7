// The long-lived calls of a server: counted against a limit, and told to end when the server stops. Thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "grpc/lock.h"

namespace leat::rpc {

class Stream {
 public:
  virtual ~Stream() = default;
  // Takes nothing new, answers what was asked, and ends. May be called on any thread, more than once.
  virtual void Drain() = 0;
};

class StreamRegistry {
 public:
  enum class Admission { kAccepted, kFull, kStopping };

  explicit StreamRegistry(size_t max_streams) : max_streams_(max_streams) {}
  Admission Add(const std::shared_ptr<Stream>& stream);
  void Remove(const Stream* stream);
  // Drains every stream there is; Add then answers kStopping.
  void Drain();

 private:
  const size_t max_streams_;
  Mutex mutex_;
  bool stopping_ = false;
  std::vector<std::shared_ptr<Stream>> streams_;
};

}  // namespace leat::rpc
