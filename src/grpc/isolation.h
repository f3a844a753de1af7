#pragma once

#include "leat/v1/log.pb.h"
#include "model/transaction.h"

namespace leat::rpc {

inline model::Isolation IsolationOf(v1::Isolation from) {
  return from == v1::READ_COMMITTED ? model::Isolation::kReadCommitted : model::Isolation::kReadUncommitted;
}

}  // namespace leat::rpc
