// What stands between a transactional batch and the log: the producer's transaction must know of the partition before
// the first batch of it is written there, or nobody would ever end it.
#pragma once

#include "broker/transactions.h"
#include "env/shard.h"

namespace leat::broker {

class TransactionGate {
 public:
  virtual ~TransactionGate() = default;
  struct Question {
    ProducerIdentity producer;
    model::TopicPartition partition;
    TransactionRules rules;  // kEpochRises: the partition is added; kEpochStays: it must have been
  };
  // Any shard; answers on `from`. OK while the partition belongs to the producer's open transaction; the other codes
  // are those that a produce request is answered with.
  virtual void Check(env::Shard& from, Question question, Callback<Outcome> done) = 0;
};

}  // namespace leat::broker
