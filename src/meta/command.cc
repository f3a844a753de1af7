#include "meta/command.h"

#include "meta/draft.h"
#include "model/error_status.h"

namespace leat::meta {
namespace {

struct Decider {
  const Image& image;
  const Policy& policy;
  Random& random;
  using Result = absl::StatusOr<Records>;

  Result operator()(const CreateTopic& command) { return Decide(image, command, policy, random); }
  Result operator()(const DeleteTopic& command) { return Decide(image, command); }
  Result operator()(const AlterTopic& command) { return Decide(image, command, policy, random); }
  Result operator()(const SubmitJob& command) { return Decide(image, command, policy.limits); }
  Result operator()(const UpgradeJob& command) { return Decide(image, command, policy.limits); }
  Result operator()(const SetJobDesired& command) { return SetJobState(image, command.name, command.desired); }
  Result operator()(const DeleteJobCommand& command) { return DeleteJob(image, command.name); }
  Result operator()(const ReserveIds& command) {
    if (command.count >= 1 && command.count <= kMostProducerIds) return ReserveProducerIds(image, command.count);
    return InvalidArgument("producer ids: expected to reserve 1 to ", kMostProducerIds, ", got ", command.count);
  }
  Result operator()(const ElectLeader& command) {
    if (command.wish != ElectionWish::kKeep) return Decide(image, command, policy);
    return model::WithCode(InvalidArgument("expected a preferred or an unclean election"),
                           model::ErrorCode::kInvalidRequest);
  }
  Result operator()(const Reassign& command) { return Decide(image, command, policy); }
  Result operator()(const AlterBrokerConfigs& command) { return Decide(image, command, policy); }
  Result operator()(const Unregister& command) { return UnregisterBroker(image, command.broker); }
  Result operator()(const Drain& command) {
    if (command.wish == Drain::Wish::kStop) return StopDraining(image, command.broker);
    LEAT_ASSIGN_OR_RETURN(Drained drained, DrainBroker(image, command.broker, kDrainedAtOnce, policy, random));
    return std::move(drained.records);
  }
  Result operator()(const GiveUpLeadership& command) { return Decide(image, command, policy); }
  Result operator()(const RaiseLevel& command) { return RaiseFeatureLevel(image, command.level); }
};

// The topic that a command names; empty: none.
std::string_view TopicOf(const Command& command) {
  if (const auto* create = std::get_if<CreateTopic>(&command)) return create->name;
  if (const auto* drop = std::get_if<DeleteTopic>(&command)) return drop->name;
  if (const auto* alter = std::get_if<AlterTopic>(&command)) return alter->name;
  return {};
}

void Describe(const Image& image, const Topic& topic, CommandResult* result) {
  result->topic = topic.id;
  result->partitions = topic.partitions;
  result->configs = topic.configs;
  const Partition* first = image.FindPartition({topic.id, PartitionId(0)});
  result->replication_factor = first == nullptr ? 1 : static_cast<int32_t>(first->replicas.size());
}

}  // namespace

absl::StatusOr<Records> Decide(const Image& image, const Command& command, const Policy& policy, Random& random) {
  return std::visit(Decider{image, policy, random}, command);
}

Decisions DecideEach(const Image& image, const std::vector<Command>& commands, ChangeMode mode, const Policy& policy,
                     Random& random, const Image* in_force) {
  Decisions decisions;
  Draft draft(image);
  for (const Command& command : commands) {
    CommandResult& result = decisions.results.emplace_back();
    const std::string_view name = TopicOf(command);
    if (const TopicPtr before = name.empty() ? nullptr : draft.image().FindTopic(name)) {
      Describe(draft.image(), *before, &result);
    }
    const int64_t ids = draft.image().producer_ids_end();
    const bool going =
        std::holds_alternative<CreateTopic>(command) && draft.image().FindTopic(name) == nullptr &&
        (image.FindTopic(name) != nullptr || (in_force != nullptr && in_force->FindTopic(name) != nullptr));
    result.status = going ? Unavailable("topic '", name, "' is being deleted: try again")
                          : draft.Add(Decide(draft.image(), command, policy, random));
    if (!result.status.ok()) {
      result = {.status = result.status};
      continue;
    }
    if (const TopicPtr after = name.empty() ? nullptr : draft.image().FindTopic(name)) {
      Describe(draft.image(), *after, &result);
    }
    if (std::holds_alternative<ReserveIds>(command)) result.producer_ids_begin = ids;
  }
  if (mode == ChangeMode::kApply) decisions.records = draft.Take();
  return decisions;
}

}  // namespace leat::meta
