// What brokers ask each other about transactions: the leader of a partition to append a marker, the coordinator of a
// producer whether a partition belongs to its transaction.
#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/raft_quorum.h"
#include "broker/transaction_host.h"
#include "model/error_status.h"

namespace leat::broker {
namespace {

using coordinator::BrokerAnswer;

constexpr Duration kPatience = absl::Seconds(5);

}  // namespace

// Any shard may hear of it: what another node's shard 0 says need not arrive on this node's.
void TransactionHost::ServePeers() {
  for (size_t i = 0; i < broker_.transports().size(); ++i) {
    env::Transport* const transport = broker_.transports()[i];
    env::Shard* const shard = &broker_.shards()[i]->shard();
    shard->Post([this, transport, shard] {
      transport->Serve(env::Service::kBroker, [this, shard](int32_t, OwnedBytes bytes, env::Transport::Reply reply) {
        if (reply == nullptr) return;
        broker_.home().Post([this, shard, bytes = std::move(bytes), reply = std::move(reply)]() mutable {
          Serve(bytes, [shard, reply = std::move(reply)](const BrokerAnswer& answer) mutable {
            shard->Post([answer = coordinator::EncodeBrokerAnswer(answer), reply = std::move(reply)]() mutable {
              reply(OwnedBytes(std::move(answer)));
            });
          });
        });
      });
    });
  }
}

void TransactionHost::StopServingPeers() {
  for (size_t i = 0; i < broker_.transports().size(); ++i) {
    env::Transport* const transport = broker_.transports()[i];
    broker_.shards()[i]->shard().Post([transport] { transport->Serve(env::Service::kBroker, nullptr); });
  }
}

void TransactionHost::Serve(const OwnedBytes& bytes, Callback<BrokerAnswer> done) {
  absl::StatusOr<coordinator::BrokerMessage> message = coordinator::DecodeBrokerMessage(bytes.view());
  if (!message.ok()) {
    const bool unknown = absl::IsUnimplemented(message.status());
    return done({unknown ? model::ErrorCode::kUnsupportedVersion : model::ErrorCode::kInvalidRequest,
                 std::string(Message(message.status()))});
  }
  if (const auto* marker = std::get_if<coordinator::MarkerMessage>(&*message)) {
    return AppendMarkerHere(marker->marker, marker->partition, [done = std::move(done)](absl::Status status) mutable {
      Outcome outcome = AppendOutcome(status);
      done({outcome.code, std::move(outcome.message)});
    });
  }
  if (const auto* voter = std::get_if<coordinator::VoterMessage>(&*message)) {
    return RaftQuorum(broker_).Change(*voter, [done = std::move(done)](Outcome outcome) mutable {
      done({outcome.code, std::move(outcome.message)});
    });
  }
  auto& check = std::get<coordinator::CheckMessage>(*message);
  AskHere({.producer = {std::move(check.producer.transactional_id), check.producer.producer_id,
                        check.producer.producer_epoch},
           .partition = std::move(check.partition),
           .rules = txn::EpochRises(check.version) ? TransactionRules::kEpochRises : TransactionRules::kEpochStays},
          [done = std::move(done)](Outcome outcome) mutable {
            done({outcome.code, std::move(outcome.message)});
          });
}

void TransactionHost::Call(model::NodeId node, const coordinator::BrokerMessage& message,
                           Callback<absl::StatusOr<BrokerAnswer>> done) {
  if (broker_.transports().empty()) return done(Unavailable("node ", node, " cannot be reached: this node is alone"));
  broker_.transports()[0]->Call(node.value(), env::Service::kBroker,
                                OwnedBytes(coordinator::EncodeBrokerMessage(message)), kPatience,
                                [done = std::move(done)](const absl::StatusOr<OwnedBytes>& reply) mutable {
                                  if (!reply.ok()) return done(reply.status());
                                  done(coordinator::DecodeBrokerAnswer(reply->view()));
                                });
}

}  // namespace leat::broker
