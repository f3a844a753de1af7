// The outcome of a request for one topic or partition, with Kafka's numbers so that both front doors can carry it.
#pragma once

#include <cstdint>
#include <string_view>

namespace leat::model {

enum class ErrorCode : int16_t {
  kUnknownServerError = -1,
  kNone = 0,
  kOffsetOutOfRange = 1,
  kCorruptMessage = 2,
  kUnknownTopicOrPartition = 3,
  kLeaderNotAvailable = 5,
  kNotLeaderOrFollower = 6,
  kRequestTimedOut = 7,
  kMessageTooLarge = 10,
  kOffsetMetadataTooLarge = 12,
  kCoordinatorLoadInProgress = 14,
  kCoordinatorNotAvailable = 15,
  kNotCoordinator = 16,
  kInvalidTopic = 17,
  kRecordListTooLarge = 18,
  kInvalidGroupId = 24,
  kUnsupportedVersion = 35,
  kTopicAlreadyExists = 36,
  kInvalidPartitions = 37,
  kInvalidReplicationFactor = 38,
  kInvalidConfig = 40,
  kInvalidRequest = 42,
  kKafkaStorageError = 56,  // the log directory is offline, or its disk full
  kFencedLeaderEpoch = 74,
  kUnknownLeaderEpoch = 75,
  kUnsupportedCompressionType = 76,
  kInvalidRecord = 87,
  kPolicyViolation = 44,
  kThrottlingQuotaExceeded = 89,
  kInvalidTimestamp = 32,
  kOutOfOrderSequenceNumber = 45,
  kDuplicateSequenceNumber = 46,
  kInvalidProducerEpoch = 47,
  kInvalidTxnState = 48,
  kInvalidProducerIdMapping = 49,
  kInvalidTransactionTimeout = 50,
  kConcurrentTransactions = 51,
  kTransactionCoordinatorFenced = 52,
  kOperationNotAttempted = 55,
  kUnknownProducerId = 59,
  kProducerFenced = 90,
  kTransactionalIdNotFound = 105,
  kTransactionAbortable = 120,
  kInvalidRegularExpression = 128,
};

std::string_view ErrorName(ErrorCode code);  // e.g. UNKNOWN_TOPIC_OR_PARTITION

}  // namespace leat::model
