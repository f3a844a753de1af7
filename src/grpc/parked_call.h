// A unary call whose answer waits for other clients. Ends early when its client goes or the server stops. Owns itself
// until gRPC is done with it; whoever will answer holds it too.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "grpc/lock.h"
#include "grpc/stream_registry.h"

namespace leat::rpc {

template <class Response>
class ParkedCall final : public Stream,
                         public ::grpc::ServerUnaryReactor,
                         public std::enable_shared_from_this<ParkedCall<Response>> {
 public:
  // The registry outlives the call. It may be finished when this returns: no matter.
  static std::shared_ptr<ParkedCall> Open(StreamRegistry& streams, Response* response) {
    auto call = std::make_shared<ParkedCall>(streams, response);
    call->self_ = call;
    switch (streams.Add(call)) {
      case StreamRegistry::Admission::kAccepted:
        break;
      case StreamRegistry::Admission::kFull:
        call->End({::grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls wait at this broker: try again"});
        break;
      case StreamRegistry::Admission::kStopping:
        call->Drain();
        break;
    }
    return call;
  }
  ParkedCall(StreamRegistry& streams, Response* response) : streams_(streams), response_(response) {}

  // Any thread. `fill` gets the response, unless the call has ended before.
  template <typename Fill>
  void Answer(Fill fill) {
    if (!Claim()) return;
    fill(response_);
    Finish(::grpc::Status::OK);
  }

  void Drain() override { End({::grpc::StatusCode::UNAVAILABLE, "the broker is stopping: try again"}); }
  void OnCancel() override { End(::grpc::Status::CANCELLED); }
  void OnDone() override {
    streams_.Remove(this);
    const std::shared_ptr<ParkedCall> last = std::move(self_);
  }

 private:
  void End(const ::grpc::Status& status) {
    if (Claim()) Finish(status);
  }
  bool Claim() {
    const Lock lock(mutex_);
    return !std::exchange(answered_, true);
  }

  StreamRegistry& streams_;
  Response* const response_;
  std::shared_ptr<ParkedCall> self_;
  Mutex mutex_;
  bool answered_ = false;
};

}  // namespace leat::rpc
