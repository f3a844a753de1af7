// The gRPC front door: the services of proto/leat/v1 over the broker's handlers, with reflection and health. All work
// is done on gRPC's own few threads and on the broker's shards. (The namespace is rpc: leat::grpc would hide ::grpc.)
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "broker/broker.h"

namespace leat::broker {
class Views;
}  // namespace leat::broker

namespace leat::rpc {

struct ServerOptions {
  std::string address = "127.0.0.1:9095";          // host:port; port 0 is chosen by the system
  size_t max_message_bytes = size_t{32} << 20;     // of one request; longer ones are answered with RESOURCE_EXHAUSTED
  size_t max_connections = 10000;                  // at a time; more are told so and closed
  size_t max_answer_bytes = size_t{50} << 20;      // of one fetch answer
  size_t max_streams = 10000;                      // produce and fetch streams at a time; more get RESOURCE_EXHAUSTED
  int max_calls_per_connection = 1000;             // calls at a time on one connection; more wait at the client
  size_t max_unanswered_per_stream = 64;           // produce requests of one stream; above it the stream is not read
  int64_t max_memory_bytes = int64_t{512} << 20;   // of gRPC's buffers; above it reads wait
  Duration handshake_timeout = absl::Seconds(20);  // a connection that does not speak HTTP/2 by then is closed
  Duration max_idle = absl::Minutes(30);           // a connection without a call for so long is closed
};

// Not thread-safe; each method is called once, by the owner.
class GrpcServer {
 public:
  // `broker` and `views` outlive the server. Without views there is no service of them.
  GrpcServer(const ServerOptions& options, broker::Broker& broker, broker::Views* views = nullptr);
  // Stops at once if Stop was not called.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // Binds and serves. Returns the bound host:port. kUnavailable: the address cannot be bound (taken, not ours);
  // kInvalidArgument: it is not an address.
  absl::StatusOr<std::string> Start();
  // Takes no new calls, answers what was asked, ends the streams with UNAVAILABLE, and cancels what is left after
  // `patience`. Blocks until the last call is gone: never call it on a shard, whose answers it waits for.
  void Stop(Duration patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat::rpc
