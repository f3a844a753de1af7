#include "broker/outcomes.h"

#include "meta/commands.h"
#include "model/error_status.h"

namespace leat::broker {

using model::ErrorCode;

Outcome Failed(ErrorCode code, std::string message) { return {code, std::move(message)}; }

Outcome AppendOutcome(const absl::Status& status) {
  const std::string text(Message(status));
  if (const std::optional<ErrorCode> code = model::CodeOf(status)) return {*code, text};
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return {};
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kDataLoss:
      return {ErrorCode::kCorruptMessage, text};
    case absl::StatusCode::kOutOfRange:
      return {ErrorCode::kMessageTooLarge,
              StrCat(text, ": send smaller batches or raise max.message.bytes of the topic")};
    case absl::StatusCode::kResourceExhausted:
      return {ErrorCode::kKafkaStorageError,
              StrCat("nothing was appended, the disk is full: free space and send again (reads go on): ", text)};
    case absl::StatusCode::kUnavailable:
      return {ErrorCode::kKafkaStorageError, text};
    case absl::StatusCode::kNotFound:
      return {ErrorCode::kUnknownTopicOrPartition, text};
    default:
      return {ErrorCode::kUnknownServerError, status.ToString()};
  }
}

Outcome ReadOutcome(const absl::Status& status) {
  const std::string text(Message(status));
  if (const std::optional<ErrorCode> code = model::CodeOf(status)) return {*code, text};
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return {};
    case absl::StatusCode::kOutOfRange:
      return {ErrorCode::kOffsetOutOfRange, text};
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return {ErrorCode::kKafkaStorageError, text};
    case absl::StatusCode::kNotFound:
      return {ErrorCode::kUnknownTopicOrPartition, text};
    case absl::StatusCode::kInvalidArgument:
      return {ErrorCode::kInvalidRequest, text};
    default:
      return {ErrorCode::kUnknownServerError, status.ToString()};
  }
}

Outcome EpochOutcome(model::LeaderEpoch known, model::LeaderEpoch leader) {
  if (known.value() < 0 || known == leader) return {};
  if (known < leader) {
    return {ErrorCode::kFencedLeaderEpoch,
            StrCat("the partition's leader epoch is ", leader, ", the caller knows ", known, ": it is out of date")};
  }
  return {ErrorCode::kUnknownLeaderEpoch, StrCat("the partition's leader epoch is ", leader, ", the caller knows ",
                                                 known, ": it is ahead of this broker, or met another cluster")};
}

Outcome NotLeader(const model::TopicPartition& partition, const CurrentLeader& leader) {
  if (leader.id.value() < 0) {
    return {ErrorCode::kNotLeaderOrFollower,
            StrCat(partition.ToString(), " has no leader now: ask for the metadata and try again")};
  }
  return {ErrorCode::kNotLeaderOrFollower, StrCat(partition.ToString(), " is led by node ", leader.id, " in epoch ",
                                                  leader.epoch, ": ask for the metadata and send it there")};
}

Outcome TopicOutcome(const absl::Status& status, std::string_view topic) {
  const std::string text(Message(status));
  if (const std::optional<ErrorCode> code = model::CodeOf(status)) return {*code, text};
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return {};
    case absl::StatusCode::kInvalidArgument:
      if (!model::IsValidTopicName(topic) || meta::IsReservedTopic(topic)) return {ErrorCode::kInvalidTopic, text};
      return {ErrorCode::kInvalidConfig, text};
    case absl::StatusCode::kOutOfRange:
      return {ErrorCode::kInvalidPartitions, text};
    case absl::StatusCode::kAlreadyExists:
      return {ErrorCode::kTopicAlreadyExists, text};
    case absl::StatusCode::kNotFound:
      return {ErrorCode::kUnknownTopicOrPartition, text};
    case absl::StatusCode::kResourceExhausted:
      return {ErrorCode::kPolicyViolation, text};
    case absl::StatusCode::kUnavailable:
      return {ErrorCode::kLeaderNotAvailable, text};
    case absl::StatusCode::kFailedPrecondition:
      return {ErrorCode::kKafkaStorageError, text};
    default:
      return {ErrorCode::kUnknownServerError, status.ToString()};
  }
}

absl::Status ToStatus(const Outcome& outcome) {
  const std::string text = StrCat(model::ErrorName(outcome.code), ": ", outcome.message);
  switch (outcome.code) {
    case ErrorCode::kNone:
      return absl::OkStatus();
    case ErrorCode::kUnknownTopicOrPartition:
      return NotFound(text);
    case ErrorCode::kTopicAlreadyExists:
      return AlreadyExists(text);
    case ErrorCode::kOffsetOutOfRange:
      return OutOfRange(text);
    case ErrorCode::kThrottlingQuotaExceeded:
    case ErrorCode::kPolicyViolation:
      return ResourceExhausted(text);
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kOffsetNotAvailable:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kUnknownLeaderEpoch:
      return Unavailable(text);
    case ErrorCode::kUnknownServerError:
      return Internal(text);
    default:
      return InvalidArgument(text);
  }
}

}  // namespace leat::broker
