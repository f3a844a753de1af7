// The records of `__transaction_state` as Kafka writes them (TransactionLogKey version 0, TransactionLogValue version
// 1, whose optional fields are tagged), so that Kafka's own tools read this topic. Version 0 of the value is read too.
// One tagged field is ours (last producer epoch): readers of Kafka's pass over tags that they do not know. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "txn/transaction.h"

namespace leat::txn {

// A record of the topic; no value is a tombstone: the transactional id is forgotten.
struct Record {
  std::string key;
  std::optional<std::string> value;
  friend bool operator==(const Record&, const Record&) = default;
};

std::string EncodeKey(std::string_view transactional_id);  // REQUIRES: shorter than 32,768 bytes
std::string EncodeValue(const Transaction& transaction);

// nullopt: the key of another kind of record. kDataLoss: damaged.
absl::StatusOr<std::optional<std::string>> DecodeKey(std::string_view bytes);
// kDataLoss: damaged; kUnimplemented: a version or a state that is not known.
absl::StatusOr<Transaction> DecodeValue(std::string_view bytes);

}  // namespace leat::txn
