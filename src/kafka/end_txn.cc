// EndTxn (26). Version 5 is that of clients whose epoch rises with every transaction.
#include "wire/messages/end_txn.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"

namespace leat::kafka {
namespace {

constexpr int16_t kFirstWithFenced = 2;
constexpr int16_t kFirstOfRisingEpochs = 5;

}  // namespace

void HandleEndTxn(Call& call, const wire::EndTxnRequest& request, Reply<wire::EndTxnResponse> reply) {
  broker::EndTransactionRequest end;
  end.producer = Producer(request.transactional_id, request.producer_id, request.producer_epoch);
  end.end = request.committed ? model::TransactionEnd::kCommit : model::TransactionEnd::kAbort;
  end.rules = call.version >= kFirstOfRisingEpochs ? broker::TransactionRules::kEpochRises
                                                   : broker::TransactionRules::kEpochStays;
  call.broker.transactions().End(std::move(end),
                                 AnswerWithProducerId(call.version, kFirstWithFenced, std::move(reply)));
}

}  // namespace leat::kafka
