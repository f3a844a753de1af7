#include "meta/commands.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>

#include "base/check.h"
#include "meta/brokers.h"
#include "meta/placement.h"
#include "meta/settle.h"
#include "meta/topic_config.h"
#include "model/error_status.h"

namespace leat::meta {
namespace {

absl::Status CheckTopicName(std::string_view name) {
  if (model::IsValidTopicName(name)) return absl::OkStatus();
  return InvalidArgument("topic name: expected 1 to 249 of [a-zA-Z0-9._-], not '.' or '..', got '", name.substr(0, 300),
                         "'");
}

absl::Status CheckNotReserved(std::string_view name, Origin origin) {
  if (origin == Origin::kInternal || !IsReservedTopic(name)) return absl::OkStatus();
  return InvalidArgument("topic '", name,
                         "' is kept by the broker for itself: choose a name without the prefix __leat_");
}

using ListItems = std::vector<std::string>;

ListItems SplitList(std::string_view text) {
  ListItems items;
  for (const absl::string_view part : absl::StrSplit(ToAbsl(text), ',', absl::SkipWhitespace())) {
    items.emplace_back(absl::StripAsciiWhitespace(part));
  }
  return items;
}

// Adds `change`'s items to the list in force, or takes them away.
absl::StatusOr<std::string> ChangedList(std::string_view name, std::string_view change, std::string_view in_force,
                                        bool add) {
  const ConfigDefinition* definition = FindTopicConfig(name);
  if (definition == nullptr) return CheckTopicConfig(name, change);
  if (definition->type != ConfigType::kChoices) {
    return InvalidArgument("config ", name, ": items are added to and taken from lists only, and this is none: set it");
  }
  ListItems items = SplitList(in_force);
  for (const std::string& item : SplitList(change)) {
    std::erase(items, item);
    if (add) items.push_back(item);
  }
  return absl::StrJoin(items, ",");
}

// The configs of the topic after the command.
absl::StatusOr<Configs> ChangedConfigs(const AlterTopic& command, const Configs& before, const Configs& defaults) {
  Configs configs = command.replace_all ? Configs() : before;
  for (const std::string& name : command.remove) {
    if (FindTopicConfig(name) == nullptr) return CheckTopicConfig(name, "");
    configs.erase(name);
  }
  for (const auto& [name, value] : command.set) configs[name] = value;
  const auto change_lists = [&](const Configs& changes, bool add) -> absl::Status {
    for (const auto& [name, items] : changes) {
      const ConfigDefinition* definition = FindTopicConfig(name);
      const std::string in_force(definition == nullptr ? "" : ConfigInForce(*definition, configs, defaults));
      LEAT_ASSIGN_OR_RETURN(configs[name], ChangedList(name, items, in_force, add));
    }
    return absl::OkStatus();
  };
  LEAT_RETURN_IF_ERROR(change_lists(command.append, true));
  LEAT_RETURN_IF_ERROR(change_lists(command.subtract, false));
  LEAT_RETURN_IF_ERROR(CheckTopicConfigs(configs));
  return configs;
}

absl::StatusOr<TopicPtr> RequireTopic(const Image& image, std::string_view name) {
  if (TopicPtr topic = image.FindTopic(name)) return topic;
  return NotFound("topic '", name, "' does not exist");
}

absl::StatusOr<JobPtr> RequireJob(const Image& image, std::string_view name) {
  if (JobPtr job = image.FindJob(name)) return job;
  std::vector<std::string> known;
  for (const JobPtr& job : image.Jobs()) known.push_back(job->name);
  const std::string_view nearest = Nearest(name, std::vector<std::string_view>(known.begin(), known.end()));
  if (nearest.empty()) return NotFound("job '", name, "' does not exist");
  return NotFound("job '", name, "' does not exist; did you mean '", nearest, "'?");
}

// Topics that clients made: those of the broker itself and of its jobs are not theirs to count.
size_t ClientTopics(const Image& image) {
  const std::vector<TopicPtr> topics = image.Topics();
  return static_cast<size_t>(
      std::count_if(topics.begin(), topics.end(), [](const TopicPtr& topic) { return !IsReservedTopic(topic->name); }));
}

absl::Status CheckTopicCount(const Image& image, std::string_view name, const Limits& limits) {
  const auto most = static_cast<size_t>(limits.topics);
  if (image.topic_count() < most) return absl::OkStatus();
  const size_t count = ClientTopics(image);
  if (count < most) return absl::OkStatus();
  return ResourceExhausted("topic '", name, "': the cluster has ", count,
                           " topics beside its own, and limits.topics allows ", most,
                           ": delete some or raise the limit");
}

absl::Status CheckPartitions(std::string_view topic, int32_t partitions, const Limits& limits) {
  if (partitions >= 1 && partitions <= limits.partitions_per_topic) return absl::OkStatus();
  return OutOfRange("topic '", topic, "': expected 1 to ", limits.partitions_per_topic, " partitions, got ",
                    partitions);
}

absl::Status CheckRoom(const Image& image, std::string_view topic, int32_t added, const Limits& limits) {
  if (image.partition_count() + added <= limits.partitions) return absl::OkStatus();
  return ResourceExhausted("topic '", topic, "': the cluster has ", image.partition_count(), " partitions, with ",
                           added, " more they would exceed limits.partitions, ", limits.partitions,
                           ": delete topics or raise the limit");
}

// The states of new partitions: none where no broker is registered.
absl::StatusOr<std::vector<Partition>> Assigned(const Image& image, const NewPartitions& wanted, const Policy& policy,
                                                Random& random) {
  if (image.broker_count() > 0) return AssignPartitions(image, wanted, policy, random);
  if (wanted.assignments->empty() && wanted.replication_factor == 1) return std::vector<Partition>();
  return model::WithCode(InvalidArgument("topic '", wanted.topic, "': expected a replication factor of 1 or -1 and no ",
                                         "assignments, because no broker is registered"),
                         model::ErrorCode::kInvalidReplicationFactor);
}

// A topic's new partitions have as many replicas as its first one, and none if that has none.
absl::StatusOr<std::vector<Partition>> AssignAdded(const Image& image, const Topic& topic, const AlterTopic& command,
                                                   const Policy& policy, Random& random) {
  const Partition* first = image.FindPartition({topic.id, PartitionId(0)});
  if (first == nullptr && !command.assignments.empty()) {
    return model::WithCode(
        FailedPrecondition("topic '", topic.name, "' has no replicas yet, because it was made before ",
                           "brokers registered: expected no assignments of its new partitions"),
        model::ErrorCode::kInvalidReplicaAssignment);
  }
  if (first == nullptr) return std::vector<Partition>();
  const auto factor = static_cast<int32_t>(first->replicas.size() - first->adding.size());
  return Assigned(image, {topic.name, command.partitions - topic.partitions, factor, &command.assignments}, policy,
                  random);
}

}  // namespace

bool IsReservedTopic(std::string_view name) {
  return name == kMetadataTopic || name == kOffsetsTopic || name == kTransactionsTopic || name.starts_with("__leat_");
}

model::TopicId NewTopicId(const Image& image, Random& random) {
  model::TopicId id;
  // Kafka keeps the ids 0 and 1 for itself.
  while (id.high == 0 || image.HasTopicId(id)) id = {random.Next(), random.Next()};
  return id;
}

absl::StatusOr<Records> Decide(const Image& image, const CreateTopic& command, const Limits& limits, Random& random) {
  Policy policy;
  policy.limits = limits;
  return Decide(image, command, policy, random);
}

absl::StatusOr<Records> Decide(const Image& image, const CreateTopic& command, const Policy& policy, Random& random) {
  const Limits& limits = policy.limits;
  LEAT_RETURN_IF_ERROR(CheckTopicName(command.name));
  LEAT_RETURN_IF_ERROR(CheckNotReserved(command.name, command.origin));
  if (image.FindTopic(command.name) != nullptr) return AlreadyExists("topic '", command.name, "' exists already");
  LEAT_RETURN_IF_ERROR(CheckPartitions(command.name, command.partitions, limits));
  LEAT_RETURN_IF_ERROR(Annotate(CheckTopicConfigs(command.configs), StrCat("topic '", command.name, "'")));
  if (command.origin == Origin::kClient) LEAT_RETURN_IF_ERROR(CheckTopicCount(image, command.name, limits));
  LEAT_RETURN_IF_ERROR(CheckRoom(image, command.name, command.partitions, limits));
  const int32_t factor = command.replication_factor == -1 ? policy.replication_factor : command.replication_factor;
  LEAT_ASSIGN_OR_RETURN(
      std::vector<Partition> assigned,
      Assigned(image, {command.name, command.partitions, factor, &command.assignments}, policy, random));
  return Records{
      TopicCreated{NewTopicId(image, random), command.name, command.partitions, command.configs, std::move(assigned)}};
}

absl::StatusOr<Records> Decide(const Image& image, const DeleteTopic& command) {
  LEAT_RETURN_IF_ERROR(CheckNotReserved(command.name, command.origin));
  LEAT_ASSIGN_OR_RETURN(const TopicPtr topic, RequireTopic(image, command.name));
  return Records{TopicDeleted{topic->id}};
}

absl::StatusOr<Records> Decide(const Image& image, const AlterTopic& command, const Limits& limits,
                               const Configs& defaults) {
  Policy policy;
  policy.limits = limits;
  policy.topic_defaults = defaults;
  Random random(static_cast<uint64_t>(image.partition_count()));
  return Decide(image, command, policy, random);
}

absl::StatusOr<Records> Decide(const Image& image, const AlterTopic& command, const Policy& policy, Random& random) {
  LEAT_RETURN_IF_ERROR(CheckNotReserved(command.name, command.origin));
  LEAT_ASSIGN_OR_RETURN(const TopicPtr topic, RequireTopic(image, command.name));
  const std::string where = StrCat("topic '", command.name, "'");
  absl::StatusOr<Configs> changed = ChangedConfigs(command, topic->configs, policy.topic_defaults);
  if (!changed.ok()) return Annotate(changed.status(), where);
  Configs configs = *std::move(changed);
  Records records;
  if (configs != topic->configs) {
    records.push_back(TopicConfigsChanged{topic->id, std::move(configs)});
    Image after = image;
    LEAT_RETURN_IF_ERROR(after.Apply(records.back()).status());
    ResettleEligible(after, topic->id, policy, &records);
  }
  if (command.must_grow && command.partitions <= topic->partitions) {
    return OutOfRange(where, " has ", topic->partitions, " partitions: expected more than that, got ",
                      command.partitions);
  }
  const int32_t added = command.partitions - topic->partitions;
  if (command.added_partitions >= 0 && command.added_partitions != added) {
    return OutOfRange(where, ": expected assignments of ", added, " new partitions, got ", command.added_partitions);
  }
  if (command.partitions != -1 && command.partitions != topic->partitions) {
    LEAT_RETURN_IF_ERROR(CheckPartitions(command.name, command.partitions, policy.limits));
    if (command.partitions < topic->partitions) {
      return OutOfRange(where, " has ", topic->partitions, " partitions and cannot shrink to ", command.partitions,
                        ": the records in the others would be lost");
    }
    LEAT_RETURN_IF_ERROR(CheckRoom(image, command.name, added, policy.limits));
    LEAT_ASSIGN_OR_RETURN(std::vector<Partition> assigned, AssignAdded(image, *topic, command, policy, random));
    records.push_back(PartitionsAdded{topic->id, command.partitions, std::move(assigned)});
  }
  return records;
}

absl::Status CheckJobName(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (fits) return absl::OkStatus();
  return InvalidArgument("job name: expected 1 to 100 of [a-zA-Z0-9._-], got '", name.substr(0, 120), "'");
}

namespace {

absl::Status CheckSqlSize(std::string_view job, std::string_view sql, const Limits& limits) {
  if (sql.size() <= limits.sql_bytes) return absl::OkStatus();
  return InvalidArgument("job '", job, "': its SQL has ", sql.size(), " bytes, at most ", limits.sql_bytes,
                         " are allowed");
}

}  // namespace

absl::StatusOr<Records> Decide(const Image& image, const UpgradeJob& command, const Limits& limits) {
  LEAT_ASSIGN_OR_RETURN(const JobPtr found, RequireJob(image, command.name));
  LEAT_RETURN_IF_ERROR(CheckSqlSize(command.name, command.sql, limits));
  if (found->revision != command.revision) {
    return FailedPrecondition("job '", command.name, "' has revision ", found->revision, " of its SQL by now, not ",
                              command.revision, ": somebody else has upgraded it; try again");
  }
  Records records;
  if (image.feature_level() < kDroppedStateFeatureLevel) {
    LEAT_ASSIGN_OR_RETURN(records, RaiseFeatureLevel(image, kDroppedStateFeatureLevel));
  }
  records.push_back(JobUpgraded{command.name, command.sql, found->revision + 1, command.dropped});
  return records;
}

absl::StatusOr<Records> Decide(const Image& image, const SubmitJob& command, const Limits& limits) {
  LEAT_RETURN_IF_ERROR(CheckJobName(command.name));
  if (image.FindJob(command.name) != nullptr) {
    return AlreadyExists("job '", command.name, "' exists already: delete it first, or choose another name");
  }
  LEAT_RETURN_IF_ERROR(CheckSqlSize(command.name, command.sql, limits));
  if (image.Jobs().size() >= static_cast<size_t>(limits.jobs)) {
    return ResourceExhausted("job '", command.name, "': the cluster has ", limits.jobs,
                             " jobs, which is the limit: delete some");
  }
  return Records{JobSubmitted{command.name, command.sql, command.now_ms}};
}

absl::StatusOr<Records> SetJobState(const Image& image, std::string_view job, DesiredState desired) {
  LEAT_ASSIGN_OR_RETURN(const JobPtr found, RequireJob(image, job));
  if (found->desired == desired) return Records();
  return Records{JobStateChanged{found->name, desired}};
}

absl::StatusOr<Records> DeleteJob(const Image& image, std::string_view job) {
  LEAT_ASSIGN_OR_RETURN(const JobPtr found, RequireJob(image, job));
  return Records{JobDeleted{found->name}};
}

Records ReserveProducerIds(const Image& image, int64_t count) {
  LEAT_CHECK(count > 0);
  return {ProducerIdsReserved{image.producer_ids_end() + count}};
}

Records FormatCluster(const Image& image, const std::string& cluster_id) {
  Records records;
  if (image.cluster_id().empty()) records.push_back(ClusterCreated{cluster_id});
  // A cluster that is there stays where it is until something needs more: so long the version before can come back.
  const int32_t level = image.feature_level() == 0 ? kFeatureLevel : kClusterFeatureLevel;
  if (image.feature_level() < level) records.push_back(FeatureLevel{level});
  return records;
}

}  // namespace leat::meta
