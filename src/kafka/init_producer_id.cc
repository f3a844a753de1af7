// InitProducerId (22).
#include "wire/messages/init_producer_id.h"
#include "broker/reserved_ids.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"

namespace leat::kafka {
namespace {

constexpr int16_t kFirstWithFenced = 4;

}  // namespace

void HandleInitProducerId(Call& call, const wire::InitProducerIdRequest& request,
                          Reply<wire::InitProducerIdResponse> reply) {
  broker::InitProducerIdRequest init;
  auto answer = AnswerWithProducerId(call.version, kFirstWithFenced, std::move(reply));
  if (request.transactional_id) {
    if (broker::Outcome may = broker::ClientMayOpen(*request.transactional_id); !may.ok()) {
      return answer({.outcome = std::move(may)});
    }
    init.transactional_id = std::string(*request.transactional_id);
  }
  init.timeout_ms = request.transaction_timeout_ms;
  init.producer_id = model::ProducerId(request.producer_id);
  init.producer_epoch = request.producer_epoch;
  call.broker.transactions().InitProducerId(std::move(init), std::move(answer));
}

}  // namespace leat::kafka
