// A consumer's one thread: keeps a Fetch stream open from the partitions' next offsets and gathers what comes, up to a
// number of bytes; then it does not read and the broker stops sending. Methods may be called on any thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/connection.h"
#include "leat/client/consumer.h"
#include "model/transaction.h"

namespace leat::v1 {
class FetchPartitionResult;
class FetchRequest;
class FetchResponse;
}  // namespace leat::v1

namespace leat::client {

// What came for one partition, in order: batches, or a jump of the position because the old one is gone.
struct Fetched {
  TopicPartition partition;
  std::string batches;
  std::vector<model::AbortedTransaction> aborted;  // by first offset; their records in `batches` are to be skipped
  std::optional<int64_t> jump_to;
};

class Fetcher {
 public:
  Fetcher(std::shared_ptr<Connection> connection, const ConsumerOptions& options);
  ~Fetcher();

  // Forgets what was fetched and goes on from these offsets.
  void Restart(const std::map<TopicPartition, int64_t>& offsets);
  // Partitions that are in `offsets` and were fetched before go on undisturbed, what was fetched of them included; the
  // others end, or begin at these offsets.
  void Change(const std::map<TopicPartition, int64_t>& offsets);
  // The next fetched piece; waits for one at most so long. nullopt: none came. An error is told when everything fetched
  // before it was taken; kOutOfRange then stays until Restart, other errors are told once and tried again.
  absl::StatusOr<std::optional<Fetched>> Next(absl::Duration timeout);

 private:
  // What reads from one broker, and the thread that does.
  struct Reader {
    std::string address;                      // empty: any broker
    ::grpc::ClientContext* stream = nullptr;  // open now
    std::thread thread;
  };
  using Lock = std::unique_lock<std::mutex>;

  // Sees to it that there is a reader for every broker that leads something.
  void Run();
  void AskForLeaders(Lock* lock);
  void TakeLeadersLocked();
  void ReadFrom(Reader* reader);
  void BeginAnewLocked();
  void CancelStreamsLocked();
  bool IsOf(const Reader& reader, const TopicPartition& partition) const;
  // Reads one stream to its end. Returns true if it brought anything.
  bool ReadStream(Lock* lock, Reader* reader);
  v1::FetchRequest RequestLocked(const Reader& reader) const;
  // False: the stream is to end, for it is no longer what is wanted.
  bool TakeLocked(Lock* lock, Reader* reader, v1::FetchResponse* response, uint64_t generation);
  void TakeBatchesLocked(v1::FetchPartitionResult* result);
  void OnErrorLocked(Lock* lock, Reader* reader, const v1::FetchPartitionResult& result, uint64_t generation);

  const std::shared_ptr<Connection> connection_;
  const ConsumerOptions options_;
  std::mutex mutex_;
  std::condition_variable fetched_;                // something came: for Next
  std::condition_variable wanted_;                 // something changed: for the readers
  std::condition_variable leaders_wanted_;         // for Run
  std::map<TopicPartition, int64_t> next_;         // where to fetch
  std::map<TopicPartition, std::string> leaders_;  // of what is fetched: the addresses
  std::map<std::string, std::unique_ptr<Reader>> readers_;
  bool lost_ = false;  // a broker was the wrong one, or has gone
  std::deque<Fetched> pieces_;
  size_t bytes_ = 0;  // of pieces_
  absl::Status error_;
  uint64_t generation_ = 0;  // of Restart, and of the leaders
  bool stopping_ = false;
  ::grpc::ClientContext* asking_ = nullptr;  // who leads
  std::thread thread_;
};

}  // namespace leat::client
