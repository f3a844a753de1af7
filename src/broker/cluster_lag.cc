// DescribeLag in a cluster: the coordinators say what is committed, the leaders how far that is behind.
#include <algorithm>
#include <map>
#include <memory>
#include <tuple>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/coordinators.h"
#include "broker/job_peers.h"
#include "broker/lag.h"

namespace leat::broker {
namespace {

constexpr Duration kAnswerTimeout = absl::Seconds(3);

// Answers of several nodes, put together when all are there.
struct Gather {
  std::vector<GroupLag> lags;
  size_t waiting = 1;
  Callback<std::vector<GroupLag>> done;
  void Arrive(std::vector<GroupLag> some) {
    lags.insert(lags.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    if (--waiting == 0) done(std::move(lags));
  }
};

std::map<model::NodeId, AskCommittedOf> WhomToAsk(const BrokerImpl& broker, const std::vector<std::string>& groups) {
  std::map<model::NodeId, AskCommittedOf> asks;
  if (groups.empty()) {
    asks[broker.node_id()];
    for (const meta::BrokerPtr& other : broker.image()->Brokers()) {
      if (!other->fenced) asks[other->id()];
    }
  }
  for (const std::string& group : groups) {
    asks[CoordinatorOf(*broker.image(), CoordinatorKind::kGroup, group, broker.node_id())].groups.push_back(group);
  }
  return asks;
}

model::NodeId LeaderOf(const BrokerImpl& broker, const model::TopicPartition& partition) {
  const meta::TopicPtr topic = broker.image()->FindTopic(partition.topic);
  if (topic == nullptr) return broker.node_id();
  const meta::Partition* state = broker.image()->FindPartition({topic->id, partition.partition});
  return state == nullptr ? broker.node_id() : state->leader;
}

void Measure(BrokerImpl& broker, std::vector<GroupLag> items, Callback<std::vector<GroupLag>> done) {
  std::map<model::NodeId, AskLag> asks;
  for (GroupLag& item : items) asks[LeaderOf(broker, item.partition)].items.push_back(std::move(item));
  auto gather = std::make_shared<Gather>();
  gather->waiting += asks.size();
  gather->done = std::move(done);
  for (auto& [node, ask] : asks) {
    auto unknown = [gather, items = ask.items](const absl::Status& why) mutable {
      LogWarning("broker", "how far groups are behind is not known of ", items.size(), " partitions: ", Message(why));
      for (GroupLag& item : items) item.lag_records = -1;
      gather->Arrive(std::move(items));
    };
    if (node == broker.node_id()) {
      MeasureLagHere(broker, std::move(ask.items),
                     [gather](std::vector<GroupLag> lags) { gather->Arrive(std::move(lags)); });
    } else if (node == meta::kNobody) {
      unknown(Unavailable("they have no leader now"));
    } else {
      broker.job_peers().Ask(node, ask, kAnswerTimeout,
                             [gather, unknown](absl::StatusOr<std::vector<GroupLag>> lags) mutable {
                               if (!lags.ok()) return unknown(lags.status());
                               gather->Arrive(*std::move(lags));
                             });
    }
  }
  gather->Arrive({});
}

}  // namespace

void ClusterLag(BrokerImpl& broker, std::vector<std::string> groups, Callback<std::vector<GroupLag>> done) {
  auto gather = std::make_shared<Gather>();
  gather->done = [&broker, done = std::move(done)](std::vector<GroupLag> items) mutable {
    Measure(broker, std::move(items), [done = std::move(done)](std::vector<GroupLag> lags) mutable {
      std::sort(lags.begin(), lags.end(), [](const GroupLag& a, const GroupLag& b) {
        return std::tie(a.group, a.partition) < std::tie(b.group, b.partition);
      });
      done(std::move(lags));
    });
  };
  for (auto& [node, ask] : WhomToAsk(broker, groups)) {
    ++gather->waiting;
    if (node == broker.node_id()) {
      gather->Arrive(CommittedHere(broker, ask.groups));
      continue;
    }
    broker.job_peers().Ask(node, ask, kAnswerTimeout,
                           [gather, node = node](absl::StatusOr<std::vector<GroupLag>> items) {
                             if (!items.ok()) {
                               LogWarning("broker", "what groups have committed is not known of node ", node, ": ",
                                          Message(items.status()));
                             }
                             gather->Arrive(items.ok() ? *std::move(items) : std::vector<GroupLag>());
                           });
  }
  gather->Arrive({});
}

}  // namespace leat::broker
