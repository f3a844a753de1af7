// The network between the nodes of the simulated world, behind env::Transport: it delays, loses, repeats, overtakes,
// holds back, breaks connections and is cut, all by chance from one seed, and all of it can be changed while it runs.
//
// What one shard sends to one node is a stream that arrives in order, as over one TCP connection, unless a fault says
// otherwise: what overtakes or was stuck arrives on its own, as if over an older connection. A reset breaks the stream:
// what would have arrived a moment later is lost in both directions, the calls on it fail, and a new one begins. A cut
// is silence: nobody is told. Every fault is drawn for every packet whether it can happen or not, so that switching
// one off leaves the choices of the others alone.
//
// Handlers and answers run in closures posted to the shard they belong to: a shard that is paused hears later, one that
// was killed never. Like SimWorld it is of one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "env/shard.h"
#include "env/transport.h"
#include "tests/support/sim_world.h"

namespace leat::sim {

// What happens to one packet: a message, a request or an answer. Chances from 0 to 1.
struct NetworkFaults {
  Duration min_delay = absl::Microseconds(50);
  Duration mean_delay = absl::Microseconds(300);  // on top, exponential
  double bytes_per_second = 1e9;                  // of each packet on its own: there are no queues
  double loss = 0;
  double duplicate = 0;
  double reorder = 0;  // does not wait for what was sent before it
  double stuck = 0;    // is held back for min_stuck to max_stuck, and what follows overtakes it
  Duration min_stuck = absl::Seconds(1);
  Duration max_stuck = absl::Seconds(90);
  double reset = 0;
};

struct NetworkCounters {
  uint64_t messages = 0;  // sent one way
  uint64_t calls = 0;
  uint64_t delivered = 0;  // packets, copies included
  uint64_t lost = 0;       // by chance
  uint64_t cut = 0;        // lost in a cut
  uint64_t dead = 0;       // lost because the node had died, or another life of it is there
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t stuck = 0;
  uint64_t resets = 0;
  uint64_t answered = 0;     // calls by the other side
  uint64_t timed_out = 0;    // calls
  uint64_t unavailable = 0;  // calls
  uint64_t exhausted = 0;    // calls refused by the limits
  uint64_t late = 0;         // answers that nobody waited for any more
};

struct NetworkEvent {
  enum class What : uint8_t { kSent, kDelivered, kLost, kCut, kDead, kDuplicated, kStuck, kReset, kLate, kTimedOut };
  enum class Kind : uint8_t { kMessage, kRequest, kAnswer };
  Instant at;
  What what;
  Kind kind;
  env::Service service;
  int32_t from = 0;
  int32_t to = 0;
  uint64_t call = 0;       // 0 for messages
  std::string_view bytes;  // of the packet; valid during the hook
};
std::string Describe(const NetworkEvent& event);

class SimNetwork {
 public:
  struct Options {
    NetworkFaults faults;
    size_t max_calls = 1024;               // from one shard to one node, without an answer
    size_t max_bytes = size_t{128} << 20;  // of their requests
  };
  explicit SimNetwork(SimWorld& world) : SimNetwork(world, Options{}) {}
  SimNetwork(SimWorld& world, const Options& options);
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;
  ~SimNetwork();

  // Starts a life of the node: one transport a shard, where the packets of the other nodes' shard of the same number
  // (modulo) arrive. They live as long as the network. REQUIRES: the node is new or was killed.
  std::vector<env::Transport*> Attach(int32_t node, const std::vector<env::Shard*>& shards);
  // Its handlers and calls vanish without a word, what is on its way to it is lost. Its transports do nothing from now
  // on. A coin decides whether the others are told (the process died) or not (the machine did).
  void Kill(int32_t node);
  bool alive(int32_t node) const { return nodes_.contains(node); }
  // Where nodes listen, for SetPeers: any other address is nobody's.
  static env::PeerAddress AddressOf(int32_t node);

  void SetFaults(const NetworkFaults& faults) { options_.faults = faults; }
  const NetworkFaults& faults() const { return options_.faults; }
  // Packets from `from` to `to` vanish, those on their way included.
  void Cut(int32_t from, int32_t to) { cuts_.insert({from, to}); }
  void CutBoth(int32_t a, int32_t b);
  void Isolate(int32_t node) { isolated_.insert(node); }  // from and to everybody
  void Restore(int32_t from, int32_t to) { cuts_.erase({from, to}); }
  // Delays from `from` to `to` times `factor`; 1 is as it was.
  void SetSlow(int32_t from, int32_t to, double factor) { slow_[{from, to}] = factor; }
  // What `from` sends to `to` for a service within `window` from now arrives that much later, overtaken by the rest.
  void HoldBack(int32_t from, int32_t to, env::Service service, Duration window, Duration by) {
    held_back_[{from, to, service}] = {world_.Now() + window, by};
  }
  // Ends all cuts and slow links; faults stay as they are.
  void Heal();
  bool IsCut(int32_t from, int32_t to) const;

  const NetworkCounters& counters() const { return counters_; }
  // Called for everything that happens; null for nobody.
  void Trace(std::function<void(const NetworkEvent&)> hook) { trace_ = std::move(hook); }

 private:
  class Endpoint;
  struct Connection;
  struct Packet;
  struct Life {
    uint64_t number = 0;
    std::vector<std::shared_ptr<Endpoint>> endpoints;
  };

  enum class Order : uint8_t { kInLine, kAlone };

  void Carry(Packet packet);
  void Launch(Packet packet, Duration delay, Order order);
  void Arrive(Packet packet);
  void Lose(NetworkEvent::What what, const Packet& packet);
  void Reset(const Packet& packet, Duration within);
  std::shared_ptr<Endpoint> CallerOf(const Packet& packet) const;  // null: another life, or none
  void Tell(NetworkEvent::What what, const Packet& packet);
  bool Happens(double chance) { return random_.Unit() < chance; }
  Duration Delay(const Packet& packet);
  uint64_t LifeOf(int32_t node) const;

  SimWorld& world_;
  Options options_;
  Random random_;
  std::map<int32_t, Life> nodes_;
  std::vector<std::shared_ptr<Endpoint>> graveyard_;  // whoever was killed may still hold them
  std::set<int32_t> mute_;                            // dead, and nothing answers for them
  std::set<std::pair<int32_t, int32_t>> cuts_;
  std::set<int32_t> isolated_;
  std::map<std::pair<int32_t, int32_t>, double> slow_;
  struct Hold {
    Instant until;
    Duration by;
  };
  std::map<std::tuple<int32_t, int32_t, env::Service>, Hold> held_back_;
  NetworkCounters counters_;
  std::function<void(const NetworkEvent&)> trace_;
  uint64_t lives_ = 0;
};

}  // namespace leat::sim
