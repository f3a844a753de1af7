// HTTP/1.1 for operators and browsers, on one shard. Requests of a connection are answered one after the other
// (pipelining is served); connections are kept alive. Nothing a client does or leaves undone holds memory or a thread
// for long: headers, bodies and connections have limits, and every wait has an end.
//
// Answers of its own, as JSON errors: 400 malformed, 404, 405 with Allow, 408 too slow, 413 body too large, 431 header
// too large, 503 too many connections or a handler that does not answer in time.
#pragma once

#include <memory>
#include <string>

#include "admin/router.h"
#include "base/status.h"
#include "env/metrics.h"
#include "env/shard.h"

namespace leat::runtime {
class AsioShard;
}  // namespace leat::runtime

namespace leat::admin {

class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";  // an address, or a name that is looked up once
    uint16_t port = 9096;            // 0: chosen by the system
    size_t max_connections = 256;
    size_t max_header_bytes = 16 << 10;
    size_t max_body_bytes = 1 << 20;
    Duration first_byte_timeout = absl::Seconds(10);  // of a new connection; then it is closed
    Duration idle_timeout = absl::Seconds(60);        // between requests; then the connection is closed
    Duration request_timeout = absl::Seconds(10);     // from a request's first byte to its last
    Duration handler_timeout = absl::Seconds(30);     // until the handler answers
    Duration write_timeout = absl::Seconds(30);       // until the client has taken the answer
  };

  // The shard and the metrics outlive the server and every Responder that it handed out.
  HttpServer(runtime::AsioShard& shard, Router router, const Options& options, env::Metrics& metrics);
  // REQUIRES: never listened, or Stop has called back.
  ~HttpServer();

  // Binds and begins to accept; once, any thread but the shard's.
  absl::Status Listen();
  // What it is bound to, "127.0.0.1:9096"; after Listen.
  std::string address() const;
  uint16_t port() const;

  // Accepts no more, closes idle connections, lets requests in progress finish within their time-outs, and calls
  // `stopped` on the shard when the last connection has gone. Once, any thread.
  void Stop(env::Closure stopped);

 private:
  struct State;  // keeps Asio and Beast out of this header
  const std::unique_ptr<State> state_;
};

}  // namespace leat::admin
