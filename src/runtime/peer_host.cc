#include "runtime/peer_host.h"

#include <utility>

#include "base/logging.h"
#include "env/answer.h"
#include "runtime/asio_shard.h"

namespace leat::runtime {
namespace {

// Records are large and many; whatever else is said must not wait behind them.
PeerLane LaneOf(env::Service service) {
  const bool records = service == env::Service::kFetch || service == env::Service::kJobs;
  return records ? PeerLane::kRecords : PeerLane::kControl;
}

}  // namespace

PeerHost::PeerHost(Ports ports, uint64_t seed)
    : ports_(std::move(ports)),
      random_(seed),
      cluster_id_(ports_.connection.options.cluster_id),
      own_calls_(ports_.connection.shard) {}

PeerHost::~PeerHost() = default;

void PeerHost::SetPeers(const std::map<int32_t, env::PeerAddress>& peers) {
  peers_ = peers;
  for (auto link = links_.begin(); link != links_.end();) {
    const auto current = link++;
    const auto peer = peers_.find(current->first.first);
    if (peer != peers_.end() && peer->second == current->second->address()) continue;
    ShutLink(current, Unavailable("node ", current->first.first, " is not at ", current->second->address().host, ":",
                                  current->second->address().port, " any more"));
  }
}

void PeerHost::ShutLink(std::map<LinkKey, std::unique_ptr<PeerLink>>::iterator link, const absl::Status& why) {
  link->second->Shut(why);
  // Later: it may be what runs now.
  shard().Post([gone = std::move(link->second)] {});
  links_.erase(link);
}

PeerLink* PeerHost::LinkTo(int32_t node, env::Service service) {
  const LinkKey key{node, LaneOf(service)};
  if (const auto found = links_.find(key); found != links_.end()) return found->second.get();
  const auto peer = peers_.find(node);
  if (peer == peers_.end() || stopping_ || ports_.connection.options.listen.empty()) return nullptr;
  const PeerLink::Ports ports{.connection = ports_.connection,
                              .gate = gate_,
                              .random = random_,
                              .cluster_id = cluster_id_,
                              .gone = [this](int32_t who) { TellGone(who); }};
  auto made = std::make_unique<PeerLink>(ports, ports_.index, node, peer->second, key.second);
  PeerLink* link = made.get();
  links_.emplace(key, std::move(made));
  if (sweep_timer_ == nullptr) ArmSweep();
  return link;
}

void PeerHost::TellGone(int32_t node) {
  if (!gone_ || stopping_) return;
  shard().Post([weak = weak_from_this(), node] {
    const std::shared_ptr<PeerHost> self = weak.lock();
    if (self != nullptr && self->gone_ && !self->stopping_) self->gone_(node);
  });
}

void PeerHost::Send(int32_t node, env::Service service, OwnedBytes message) {
  const PeerOptions& options = ports_.connection.options;
  if (node == options.node_id) {
    return shard().Post([weak = weak_from_this(), service, message = std::move(message)]() mutable {
      const std::shared_ptr<PeerHost> self = weak.lock();
      if (self != nullptr) {
        self->Handle(service, self->ports_.connection.options.node_id, std::move(message), nullptr);
      }
    });
  }
  if (PeerLink* link = LinkTo(node, service)) return link->Send(service, std::move(message));
  ports_.connection.metrics.dropped.Add(1);
}

void PeerHost::Call(int32_t node, env::Service service, OwnedBytes request, Duration timeout, Reply done) {
  if (stopping_) return FailSoon(shard(), std::move(done), Unavailable("this node stops"));
  if (node == ports_.connection.options.node_id) {
    return CallMyself(service, std::move(request), timeout, std::move(done));
  }
  if (PeerLink* link = LinkTo(node, service)) return link->Call(service, std::move(request), timeout, std::move(done));
  FailSoon(shard(), std::move(done), Unavailable("no address of node ", node, " is known"));
}

void PeerHost::CallMyself(env::Service service, OwnedBytes request, Duration timeout, Reply done) {
  const PeerOptions& options = ports_.connection.options;
  if (own_calls_.size() >= options.max_calls) {
    return FailSoon(shard(), std::move(done),
                    ResourceExhausted(own_calls_.size(), " calls of this node to itself have no answer yet"));
  }
  const uint64_t call = own_calls_.Add(
      timeout, StrCat("this node did not answer itself within ", absl::FormatDuration(timeout)), std::move(done));
  shard().Post([weak = weak_from_this(), service, call, request = std::move(request)]() mutable {
    const std::shared_ptr<PeerHost> self = weak.lock();
    if (self == nullptr) return;
    Reply reply = env::AnsweredOnce(
        [weak, call](absl::StatusOr<OwnedBytes> answer) {
          const std::shared_ptr<PeerHost> host = weak.lock();
          if (host == nullptr) return;
          host->shard().Post([weak, call, answer = std::move(answer)]() mutable {
            const std::shared_ptr<PeerHost> still = weak.lock();
            if (still != nullptr) still->own_calls_.Finish(call, std::move(answer));
          });
        },
        "this node dropped the request without an answer");
    self->Handle(service, self->ports_.connection.options.node_id, std::move(request), std::move(reply));
  });
}

void PeerHost::Serve(env::Service service, Handler handler) {
  handlers_.erase(service);
  if (handler) handlers_.emplace(service, std::make_shared<Handler>(std::move(handler)));
}

void PeerHost::Handle(env::Service service, int32_t from, OwnedBytes bytes, Reply reply) {
  const auto found = handlers_.find(service);
  if (found == handlers_.end()) {
    if (reply) {
      reply(Unavailable("node ", ports_.connection.options.node_id, " does not serve requests of kind ",
                        static_cast<int>(service), " at the moment"));
    }
    return;
  }
  const std::shared_ptr<Handler> handler = found->second;
  (*handler)(from, std::move(bytes), std::move(reply));
}

void PeerHost::TakePlaceOf(PeerGuest& older, const PeerArrival& arrival) {
  if (older.incarnation() != arrival.incarnation) {
    LogWarning("peer", "node ", arrival.node, " at ", arrival.address, " takes the place of node ", arrival.node,
               " at ", older.address(), ", which has not gone: it was started again, or two nodes have this node_id");
  }
  older.Close();
  Remove(older);
}

void PeerHost::Adopt(PeerArrival arrival) {
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) return ports_.guest_departed();
  const GuestKey key{static_cast<uint64_t>(arrival.node), arrival.shard, static_cast<uint64_t>(arrival.lane)};
  if (const auto older = guests_.find(key); older != guests_.end()) TakePlaceOf(*older->second, arrival);
  for (const auto& [link_key, link] : links_) {
    if (link_key.first == arrival.node) link->Encourage();
  }
  ports_.connection.metrics.accepted.Add(1);
  std::string welcome = std::move(arrival.welcome);
  auto guest = std::make_shared<PeerGuest>(
      PeerGuest::Ports{.connection = ports_.connection,
                       .handle = [this](env::Service service, int32_t from, OwnedBytes bytes,
                                        Reply reply) { Handle(service, from, std::move(bytes), std::move(reply)); },
                       .lost = [this](PeerGuest& gone) { Remove(gone); }},
      std::move(arrival), std::move(hold));
  guests_[key] = guest;
  guest->Start(std::move(welcome));
  if (sweep_timer_ == nullptr) ArmSweep();
}

