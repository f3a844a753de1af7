#include "meta/broker_sessions.h"

#include <algorithm>

#include "meta/brokers.h"

namespace leat::meta {

BrokerSessions::BrokerSessions(const Options& options, const Image& image, model::Offset end, Instant now)
    : options_(options) {
  for (const BrokerPtr& broker : image.Brokers()) {
    if (!broker->fenced) SessionOf(*broker, end, now);
  }
}

void BrokerSessions::Registered(NodeId broker, int64_t epoch, model::Offset end, Instant now) {
  Session& session = sessions_[broker];
  if (session.epoch == epoch) {
    session.heard = now;  // the same registration asked for again
    return;
  }
  session = {.epoch = epoch, .heard = now, .required = end};
}

void BrokerSessions::NoteGone(NodeId broker, Instant now) {
  const auto it = sessions_.find(broker);
  if (it == sessions_.end() || options_.timeout_if_gone >= options_.timeout) return;
  // Told again it does not wait anew; a heartbeat gives it all its time back.
  it->second.heard = std::min(it->second.heard, now - options_.timeout + options_.timeout_if_gone);
}

// A controller that has just become the active one meets brokers that registered with another: what is in the log by
// now holds their registration.
BrokerSessions::Session& BrokerSessions::SessionOf(const Broker& broker, model::Offset end, Instant now) {
  Session& session = sessions_[broker.id()];
  if (session.epoch != broker.epoch()) session = {.epoch = broker.epoch(), .heard = now, .required = end};
  return session;
}

absl::StatusOr<BrokerSessions::Outcome> BrokerSessions::Handle(const Image& image, const Heartbeat& heartbeat,
                                                               model::Offset end, Instant now, const Policy& policy) {
  LEAT_ASSIGN_OR_RETURN(const BrokerPtr broker, RequireBroker(image, heartbeat.broker, heartbeat.epoch));
  Session& session = SessionOf(*broker, end, now);
  session.metadata = std::max(session.metadata, heartbeat.metadata);
  session.heard = now;
  // Fenced since: it must know that before it serves again.
  if (session.was_live && broker->fenced) session.required = end;
  session.was_live = !broker->fenced;
  Outcome outcome;
  outcome.answer.is_fenced = broker->fenced;
  outcome.answer.is_caught_up = session.metadata >= session.required;
  if (heartbeat.wish == Heartbeat::Wish::kStop) return Stop(image, *broker, session, end, policy);
  if (heartbeat.wish == Heartbeat::Wish::kStayFenced) {
    LEAT_ASSIGN_OR_RETURN(outcome.records, FenceBroker(image, broker->id(), policy));
    outcome.answer.is_fenced = true;
    return outcome;
  }
  if (broker->fenced && !broker->in_controlled_shutdown && outcome.answer.is_caught_up) {
    LEAT_ASSIGN_OR_RETURN(outcome.records, UnfenceBroker(image, broker->id(), policy));
    outcome.answer.is_fenced = false;
    session.was_live = true;
  }
  return outcome;
}

// First it hands over, then the other live brokers learn who leads now, then it may go. One that is fenced has nothing
// to hand over.
absl::StatusOr<BrokerSessions::Outcome> BrokerSessions::Stop(const Image& image, const Broker& broker, Session& session,
                                                             model::Offset end, const Policy& policy) {
  Outcome outcome;
  outcome.answer.is_fenced = broker.fenced;
  outcome.answer.is_caught_up = session.metadata >= session.required;
  if (broker.fenced) {
    outcome.answer.may_stop = true;
    sessions_.erase(broker.id());  // its next process need not wait for the end of this one
    return outcome;
  }
  if (!broker.in_controlled_shutdown) {
    LEAT_ASSIGN_OR_RETURN(outcome.records, BeginControlledShutdown(image, broker.id(), policy));
    return outcome;
  }
  if (session.handed_over.value() < 0) session.handed_over = end;
  const bool known = policy.bug == Bug::kStopWithoutOthers || OthersKnow(image, broker.id(), session.handed_over);
  if (!known || image.partitions().LedCount(broker.id()) > 0) return outcome;
  LEAT_ASSIGN_OR_RETURN(outcome.records, FenceBroker(image, broker.id(), policy));
  outcome.answer.is_fenced = true;
  outcome.answer.may_stop = true;
  sessions_.erase(broker.id());
  return outcome;
}

bool BrokerSessions::OthersKnow(const Image& image, NodeId except, model::Offset what) const {
  const std::vector<BrokerPtr> brokers = image.Brokers();
  return std::all_of(brokers.begin(), brokers.end(), [&](const BrokerPtr& broker) {
    if (broker->id() == except || broker->fenced) return true;
    const auto it = sessions_.find(broker->id());
    return it != sessions_.end() && it->second.epoch == broker->epoch() && it->second.metadata >= what;
  });
}

bool BrokerSessions::IsAlive(const Image& image, NodeId id, Instant now) const {
  const BrokerPtr broker = image.FindBroker(id);
  const auto it = sessions_.find(id);
  if (broker == nullptr || it == sessions_.end() || it->second.epoch != broker->epoch()) return false;
  return now < it->second.heard + options_.timeout;
}

std::vector<NodeId> BrokerSessions::Expired(const Image& image, Instant now) const {
  std::vector<NodeId> expired;
  for (const BrokerPtr& broker : image.Brokers()) {
    if (!broker->fenced && !IsAlive(image, broker->id(), now)) expired.push_back(broker->id());
  }
  return expired;
}

Instant BrokerSessions::NextDeadline(const Image& image) const {
  Instant next = Instant::Max();
  for (const BrokerPtr& broker : image.Brokers()) {
    const auto it = sessions_.find(broker->id());
    if (broker->fenced || it == sessions_.end()) continue;
    next = std::min(next, it->second.heard + options_.timeout);
  }
  return next;
}

}  // namespace leat::meta
