// How a change of the metadata gets from a command to every shard.
#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/group_host.h"
#include "broker/job_manager.h"
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

void BrokerImpl::ChangeMetadata(std::vector<meta::Command> commands, meta::ChangeMode mode, Callback<Changed> done) {
  if (client_ == nullptr) {
    done({Unavailable("the broker is starting: try again when it is ready"), {}});
    return;
  }
  client_->Change(std::move(commands), mode, std::move(done));
}

void BrokerImpl::ChangeMetadata(meta::Command command, Callback<absl::StatusOr<meta::CommandResult>> done) {
  std::vector<meta::Command> commands;
  commands.push_back(std::move(command));
  ChangeMetadata(std::move(commands), meta::ChangeMode::kApply, [done = std::move(done)](Changed changed) mutable {
    if (!changed.status.ok()) {
      done(changed.status);
    } else if (!changed.results.at(0).status.ok()) {
      done(changed.results[0].status);
    } else {
      done(std::move(changed.results[0]));
    }
  });
}

model::Offset BrokerImpl::AppliedEnd() const { return installing_.empty() ? metadata_->end() : installed_end_; }

void BrokerImpl::Installed(const meta::ImagePtr& image, const meta::Delta& delta) {
  if (!delta.brokers.empty()) {
    addresses_.Follow(*image);
    TellPeers();
  }
  throttles_.Follow(*image, options_.node_id, home().Now());
  // Before that nobody has an image; then everybody gets the newest one.
  if (!shards_open_) return;
  auto installation = std::make_shared<Installation>();
  installing_.push_back(metadata_->end());
  installation->unseen = installation->waiting = shards_.size();
  installation_ = installation;
  NoteController();
  auto removed = std::make_shared<std::vector<std::string>>();
  for (const meta::Delta::TopicChange& change : delta.topics) {
    if (change.after != nullptr) continue;
    deleting_[change.before->name] = installation;
    removed->push_back(change.before->name);
    groups_->ForgetTopic(change.before->name);
    metrics_.Forget("topic", change.before->name);
  }
  // What thousands of partitions have become is copied once, not for each shard.
  const auto shared = std::make_shared<const meta::Delta>(delta);
  for (const auto& shard : shards_) {
    ShardState& state = *shard;
    state.shard().Post([this, &state, image, shared, installation, removed] {
      state.Install(image, *shared, [this, installation, removed](const absl::Status& status) {
        home().Post([this, installation, removed, status] { FoldersGone(*installation, *removed, status); });
      });
      if (state.index() == 0) {
        FollowCoordinators();
        jobs_->Follow();
      }
      home().Post([this, installation] {
        if (--installation->unseen > 0) return;
        // Several changes may have been applied at once: then this end is that of the last of them.
        const model::Offset end = installing_.front();
        installing_.pop_front();
        if (installing_.empty() || installing_.front() > end) installed_end_ = std::max(installed_end_, end);
        if (client_ != nullptr) client_->OnApplied();
      });
    });
  }
  FollowRegistration();
}

void BrokerImpl::FoldersGone(Installation& installation, const std::vector<std::string>& removed,
                             const absl::Status& status) {
  if (installation.status.ok()) installation.status = status;
  if (--installation.waiting > 0) return;
  if (installation.status.ok()) {
    for (const std::string& name : removed) deleting_.erase(name);
  } else {
    LogError("broker", "folders of deleted topics could not be removed; their names stay taken until a restart: ",
             Message(installation.status));
  }
  std::vector<env::Closure> waiters = std::move(installation.waiters);
  for (env::Closure& waiter : waiters) waiter();
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
    if (const auto asked = deletions_.find(topic.name); asked != deletions_.end()) {
      asked->second.waiters.push_back(std::move(*retry));
      return true;
    }
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

void BrokerImpl::WhenRemoved(std::vector<std::string> names, env::Closure done) {
  while (!names.empty()) {
    const auto it = deleting_.find(names.back());
    names.pop_back();
    if (it == deleting_.end() || it->second->waiting == 0) continue;
    it->second->waiters.push_back([this, names = std::move(names), done = std::move(done)]() mutable {
      WhenRemoved(std::move(names), std::move(done));
    });
    return;
  }
  done();
}

void BrokerImpl::DeletionsAnswered(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto it = deletions_.find(name);
    if (it == deletions_.end() || --it->second.count > 0) continue;
    std::vector<env::Closure> waiters = std::move(it->second.waiters);
    deletions_.erase(it);
    for (env::Closure& waiter : waiters) waiter();
  }
}

void BrokerImpl::ChangeTopics(TopicChanges changes, Callback<std::vector<TopicResult>> done) {
  struct Asked {
    std::vector<TopicResult> results;
    std::vector<size_t> sent;  // indexes of those that the controller decides
    std::vector<std::string> deletions;
    Callback<std::vector<TopicResult>> done;
  };
  auto asked = std::make_shared<Asked>();
  asked->done = std::move(done);
  std::vector<meta::Command> commands;
  std::vector<std::string> names;
  for (TopicChanges::One& one : changes.all) {
    names.push_back(one.name);
    asked->results.push_back({std::move(one.name), std::move(one.refusal), {}, 0});
    if (!one.command) continue;
    asked->sent.push_back(asked->results.size() - 1);
    if (std::holds_alternative<meta::DeleteTopic>(*one.command)) {
      ++deletions_[names.back()].count;
      asked->deletions.push_back(names.back());
    }
    commands.push_back(*std::move(one.command));
  }
  if (commands.empty()) return asked->done(std::move(asked->results));
  const meta::ChangeMode mode =
      changes.mode == ChangeMode::kValidate ? meta::ChangeMode::kValidate : meta::ChangeMode::kApply;
  ChangeMetadata(std::move(commands), mode, [this, asked, names = std::move(names)](Changed changed) mutable {
    for (size_t i = 0; i < asked->sent.size(); ++i) {
      TopicResult& to = asked->results[asked->sent[i]];
      if (!changed.status.ok()) {
        to.outcome = AppendOutcome(changed.status);
        continue;
      }
      const meta::CommandResult& from = changed.results.at(i);
      to.outcome = TopicOutcome(from.status, to.name);
      if (!from.status.ok()) continue;
      to.id = from.topic;
      to.partitions = from.partitions;
      to.replication_factor = static_cast<int16_t>(from.replication_factor);
      if (asked->deletions.empty()) to.configs = TopicConfigEntries(from.configs, options_.log_defaults);
    }
    WhenRemoved(std::move(names), [this, asked] {
      asked->done(std::move(asked->results));
      DeletionsAnswered(asked->deletions);
    });
  });
}

}  // namespace leat::broker
