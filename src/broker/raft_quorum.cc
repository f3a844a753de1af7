#include "broker/raft_quorum.h"

#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

using coordinator::VoterMessage;
using model::ErrorCode;

// A node that is to vote is brought up to date first.
constexpr Duration kVoterPatience = absl::Seconds(60);

Outcome VoterOutcome(const absl::Status& status) {
  if (status.ok()) return {};
  std::string text(Message(status));
  if (const std::optional<ErrorCode> code = model::CodeOf(status)) return Failed(*code, std::move(text));
  switch (status.code()) {
    case absl::StatusCode::kAlreadyExists:
      return Failed(ErrorCode::kDuplicateVoter, std::move(text));
    case absl::StatusCode::kNotFound:
      return Failed(ErrorCode::kVoterNotFound, std::move(text));
    case absl::StatusCode::kUnavailable:
      return Failed(ErrorCode::kNotController, std::move(text));
    case absl::StatusCode::kDeadlineExceeded:
      return Failed(ErrorCode::kRequestTimedOut, std::move(text));
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return Failed(ErrorCode::kInvalidRequest, std::move(text));
    default:
      return Failed(ErrorCode::kUnknownServerError, status.ToString());
  }
}

std::vector<ListenerAddress> ListenersOf(const meta::Image& image, model::NodeId node) {
  std::vector<ListenerAddress> listeners;
  const meta::BrokerPtr broker = image.FindBroker(node);
  if (broker == nullptr) return listeners;
  for (const meta::Listener& listener : broker->registration.listeners) {
    listeners.push_back({listener.name, listener.host, listener.port});
  }
  return listeners;
}

QuorumDescription::Replica ReplicaOf(const coordinator::QuorumMember& from) {
  QuorumDescription::Replica replica;
  replica.id = from.peer.id;
  replica.directory = from.peer.directory;
  replica.log_end = from.log_end;
  replica.last_fetch_ms = from.last_fetch_ms.value_or(-1);
  replica.last_caught_up_ms = from.last_caught_up_ms.value_or(-1);
  return replica;
}

}  // namespace

Outcome RaftQuorum::CheckClusterId(const std::string& named) const {
  const std::string& cluster_id = broker_.image()->cluster_id();
  if (named.empty() || named == cluster_id) return {};
  return Failed(ErrorCode::kInconsistentClusterId,
                StrCat("expected the cluster id ", cluster_id, ", got '", named, "': this is another cluster"));
}

QuorumDescription RaftQuorum::Describe() const {
  QuorumDescription quorum;
  if (broker_.metadata() == nullptr) return quorum;
  const meta::Image& image = *broker_.image();
  const coordinator::QuorumDescription from = broker_.metadata()->quorum().Describe();
  quorum.leader = from.leader;
  quorum.epoch = from.term.value();
  quorum.high_watermark = from.commit_end;
  for (const raft::Peer& voter : from.voters) {
    QuorumDescription::Replica& replica = quorum.voters.emplace_back();
    replica.id = voter.id;
    replica.directory = voter.directory;
    replica.listeners = ListenersOf(image, voter.id);
  }
  for (const coordinator::QuorumMember& member : from.members) {
    QuorumDescription::Replica replica = ReplicaOf(member);
    replica.listeners = ListenersOf(image, replica.id);
    if (!member.voter) {
      quorum.observers.push_back(std::move(replica));
      continue;
    }
    for (QuorumDescription::Replica& voter : quorum.voters) {
      if (voter.id == replica.id) voter = replica;
    }
  }
  return quorum;
}

void RaftQuorum::AddVoter(NewVoter voter, Callback<Outcome> done) {
  if (const Outcome cluster = CheckClusterId(voter.cluster_id); !cluster.ok()) return done(cluster);
  ChangeAnywhere({VoterMessage::Change::kAdd, voter.id, voter.directory}, std::move(done));
}

