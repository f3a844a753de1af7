// ListTransactions (66) and DescribeTransactions (65).
#include "wire/messages/list_transactions.h"
#include "kafka/handlers.h"
#include "kafka/txn_support.h"
#include "wire/messages/describe_transactions.h"

namespace leat::kafka {

void HandleListTransactions(Call& call, const wire::ListTransactionsRequest& request,
                            Reply<wire::ListTransactionsResponse> reply) {
  broker::ListTransactionsRequest list;
  for (const std::string_view state : request.state_filters) list.states.emplace_back(state);
  list.producer_ids = request.producer_id_filters;
  list.min_duration_ms = request.duration_filter;
  list.id_pattern = std::string(request.transactional_id_pattern.value_or(std::string_view()));
  call.broker.transactions().List(std::move(list),
                                  [reply = std::move(reply)](broker::ListTransactionsReply got) mutable {
                                    wire::ListTransactionsResponse response;
                                    response.error_code = Code(got.outcome.code);
                                    response.unknown_state_filters = std::move(got.unknown_states);
                                    for (broker::TransactionListing& listing : got.transactions) {
                                      auto& out = response.transaction_states.emplace_back();
                                      out.transactional_id = std::move(listing.transactional_id);
                                      out.producer_id = listing.producer_id.value();
                                      out.transaction_state = std::move(listing.state);
                                    }
                                    reply(std::move(response));
                                  });
}

void HandleDescribeTransactions(Call& call, const wire::DescribeTransactionsRequest& request,
                                Reply<wire::DescribeTransactionsResponse> reply) {
  std::vector<std::string> ids(request.transactional_ids.begin(), request.transactional_ids.end());
  call.broker.transactions().Describe(
      std::move(ids), [reply = std::move(reply)](std::vector<broker::TransactionDescription> descriptions) mutable {
        wire::DescribeTransactionsResponse response;
        for (broker::TransactionDescription& description : descriptions) {
          auto& out = response.transaction_states.emplace_back();
          out.error_code = Code(description.outcome.code);
          out.transactional_id = std::move(description.transactional_id);
          out.transaction_state = std::move(description.state);
          out.transaction_timeout_ms = description.timeout_ms;
          out.transaction_start_time_ms = description.start_ms;
          out.producer_id = description.producer_id.value();
          out.producer_epoch = description.producer_epoch;
          GroupByTopic(
              description.partitions, &out.topics, [](auto& topic) -> auto& { return topic.partitions; });
        }
        reply(std::move(response));
      });
}

}  // namespace leat::kafka
