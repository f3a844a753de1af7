// What jobs ask of other nodes, and what those ask of this one (env::Service::kJobs). Lives on shard 0.
#pragma once

#include <functional>
#include <utility>

#include "broker/api.h"
#include "broker/job_messages.h"
#include "env/transport.h"

namespace leat::broker {

class BrokerImpl;
class BrokerLogPort;

class JobPeers {
 public:
  // Both outlive this.
  JobPeers(BrokerImpl& broker, BrokerLogPort& log) : broker_(broker), log_(log) {}

  void Serve();
  void StopServing();
  // Who answers what is asked of views; null: nobody.
  using AnswerView = std::function<void(const AskView&, Callback<absl::StatusOr<AskView::Reply>>)>;
  void ServeViews(AnswerView answer) { answer_view_ = std::move(answer); }

  // kUnavailable: it cannot be said whether the other node acted; it did not if `sent` is false.
  struct Answer {
    absl::StatusOr<OwnedBytes> bytes;
    bool sent = true;
  };
  void Call(model::NodeId node, std::string message, Duration timeout, Callback<Answer> done);

  // The same with the answer read.
  template <typename Message>
  void Ask(model::NodeId node, Message message, Duration timeout,
           Callback<absl::StatusOr<typename Message::Reply>> done) {
    Call(node, EncodeJobMessage(std::move(message)), timeout, [done = std::move(done)](const Answer& answer) mutable {
      if (!answer.bytes.ok()) return done(answer.bytes.status());
      done(DecodeJobAnswer<typename Message::Reply>(answer.bytes->view()));
    });
  }

 private:
  using Reply = Callback<std::string>;  // with the encoded answer; on any shard
  void Take(const OwnedBytes& bytes, Reply reply);
  void On(AskEnds message, Reply reply);
  void On(AskOffsetForTime message, Reply reply);
  void On(AskFetch message, Reply reply);
  void On(AskAppend message, Reply reply);
  void On(AskCommit message, Reply reply);
  void On(AskOpenProducer message, Reply reply);
  void On(AskAddToTransaction message, Reply reply);
  void On(AskEndTransaction message, Reply reply);
  void On(AskCommitted message, Reply reply);
  void On(const AskForget& message, Reply reply);
  void On(AskCommittedOf message, Reply reply);
  void On(AskLag message, Reply reply);
  void On(const AskTroubled& message, Reply reply);
  void On(const AskSettle& message, Reply reply);
  void On(const AskUpgrade& message, Reply reply);
  void On(const AskUpgraded& message, Reply reply);
  void On(const AskJobs& message, Reply reply);
  void On(const AskJobLogs& message, Reply reply);
  void On(const AskJobProgress& message, Reply reply);
  void On(const AskJobGroups& message, Reply reply);
  void On(const AskView& message, Reply reply);

  BrokerImpl& broker_;
  BrokerLogPort& log_;
  AnswerView answer_view_;
};

}  // namespace leat::broker
