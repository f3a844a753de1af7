// Gives producer ids out, and ends transactions that nobody looks at: for a broker in memory.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "broker/transactions.h"

namespace leat::rpc {

class FakeTransactions final : public broker::Transactions {
 public:
  void InitProducerId(broker::InitProducerIdRequest, broker::Callback<broker::ProducerIdReply> done) override {
    done({.outcome = {}, .producer_id = model::ProducerId(next_id_++), .producer_epoch = 0});
  }
  void AddPartitions(broker::AddPartitionsRequest request,
                     broker::Callback<std::vector<broker::Outcome>> done) override {
    done(std::vector<broker::Outcome>(request.partitions.size()));
  }
  void AddGroup(broker::AddGroupRequest, broker::Callback<broker::Outcome> done) override { done({}); }
  void End(broker::EndTransactionRequest request, broker::Callback<broker::ProducerIdReply> done) override {
    done({.outcome = {},
          .producer_id = request.producer.id,
          .producer_epoch = static_cast<int16_t>(request.producer.epoch + 1)});
  }
  void CommitOffsets(broker::TxnCommitOffsetsRequest request,
                     broker::Callback<std::vector<broker::CommitOffsetResult>> done) override {
    std::vector<broker::CommitOffsetResult> results;
    for (broker::CommitOffset& offset : request.offsets) results.push_back({std::move(offset.partition), {}});
    done(std::move(results));
  }
  void List(broker::ListTransactionsRequest, broker::Callback<broker::ListTransactionsReply> done) override {
    done({});
  }
  void Describe(std::vector<std::string>,
                broker::Callback<std::vector<broker::TransactionDescription>> done) override {
    done({});
  }
  void WriteMarkers(std::vector<broker::WriteMarkerRequest> markers,
                    broker::Callback<std::vector<broker::Outcome>> done) override {
    done(std::vector<broker::Outcome>(markers.size()));
  }

 private:
  std::atomic<int64_t> next_id_{1};
};

}  // namespace leat::rpc
