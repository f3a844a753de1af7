// A transactional producer's side of its transactions: who it is, and whether one is open. The records themselves go
// the producer's usual way; each epoch of the producer is one transaction.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "client/connection.h"
#include "client/producer_sender.h"
#include "leat/client/producer.h"

namespace leat::v1 {
class Producer;
class ProducerIdResponse;
}  // namespace leat::v1

namespace leat::client {

class ProducerTransaction {
 public:
  ProducerTransaction(std::shared_ptr<Connection> connection, const ProducerOptions& options, Sender& sender)
      : connection_(std::move(connection)), options_(options), sender_(sender) {}

  // Takes over the transactional id; nothing without one.
  absl::Status Init();
  // With the sender's lock: whether a record may be sent now.
  absl::Status CheckSendLocked();
  absl::Status Begin();
  absl::Status SendOffsets(const std::string& group, const std::map<TopicPartition, int64_t>& offsets);
  enum class Outcome { kCommit, kAbort };
  // REQUIRES: everything that was sent is acknowledged or has failed.
  absl::Status End(Outcome outcome);

 private:
  enum class State { kNone, kReady, kOpen, kFenced };  // kNone: no transactional id
  // Makes the call until its outcome is not one that passes by itself, at most for the delivery timeout.
  template <typename Call>
  absl::Status Repeat(Call call, std::string_view what);
  absl::Status CheckOpen(std::string_view what) const;
  absl::Status Fenced() const;
  void FillProducer(v1::Producer* out) const;
  void Adopt(const v1::ProducerIdResponse& response);

  const std::shared_ptr<Connection> connection_;
  const ProducerOptions& options_;
  Sender& sender_;
  State state_ = State::kNone;  // this and the next under the sender's mutex
  bool used_ = false;           // something was sent in the open transaction
  int64_t producer_id_ = -1;
  int32_t producer_epoch_ = -1;
};

}  // namespace leat::client
