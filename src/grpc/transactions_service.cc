#include <utility>

#include "broker/reserved_ids.h"
#include "broker/transactions.h"
#include "grpc/failure.h"
#include "grpc/services.h"
#include "leat/v1/transactions.grpc.pb.h"

namespace leat::rpc {
namespace {

using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

constexpr int32_t kDefaultTimeoutMs = 60'000;

broker::ProducerIdentity IdentityOf(const v1::Producer& from) {
  return {from.transactional_id(), model::ProducerId(from.producer_id()), static_cast<int16_t>(from.producer_epoch())};
}

broker::Callback<broker::ProducerIdReply> AnswerWith(ServerUnaryReactor* reactor, v1::ProducerIdResponse* response) {
  return [reactor, response](const broker::ProducerIdReply& reply) {
    FillOutcome(reply.outcome, response->mutable_outcome());
    response->set_producer_id(reply.producer_id.value());
    response->set_producer_epoch(reply.producer_epoch);
    reactor->Finish(::grpc::Status::OK);
  };
}

class TransactionsService final : public v1::Transactions::CallbackService {
 public:
  explicit TransactionsService(broker::Broker& broker) : broker_(broker) {}

  ServerUnaryReactor* InitProducerId(CallbackServerContext* call, const v1::InitProducerIdRequest* request,
                                     v1::ProducerIdResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    auto answer = AnswerWith(reactor, response);
    if (broker::Outcome may = broker::ClientMayOpen(request->transactional_id()); !may.ok()) {
      answer({.outcome = std::move(may)});
      return reactor;
    }
    broker::InitProducerIdRequest init;
    if (!request->transactional_id().empty()) init.transactional_id = request->transactional_id();
    init.timeout_ms = request->timeout_ms() == 0 ? kDefaultTimeoutMs : request->timeout_ms();
    if (request->has_known()) {
      init.producer_id = model::ProducerId(request->known().producer_id());
      init.producer_epoch = static_cast<int16_t>(request->known().producer_epoch());
    }
    broker_.transactions().InitProducerId(std::move(init), std::move(answer));
    return reactor;
  }

  ServerUnaryReactor* End(CallbackServerContext* call, const v1::EndTransactionRequest* request,
                          v1::ProducerIdResponse* response) override {
    broker::EndTransactionRequest end;
    end.producer = IdentityOf(request->producer());
    end.end = request->commit() ? model::TransactionEnd::kCommit : model::TransactionEnd::kAbort;
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.transactions().End(std::move(end), AnswerWith(reactor, response));
    return reactor;
  }

  ServerUnaryReactor* CommitOffsets(CallbackServerContext* call, const v1::TransactionOffsetsRequest* request,
                                    v1::TransactionOffsetsResponse* response) override {
    broker::TxnCommitOffsetsRequest commit;
    commit.producer = IdentityOf(request->producer());
    commit.group = request->group();
    for (const auto& from : request->offsets()) {
      commit.offsets.push_back({.partition = {from.topic(), model::PartitionId(from.partition())},
                                .offset = model::Offset(from.offset()),
                                .metadata = from.metadata()});
    }
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.transactions().CommitOffsets(std::move(commit),
                                         [reactor, response](std::vector<broker::CommitOffsetResult> results) {
                                           for (broker::CommitOffsetResult& from : results) {
                                             auto* to = response->add_results();
                                             to->set_topic(std::move(from.partition.topic));
                                             to->set_partition(from.partition.partition.value());
                                             FillOutcome(from.outcome, to->mutable_outcome());
                                           }
                                           reactor->Finish(::grpc::Status::OK);
                                         });
    return reactor;
  }

 private:
  broker::Broker& broker_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeTransactionsService(broker::Broker& broker) {
  return std::make_unique<TransactionsService>(broker);
}

}  // namespace leat::rpc
