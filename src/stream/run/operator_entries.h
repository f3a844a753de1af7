// What a job's checkpoints say of its operators, beside the positions of its sources: under which number each keeps its
// state, and who it is. Pure. See docs/internals/changelog.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "stream/plan/operator_identity.h"
#include "stream/state/committed_store.h"

namespace leat::run {

inline constexpr int kOperatorNode = -4;  // of the entries' keys, whose partition is the operator's id

struct OperatorEntry {
  int64_t revision = 0;  // of the SQL that the operators are of
  // None: it is gone, and entries of its state are still to be removed.
  std::optional<plan::OperatorIdentity> identity;
};
state::Change EncodeOperator(int id, const OperatorEntry& entry);
state::Change ForgetOperator(int id);
absl::StatusOr<OperatorEntry> DecodeOperator(int id, std::string_view value);

}  // namespace leat::run
