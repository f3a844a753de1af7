// Reads records from partitions that the caller assigns, or that a group shares out among its members. Not thread-safe:
// one thread at a time.
#pragma once

#include <functional>

#include "leat/client/client.h"

namespace leat::client {

struct ConsumerOptions {
  std::string group;  // empty: no committed offsets
  enum class Reset { kEarliest, kLatest, kError };
  Reset reset = Reset::kLatest;  // where to start without a committed offset, or when it is gone
  // kReadCommitted: records of transactions come once they are committed, in the order of the log; those of aborted
  // ones never. An open transaction holds back what lies behind its first record.
  enum class Isolation { kReadUncommitted, kReadCommitted };
  Isolation isolation = Isolation::kReadUncommitted;
  size_t prefetch_bytes = 16 << 20;  // fetched but not yet polled, at most about this much
  absl::Duration max_wait = absl::Milliseconds(500);

  // Of Subscribe: membership in `group`. Kafka's consumers with one of these assignors can be members of it too.
  // kCooperativeSticky moves as few partitions as it can. If it is the only one, sharing is incremental: a member goes
  // on reading while the group is shared out anew, and gives back only what another member gets. A group changes over
  // to it in two rounds of restarts: first every member lists it before the others, then alone.
  enum class Assignor { kRange, kRoundRobin, kCooperativeSticky };
  std::vector<Assignor> assignors = {Assignor::kRange, Assignor::kRoundRobin};  // the first that all members have
  std::string instance;  // a static member's name, its own in the group: it keeps its partitions over a restart
  std::string client_id = "leat";
  absl::Duration session_timeout = absl::Seconds(30);  // without a heartbeat for so long the member is gone
  absl::Duration heartbeat_interval = absl::Seconds(3);
  absl::Duration max_poll_interval = absl::Minutes(5);  // and without a Poll for so long
};

// Called by Poll, on its thread. Partitions that were given back are committed best in on_revoked: it is the last time
// that this member may. Those that are lost are another member's already. With incremental sharing they are told what
// comes and what goes, and are not called if nothing does; else, all of it.
struct RebalanceCallbacks {
  std::function<void(const std::vector<TopicPartition>&)> on_assigned;
  std::function<void(const std::vector<TopicPartition>&)> on_revoked;
  std::function<void(const std::vector<TopicPartition>&)> on_lost;
};

struct ConsumerRecord {
  TopicPartition partition;
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  Headers headers;
};

struct OffsetRange {
  int64_t begin = 0;  // first offset there is
  int64_t end = 0;    // one behind the last record that this isolation may read
};

class Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Create(std::shared_ptr<Connection> connection,
                                                          const ConsumerOptions& options);
  ~Consumer();

  // Replaces the assignment. Starts each partition at its committed offset (with a group) or as `reset` says.
  absl::Status Assign(const std::vector<TopicPartition>& partitions);
  absl::Status AssignTopic(const std::string& topic);  // all its partitions
  // Becomes a member of the group, which shares the topics' partitions out among its members, and replaces any
  // assignment. Poll takes part in the sharing: call it at least every max_poll_interval. kFailedPrecondition without a
  // group. Assign ends the membership, as the destructor does.
  absl::Status Subscribe(const std::vector<std::string>& topics, RebalanceCallbacks callbacks = {});
  const std::vector<TopicPartition>& assignment() const;
  absl::Status Seek(const TopicPartition& partition, int64_t offset);
  absl::Status SeekToBeginning();
  absl::Status SeekToEnd();
  absl::Status SeekToTime(int64_t timestamp_ms);  // the first record at or after it, else the end

  // Records of the assigned partitions, each partition's in order; empty if none came within the timeout. At most
  // max_records. kOutOfRange: the position is gone and reset is kError; kDataLoss: the broker has fenced damaged data.
  absl::StatusOr<std::vector<ConsumerRecord>> Poll(absl::Duration timeout, size_t max_records = 500);

  int64_t Position(const TopicPartition& partition) const;  // the next offset Poll returns; -1 if not assigned
  // Positions, synchronously. kFailedPrecondition: there is no group, or the group has gone on without this member.
  absl::Status Commit();
  absl::StatusOr<std::map<TopicPartition, int64_t>> Committed();
  absl::StatusOr<std::map<TopicPartition, OffsetRange>> Offsets();
  absl::StatusOr<int64_t> Lag();  // records between the positions and the ends, over all partitions

 private:
  struct Impl;
  explicit Consumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat::client
