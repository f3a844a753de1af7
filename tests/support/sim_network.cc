#include "tests/support/sim_network.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "env/answer.h"

namespace leat::sim {
namespace {

// What a real transport needs to notice that a connection is dead, when nobody says so.
constexpr Duration kSilenceNoticed = absl::Seconds(4);

// By comparisons of uniform numbers alone (von Neumann's method): a logarithm may differ from machine to machine.
double Exponential(Random& random) {
  for (int whole = 0;; ++whole) {
    const double first = random.Unit();
    double last = first;
    int falling = 1;
    for (double next = random.Unit(); next < last; next = random.Unit()) {
      last = next;
      ++falling;
    }
    if (falling % 2 == 1) return whole + first;
  }
}

Duration Times(Duration duration, double factor) {
  return absl::Nanoseconds(static_cast<int64_t>(static_cast<double>(absl::ToInt64Nanoseconds(duration)) * factor));
}

const char* NameOf(NetworkEvent::What what) {
  switch (what) {
    case NetworkEvent::What::kSent:
      return "sent";
    case NetworkEvent::What::kDelivered:
      return "delivered";
    case NetworkEvent::What::kLost:
      return "lost";
    case NetworkEvent::What::kCut:
      return "cut";
    case NetworkEvent::What::kDead:
      return "dead";
    case NetworkEvent::What::kDuplicated:
      return "duplicated";
    case NetworkEvent::What::kStuck:
      return "stuck";
    case NetworkEvent::What::kReset:
      return "reset";
    case NetworkEvent::What::kLate:
      return "late";
    case NetworkEvent::What::kTimedOut:
      return "timed-out";
  }
  return "?";
}

const char* NameOf(NetworkEvent::Kind kind) {
  switch (kind) {
    case NetworkEvent::Kind::kMessage:
      return "message";
    case NetworkEvent::Kind::kRequest:
      return "request";
    case NetworkEvent::Kind::kAnswer:
      return "answer";
  }
  return "?";
}

}  // namespace

std::string Describe(const NetworkEvent& event) {
  return StrCat(event.at.nanos(), " ", event.from, ">", event.to, " ", NameOf(event.what), " ", NameOf(event.kind), " ",
                static_cast<int>(event.service), " #", event.call, " ", event.bytes.size(), "B");
}

// One TCP connection, so to speak: what one shard of a node says to another node, and the answers to it.
struct SimNetwork::Connection {
  Instant broken_at = Instant::Max();  // what would arrive from then on is lost
  Instant last_there;                  // arrivals, for the order
  Instant last_back;
};

struct SimNetwork::Packet {
  struct End {
    int32_t node = 0;
    uint64_t life = 0;
  };
  NetworkEvent::Kind kind;
  env::Service service;
  End from;
  End to;
  size_t shard = 0;  // the caller's
  uint64_t call = 0;
  std::shared_ptr<Connection> connection;
  absl::StatusOr<OwnedBytes> bytes;

  std::string_view view() const { return bytes.ok() ? bytes->view() : std::string_view(); }
  bool is_answer() const { return kind == NetworkEvent::Kind::kAnswer; }
  const End& caller() const { return is_answer() ? to : from; }
};

class SimNetwork::Endpoint : public env::Transport, public std::enable_shared_from_this<Endpoint> {
 public:
  Endpoint(SimNetwork& network, Packet::End self, size_t index, env::Shard& shard)
      : network_(network), self_(self), index_(index), shard_(shard) {}

  void SetPeers(const std::map<int32_t, env::PeerAddress>& peers) override;
  void Send(int32_t node, env::Service service, OwnedBytes message) override;
  void Call(int32_t node, env::Service service, OwnedBytes request, Duration timeout, Reply done) override;
  void Serve(env::Service service, Handler handler) override;
  void WatchGone(GoneWatcher watcher) override { gone_ = std::move(watcher); }

  const Packet::End& self() const { return self_; }
  void Die();
  void Take(Packet packet);
  // The call hears it in `delay`, unless it has heard something before.
  void FailLater(uint64_t call, Duration delay, std::string_view why);
  void FailAllTo(int32_t node, const Connection* over, Duration delay, std::string_view why);
  void Break(int32_t peer, std::shared_ptr<Connection> connection, Duration told_after);
  // Its next connection to the node is refused, in `delay`.
  void NoteRefused(int32_t node, Duration delay);

 private:
  struct Pending {
    int32_t to;
    size_t bytes;
    std::shared_ptr<Connection> connection;
    std::unique_ptr<env::Timer> timer;
    Reply done;
  };

