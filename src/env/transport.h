// The network between the nodes of one cluster as a port: bytes to a node's service, and perhaps an answer. Sockets
// with a shared secret in runtime, a network that loses, repeats, delays and cuts in the simulator.
//
// A Transport belongs to one shard; every call is made there, and every handler and answer runs there, never inside the
// call that caused it. A node has one for each shard. What arrives comes from a node that knows the cluster's secret
// and said this number, no more: a handler checks what the bytes say.
#pragma once

#include <absl/functional/any_invocable.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/owned_bytes.h"
#include "base/status.h"
#include "base/time.h"

namespace leat::env {

// Whom the bytes are for. The numbers are on the wire.
enum class Service : uint8_t {
  kRaft = 1,        // the controller quorum's messages, one way
  kController = 2,  // registration, heartbeats, changes of the metadata
  kFetch = 3,       // records, from a partition's leader to its followers
  kBroker = 4,      // what one broker does for another: coordinators, markers
  kJobs = 5,        // what jobs read, write and are asked on other nodes than their own
};

struct PeerAddress {
  std::string host;
  uint16_t port = 0;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

class Transport {
 public:
  // kUnavailable: it cannot be said whether the other side acted: not delivered, or the connection broke.
  // kDeadlineExceeded: no answer in time. kResourceExhausted: too much is on its way to that node already; it was not
  // sent. An error of the handler's own travels inside its answer.
  using Reply = absl::AnyInvocable<void(absl::StatusOr<OwnedBytes>)>;
  // `reply` is to be called once with the answer, on this shard; null for what was sent one way. Destroyed uncalled,
  // the caller hears kUnavailable.
  using Handler = std::function<void(int32_t from, OwnedBytes message, Reply reply)>;

  virtual ~Transport() = default;

  // Where the others listen; replaces what was known. Connections to those that are gone or moved are closed.
  virtual void SetPeers(const std::map<int32_t, PeerAddress>& peers) = 0;
  // One way, in order as long as one connection lasts. May be lost; never waits. Also to this node itself.
  virtual void Send(int32_t node, Service service, OwnedBytes message) = 0;
  virtual void Call(int32_t node, Service service, OwnedBytes request, Duration timeout, Reply done) = 0;
  // One handler a service; null takes it away. What arrives for a service without one is answered with kUnavailable.
  virtual void Serve(Service service, Handler handler) = 0;
  // Called whenever nothing took a connection where another node listens: its process has ended, most likely. A hint,
  // and perhaps a late one: firewalls refuse connections too, and the node may be back by now. A connection that breaks
  // is made anew at once, so that the end of a process is heard of without anything to say to it. One; null for nobody.
  using GoneWatcher = std::function<void(int32_t node)>;
  virtual void WatchGone(GoneWatcher watcher) = 0;
};

}  // namespace leat::env
