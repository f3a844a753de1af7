// What the connections between the nodes of a cluster are told.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace leat::runtime {

struct PeerOptions {
  int32_t node_id = 0;
  // host:port to listen on; port 0 is chosen by the system. Empty: a node alone, which reaches itself only.
  std::string listen;
  std::string secret;        // that all nodes share; required with `listen`
  std::string cluster_id;    // empty: not known yet; two that are known must be equal
  uint64_t incarnation = 0;  // of this process: another number at each start; 0: one is drawn

  size_t max_frame_bytes = size_t{64} << 20;  // one message, request or answer
  size_t max_calls = 1024;                    // from one shard to one node without an answer, in each lane
  size_t max_bytes = size_t{128} << 20;       // waiting to be written on one connection; requests that one is served
  size_t max_connections = 4096;              // that others have made and proved themselves on
  size_t max_strangers = 64;                  // that did not prove themselves yet; beyond it the oldest one goes

  Duration connect_timeout = absl::Seconds(3);     // look-up, connect and handshake together
  Duration handshake_timeout = absl::Seconds(5);   // for a stranger to prove itself
  Duration alive_interval = absl::Seconds(1);      // a connection without traffic says so often that it is alive
  int dead_after = 4;                              // intervals of silence
  Duration min_backoff = absl::Milliseconds(20);   // after a failed attempt; doubles
  Duration max_backoff = absl::Milliseconds(250);  // short: who comes back is to be heard soon
};

}  // namespace leat::runtime
