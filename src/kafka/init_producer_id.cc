// InitProducerId (22).
#include "wire/messages/init_producer_id.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"

namespace leat::kafka {
namespace {

constexpr int16_t kFirstWithFenced = 4;

}  // namespace

void HandleInitProducerId(Call& call, const wire::InitProducerIdRequest& request,
                          Reply<wire::InitProducerIdResponse> reply) {
  broker::InitProducerIdRequest init;
  if (request.transactional_id) init.transactional_id = std::string(*request.transactional_id);
  init.timeout_ms = request.transaction_timeout_ms;
  init.producer_id = model::ProducerId(request.producer_id);
  init.producer_epoch = request.producer_epoch;
  call.broker.transactions().InitProducerId(std::move(init),
                                            AnswerWithProducerId(call.version, kFirstWithFenced, std::move(reply)));
}

}  // namespace leat::kafka
