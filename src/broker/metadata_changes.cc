// How a change of the metadata gets from a command to every shard.
#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/log_config.h"
#include "broker/outcomes.h"

namespace leat::broker {

meta::Limits BrokerImpl::MetaLimits() const {
  meta::Limits limits;
  limits.topics = options_.limits.topics;
  limits.partitions_per_topic = options_.limits.partitions_per_topic;
  limits.partitions = options_.limits.partitions;
  return limits;
}

void BrokerImpl::SubmitMetadata(coordinator::MetadataLog::Decide decide, Callback<absl::Status> done) {
  metadata_->Submit(std::move(decide), std::move(done));
}

void BrokerImpl::Installed(const meta::ImagePtr& image, const meta::Delta& delta) {
  auto installation = std::make_shared<Installation>();
  installation->waiting = shards_.size();
  installation_ = installation;
  auto removed = std::make_shared<std::vector<std::string>>();
  for (const meta::Delta::TopicChange& change : delta.topics) {
    if (change.after != nullptr) continue;
    deleting_[change.before->name] = installation;
    removed->push_back(change.before->name);
    if (groups_ != nullptr) groups_->ForgetTopic(change.before->name);
    metrics_.Forget("topic", change.before->name);
  }
  for (const auto& shard : shards_) {
    ShardState& state = *shard;
    state.shard().Post([this, &state, image, delta, installation, removed] {
      state.Install(image, delta, [this, installation, removed](const absl::Status& status) {
        home().Post([this, installation, removed, status] {
          if (installation->status.ok()) installation->status = status;
          if (--installation->waiting > 0) return;
          if (installation->status.ok()) {
            for (const std::string& name : *removed) deleting_.erase(name);
          } else {
            LogError("broker",
                     "folders of deleted topics could not be removed; their names stay taken until a restart: ",
                     Message(installation->status));
          }
          std::vector<env::Closure> waiters = std::move(installation->waiters);
          for (env::Closure& waiter : waiters) waiter();
        });
      });
    });
  }
}

void BrokerImpl::WhenInstalled(env::Closure done) {
  if (installation_ == nullptr || installation_->waiting == 0) {
    done();
  } else {
    installation_->waiters.push_back(std::move(done));
  }
}

bool BrokerImpl::WaitForRemoval(const std::vector<NewTopic>& topics, env::Closure* retry) {
  for (const NewTopic& topic : topics) {
    const auto it = deleting_.find(topic.name);
    if (it == deleting_.end() || it->second->waiting == 0) continue;
    it->second->waiters.push_back(std::move(*retry));
    return true;
  }
  return false;
}

std::vector<TopicResult> BrokerImpl::RefusedTopics(const std::vector<std::string>& names) const {
  std::vector<TopicResult> results;
  for (const std::string& name : names) results.push_back({name, shards_[0]->Refusal(), {}, 0});
  return results;
}

void BrokerImpl::SubmitEach(TopicChanges changes, Callback<std::vector<TopicResult>> done) {
  auto results = std::make_shared<std::vector<TopicResult>>(changes.names.size());
  for (size_t i = 0; i < changes.names.size(); ++i) (*results)[i].name = std::move(changes.names[i]);
  SubmitMetadata(
      [this, results, decisions = std::move(changes.decisions),
       mode = changes.mode](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        meta::Image scratch = image;
        meta::Records all;
        for (size_t i = 0; i < decisions.size(); ++i) {
          TopicResult& result = (*results)[i];
          absl::StatusOr<meta::Records> records = decisions[i](scratch);
          result.outcome = TopicOutcome(records.status(), result.name);
          if (!records.ok()) continue;
          const meta::TopicPtr before = scratch.FindTopic(result.name);
          for (meta::Record& record : *records) {
            LEAT_RETURN_IF_ERROR(scratch.Apply(record).status());
            all.push_back(std::move(record));
          }
          const meta::TopicPtr after = scratch.FindTopic(result.name);
          const meta::TopicPtr& topic = after == nullptr ? before : after;
          result.id = topic->id;
          result.partitions = topic->partitions;
          if (after != nullptr) result.configs = TopicConfigEntries(after->configs, options_.log_defaults);
        }
        if (mode == ChangeMode::kValidate) all.clear();
        return all;
      },
      [this, results, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) {
          for (TopicResult& result : *results) {
            if (!result.outcome.ok()) continue;
            result.outcome = AppendOutcome(status);
            result.id = {};
            result.partitions = 0;
          }
        }
        WhenInstalled([results, done = std::move(done)]() mutable { done(std::move(*results)); });
      });
}

}  // namespace leat::broker
