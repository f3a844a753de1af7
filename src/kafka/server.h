// The Kafka protocol's front door: listens, spreads connections over the shards, and answers the requests of each
// connection in order, several of them being under way at once. Nothing that a client does or leaves undone takes more
// than its limits: see Options.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "broker/broker.h"
#include "env/metrics.h"
#include "env/shard.h"

namespace leat::runtime {
class AsioShard;
}  // namespace leat::runtime

namespace leat::kafka {

struct ListenerConfig {
  std::string name = "default";
  std::string host = "127.0.0.1";  // an address, or a name that is looked up once
  uint16_t port = 9092;            // 0: chosen by the system
  // What clients are told to connect to. Empty: the host; if that is a wildcard, the address that the client reached.
  std::string advertised_host;
  uint16_t advertised_port = 0;  // 0: the port as bound
};

struct ServerOptions {
  std::vector<ListenerConfig> listeners;
  size_t max_connections = 10000;                // of the node; more are closed at once
  size_t max_request_bytes = size_t{32} << 20;   // one frame
  size_t inflight_bytes = size_t{128} << 20;     // of the node: requests read and not yet answered; then reading pauses
  size_t connection_requests = 64;               // under way on one connection; then reading pauses
  size_t connection_bytes = size_t{32} << 20;    // of requests under way on one connection; likewise
  size_t connection_output = size_t{1} << 20;    // answers not yet taken by the client; likewise
  size_t output_bytes = size_t{256} << 20;       // of the node; beyond it fetches are answered with less
  size_t fetch_max_bytes = size_t{50} << 20;     // of records in one answer
  bool auto_create_topics = true;                // when clients ask for a topic that does not exist
  size_t fetch_sessions = 1000;                  // KIP-227 sessions kept, of the node
  Duration max_idle = absl::Minutes(10);         // without a request; then the connection is closed
  Duration request_timeout = absl::Seconds(60);  // from a request's first byte to its last
  Duration drain_timeout = absl::Seconds(5);     // for requests under way when the server stops
};

class KafkaServer {
 public:
  // Everything outlives the server. The shards have been started.
  KafkaServer(std::vector<runtime::AsioShard*> shards, broker::Broker& broker, const ServerOptions& options,
              env::Metrics& metrics);
  // REQUIRES: never listened, or Stop has called back and then the shards have stopped.
  ~KafkaServer();

  // Binds all listeners and begins to accept; once, any thread but a shard's.
  absl::Status Listen();
  // What the listeners are bound to, "127.0.0.1:9092", in their order; after Listen.
  std::vector<std::string> addresses() const;
  // What clients of other brokers are told of these listeners, "default://broker-1:9092", parted by commas; after
  // Listen.
  std::string advertised() const;

  // Accepts no more, lets requests under way be answered within drain_timeout, closes the connections, and calls
  // `stopped` on a shard. Requests that are parked below may be answered later still, into the void. Once, any thread.
  void Stop(env::Closure stopped);

 private:
  struct State;  // keeps Asio out of this header
  const std::unique_ptr<State> state_;
};

}  // namespace leat::kafka
