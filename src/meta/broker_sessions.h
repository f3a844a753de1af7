// Which brokers are alive, by their heartbeats: an object of the active controller, which makes it anew when it becomes
// that. It keeps no metadata: what follows from a broker's life is decided as records, and seen again in the image.
//
// Times are the controller's own monotonic clock. One thread. The image given to a call is the newest one.
#pragma once

#include <map>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "meta/image.h"
#include "meta/policy.h"

namespace leat::meta {

struct Heartbeat {
  NodeId broker;
  int64_t epoch = -1;      // of its registration
  model::Offset metadata;  // the end of what it has applied of the metadata log
  enum class Wish : uint8_t {
    kServe,       // to lead and follow
    kStayFenced,  // it is not ready yet
    kStop,        // it is told to stop, and asks when it may
  } wish = Wish::kServe;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

struct HeartbeatAnswer {
  bool is_fenced = true;
  bool is_caught_up = false;
  bool may_stop = false;  // nobody needs it any more; it does not come back but by a new registration
  friend bool operator==(const HeartbeatAnswer&, const HeartbeatAnswer&) = default;
};

class BrokerSessions {
 public:
  struct Options {
    Duration timeout = absl::Milliseconds(1500);  // without a heartbeat, after which a broker is lost
    // The same once its process seems to have ended: more than lies between two heartbeats, because that is a guess.
    Duration timeout_if_gone = absl::Milliseconds(400);
  };
  // Every live broker of the image has one timeout to be heard of. `end`: of the metadata log.
  BrokerSessions(const Options& options, const Image& image, model::Offset end, Instant now);

  // After the records of a registration: the broker must apply the log up to `end` before it may serve.
  void Registered(NodeId broker, int64_t epoch, model::Offset end, Instant now);

  struct Outcome {
    HeartbeatAnswer answer;  // as it is once the records are written
    Records records;
  };
  // STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED: the broker registers again.
  absl::StatusOr<Outcome> Handle(const Image& image, const Heartbeat& heartbeat, model::Offset end, Instant now,
                                 const Policy& policy);

  // Nothing listens any more where the broker did.
  void NoteGone(NodeId broker, Instant now);

  // Heard of within the timeout, fenced or not, and not told that it may stop: nobody else may have its id.
  bool IsAlive(const Image& image, NodeId broker, Instant now) const;
  // Live brokers of the image whose session ended: FenceBroker each.
  std::vector<NodeId> Expired(const Image& image, Instant now) const;
  // When Expired may name one that it does not name now. Max: no live broker.
  Instant NextDeadline(const Image& image) const;

 private:
  struct Session {
    int64_t epoch = -1;
    Instant heard;
    model::Offset metadata{-1};     // the highest it reported in this session
    model::Offset required{0};      // before it may serve
    model::Offset handed_over{-1};  // while it stops: where the log ended once it led nothing
    bool was_live = false;          // after its last heartbeat
  };
  Session& SessionOf(const Broker& broker, model::Offset end, Instant now);
  absl::StatusOr<Outcome> Stop(const Image& image, const Broker& broker, Session& session, model::Offset end,
                               const Policy& policy);
  bool OthersKnow(const Image& image, NodeId except, model::Offset what) const;

  Options options_;
  std::map<NodeId, Session> sessions_;
};

}  // namespace leat::meta
