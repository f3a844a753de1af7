#include "broker/controller_gateway.h"

#include <utility>

#include "base/logging.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

replication::ProposalResult ToProposalResult(const coordinator::AlterPartitionsReply::Result& result) {
  if (!result.status.ok()) {
    return {.error = model::CodeOf(result.status).value_or(model::ErrorCode::kUnknownServerError)};
  }
  return {.leader_epoch = result.state.leader_epoch,
          .partition_epoch = result.state.partition_epoch,
          .isr = result.state.isr};
}

}  // namespace

void ControllerGateway::AlterIsr(const meta::PartitionKey& partition, replication::BrokerEpoch sender,
                                 const replication::ProposeIsr& proposal, AlterDone done) {
  coordinator::AlterPartitionsRequest::Item item{.command = {.broker = config_.self,
                                                             .broker_epoch = sender.value(),
                                                             .key = partition,
                                                             .leader_epoch = proposal.leader_epoch,
                                                             .partition_epoch = proposal.partition_epoch,
                                                             .isr = {}},
                                                 .attempt = proposal.attempt.value()};
  for (const replication::IsrMember& member : proposal.isr) {
    item.command.isr.push_back({member.node, member.broker_epoch.value()});
  }
  config_.home->Post([this, item = std::move(item), done = std::move(done)]() mutable {
    coordinator::ControllerClient* client = config_.client();
    if (client == nullptr) return;
    client->AlterIsr(std::move(item), [this, done = std::move(done)](
                                          const coordinator::AlterPartitionsReply::Result& result) mutable {
      config_.shard->Post(
          [done = std::move(done), result = ToProposalResult(result)]() mutable { done(std::move(result)); });
    });
  });
}

void ControllerGateway::GiveUpLeadership(const meta::PartitionKey& partition, replication::BrokerEpoch sender,
                                         model::LeaderEpoch epoch) {
  config_.home->Post([this, command = meta::GiveUpLeadership{config_.self, sender.value(), partition, epoch}] {
    coordinator::ControllerClient* client = config_.client();
    if (client == nullptr) return;
    std::vector<meta::Command> commands;
    commands.push_back(command);
    client->Change(std::move(commands), meta::ChangeMode::kApply,
                   [command](const coordinator::ControllerClient::Changed& changed) {
                     absl::Status status = changed.status;
                     for (const meta::CommandResult& result : changed.results) status.Update(result.status);
                     if (!status.ok()) {
                       LogWarning("broker", "the controller was asked for another leader of partition ",
                                  command.key.topic.ToString(), "-", command.key.partition, ": ", Message(status));
                     }
                   });
  });
}

}  // namespace leat::broker
