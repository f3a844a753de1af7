// CreateTopics, DeleteTopics, AlterTopics.
#include "broker/broker_impl.h"
#include "broker/log_config.h"
#include "broker/outcomes.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

template <typename Change>
std::vector<std::string> NamesOf(const std::vector<Change>& changes) {
  std::vector<std::string> names;
  for (const Change& change : changes) names.push_back(change.name);
  return names;
}

}  // namespace

void BrokerImpl::CreateTopics(std::vector<NewTopic> topics, ChangeMode mode, Callback<std::vector<TopicResult>> done) {
  home().Post([this, creation = TopicCreation{std::move(topics), meta::Origin::kClient, mode},
               done = std::move(done)]() mutable { CreateTopicsHere(std::move(creation), std::move(done)); });
}

void BrokerImpl::CreateTopicsAs(meta::Origin origin, std::vector<NewTopic> topics,
                                Callback<std::vector<TopicResult>> done) {
  home().Post([this, creation = TopicCreation{std::move(topics), origin}, done = std::move(done)]() mutable {
    CreateTopicsHere(std::move(creation), std::move(done));
  });
}

void BrokerImpl::CreateTopicsHere(TopicCreation creation, Callback<std::vector<TopicResult>> done) {
  if (shards_[0]->phase != Phase::kServing) {
    done(RefusedTopics(NamesOf(creation.topics)));
    return;
  }
  struct Retry {
    TopicCreation creation;
    Callback<std::vector<TopicResult>> done;
  };
  auto held = std::make_shared<Retry>(Retry{std::move(creation), std::move(done)});
  env::Closure retry = [this, held] { CreateTopicsHere(std::move(held->creation), std::move(held->done)); };
  if (WaitForRemoval(held->creation.topics, &retry)) return;
  TopicChanges changes;
  changes.mode = held->creation.mode;
  for (const NewTopic& topic : held->creation.topics) {
    changes.all.push_back(CreationOf(topic, held->creation.origin));
  }
  ChangeTopics(std::move(changes), std::move(held->done));
}

BrokerImpl::TopicChanges::One BrokerImpl::CreationOf(const NewTopic& topic, meta::Origin origin) {
  if (deleting_.contains(topic.name)) {
    const absl::Status going =
        Unavailable("topic '", topic.name, "' is being deleted, its files are not gone yet: try again");
    return {topic.name, std::nullopt, TopicOutcome(going, topic.name)};
  }
  const int32_t partitions = topic.partitions == -1 ? options_.default_partitions : topic.partitions;
  return {topic.name, meta::CreateTopic{topic.name, partitions, topic.configs, origin, topic.replication_factor,
                                        topic.assignments}};
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
    TopicChanges changes;
    for (const std::string& name : names) changes.all.push_back({name, meta::DeleteTopic{name, origin}});
    ChangeTopics(std::move(changes), std::move(done));
  });
}

void BrokerImpl::AlterTopics(std::vector<AlterTopic> topics, ChangeMode mode, Callback<std::vector<TopicResult>> done) {
  home().Post([this, topics = std::move(topics), mode, done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) {
      done(RefusedTopics(NamesOf(topics)));
      return;
    }
    TopicChanges changes;
    changes.mode = mode;
    for (AlterTopic& topic : topics) {
      meta::AlterTopic command{.name = std::move(topic.name),
                               .set = std::move(topic.set),
                               .remove = std::move(topic.remove),
                               .partitions = topic.partitions,
                               .must_grow = topic.must_grow,
                               .added_partitions = topic.added_partitions,
                               .append = std::move(topic.append),
                               .subtract = std::move(topic.subtract),
                               .replace_all = topic.replace_all,
                               .assignments = std::move(topic.assignments)};
      std::string name = command.name;
      changes.all.push_back({std::move(name), std::move(command)});
    }
    ChangeTopics(std::move(changes), std::move(done));
  });
}

}  // namespace leat::broker
