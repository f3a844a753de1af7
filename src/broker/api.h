// The requests and replies of the broker, free of any wire format: the gRPC services, the Kafka listener, the admin
// endpoint and jobs all make these. Sizes are bytes, times milliseconds since 1970 UTC unless the type says otherwise.
#pragma once

#include <absl/functional/any_invocable.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/owned_bytes.h"
#include "base/status.h"
#include "base/time.h"
#include "broker/job_api.h"
#include "group/lag_judge.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "model/transaction.h"
#include "model/uuid.h"

namespace leat::env {
class Shard;
}  // namespace leat::env

namespace leat::broker {

// Called exactly once, on a shard's thread: it must not block.
template <typename Reply>
using Callback = absl::AnyInvocable<void(Reply)>;

// The outcome for one topic, partition or key. `message` is empty on success and says what to do otherwise.
struct Outcome {
  model::ErrorCode code = model::ErrorCode::kNone;
  std::string message;
  bool ok() const { return code == model::ErrorCode::kNone; }
};

// Who leads a partition, as this node's image has it; -1: nobody, or not known. Told with errors that say that the
// caller asked the wrong node, or in the wrong epoch.
struct CurrentLeader {
  model::NodeId id{-1};
  model::LeaderEpoch epoch{-1};
  friend bool operator==(const CurrentLeader&, const CurrentLeader&) = default;
};

// --- produce ---
enum class Acks : int16_t {
  kNone = 0,
  kLeader = 1,
  kAll = -1
};  // kNone: answered at once; errors are only logged and counted
// Only while the partition is of this topic and led in this epoch (-1: in any). For a writer that was begun because of
// a leadership, and must not outlive it.
struct LeadershipFence {
  model::TopicId topic;
  model::LeaderEpoch epoch{-1};
  friend bool operator==(const LeadershipFence&, const LeadershipFence&) = default;
};
struct ProducePartition {
  model::TopicPartition partition;
  OwnedBytes batches;  // one or more record batches, magic 2; their offsets and epochs are written in place
  std::shared_ptr<const LeadershipFence> fence = nullptr;
};
// Which rules a transaction follows. kEpochRises (KIP-890, transaction.version 2): every transaction has an epoch of
// its own, the end of one gives the producer the epoch of the next, and a partition becomes a part of the transaction
// when it is written to. kEpochStays: it has to be added before.
enum class TransactionRules { kEpochStays, kEpochRises };
// kCreate: the first use of a topic makes it, if the broker's options allow that.
enum class MissingTopics { kCreate, kRefuse };
struct ProduceRequest {
  Acks acks = Acks::kAll;
  MissingTopics missing_topics = MissingTopics::kCreate;
  std::vector<ProducePartition> partitions;
  std::string transactional_id;  // needed for transactional batches
  TransactionRules rules = TransactionRules::kEpochStays;
  Duration timeout = absl::Seconds(30);  // kAll: for the other copies; then REQUEST_TIMED_OUT
};
struct ProducePartitionResult {
  model::TopicPartition partition;
  Outcome outcome;
  model::Offset base_offset{-1};
  int64_t log_append_time_ms = -1;
  model::Offset log_start{-1};
  CurrentLeader leader;  // with NOT_LEADER_OR_FOLLOWER
};
struct ProduceReply {
  std::vector<ProducePartitionResult> partitions;  // in the order of the request
  const env::Shard* shard = nullptr;               // that owns all of these partitions; null if several do
};

// --- fetch ---
struct FetchPartition {
  model::TopicPartition partition;
  model::Offset offset;
  size_t max_bytes = size_t{1} << 20;
  model::LeaderEpoch current_epoch{-1};  // the leader's, as the caller knows it; another one is refused
  // Of the record before `offset`, as the caller has it. If the log here does not have that epoch up to `offset`, the
  // result says where the two part, and has no records (KIP-595). -1: not looked at.
  model::LeaderEpoch last_fetched_epoch{-1};
};
// The largest epoch that both may have, and where it ends here.
struct Divergence {
  model::LeaderEpoch epoch{-1};
  model::Offset end{-1};
};
struct FetchRequest {
  std::vector<FetchPartition> partitions;
  Duration max_wait = absl::Milliseconds(500);  // long poll until min_bytes are there
  size_t min_bytes = 1;
  size_t max_bytes = size_t{50} << 20;
  model::Isolation isolation = model::Isolation::kReadUncommitted;
  std::string rack;  // of the caller, who may be sent to a copy that is nearer (KIP-392); may be empty
};
struct FetchPartitionResult {
  model::TopicPartition partition;
  Outcome outcome;
  std::string batches;  // whole batches; the first may begin below the offset asked for
  model::Offset high_watermark{-1};
  model::Offset log_start{-1};
  model::Offset last_stable_offset{-1};
  std::vector<model::AbortedTransaction> aborted;  // kReadCommitted: those with records in `batches`
  std::optional<Divergence> diverges;              // the caller's log is another one from there on
  CurrentLeader leader;                            // with NOT_LEADER_OR_FOLLOWER and the errors of epochs
  std::optional<model::NodeId> preferred_replica;  // read there; there are no batches then
};
struct FetchReply {
  std::vector<FetchPartitionResult> partitions;
};

// --- offsets of a log ---
struct ListOffsetsPartition {
  // kEndOfEpoch: where the leader epoch `epoch` ends, and the largest one that is not above it.
  enum class Spec { kEarliest, kLatest, kTimestamp, kMaxTimestamp, kEndOfEpoch };
  model::TopicPartition partition;
  Spec spec = Spec::kLatest;
  int64_t timestamp_ms = -1;                                        // kTimestamp: the first record at or after it
  model::LeaderEpoch epoch{-1};                                     // kEndOfEpoch
  model::Isolation isolation = model::Isolation::kReadUncommitted;  // kReadCommitted: the log ends where it is stable
  model::LeaderEpoch current_epoch{-1};                             // as in FetchPartition
};
struct ListOffsetsResult {
  model::TopicPartition partition;
  Outcome outcome;
  model::Offset offset{-1};  // -1: no such record
  int64_t timestamp_ms = -1;
  model::LeaderEpoch leader_epoch{-1};  // of the record, or what kEndOfEpoch found
};
// The producers that a partition remembers.
struct ActiveProducer {
  model::ProducerId producer_id{-1};
  int16_t epoch = -1;
  int32_t last_sequence = -1;
  int64_t last_timestamp_ms = -1;
  int32_t coordinator_epoch = -1;
  model::Offset open_since{-1};  // the first offset of its open transaction; -1: none
};
struct DescribeProducersPartition {
  model::TopicPartition partition;
};
struct DescribeProducersResult {
  model::TopicPartition partition;
  Outcome outcome;
  std::vector<ActiveProducer> producers;  // by id
};
struct DeleteRecordsPartition {
  model::TopicPartition partition;
  model::Offset before{-1};              // -1: everything up to the high watermark
  Duration timeout = absl::Seconds(30);  // for the other copies; then REQUEST_TIMED_OUT
};
struct DeleteRecordsResult {
  model::TopicPartition partition;
  Outcome outcome;
  model::Offset log_start{-1};
};

// --- topics ---
using Configs = std::map<std::string, std::string>;
// kValidate: everything is checked and answered as if it were done, and nothing is changed.
enum class ChangeMode { kApply, kValidate };
struct NewTopic {
  std::string name;
  int32_t partitions = -1;  // -1: the broker's default
  Configs configs;          // Kafka's names: retention.ms, segment.bytes, ..; leat.durability = fsync | page-cache
  int16_t replication_factor = -1;                        // -1: the broker's default
  std::vector<std::vector<model::NodeId>> assignments{};  // the replicas of each partition; empty: the cluster chooses
};
// kBroker: the broker's configuration gives another default than the table of topic configs.
struct ConfigEntry {
  std::string name;
  std::string value;
  enum class Source { kDefault, kBroker, kTopic } source = Source::kDefault;
};
struct TopicResult {
  std::string name;
  Outcome outcome;
  model::TopicId id;
  int32_t partitions = 0;
  std::vector<ConfigEntry> configs;  // of a topic that was made or altered
  int16_t replication_factor = 1;    // of its first partition
};
// kElsewhere: this node has no copy, so that offsets, bytes and segments are unknown here (-1 and 0).
enum class CopyHere : bool { kElsewhere, kHere };
struct PartitionDescription {
  model::PartitionId partition;
  model::NodeId leader{-1};
  model::LeaderEpoch leader_epoch{-1};
  model::Offset log_start{0};
  model::Offset high_watermark{0};
  uint64_t size_bytes = 0;
  int segments = 0;
  Outcome outcome;  // e.g. KAFKA_STORAGE_ERROR with the reason when the partition is fenced
  CopyHere copy = CopyHere::kHere;
  std::vector<model::NodeId> replicas;          // the first is the preferred leader
  std::vector<model::NodeId> isr, eligible;     // in sync; out of sync, but missing nothing (KIP-966)
  std::vector<model::NodeId> offline;           // replicas on brokers that are not live
  std::vector<model::NodeId> adding, removing;  // of a reassignment under way
};
struct TopicDescription {
  std::string name;
  Outcome outcome;
  model::TopicId id;
  bool internal = false;
  std::vector<PartitionDescription> partitions;
  std::vector<ConfigEntry> configs;
};
struct AlterTopic {
  std::string name;
  Configs set;
  std::vector<std::string> remove;  // back to the default
  int32_t partitions = -1;          // > current: adds partitions
  bool must_grow = false;           // `partitions` equal to what there is is an error too
  int32_t added_partitions = -1;    // >= 0: the caller's count of new partitions, checked
  Configs append, subtract;         // of configs that are lists: adds and takes away their comma-separated items
  bool replace_all = false;         // configs that are not in `set` go back to the default
  std::vector<std::vector<model::NodeId>> assignments{};  // of each new partition; empty: the cluster chooses
};

// A setting of the broker itself: Kafka's name, the value in force, and the key of our own configuration that sets it.
struct BrokerConfig {
  std::string name;
  std::string value;
  std::string help;
};

// A folder of logs, and how much room its file system has.
struct LogDirectoryDescription {
  std::string path;
  Outcome outcome;  // KAFKA_STORAGE_ERROR with the reason while it is offline
  int64_t total_bytes = -1;
  int64_t usable_bytes = -1;
};

// --- committed offsets of groups ---
struct CommitOffset {
  model::TopicPartition partition;
  model::Offset offset;
  std::string metadata;
};
struct CommitOffsetsRequest {
  std::string group;
  std::vector<CommitOffset> offsets;
};
struct CommitOffsetResult {
  model::TopicPartition partition;
  Outcome outcome;
};
struct CommittedOffset {
  model::TopicPartition partition;
  model::Offset offset{-1};  // -1: none
  std::string metadata;
  int64_t commit_time_ms = -1;
};
// Whether who reads a partition for a group gets on, as its coordinator judges.
using ConsumerStatus = group::ConsumerStatus;
using group::StatusName;
struct GroupStatus {
  std::string group;
  model::TopicPartition partition;
  ConsumerStatus status = ConsumerStatus::kOk;
};
struct GroupLag {
  std::string group;
  model::TopicPartition partition;
  model::Offset committed{-1};
  model::Offset high_watermark{-1};
  int64_t lag_records = 0;
  double lag_seconds = 0;  // age of the first record not yet committed, by its timestamp; 0 when there is none
  ConsumerStatus status = ConsumerStatus::kOk;
};

// --- the cluster ---
struct ClusterDescription {
  std::string cluster_id;
  model::NodeId controller{-1};  // -1: nobody knows it now
  // kFenced: registered and not heard of; kDraining: live, and gives up its replicas.
  enum class State { kLive, kFenced, kStopping, kDraining };
  struct Node {
    model::NodeId id;
    std::string grpc, kafka, admin;  // host:port, empty if off; several are parted by commas
    std::string rack{};
    int64_t epoch = -1;  // of its registration
    State state = State::kLive;
    size_t replicas = 0, leaders = 0;  // partitions that it has a copy of, and that it leads
  };
  std::vector<Node> nodes;  // by id
  std::string version;
  int64_t start_time_ms = 0;
  model::Offset metadata_end{0};  // of the metadata log: what the controllers' quorum has committed
  int32_t feature_level = 0;
  size_t topics = 0;
  size_t partitions = 0;
  // Of the partitions: without a leader; with replicas out of sync; led by another one than the preferred replica;
  // on their way to other brokers.
  size_t leaderless = 0, under_replicated = 0, not_preferred = 0, reassigning = 0;
};
std::string_view StateName(ClusterDescription::State state);  // live, fenced, stopping, draining

struct ListenerAddress {
  std::string name;
  std::string host;
  int32_t port = 0;
};
// How the quorum of the controllers stands, as one node knows it.
struct QuorumDescription {
  struct Replica {
    model::NodeId id{-1};
    model::Uuid directory;
    model::Offset log_end{-1};  // -1: not known here; only the leader knows it of the others
    int64_t last_fetch_ms = -1;
    int64_t last_caught_up_ms = -1;
    std::vector<ListenerAddress> listeners{};
  };
  model::NodeId leader{-1};  // -1: nobody knows one now
  int32_t epoch = 0;
  model::Offset high_watermark{-1};
  std::vector<Replica> voters, observers;  // by id
};

}  // namespace leat::broker
