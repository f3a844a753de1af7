// The transaction coordinator, as a replicated state machine: a command and the time give a record to write and a
// reply; only Replay of a record changes the state. Start and failover are the same Replay. Pure; not thread-safe.
//
// The caller runs the commands of one transactional id one after the other: each only after the record of the one
// before is durable and replayed (or has failed). Then it gives the reply, and writes the markers of the decision, if
// it has any, until every partition has taken them; then comes Complete.
//
// Error codes are Kafka's newest; a listener that serves older versions of a request maps PRODUCER_FENCED for them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/error_code.h"
#include "txn/transaction.h"
#include "txn/transaction_records.h"

namespace leat::txn {

struct Limits {
  int32_t max_timeout_ms = 15 * 60 * 1000;       // transaction.max.timeout.ms
  Duration id_expiration = absl::Hours(7 * 24);  // transactional.id.expiration.ms
  size_t id_bytes = 1024;
  size_t transactional_ids = 1'000'000;
  size_t partitions_per_transaction = 10'000;
};

// Timeouts run on the monotonic clock; the wall clock is for what people see and for what must outlive a restart.
struct Now {
  Instant monotonic;
  int64_t wall_ms = 0;
};

// A producer as it describes itself.
struct Identity {
  std::string transactional_id;
  model::ProducerId producer_id = kNoProducerId;
  int16_t producer_epoch = kNoEpoch;
  friend bool operator==(const Identity&, const Identity&) = default;
};

struct InitProducerId {
  Identity producer;  // id and epoch as the producer knows them (KIP-360), or -1
  int32_t timeout_ms = 60'000;
};
struct AddPartitions {
  Identity producer;
  std::vector<model::TopicPartition> partitions;
  Version version = Version::kClassic;
};
struct EndTransaction {
  Identity producer;
  Result result = Result::kCommit;
  Version version = Version::kClassic;
};

struct Decision {
  model::ErrorCode code = model::ErrorCode::kNone;
  std::string message;  // empty on success
  // Of the producer from now on: answers of InitProducerId and EndTransaction.
  model::ProducerId producer_id = kNoProducerId;
  int16_t producer_epoch = kNoEpoch;
  std::optional<Record> record;    // to be made durable and replayed before anything else of this
  std::optional<Markers> markers;  // to be written after that
  bool used_fresh_id = false;      // the producer id that the caller offered belongs to this producer now
  bool ok() const { return code == model::ErrorCode::kNone; }
};

class Core {
 public:
  explicit Core(const Limits& limits) : limits_(limits) {}

  // `fresh` is a producer id that nobody has had; Decision::used_fresh_id says whether it was taken.
  // An open transaction is aborted first: the decision then carries its record, its markers and
  // CONCURRENT_TRANSACTIONS, which holds until the command is run again after Complete.
  Decision Decide(const InitProducerId& command, model::ProducerId fresh, Now now) const;
  Decision Decide(const AddPartitions& command, Now now) const;
  Decision Decide(const EndTransaction& command, model::ProducerId fresh, Now now) const;
  // Whether the partitions belong to the producer's open transaction: one code for each, TRANSACTION_ABORTABLE if not.
  std::vector<model::ErrorCode> Verify(const AddPartitions& command) const;
  // The markers are written everywhere. REQUIRES: Find(transactional_id)->ending().
  Decision Complete(std::string_view transactional_id, Now now) const;

  // No later than this, Expired has something; Instant::Max() if nothing is open.
  Instant NextDeadline() const;
  std::vector<std::string> Expired(Instant now) const;  // ids whose open transaction has run out of time
  // Aborts it and fences its producer; without a record if it is not expired any more.
  Decision Expire(std::string_view transactional_id, Now now) const;
  std::vector<std::string> Unused(int64_t wall_ms) const;  // ids that nobody has used for id_expiration
  Decision Forget(std::string_view transactional_id, int64_t wall_ms) const;

  // Applies one record that is durable. Errors as DecodeKey and DecodeValue; the state is then unchanged.
  absl::Status Replay(std::string_view key, std::optional<std::string_view> value, Now now);

  const Transaction* Find(std::string_view transactional_id) const;  // null: none
  size_t open_count() const { return deadline_of_.size(); }          // of transactions that go on
  std::vector<Markers> Unfinished() const;                           // what a restart must go on with
  const std::map<std::string, Transaction, std::less<>>& transactions() const { return transactions_; }

 private:
  Decision CheckIdentity(const Identity& producer) const;
  Decision Begin(const InitProducerId& command, model::ProducerId fresh, Now now) const;
  Decision Renew(const InitProducerId& command, const Transaction& at, model::ProducerId fresh, Now now) const;
  void SetDeadline(const std::string& transactional_id, const Transaction& transaction, bool keep, Now now);

  Limits limits_;
  std::map<std::string, Transaction, std::less<>> transactions_;
  // Of the open transactions. Not in the records: it is the monotonic form of start + timeout.
  std::map<std::string, Instant, std::less<>> deadline_of_;
  std::set<std::pair<Instant, std::string>> deadlines_;
};

}  // namespace leat::txn
