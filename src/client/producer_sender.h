// A producer's one thread: sends the batches over a Produce stream to each broker that leads some of them, matches the
// answers, retries in order, and tells the outcomes. One request of a partition is on its way at a time, so that a
// batch that has to be sent again, perhaps to another broker, is never overtaken; what gathers meanwhile goes together
// into the partition's next request.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/connection.h"
#include "client/producer_batches.h"
#include "model/error_code.h"

namespace leat::v1 {
class ProducePartitionResult;
class ProduceResponse;
}  // namespace leat::v1

namespace leat::client {

class Sender {
 public:
  Sender(std::shared_ptr<Connection> connection, const ProducerOptions& options, model::Compression compression);
  // Ends the thread. REQUIRES: WaitUntilEmpty has returned, or nobody cares for what is left.
  ~Sender();
  void Start();

  std::mutex& mutex() { return mutex_; }
  Batches& batches() { return batches_; }                  // under the mutex
  std::condition_variable& changed() { return changed_; }  // outcomes were told: there is room, or nothing left
  void WakeLocked();                                       // there is something new to look at
  absl::Status TakeErrorLocked() { return std::exchange(error_, absl::OkStatus()); }
  // Where the topic's partitions are led, as the connection knows it.
  void TakeLeadersLocked(Topic* topic);
  // The id of a transactional producer, whenever it changes. REQUIRES: nothing is on its way.
  void SetProducerLocked(model::ProducerId producer_id, int16_t producer_epoch);
  // A record of the open transaction was lost: it can only be aborted. OK again after the next SetProducerLocked.
  const absl::Status& transaction_error() const { return transaction_error_; }  // under the mutex

 private:
  // What an event of the completion queue is about.
  enum Tag { kAlarm, kStart, kRead, kWrite, kFinish, kWritesDone, kId, kLeaders };
  struct Link;
  struct Event {
    Tag tag;
    Link* link;  // of those that are about a stream
  };
  struct Stream;
  struct IdRequest;
  struct LeadersRequest;
  // What one request carries: the first `count` batches of each partition's line.
  struct Sent {
    Partition* partition = nullptr;
    size_t count = 0;
  };
  struct Load {
    Sent sent;
    std::vector<Batch*> batches;
  };
  struct Request {
    uint64_t correlation_id = 0;
    std::vector<Sent> sent;
    int results = 0;  // that the answer has
  };
  // A batch whose outcome is known and not yet told.
  struct Outcome {
    std::unique_ptr<Batch> batch;
    absl::StatusOr<Delivery> first;  // the delivery of its first record
    bool broker_time = false;        // the broker's timestamp holds, not the record's own
  };

  void Run();
  // One look at everything: opens, sends, fails what is overdue. Returns when to look again.
  Instant Step();
  void FailOverdueLocked(Instant now);
  void HandleEvent(const Event& event, bool ok);
  Link& LinkTo(const std::string& address);
  void OpenStreams(Instant now);
  void OpenStream(Link* link);
  void Cancel(Link* link);
  bool SendNext(Link* link, Instant now);
  std::vector<Load> TakeLoads(const Link& link, Instant now);
  void Finish(std::vector<Load>* loads);
  void Write(Link* link, std::vector<Load>* loads);
  void EndIfBroken(Link* link);
  bool EndStreams();
  bool EndStream(Link* link);
  void OnAnswer(Link* link, const v1::ProduceResponse& response);
  // `results`: of each batch of an idempotent producer, else one for all.
  void OnResultsLocked(const Sent& sent, const v1::ProducePartitionResult* const* results, Instant now);
  void OnFailureLocked(Partition* partition, const v1::ProducePartitionResult& result, Instant now);

  // producer_numbers.cc
  bool idempotent() const { return idempotent_; }
  size_t BatchesAtOnce(const Partition& partition) const;
  void Number(Partition* partition, Batch* batch);
  // What waits is numbered anew: from `sequence` on, or with another producer id.
  void RenumberLocked(Partition* partition, int32_t sequence);
  void RenounceIdLocked(Partition* partition);
  void AskForId(Instant now);
  void TakeId();
  bool CancelIdRequest();  // false
  bool NumbersLost(model::ErrorCode code) const;
  void OnWritten(Link* link);
  void OnStreamEnd(Link* link);

  // producer_leaders.cc
  Instant NextLook(Instant now) const;  // when to ask again; Instant::Max(): nothing calls for it
  bool CancelLeadersRequest();          // false
  void AskForLeaders(Instant now);
  void TakeLeaders();
  void LookAgain(const std::string& topic);
  void AckLocked(const Sent& sent, int64_t base_offset, int64_t append_time_ms);
  void FailLocked(Partition* partition, std::vector<std::unique_ptr<Batch>> batches, const absl::Status& status);
  void TellRetry();
  void TellOutcomes();

  const std::shared_ptr<Connection> connection_;
  const ProducerOptions options_;
  ::grpc::CompletionQueue queue_;
  ::grpc::Alarm alarm_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Batches batches_;
  absl::Status error_;  // the first failure since the last flush
  bool stopping_ = false;
  bool news_ = false;    // the thread has to look once more before it waits
  bool asleep_ = false;  // the thread waits, or is about to
  bool woken_ = false;   // the alarm is on its way

  // The thread's own.
  std::map<std::string, std::unique_ptr<Link>> links_;  // by the broker's address; empty: any broker
  size_t in_flight_ = 0;                                // requests, of all links
  Event alarm_event_{kAlarm, nullptr}, id_event_{kId, nullptr}, leaders_event_{kLeaders, nullptr};
  std::shared_ptr<LeadersRequest> leaders_request_;
  std::set<std::string> lost_;  // topics of which a leader is not where it was thought to be
  Instant look_at_;             // not before: the next question who leads
  Instant looked_at_;           // the last one
  std::vector<Outcome> outcomes_;
  absl::Status last_failure_;  // for those who ask why a record was late
  bool retried_ = false;       // last_failure_ is one that leads to a retry, and was not told yet
  uint64_t next_correlation_id_ = 1;

  const bool idempotent_;
  std::shared_ptr<IdRequest> id_request_;  // the thread's own, as is when to ask again
  Instant ask_at_;
  // Under the mutex: the id in use; generation 0: none.
  bool want_id_ = false;
  uint64_t id_generation_ = 0;
  model::ProducerId producer_id_{-1};
  int16_t producer_epoch_ = -1;
  absl::Status transaction_error_;
  std::thread thread_;
};

}  // namespace leat::client
