// The composition root of leatd: makes disk, shards, metrics, broker and listeners from the configuration, starts them
// in order and stops them in reverse.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "config/options.h"

namespace leat::server {

struct Addresses {
  std::string grpc, kafka, admin, internal;  // host:port as bound, several with commas between them; empty: off
};

// Not thread-safe, but for GiveUpStarting; on the main thread.
class Node {
 public:
  explicit Node(const config::BrokerOptions& options);
  ~Node();  // REQUIRES: stopped, or never started
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Opens the data directory, recovers, binds, serves. On an error everything that was started has been stopped again.
  absl::StatusOr<Addresses> Start();
  // A Start that still waits for the broker, which may be for the other nodes of its cluster and for ever, ends with
  // kCancelled. Nothing before or after that. Any thread.
  void GiveUpStarting();
  // Takes no new requests, answers those in progress, checkpoints jobs, closes the logs.
  absl::Status Stop();
  // docs/metrics.md: every metric that was registered in this life.
  std::string MetricsReference() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace leat::server