void PeerHost::Remove(PeerGuest& guest) {
  const auto found =
      guests_.find({static_cast<uint64_t>(guest.node()), guest.shard(), static_cast<uint64_t>(guest.lane())});
  if (found == guests_.end() || found->second.get() != &guest) return;
  // Later: it may be what runs now.
  shard().Post([gone = std::move(found->second)] {});
  guests_.erase(found);
  ports_.guest_departed();
}

void PeerHost::ArmSweep() {
  sweep_timer_ = shard().RunAt(shard().Now() + ports_.connection.options.alive_interval, [this] {
    for (const auto& [key, link] : links_) link->Sweep();
    for (const auto& [key, guest] : guests_) guest->Sweep();
    if (links_.empty() && guests_.empty()) {
      sweep_timer_.reset();
    } else {
      ArmSweep();
    }
  });
}

void PeerHost::Stop(env::Closure stopped) {
  stopping_ = true;
  sweep_timer_.reset();
  while (!links_.empty()) ShutLink(links_.begin(), Unavailable("this node stops"));
  while (!guests_.empty()) {
    const std::shared_ptr<PeerGuest> guest = guests_.begin()->second;
    guest->Close();
    Remove(*guest);
  }
  own_calls_.FailAll(Unavailable("this node stops"));
  gate_.Close(std::move(stopped));
}

}  // namespace leat::runtime
