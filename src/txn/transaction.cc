#include "txn/transaction.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace leat::txn {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 7> kNames = {{
    {State::kEmpty, "Empty"},
    {State::kOngoing, "Ongoing"},
    {State::kPrepareCommit, "PrepareCommit"},
    {State::kPrepareAbort, "PrepareAbort"},
    {State::kCompleteCommit, "CompleteCommit"},
    {State::kCompleteAbort, "CompleteAbort"},
    {State::kDead, "Dead"},
}};

}  // namespace

std::string_view StateName(State state) { return kNames[static_cast<size_t>(state)].second; }

std::optional<State> ParseState(std::string_view name) {
  for (const auto& [state, known] : kNames) {
    if (known == name) return state;
  }
  return std::nullopt;
}

Markers MarkersOf(std::string_view transactional_id, const Transaction& transaction) {
  LEAT_CHECK(transaction.ending()) << "markers of a transaction that is " << StateName(transaction.state);
  return {.transactional_id = std::string(transactional_id),
          .producer_id = transaction.producer_id,
          .producer_epoch = transaction.producer_epoch,
          .result = transaction.state == State::kPrepareCommit ? Result::kCommit : Result::kAbort,
          .version = transaction.client_version,
          .partitions = transaction.partitions};
}

}  // namespace leat::txn
