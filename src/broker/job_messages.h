// What a node asks of another for its jobs (env::Service::kJobs): a request of one of the kinds below, and an answer, a
// status with what was asked for. Numbers of kinds are on the wire and never used again for another meaning; fields are
// only added together with a new kind. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "broker/api.h"
#include "broker/fields.h"
#include "meta/records.h"
#include "stream/run/log_port.h"

namespace leat::broker {

struct Nothing {};
template <typename Fields>
void Visit(Fields&, Nothing&) {}
template <typename Fields>
void Visit(Fields& fields, GroupLag& it) {
  fields(it.group, it.partition, it.committed, it.high_watermark, it.lag_records, it.lag_seconds);
}
template <typename Fields>
void Visit(Fields& fields, GroupStatus& it) {
  fields(it.group, it.partition);
  fields.Choice(it.status, ConsumerStatus::kStopped);
}
template <typename Fields>
void Visit(Fields& fields, PartitionProgress& it) {
  fields(it.partition, it.offset, it.high_watermark, it.watermark_ms);
}
template <typename Fields>
void Visit(Fields& fields, JobLogLine& it) {
  fields(it.time_ms, it.text);
}
template <typename Fields>
void Visit(Fields& fields, JobDescription& it) {
  uint64_t state_bytes = it.state_bytes;
  fields.Choice(it.state, JobState::kFinished);
  fields(it.name, it.error, it.sql, it.explain, it.created_ms, it.restarts, it.rows_in, it.rows_out, it.rows_late,
         it.rows_dead, it.checkpoint_age_ms, it.checkpoint_duration_seconds, it.checkpoints, state_bytes, it.inputs,
         it.node);
  it.state_bytes = state_bytes;
}

template <typename Fields>
void Visit(Fields& fields, JobOperator& it) {
  fields(it.id, it.name, it.rows_in, it.rows_out, it.rows_late, it.rows_dead, it.state_bytes, it.watermark_ms,
         it.watermark_lag_seconds, it.busy_seconds, it.backpressured_seconds);
}
template <typename Fields>
void Visit(Fields& fields, JobProgress& it) {
  fields(it.operators, it.latency_records, it.latency_p50_seconds, it.latency_p95_seconds, it.latency_p99_seconds,
         it.workers, it.seconds, it.checkpoint_bytes, it.cpu_seconds, it.cpu_limited_seconds, it.cpu_limit);
}

// --- the log, of the leader of the partitions: as the calls of run::LogPort
struct AskEnds {
  static constexpr uint8_t kKind = 1;
  using Reply = std::vector<run::PartitionOffsets>;
  std::vector<model::TopicPartition> partitions;
};
struct AskOffsetForTime {
  static constexpr uint8_t kKind = 2;
  using Reply = model::Offset;
  model::TopicPartition partition;
  int64_t timestamp_ms = 0;
};
struct AskFetch {
  static constexpr uint8_t kKind = 3;
  using Reply = run::LogData;
  run::LogFetch fetch;
};
struct AskAppend {
  static constexpr uint8_t kKind = 4;
  using Reply = model::Offset;
  run::LogAppend append;
};
// --- of the coordinator of the group
struct AskCommit {
  static constexpr uint8_t kKind = 5;
  using Reply = Nothing;
  std::string group;
  std::vector<std::pair<model::TopicPartition, model::Offset>> offsets;
};
struct AskCommitted {
  static constexpr uint8_t kKind = 6;
  using Reply = std::vector<model::Offset>;
  std::string group;
  std::vector<model::TopicPartition> partitions;
};

struct AskForget {
  static constexpr uint8_t kKind = 7;
  using Reply = Nothing;
  std::string group;
};
// --- how far groups are behind: what the groups that a node coordinates have committed (no names: of all of them), and
// what of it the leader of the partitions says
struct AskCommittedOf {
  static constexpr uint8_t kKind = 8;
  using Reply = std::vector<GroupLag>;
  std::vector<std::string> groups;
};
struct AskLag {
  static constexpr uint8_t kKind = 9;
  using Reply = std::vector<GroupLag>;
  std::vector<GroupLag> items;
};
// Of the coordinator: the partitions of the groups (empty: of all that it coordinates) whose consumers are not ok.
struct AskTroubled {
  static constexpr uint8_t kKind = 21;
  using Reply = std::vector<GroupStatus>;
  std::vector<std::string> groups;
};
// --- of the node that a job runs on
// Answered once what runs there is what the metadata wants, in a state of the metadata that says `desired` of the job.
struct AskSettle {
  static constexpr uint8_t kKind = 10;
  using Reply = JobDescription;
  enum class Wish : uint8_t { kAsItIs, kStartAgain };  // kStartAgain: also what has failed or finished
  std::string name;
  meta::DesiredState desired = meta::DesiredState::kRunning;
  Wish wish = Wish::kAsItIs;
};
// Those of the jobs that run there.
struct AskJobs {
  static constexpr uint8_t kKind = 11;
  using Reply = std::vector<JobDescription>;
  std::vector<std::string> names;
};
struct AskJobLogs {
  static constexpr uint8_t kKind = 12;
  using Reply = std::vector<JobLogLine>;
  std::string name;
};
// The group ids that the job's SQL gives to its sources.
struct AskJobGroups {
  static constexpr uint8_t kKind = 13;
  using Reply = std::vector<std::string>;
  std::string name;
};

struct AskJobProgress {
  static constexpr uint8_t kKind = 20;
  using Reply = JobProgress;
  std::string name;
};

// --- of the coordinator of the transactional id
struct AskOpenProducer {
  static constexpr uint8_t kKind = 14;
  using Reply = run::TransactionalProducer;
  std::string transactional_id;
  Duration timeout;
};
struct AskAddToTransaction {
  static constexpr uint8_t kKind = 15;
  using Reply = Nothing;
  std::string transactional_id;
  run::TransactionalProducer producer;
  std::vector<model::TopicPartition> partitions;
};
struct AskEndTransaction {
  static constexpr uint8_t kKind = 16;
  using Reply = run::TransactionalProducer;
  std::string transactional_id;
  run::TransactionalProducer producer;
  model::TransactionEnd end = model::TransactionEnd::kAbort;
};

// --- of the leader of a partition of a view
// kRead: a page of the range, of the table with all that is committed when this is asked. kDescribe: how far it is.
struct AskView {
  static constexpr uint8_t kKind = 17;
  enum class What : uint8_t { kRead, kDescribe };
  struct Row {
    std::string key;
    model::Offset offset{-1};
    int64_t timestamp_ms = -1;
    std::string value;
  };
  struct Reply {
    std::vector<Row> rows{};
    std::string next{};  // the first key that is not in `rows`; empty: there is none
    model::Offset applied{-1}, end{-1};
    std::string trouble{};  // kDescribe: why the table does not grow
  };
  What what = What::kRead;
  model::TopicPartition partition{};
  std::string begin{};
  bool has_end = false;
  std::string end{};
  uint64_t max_rows = 0, max_bytes = 0;
};

template <typename Fields>
void Visit(Fields& fields, AskView::Row& it) {
  fields(it.key, it.offset, it.timestamp_ms, it.value);
}
template <typename Fields>
void Visit(Fields& fields, AskView::Reply& it) {
  fields(it.rows, it.next, it.applied, it.end, it.trouble);
}

// --- of the node that a job runs on: whether the job's state fits other SQL
struct AskUpgrade {
  static constexpr uint8_t kKind = 18;
  struct Reply {
    int64_t revision = 0;  // of the SQL that this was compared with
    std::vector<std::string> changes{};
    std::vector<std::string> dropped{};  // names of the operators whose state goes
  };
  std::string name;
  std::string sql;
  std::vector<std::string> drop_state{};
};
template <typename Fields>
void Visit(Fields& fields, AskUpgrade::Reply& it) {
  fields(it.revision, it.changes, it.dropped);
}
// As AskSettle, in a state of the metadata in which the job has this revision of its SQL.
struct AskUpgraded {
  static constexpr uint8_t kKind = 19;
  using Reply = JobDescription;
  std::string name;
  int64_t revision = 0;
};

using JobMessage =
    std::variant<AskEnds, AskOffsetForTime, AskFetch, AskAppend, AskCommit, AskCommitted, AskForget, AskCommittedOf,
                 AskLag, AskSettle, AskJobs, AskJobLogs, AskJobGroups, AskOpenProducer, AskAddToTransaction,
                 AskEndTransaction, AskView, AskUpgrade, AskUpgraded, AskJobProgress, AskTroubled>;

std::string EncodeJobMessage(JobMessage message);
// kInvalidArgument: not a message. kUnimplemented: of a kind that this program does not know (from a newer one).
absl::StatusOr<JobMessage> DecodeJobMessage(std::string_view bytes);

namespace internal {
std::string EncodeAnswerStatus(const absl::Status& status);
// Takes the status off; OK: `rest` is what was asked for.
absl::Status TakeAnswerStatus(std::string_view bytes, std::string_view* rest);
}  // namespace internal

template <typename Reply>
std::string EncodeJobAnswer(absl::StatusOr<Reply> answer) {
  std::string bytes = internal::EncodeAnswerStatus(answer.status());
  if (!answer.ok()) return bytes;
  FieldWriter writer;
  writer(*answer);
  return bytes + writer.Take();
}
// The status that the other node answered; kInvalidArgument for what is no answer.
template <typename Reply>
absl::StatusOr<Reply> DecodeJobAnswer(std::string_view bytes) {
  std::string_view rest;
  LEAT_RETURN_IF_ERROR(internal::TakeAnswerStatus(bytes, &rest));
  FieldReader reader(rest);
  Reply reply{};
  reader(reply);
  if (!reader.ok()) return InvalidArgument("another node's answer, ", bytes.size(), " bytes, cannot be read");
  return reply;
}

}  // namespace leat::broker

