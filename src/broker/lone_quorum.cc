#include "broker/lone_quorum.h"

#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {

using model::ErrorCode;

Outcome CheckClusterId(const std::string& named, const std::string& cluster_id) {
  if (named.empty() || named == cluster_id) return {};
  return Failed(ErrorCode::kInconsistentClusterId,
                StrCat("expected the cluster id ", cluster_id, ", got '", named, "': this is another cluster"));
}

QuorumDescription LoneQuorum::Describe() const {
  QuorumDescription quorum;
  const model::NodeId self = broker_.options().node_id;
  const model::Offset end = broker_.metadata() == nullptr ? model::Offset(0) : broker_.metadata()->end();
  const int64_t now_ms = broker_.home().WallMillis();
  quorum.leader = self;
  quorum.high_watermark = end;
  QuorumDescription::Replica& voter = quorum.voters.emplace_back();
  voter = {.id = self, .directory = {}, .log_end = end, .last_fetch_ms = now_ms, .last_caught_up_ms = now_ms};
  if (broker_.metadata() == nullptr) return quorum;
  if (const meta::BrokerPtr broker = broker_.image()->FindBroker(self)) {
    if (!broker->registration.directories.empty()) voter.directory = broker->registration.directories.front();
    for (const meta::Listener& listener : broker->registration.listeners) {
      voter.listeners.push_back({listener.name, listener.host, listener.port});
    }
  }
  return quorum;
}

void LoneQuorum::AddVoter(NewVoter voter, Callback<Outcome> done) {
  const Outcome cluster = CheckClusterId(voter.cluster_id, broker_.image()->cluster_id());
  if (!cluster.ok()) return done(cluster);
  if (voter.id == broker_.options().node_id) {
    return done(Failed(ErrorCode::kDuplicateVoter, StrCat("node ", voter.id, " is a voter already, the only one")));
  }
  done(Failed(ErrorCode::kUnsupportedVersion,
              StrCat("node ", voter.id, " cannot vote: this node was started without a listener for other nodes; give ",
                     "it listeners.internal and cluster.voters, and start it again")));
}

void LoneQuorum::RemoveVoter(OldVoter voter, Callback<Outcome> done) {
  const Outcome cluster = CheckClusterId(voter.cluster_id, broker_.image()->cluster_id());
  if (!cluster.ok()) return done(cluster);
  const model::NodeId self = broker_.options().node_id;
  if (voter.id != self) {
    return done(Failed(ErrorCode::kVoterNotFound, StrCat("node ", voter.id, " is no voter; node ", self, " is")));
  }
  done(Failed(ErrorCode::kInvalidRequest, StrCat("node ", self, " is the only voter: without it there is no cluster")));
}

}  // namespace leat::broker
