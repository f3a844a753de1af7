// CreateTopics, DeleteTopics, AlterTopics.
#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

template <typename Change>
std::vector<std::string> NamesOf(const std::vector<Change>& changes) {
  std::vector<std::string> names;
  for (const Change& change : changes) names.push_back(change.name);
  return names;
}

}  // namespace

void BrokerImpl::CreateTopics(std::vector<NewTopic> topics, Callback<std::vector<TopicResult>> done) {
  CreateTopicsAs(meta::Origin::kClient, std::move(topics), std::move(done));
}

void BrokerImpl::CreateTopicsAs(meta::Origin origin, std::vector<NewTopic> topics,
                                Callback<std::vector<TopicResult>> done) {
  home().Post([this, origin, topics = std::move(topics), done = std::move(done)]() mutable {
    CreateTopicsHere(origin, std::move(topics), std::move(done));
  });
}

void BrokerImpl::CreateTopicsHere(meta::Origin origin, std::vector<NewTopic> topics,
                                  Callback<std::vector<TopicResult>> done) {
  if (shards_[0]->phase != Phase::kServing) {
    done(RefusedTopics(NamesOf(topics)));
    return;
  }
  struct Retry {
    std::vector<NewTopic> topics;
    Callback<std::vector<TopicResult>> done;
  };
  auto held = std::make_shared<Retry>(Retry{std::move(topics), std::move(done)});
  env::Closure retry = [this, origin, held] {
    CreateTopicsHere(origin, std::move(held->topics), std::move(held->done));
  };
  if (WaitForRemoval(held->topics, &retry)) return;
  std::vector<std::string> names = NamesOf(held->topics);
  std::vector<DecideOne> decisions;
  for (const NewTopic& topic : held->topics) {
    decisions.push_back([this, topic, origin](const meta::Image& image) { return DecideCreate(image, topic, origin); });
  }
  SubmitEach(std::move(names), std::move(decisions), std::move(held->done));
}

absl::StatusOr<meta::Records> BrokerImpl::DecideCreate(const meta::Image& image, const NewTopic& topic,
                                                       meta::Origin origin) {
  // Gone from the image that this change will meet, but there in the one in force: deleted in this very batch. Its
  // folders go first.
  const bool going = image.FindTopic(topic.name) == nullptr && this->image()->FindTopic(topic.name) != nullptr;
  if (going || deleting_.contains(topic.name)) {
    return Unavailable("topic '", topic.name, "' is being deleted, its files are not gone yet: try again");
  }
  const int32_t partitions = topic.partitions == -1 ? options_.default_partitions : topic.partitions;
  return meta::Decide(image, meta::CreateTopic{topic.name, partitions, topic.configs, origin}, MetaLimits(), random_);
}

void BrokerImpl::DeleteTopics(std::vector<std::string> names, Callback<std::vector<TopicResult>> done) {
  DeleteTopicsAs(meta::Origin::kClient, std::move(names), std::move(done));
}

void BrokerImpl::DeleteTopicsAs(meta::Origin origin, std::vector<std::string> names,
                                Callback<std::vector<TopicResult>> done) {
  home().Post([this, origin, names = std::move(names), done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) {
      done(RefusedTopics(names));
      return;
    }
    std::vector<DecideOne> decisions;
    for (const std::string& name : names) {
      decisions.push_back([name, origin](const meta::Image& image) {
        return meta::Decide(image, meta::DeleteTopic{name, origin});
      });
    }
    SubmitEach(std::move(names), std::move(decisions), std::move(done));
  });
}

void BrokerImpl::AlterTopics(std::vector<AlterTopic> changes, Callback<std::vector<TopicResult>> done) {
  home().Post([this, changes = std::move(changes), done = std::move(done)]() mutable {
    std::vector<std::string> names = NamesOf(changes);
    if (shards_[0]->phase != Phase::kServing) {
      done(RefusedTopics(names));
      return;
    }
    std::vector<DecideOne> decisions;
    for (AlterTopic& change : changes) {
      meta::AlterTopic command{std::move(change.name), std::move(change.set), std::move(change.remove),
                               change.partitions, meta::Origin::kClient};
      decisions.push_back([command = std::move(command), limits = MetaLimits()](const meta::Image& image) {
        return meta::Decide(image, command, limits);
      });
    }
    SubmitEach(std::move(names), std::move(decisions), std::move(done));
  });
}

}  // namespace leat::broker
