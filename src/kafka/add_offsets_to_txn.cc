// AddOffsetsToTxn (25).
#include "wire/messages/add_offsets_to_txn.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"

namespace leat::kafka {
namespace {

constexpr int16_t kFirstWithFenced = 2;

}  // namespace

void HandleAddOffsetsToTxn(Call& call, const wire::AddOffsetsToTxnRequest& request,
                           Reply<wire::AddOffsetsToTxnResponse> reply) {
  broker::AddGroupRequest add{Producer(request.transactional_id, request.producer_id, request.producer_epoch),
                              std::string(request.group_id)};
  call.broker.transactions().AddGroup(
      std::move(add), [version = call.version, reply = std::move(reply)](const broker::Outcome& outcome) mutable {
        wire::AddOffsetsToTxnResponse response;
        response.error_code = FencingCode(outcome.code, version, kFirstWithFenced);
        reply(std::move(response));
      });
}

}  // namespace leat::kafka
