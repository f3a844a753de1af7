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
#include "broker/lag_watch.h"

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

// The coordinators' judgement; those that do not answer, or are too old, have none.
void AddStatus(BrokerImpl& broker, const std::map<model::NodeId, AskCommittedOf>& coordinators,
               std::vector<GroupLag> lags, Callback<std::vector<GroupLag>> done) {
  struct Judged {
    std::vector<GroupLag> lags;
    size_t waiting = 1;
    Callback<std::vector<GroupLag>> done;
    void Arrive(const std::vector<GroupStatus>& troubled) {
      std::map<LagWatch::Key, ConsumerStatus> known;
      for (const GroupStatus& one : troubled) known[{one.group, one.partition}] = one.status;
      for (GroupLag& lag : lags) {
        const auto it = known.find({lag.group, lag.partition});
        // It has read everything since it was looked at.
        if (it != known.end() && lag.lag_records != 0) lag.status = it->second;
      }
      if (--waiting == 0) done(std::move(lags));
    }
  };
  auto judged = std::make_shared<Judged>();
  judged->lags = std::move(lags);
  judged->done = std::move(done);
  for (const auto& [node, ask] : coordinators) {
    ++judged->waiting;
    if (node == broker.node_id()) {
      judged->Arrive(broker.lag_watch().Troubled(ask.groups, broker.home().WallMillis()));
      continue;
    }
    broker.job_peers().Ask(node, AskTroubled{ask.groups}, kAnswerTimeout,
                           [judged](absl::StatusOr<std::vector<GroupStatus>> troubled) {
                             judged->Arrive(troubled.ok() ? *std::move(troubled) : std::vector<GroupStatus>());
                           });
  }
  judged->Arrive({});
}

// The partitions that one node leads, some at a time.
class NodeLag : public std::enable_shared_from_this<NodeLag> {
 public:
  NodeLag(BrokerImpl& broker, model::NodeId node, std::vector<GroupLag> items, Unanswered unanswered,
          Callback<std::vector<GroupLag>> done)
      : broker_(broker), node_(node), items_(std::move(items)), unanswered_(unanswered), done_(std::move(done)) {}

  void Next() {
    if (asked_ == items_.size()) return done_(std::move(items_));
    if (node_ == meta::kNobody) return GiveUp(Unavailable("they have no leader now"));
    const auto first = items_.begin() + static_cast<std::ptrdiff_t>(asked_);
    const size_t count = std::min(kMostAtOnce, items_.size() - asked_);
    std::vector<GroupLag> some(first, first + static_cast<std::ptrdiff_t>(count));
    if (node_ == broker_.node_id()) {
      // Posted, because what is on this shard is answered inside the call.
      return broker_.home().Post([self = shared_from_this(), some = std::move(some)]() mutable {
        MeasureLagHere(self->broker_, std::move(some),
                       [self](std::vector<GroupLag> lags) { self->Take(std::move(lags)); });
      });
    }
    broker_.job_peers().Ask(node_, AskLag{std::move(some)}, kAnswerTimeout,
                            [self = shared_from_this()](absl::StatusOr<std::vector<GroupLag>> lags) {
                              if (!lags.ok()) return self->GiveUp(lags.status());
                              self->Take(*std::move(lags));
                            });
  }

 private:
  static constexpr size_t kMostAtOnce = 100;

  void Take(std::vector<GroupLag> lags) {
    const size_t asked = std::min(kMostAtOnce, items_.size() - asked_);
    if (lags.size() != asked) return GiveUp(Internal("it answered for ", lags.size(), " partitions of ", asked));
    std::move(lags.begin(), lags.end(), items_.begin() + static_cast<std::ptrdiff_t>(asked_));
    asked_ += asked;
    Next();
  }

  // A node that does not answer is not asked for the rest either.
  void GiveUp(const absl::Status& why) {
    if (unanswered_ == Unanswered::kLogged) {
      LogWarning("broker", "how far groups are behind is not known of ", items_.size() - asked_,
                 " partitions: ", Message(why));
    }
    for (; asked_ < items_.size(); ++asked_) items_[asked_].lag_records = -1;
    done_(std::move(items_));
  }

  BrokerImpl& broker_;
  const model::NodeId node_;
  std::vector<GroupLag> items_;
  size_t asked_ = 0;  // and answered
  const Unanswered unanswered_;
  Callback<std::vector<GroupLag>> done_;
};

}  // namespace

void MeasureLag(BrokerImpl& broker, std::vector<GroupLag> items, Unanswered unanswered,
                Callback<std::vector<GroupLag>> done) {
  std::map<model::NodeId, std::vector<GroupLag>> by_leader;
  for (GroupLag& item : items) by_leader[LeaderOf(broker, item.partition)].push_back(std::move(item));
  auto gather = std::make_shared<Gather>();
  gather->waiting += by_leader.size();
  gather->done = std::move(done);
  for (auto& [node, led] : by_leader) {
    std::make_shared<NodeLag>(broker, node, std::move(led), unanswered, [gather](std::vector<GroupLag> lags) {
      gather->Arrive(std::move(lags));
    })->Next();
  }
  gather->Arrive({});
}

void ClusterLag(BrokerImpl& broker, std::vector<std::string> groups, Callback<std::vector<GroupLag>> done) {
  auto gather = std::make_shared<Gather>();
  const std::map<model::NodeId, AskCommittedOf> coordinators = WhomToAsk(broker, groups);
  gather->done = [&broker, coordinators, done = std::move(done)](std::vector<GroupLag> items) mutable {
    MeasureLag(broker, std::move(items), Unanswered::kLogged,
               [&broker, coordinators, done = std::move(done)](std::vector<GroupLag> lags) mutable {
                 std::sort(lags.begin(), lags.end(), [](const GroupLag& a, const GroupLag& b) {
                   return std::tie(a.group, a.partition) < std::tie(b.group, b.partition);
                 });
                 AddStatus(broker, coordinators, std::move(lags), std::move(done));
               });
  };
  for (const auto& [node, ask] : coordinators) {
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