// The fields, found by the types' own namespaces.
namespace leat::run {
template <typename Fields>
void Visit(Fields& fields, PartitionOffsets& it) {
  uint64_t max_batch_bytes = it.max_batch_bytes;
  fields(it.partition, it.earliest, it.latest, max_batch_bytes);
  it.max_batch_bytes = max_batch_bytes;
}
template <typename Fields>
void Visit(Fields& fields, LogFetch& it) {
  uint64_t max_bytes = it.max_bytes;
  fields(it.partition, it.offset, max_bytes, it.max_wait);
  fields.Choice(it.isolation, model::Isolation::kReadCommitted);
  it.max_bytes = max_bytes;
}
template <typename Fields>
void Visit(Fields& fields, LogData& it) {
  fields(it.batches, it.high_watermark, it.log_start, it.end, it.aborted);
}
template <typename Fields>
void Visit(Fields& fields, LogAppend& it) {
  fields(it.partition, it.batches, it.transactional_id);
}
template <typename Fields>
void Visit(Fields& fields, TransactionalProducer& it) {
  fields(it.id, it.epoch);
}
}  // namespace leat::run
namespace leat::model {
template <typename Fields>
void Visit(Fields& fields, AbortedTransaction& it) {
  fields(it.producer_id, it.first_offset);
}
}  // namespace leat::model