  bool Reachable(int32_t node) const;
  std::shared_ptr<Connection> ConnectionTo(int32_t node);
  absl::Status CheckLimits(int32_t node, size_t bytes) const;
  void FinishSoon(uint64_t call, absl::StatusOr<OwnedBytes> answer);
  void Finish(uint64_t call, absl::StatusOr<OwnedBytes> answer);
  void Handle(env::Service service, int32_t from, OwnedBytes bytes, Reply reply);
  Reply AnswerTo(const Packet& request);
  // Posts a call of `act` on this endpoint, if it lives by then.
  template <typename Act>
  void Later(Act act) {
    shard_.Post([self = weak_from_this(), act = std::move(act)]() mutable {
      if (const std::shared_ptr<Endpoint> alive = self.lock(); alive != nullptr && !alive->dead_) act(*alive);
    });
  }

  SimNetwork& network_;
  const Packet::End self_;
  const size_t index_;
  env::Shard& shard_;
  std::map<int32_t, env::PeerAddress> peers_;
  std::map<int32_t, std::shared_ptr<Connection>> connections_;
  std::map<env::Service, std::shared_ptr<Handler>> handlers_;  // shared: one may be taken away while it runs
  std::map<uint64_t, Pending> pending_;
  GoneWatcher gone_;
  uint64_t next_call_ = 1;
  bool dead_ = false;
};

void SimNetwork::Endpoint::SetPeers(const std::map<int32_t, env::PeerAddress>& peers) {
  if (dead_) return;
  std::map<int32_t, env::PeerAddress> before = std::exchange(peers_, peers);
  for (const auto& [node, address] : before) {
    const auto now = peers_.find(node);
    if (now != peers_.end() && now->second == address) continue;
    const auto connection = connections_.find(node);
    if (connection == connections_.end()) continue;
    connection->second->broken_at = shard_.Now();
    Break(node, connection->second, absl::ZeroDuration());
  }
}

bool SimNetwork::Endpoint::Reachable(int32_t node) const {
  const auto peer = peers_.find(node);
  return peer != peers_.end() && peer->second == AddressOf(node);
}

std::shared_ptr<SimNetwork::Connection> SimNetwork::Endpoint::ConnectionTo(int32_t node) {
  std::shared_ptr<Connection>& connection = connections_[node];
  if (connection == nullptr) connection = std::make_shared<Connection>();
  return connection;
}

void SimNetwork::Endpoint::Send(int32_t node, env::Service service, OwnedBytes message) {
  if (dead_) return;
  ++network_.counters_.messages;
  if (node == self_.node) {
    return Later([service, message = std::move(message)](Endpoint& self) mutable {
      self.Handle(service, self.self_.node, std::move(message), nullptr);
    });
  }
  if (!Reachable(node)) return;
  network_.Carry({.kind = NetworkEvent::Kind::kMessage,
                  .service = service,
                  .from = self_,
                  .to = {node, network_.LifeOf(node)},
                  .shard = index_,
                  .connection = ConnectionTo(node),
                  .bytes = std::move(message)});
}

absl::Status SimNetwork::Endpoint::CheckLimits(int32_t node, size_t bytes) const {
  size_t calls = 1;
  for (const auto& [id, pending] : pending_) {
    if (pending.to != node) continue;
    ++calls;
    bytes += pending.bytes;
  }
  if (calls <= network_.options_.max_calls && bytes <= network_.options_.max_bytes) return absl::OkStatus();
  return ResourceExhausted(calls, " calls with ", bytes, " bytes are on their way to node ", node,
                           ", more than the limits allow");
}

void SimNetwork::Endpoint::Call(int32_t node, env::Service service, OwnedBytes request, Duration timeout, Reply done) {
  if (dead_) return;
  ++network_.counters_.calls;
  const absl::Status within = CheckLimits(node, request.size());
  const uint64_t call = next_call_++;
  Pending& pending = pending_[call];
  pending = {.to = node, .bytes = request.size(), .connection = nullptr, .timer = nullptr, .done = std::move(done)};
  if (!within.ok()) return FinishSoon(call, within);
  pending.timer = shard_.RunAt(shard_.Now() + timeout, [this, call, node, timeout] {
    Finish(call, DeadlineExceeded("node ", node, " did not answer within ", absl::FormatDuration(timeout)));
  });
  if (node == self_.node) {
    return Later([service, call, request = std::move(request)](Endpoint& self) mutable {
      self.Handle(service, self.self_.node, std::move(request),
                  env::AnsweredOnce(
                      [weak = self.weak_from_this(), call](absl::StatusOr<OwnedBytes> answer) {
                        const std::shared_ptr<Endpoint> alive = weak.lock();
                        if (alive != nullptr && !alive->dead_) alive->FinishSoon(call, std::move(answer));
                      },
                      "the request was dropped without an answer"));
    });
  }
  if (!Reachable(node)) return FinishSoon(call, Unavailable("no address of node ", node, " is known, or a wrong one"));
  pending.connection = ConnectionTo(node);
  network_.Carry({.kind = NetworkEvent::Kind::kRequest,
                  .service = service,
                  .from = self_,
                  .to = {node, network_.LifeOf(node)},
                  .shard = index_,
                  .call = call,
                  .connection = pending.connection,
                  .bytes = std::move(request)});
}

void SimNetwork::Endpoint::Serve(env::Service service, Handler handler) {
  if (dead_) return;
  handlers_.erase(service);
  if (handler) handlers_.emplace(service, std::make_shared<Handler>(std::move(handler)));
}

void SimNetwork::Endpoint::Handle(env::Service service, int32_t from, OwnedBytes bytes, Reply reply) {
  const auto found = handlers_.find(service);
  if (found == handlers_.end()) {
    if (reply) reply(Unavailable("node ", self_.node, " does not serve ", static_cast<int>(service)));
    return;
  }
  const std::shared_ptr<Handler> handler = found->second;
  (*handler)(from, std::move(bytes), std::move(reply));
}

void SimNetwork::Endpoint::FinishSoon(uint64_t call, absl::StatusOr<OwnedBytes> answer) {
  Later([call, answer = std::move(answer)](Endpoint& self) mutable { self.Finish(call, std::move(answer)); });
}

void SimNetwork::Endpoint::Finish(uint64_t call, absl::StatusOr<OwnedBytes> answer) {
  auto node = pending_.extract(call);
  if (node.empty()) return;
  NetworkCounters& counters = network_.counters_;
  switch (answer.status().code()) {
    case absl::StatusCode::kDeadlineExceeded:
      ++counters.timed_out;
      break;
    case absl::StatusCode::kUnavailable:
      ++counters.unavailable;
      break;
    case absl::StatusCode::kResourceExhausted:
      ++counters.exhausted;
      break;
    default:
      ++counters.answered;
  }
  node.mapped().done(std::move(answer));
}

void SimNetwork::Endpoint::FailLater(uint64_t call, Duration delay, std::string_view why) {
  network_.world_.Schedule(network_.world_.Now() + delay, &network_,
                           [weak = weak_from_this(), call, why = std::string(why)] {
                             const std::shared_ptr<Endpoint> self = weak.lock();
                             if (self != nullptr && !self->dead_) self->FinishSoon(call, Unavailable(why));
                           });
}

void SimNetwork::Endpoint::FailAllTo(int32_t node, const Connection* over, Duration delay, std::string_view why) {
  for (const auto& [call, pending] : pending_) {
    if (pending.to == node && (over == nullptr || pending.connection.get() == over)) FailLater(call, delay, why);
  }
}

void SimNetwork::Endpoint::Break(int32_t peer, std::shared_ptr<Connection> connection, Duration told_after) {
  const auto current = connections_.find(peer);
  if (current != connections_.end() && current->second == connection) connections_.erase(current);
  FailAllTo(peer, connection.get(), told_after, StrCat("the connection to node ", peer, " broke"));
}

void SimNetwork::Endpoint::NoteRefused(int32_t node, Duration delay) {
  if (!gone_) return;
  network_.world_.Schedule(network_.world_.Now() + delay, &network_, [weak = weak_from_this(), node] {
    const std::shared_ptr<Endpoint> self = weak.lock();
    if (self == nullptr || self->dead_ || self->network_.IsCut(self->self_.node, node) ||
        self->network_.IsCut(node, self->self_.node)) {
      return;
    }
    self->Later([node](Endpoint& alive) {
      if (alive.gone_) alive.gone_(node);
    });
  });
}

void SimNetwork::Endpoint::Die() {
  dead_ = true;
  const GoneWatcher gone = std::exchange(gone_, nullptr);
  // What they hold may drop replies and cancel timers, which come back here.
  const auto handlers = std::exchange(handlers_, {});
  const auto pending = std::exchange(pending_, {});
  connections_.clear();
}

env::Transport::Reply SimNetwork::Endpoint::AnswerTo(const Packet& request) {
  return env::AnsweredOnce(
      [weak = weak_from_this(), to = request.from, service = request.service, shard = request.shard,
       call = request.call, connection = request.connection](absl::StatusOr<OwnedBytes> answer) {
        const std::shared_ptr<Endpoint> self = weak.lock();
        if (self == nullptr || self->dead_) return;
        self->network_.Carry({.kind = NetworkEvent::Kind::kAnswer,
                              .service = service,
                              .from = self->self_,
                              .to = to,
                              .shard = shard,
                              .call = call,
                              .connection = connection,
                              .bytes = std::move(answer)});
      },
      "the request was dropped without an answer");
}

void SimNetwork::Endpoint::Take(Packet packet) {
  if (packet.is_answer()) {
    if (!pending_.contains(packet.call)) {
      ++network_.counters_.late;
      return network_.Tell(NetworkEvent::What::kLate, packet);
    }
    return FinishSoon(packet.call, std::move(packet.bytes));
  }
  Later([packet = std::move(packet)](Endpoint& self) mutable {
    Reply reply = packet.kind == NetworkEvent::Kind::kRequest ? self.AnswerTo(packet) : Reply(nullptr);
    self.Handle(packet.service, packet.from.node, *std::move(packet.bytes), std::move(reply));
  });
}

SimNetwork::SimNetwork(SimWorld& world, const Options& options)
    : world_(world), options_(options), random_(world.random().Next()) {}

SimNetwork::~SimNetwork() {
  trace_ = nullptr;
  for (const auto& [node, life] : nodes_) {
    for (const std::shared_ptr<Endpoint>& endpoint : life.endpoints) endpoint->Die();
  }
  world_.DropEvents(this);
}

env::PeerAddress SimNetwork::AddressOf(int32_t node) { return {.host = StrCat("node-", node), .port = 9094}; }

std::vector<env::Transport*> SimNetwork::Attach(int32_t node, const std::vector<env::Shard*>& shards) {
  LEAT_CHECK(!nodes_.contains(node) && !shards.empty()) << "node " << node << " is attached already, or has no shards";
  mute_.erase(node);
  Life& life = nodes_[node];
  life.number = ++lives_;
  std::vector<env::Transport*> out;
  for (size_t i = 0; i < shards.size(); ++i) {
    life.endpoints.push_back(std::make_shared<Endpoint>(*this, Packet::End{node, life.number}, i, *shards[i]));
    out.push_back(life.endpoints.back().get());
  }
  return out;
}

void SimNetwork::Kill(int32_t node) {
  const auto found = nodes_.find(node);
  LEAT_CHECK(found != nodes_.end()) << "node " << node << " is not attached";
  const Life life = std::move(found->second);
  nodes_.erase(found);
  for (const std::shared_ptr<Endpoint>& endpoint : life.endpoints) endpoint->Die();
  graveyard_.insert(graveyard_.end(), life.endpoints.begin(), life.endpoints.end());
  const bool told = Happens(0.5);
  if (!told) mute_.insert(node);
  for (const auto& [other, its] : nodes_) {
    for (const std::shared_ptr<Endpoint>& endpoint : its.endpoints) {
      const Duration delay = told ? options_.faults.min_delay : kSilenceNoticed;
      endpoint->FailAllTo(node, nullptr, delay, StrCat("node ", node, " died"));
      if (told) endpoint->NoteRefused(node, delay);
    }
  }
}

uint64_t SimNetwork::LifeOf(int32_t node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? 0 : found->second.number;
}

void SimNetwork::CutBoth(int32_t a, int32_t b) {
  Cut(a, b);
  Cut(b, a);
}

void SimNetwork::Heal() {
  cuts_.clear();
  isolated_.clear();
  slow_.clear();
  held_back_.clear();
}

bool SimNetwork::IsCut(int32_t from, int32_t to) const {
  return cuts_.contains({from, to}) || isolated_.contains(from) || isolated_.contains(to);
}

Duration SimNetwork::Delay(const Packet& packet) {
  const NetworkFaults& faults = options_.faults;
  Duration delay = faults.min_delay + Times(faults.mean_delay, Exponential(random_)) +
                   Times(absl::Seconds(1), static_cast<double>(packet.view().size()) / faults.bytes_per_second);
  const auto slow = slow_.find({packet.from.node, packet.to.node});
  return slow == slow_.end() ? delay : Times(delay, slow->second);
}

std::shared_ptr<SimNetwork::Endpoint> SimNetwork::CallerOf(const Packet& packet) const {
  const auto found = nodes_.find(packet.caller().node);
  if (found == nodes_.end() || found->second.number != packet.caller().life) return nullptr;
  return found->second.endpoints[packet.shard];
}

void SimNetwork::Carry(Packet packet) {
  const NetworkFaults& faults = options_.faults;
  const bool lost = Happens(faults.loss);
  const bool twice = Happens(faults.duplicate);
  const bool alone = Happens(faults.reorder);
  const bool stuck = Happens(faults.stuck);
  const bool reset = Happens(faults.reset);
  const Duration held_back = faults.min_stuck + Times(faults.max_stuck - faults.min_stuck, random_.Unit());
  const Duration delay = Delay(packet);
  Tell(NetworkEvent::What::kSent, packet);
  if (IsCut(packet.from.node, packet.to.node)) return Lose(NetworkEvent::What::kCut, packet);
  if (packet.to.life == 0 || LifeOf(packet.to.node) != packet.to.life) {
    return Lose(NetworkEvent::What::kDead, packet);
  }
  if (reset) return Reset(packet, delay);
  if (lost) return Lose(NetworkEvent::What::kLost, packet);
  if (twice) {
    ++counters_.duplicated;
    Tell(NetworkEvent::What::kDuplicated, packet);
    Launch(packet, Delay(packet), Order::kAlone);
  }
  if (stuck) {
    ++counters_.stuck;
    Tell(NetworkEvent::What::kStuck, packet);
    return Launch(std::move(packet), delay + held_back, Order::kAlone);
  }
  if (const auto hold = held_back_.find({packet.from.node, packet.to.node, packet.service}); hold != held_back_.end()) {
    const auto [until, by] = hold->second;
    if (world_.Now() < until) return Launch(std::move(packet), delay + by, Order::kAlone);
    held_back_.erase(hold);
  }
  if (alone) ++counters_.reordered;
  Launch(std::move(packet), delay, alone ? Order::kAlone : Order::kInLine);
}

void SimNetwork::Launch(Packet packet, Duration delay, Order order) {
  Instant arrival = world_.Now() + delay;
  if (order == Order::kInLine) {
    Connection& connection = *packet.connection;
    Instant& last = packet.is_answer() ? connection.last_back : connection.last_there;
    arrival = last = std::max(arrival, last);
  }
  world_.Schedule(arrival, this, [this, packet = std::move(packet)]() mutable { Arrive(std::move(packet)); });
}

void SimNetwork::Arrive(Packet packet) {
  if (IsCut(packet.from.node, packet.to.node)) return Lose(NetworkEvent::What::kCut, packet);
  const auto target = nodes_.find(packet.to.node);
  if (target == nodes_.end() || target->second.number != packet.to.life) {
    return Lose(NetworkEvent::What::kDead, packet);
  }
  if (world_.Now() >= packet.connection->broken_at) return Tell(NetworkEvent::What::kReset, packet);
  ++counters_.delivered;
  Tell(NetworkEvent::What::kDelivered, packet);
  const std::vector<std::shared_ptr<Endpoint>>& shards = target->second.endpoints;
  shards[packet.shard % shards.size()]->Take(std::move(packet));
}

void SimNetwork::Lose(NetworkEvent::What what, const Packet& packet) {
  Tell(what, packet);
  if (what == NetworkEvent::What::kLost) {
    ++counters_.lost;
    return;  // its call waits for its time to run out
  }
  ++(what == NetworkEvent::What::kCut ? counters_.cut : counters_.dead);
  const bool refused = what == NetworkEvent::What::kDead && !packet.is_answer() && !mute_.contains(packet.to.node);
  const std::shared_ptr<Endpoint> caller = CallerOf(packet);
  if (caller == nullptr) return;
  if (refused && !alive(packet.to.node)) caller->NoteRefused(packet.to.node, options_.faults.min_delay);
  if (packet.call == 0) return;
  caller->FailLater(packet.call, refused ? options_.faults.min_delay : kSilenceNoticed,
                    StrCat("node ", packet.is_answer() ? packet.from.node : packet.to.node, " cannot be reached"));
}

void SimNetwork::Reset(const Packet& packet, Duration within) {
  ++counters_.resets;
  Tell(NetworkEvent::What::kReset, packet);
  packet.connection->broken_at = std::min(packet.connection->broken_at, world_.Now() + Times(within, random_.Unit()));
  const std::shared_ptr<Endpoint> caller = CallerOf(packet);
  if (caller == nullptr) return;
  caller->Break(packet.is_answer() ? packet.from.node : packet.to.node, packet.connection, within);
}

void SimNetwork::Tell(NetworkEvent::What what, const Packet& packet) {
  if (!trace_) return;
  trace_({.at = world_.Now(),
          .what = what,
          .kind = packet.kind,
          .service = packet.service,
          .from = packet.from.node,
          .to = packet.to.node,
          .call = packet.call,
          .bytes = packet.view()});
}

}  // namespace leat::sim
