// How the parts of the core write a decision down. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "base/strings.h"
#include "txn/core.h"

namespace leat::txn::internal {

inline Decision Refuse(model::ErrorCode code, std::string message) {
  Decision decision;
  decision.code = code;
  decision.message = std::move(message);
  return decision;
}

// Success for the producer as `after` describes it.
inline Decision Accept(const Transaction& after) {
  Decision decision;
  decision.producer_id = after.producer_id;
  decision.producer_epoch = after.producer_epoch;
  return decision;
}

inline Record MakeRecord(std::string_view transactional_id, const Transaction& after) {
  return {EncodeKey(transactional_id), EncodeValue(after)};
}

inline Decision StillEnding(std::string_view transactional_id) {
  return Refuse(model::ErrorCode::kConcurrentTransactions,
                StrCat("the last transaction of '", transactional_id, "' is still being completed: try again shortly"));
}

// Ends the open transaction `at` as aborted and raises the epoch, so that its producer is fenced. `repeatable`: the
// epoch whose owner asked for it and may ask again, or kNoEpoch.
Decision Fence(std::string_view transactional_id, const Transaction& at, int16_t repeatable, Now now);

}  // namespace leat::txn::internal
