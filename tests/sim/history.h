// What clients sent and were told, and whether a log can be what they were told: the model of Kafka's promises. Every
// record's value is unique, so that a value says which record it is.
//
// Promises: what was acknowledged is at the offset that was named (unless only the leader's copy was waited for); what
// a reader was shown is there for every later one, at that offset, and nothing else is; nothing is there twice; the
// records of one producer in one partition are in the order in which it sent them; of a transaction there is all or
// nothing, nothing of one that was aborted and all of one that was committed; nothing is there that nobody sent. The
// offset that a group has committed does not go back.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/ids.h"

namespace leat::nodes {

enum class Promise : uint8_t { kKept, kMayBeLost };  // kMayBeLost: acknowledged by the leader alone

class History {
 public:
  using Partition = model::TopicPartition;
  enum class Outcome : uint8_t { kOpen, kCommitted, kAborted, kUnknown };
  static constexpr int64_t kNoTransaction = -1;

  // ---- what happened
  void Sent(const Partition& partition, int64_t producer, const std::string& value,
            int64_t transaction = kNoTransaction);
  // `offset` -1: it was not said.
  void Acknowledged(const Partition& partition, const std::string& value, int64_t offset, Promise promise);
  // A consumer was shown it, below the high watermark. Outcome of its transaction aside.
  void Seen(const Partition& partition, int64_t offset, const std::string& value);
  // A read_committed consumer was shown it.
  void SeenCommitted(const Partition& partition, int64_t offset, const std::string& value);
  int64_t Begin();  // a transaction
  void End(int64_t transaction, Outcome outcome);
  void OffsetAsked(const std::string& group, const Partition& partition, int64_t offset);
  void OffsetCommitted(const std::string& group, const Partition& partition, int64_t offset);
  // The floor for a read of a group's offset that begins now.
  int64_t OffsetFloor(const std::string& group, const Partition& partition) const;
  void OffsetRead(const std::string& group, const Partition& partition, int64_t floor, int64_t offset);

  // ---- at the end
  struct Record {
    int64_t offset = 0;
    std::string value;
  };
  // The whole log of a partition, as a consumer that reads everything sees it and as one that reads committed does.
  void CheckLog(const Partition& partition, const std::vector<Record>& all, const std::vector<Record>& committed);
  // After CheckLog of every partition.
  void CheckTransactions();

  void Fail(const std::string& what);
  const std::string& failure() const { return failure_; }  // the first; empty: none
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t seen() const { return seen_; }
  uint64_t committed_transactions() const { return committed_transactions_; }

 private:
  struct Of {
    int64_t producer = 0;
    int64_t order = 0;  // of this producer in this partition
    int64_t transaction = kNoTransaction;
    int64_t offset = -1;  // as acknowledged or seen
    bool acknowledged = false;
    bool must_stay = false;
  };
  struct Log {
    absl::flat_hash_map<std::string, Of> records;
    std::map<int64_t, std::string> seen;            // by offset: by anybody
    std::map<int64_t, std::string> seen_committed;  // by read_committed consumers
    std::map<int64_t, int64_t> sent;                // by producer: how many
  };
  struct Transaction {
    Outcome outcome = Outcome::kOpen;
    size_t sent = 0, there = 0;
  };
  struct GroupOffset {
    int64_t floor = -1;
    std::set<int64_t> asked;
  };

  void CheckRecord(const Partition& partition, const Log& log, const Record& record,
                   std::map<int64_t, int64_t>* last_of_producer);

  std::map<Partition, Log> logs_;
  std::vector<Transaction> transactions_;
  std::map<std::pair<std::string, Partition>, GroupOffset> offsets_;
  std::string failure_;
  uint64_t acknowledged_ = 0, seen_ = 0, committed_transactions_ = 0;
};

}  // namespace leat::nodes