void RaftQuorum::RemoveVoter(OldVoter voter, Callback<Outcome> done) {
  if (const Outcome cluster = CheckClusterId(voter.cluster_id); !cluster.ok()) return done(cluster);
  ChangeAnywhere({VoterMessage::Change::kRemove, voter.id, voter.directory}, std::move(done));
}

void RaftQuorum::ChangeAnywhere(const VoterMessage& wanted, Callback<Outcome> done) {
  const coordinator::RaftHost& host = broker_.metadata()->quorum();
  const model::NodeId leader = host.leader();
  if (host.is_leader() || broker_.transports().empty()) return Change(wanted, std::move(done));
  if (leader.value() < 0 || leader == host.self().id) {
    return done(Failed(ErrorCode::kNotController, "no node leads the controllers' quorum now: try again"));
  }
  broker_.transports()[0]->Call(
      leader.value(), env::Service::kBroker, OwnedBytes(coordinator::EncodeBrokerMessage(wanted)), kVoterPatience,
      [leader, done = std::move(done)](const absl::StatusOr<OwnedBytes>& reply) mutable {
        absl::StatusOr<coordinator::BrokerAnswer> answer =
            reply.ok() ? coordinator::DecodeBrokerAnswer(reply->view()) : reply.status();
        if (answer.ok()) return done({answer->code, std::move(answer->message)});
        done(Failed(ErrorCode::kRequestTimedOut, StrCat("it is not known whether node ", leader,
                                                        ", which leads the quorum, did it: ", Message(answer.status()),
                                                        ": look at `leat cluster quorum`")));
      });
}

void RaftQuorum::Change(const VoterMessage& wanted, Callback<Outcome> done) {
  if (wanted.change == VoterMessage::Change::kAdd) return Add(wanted, std::move(done));
  Remove(wanted, std::move(done));
}

void RaftQuorum::Add(const VoterMessage& wanted, Callback<Outcome> done) {
  coordinator::RaftHost& host = broker_.metadata()->quorum();
  raft::Peer peer{wanted.node, wanted.directory};
  // As it reports itself to the leader: the quorum's disk has an id of its own.
  for (const coordinator::QuorumMember& member : host.Describe().members) {
    if (peer.directory.is_zero() && member.peer.id == peer.id) peer.directory = member.peer.directory;
  }
  if (peer.id == host.self().id && host.Describe().voters.Find(peer.id) != nullptr) {
    return done(Failed(ErrorCode::kDuplicateVoter, StrCat("node ", peer.id, " is a voter already")));
  }
  if (broker_.options().voters.empty()) {
    return done(Failed(ErrorCode::kUnsupportedVersion,
                       StrCat("node ", peer.id, " cannot vote: this node was started alone; give it ",
                              "listeners.internal and cluster.voters, and start it again")));
  }
  if (peer.directory.is_zero() && host.is_leader()) {
    return done(Failed(ErrorCode::kInvalidRequest, StrCat("node ", peer.id, " is not heard of: start it first, or ",
                                                          "name the id of its directory")));
  }
  host.AddVoter(peer, [done = std::move(done)](const absl::Status& status) mutable { done(VoterOutcome(status)); });
}

void RaftQuorum::Remove(const VoterMessage& wanted, Callback<Outcome> done) {
  coordinator::RaftHost& host = broker_.metadata()->quorum();
  const coordinator::QuorumDescription quorum = host.Describe();
  const raft::Peer* known = quorum.voters.Find(wanted.node);
  if (known == nullptr) {
    return done(Failed(ErrorCode::kVoterNotFound,
                       StrCat("node ", wanted.node, " is no voter; the voters are ", quorum.voters.ToString())));
  }
  const raft::Peer peer{wanted.node, wanted.directory.is_zero() ? known->directory : wanted.directory};
  host.RemoveVoter(peer, [done = std::move(done)](const absl::Status& status) mutable { done(VoterOutcome(status)); });
}

}  // namespace leat::broker
