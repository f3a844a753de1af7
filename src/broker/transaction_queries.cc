// What operators see of transactions.
#include <re2/re2.h>

#include <algorithm>

#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/transaction_host.h"

namespace leat::broker {
namespace {

using model::ErrorCode;

constexpr size_t kMaxPatternBytes = 1024;

// Which transactions are wanted, with the parts of the request that could be wrong taken apart.
struct Filter {
  std::vector<txn::State> states;
  bool any_state = true;
  const ListTransactionsRequest& request;
  const RE2* pattern = nullptr;
  int64_t now_ms = 0;

  bool Wants(const std::string& id, const txn::Transaction& at) const {
    if (at.state == txn::State::kDead) return false;
    if (!any_state && std::find(states.begin(), states.end(), at.state) == states.end()) return false;
    const std::vector<int64_t>& ids = request.producer_ids;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), at.producer_id.value()) == ids.end()) return false;
    if (request.min_duration_ms >= 0 && (at.start_ms < 0 || now_ms - at.start_ms <= request.min_duration_ms)) {
      return false;
    }
    return pattern == nullptr || RE2::FullMatch(re2::StringPiece(id.data(), id.size()), *pattern);
  }
};

TransactionDescription DescriptionOf(std::string id, const txn::Transaction* at) {
  TransactionDescription description;
  description.transactional_id = std::move(id);
  if (at == nullptr || at->state == txn::State::kDead) {
    description.outcome =
        Failed(ErrorCode::kTransactionalIdNotFound,
               StrCat("transactional id '", description.transactional_id.substr(0, 300), "' is not known"));
    return description;
  }
  description.state = txn::StateName(at->state);
  description.timeout_ms = at->timeout_ms;
  description.start_ms = at->start_ms;
  description.producer_id = at->producer_id;
  description.producer_epoch = at->producer_epoch;
  description.partitions.assign(at->partitions.begin(), at->partitions.end());
  return description;
}

}  // namespace

void TransactionHost::List(ListTransactionsRequest request, Callback<ListTransactionsReply> done) {
  OnHome([this, request = std::move(request), done = std::move(done)](const Outcome& refusal) mutable {
    ListTransactionsReply reply;
    reply.outcome = refusal;
    RE2::Options options;
    options.set_log_errors(false);
    const RE2 pattern(request.id_pattern.substr(0, kMaxPatternBytes), options);
    if (request.id_pattern.size() > kMaxPatternBytes || !pattern.ok()) {
      reply.outcome = Failed(ErrorCode::kInvalidRegularExpression,
                             StrCat("expected a regular expression of at most ", kMaxPatternBytes, " bytes, got '",
                                    request.id_pattern.substr(0, 300), "': ", pattern.error()));
    }
    if (!reply.outcome.ok()) {
      done(std::move(reply));
      return;
    }
    Filter filter{.any_state = request.states.empty(), .request = request, .now_ms = broker_.home().WallMillis()};
    if (!request.id_pattern.empty()) filter.pattern = &pattern;
    for (const std::string& name : request.states) {
      if (const std::optional<txn::State> state = txn::ParseState(name)) {
        filter.states.push_back(*state);
      } else {
        reply.unknown_states.push_back(name);
      }
    }
    led_.ForEach([&](const TransactionPartition& partition) {
      for (const auto& [id, at] : partition.coordinator().core().transactions()) {
        if (filter.Wants(id, at)) reply.transactions.push_back({id, at.producer_id, std::string(StateName(at.state))});
      }
    });
    done(std::move(reply));
  });
}

void TransactionHost::Describe(std::vector<std::string> transactional_ids,
                               Callback<std::vector<TransactionDescription>> done) {
  OnHome([this, ids = std::move(transactional_ids), done = std::move(done)](const Outcome& refusal) mutable {
    std::vector<TransactionDescription> descriptions;
    for (std::string& id : ids) {
      const Served served = refusal.ok() ? Of(id) : Served{nullptr, refusal};
      if (served.coordinator != nullptr) {
        const txn::Transaction* at = served.coordinator->core().Find(id);
        descriptions.push_back(DescriptionOf(std::move(id), at));
      } else {
        descriptions.push_back({.outcome = served.refusal, .transactional_id = std::move(id)});
      }
    }
    done(std::move(descriptions));
  });
}

}  // namespace leat::broker
