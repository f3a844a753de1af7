// What a core wants done, as data, in order. A Write is appended to the partition of the offsets topic that the core
// hosts, writes in the order given; once it is durable its records are replayed and Core::OnWritten is called, which
// releases what waits for it. An Answer is sent now: an answer that must wait for a record is not in the list before
// the record is durable.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "group/offset_records.h"
#include "group/requests.h"

namespace leat::group {

using WriteId = StrongId<struct WriteIdTag, uint64_t>;

// The batch of a write is a part of this producer's transaction.
struct TxnStamp {
  model::ProducerId producer{-1};
  int16_t epoch = -1;
};
struct Write {
  WriteId id;
  std::vector<OffsetRecord> records;  // never empty
  std::optional<TxnStamp> transaction;
};
struct Answer {
  RequestId to;
  Reply reply;
};
struct Effects {
  std::vector<Write> writes;
  std::vector<Answer> answers;
  bool empty() const { return writes.empty() && answers.empty(); }
};

// Where the cores of one partition collect their effects.
class Outbox {
 public:
  WriteId Write(std::vector<OffsetRecord> records, std::optional<TxnStamp> transaction = std::nullopt) {
    const WriteId id(next_write_++);
    effects_.writes.push_back({id, std::move(records), transaction});
    return id;
  }
  void Answer(RequestId to, Reply reply);
  Effects Take() { return std::exchange(effects_, {}); }

 private:
  Effects effects_;
  uint64_t next_write_ = 1;
};

}  // namespace leat::group
