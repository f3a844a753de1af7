#include "model/transaction.h"

#include <gtest/gtest.h>

#include "model/error_status.h"
#include "model/record_batch.h"

namespace leat::model {
namespace {

TEST(MarkerBatch, IsReadAsItWasWritten) {
  const std::string batch =
      EncodeMarkerBatch({ProducerId(42), 3, {.end = TransactionEnd::kCommit, .coordinator_epoch = 17}, 1234});
  const auto header = ValidateBatch(batch, RecordCheck::kEveryRecord, 1 << 16);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_TRUE(header->control() && header->transactional());
  EXPECT_EQ(header->producer_id, ProducerId(42));
  EXPECT_EQ(header->producer_epoch, 3);
  EXPECT_EQ(header->base_sequence, -1);
  EXPECT_EQ(header->max_timestamp_ms, 1234);
  const auto marker = DecodeMarkerBatch(batch);
  ASSERT_TRUE(marker.ok() && *marker) << marker.status();
  EXPECT_EQ((*marker)->end, TransactionEnd::kCommit);
  EXPECT_EQ((*marker)->coordinator_epoch, 17);
}

std::string ControlBatch(std::string_view key, std::string_view value) {
  BatchBuilder builder({.transactional = true, .control = true});
  builder.Add(1, key, value);
  return builder.Finish().value();
}

TEST(MarkerBatch, PassesOverOtherControlRecords) {
  const auto other = DecodeMarkerBatch(ControlBatch(std::string_view("\0\0\0\2", 4), "leader change"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(*other, std::nullopt);
}

TEST(MarkerBatch, RefusesOneThatIsTooShort) {
  EXPECT_TRUE(absl::IsDataLoss(DecodeMarkerBatch(ControlBatch(std::string_view("\0\0\0", 3), "123456")).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeMarkerBatch(ControlBatch(std::string_view("\0\0\0\1", 4), "12345")).status()));
}

TEST(ErrorStatus, CarriesTheCodeThroughContext) {
  const absl::Status status = WithCode(FailedPrecondition("epoch 3 is fenced"), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(CodeOf(status), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(CodeOf(Annotate(status, "orders-0")), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(CodeOf(FailedPrecondition("no code")), std::nullopt);
  EXPECT_EQ(CodeOf(WithCode(absl::OkStatus(), ErrorCode::kInvalidRecord)), std::nullopt);
}

TEST(ErrorCode, HasKafkasNames) {
  EXPECT_EQ(ErrorName(ErrorCode::kUnknownServerError), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(ErrorName(ErrorCode::kInvalidTopic), "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(ErrorName(ErrorCode::kProducerFenced), "PRODUCER_FENCED");
  EXPECT_EQ(ErrorName(ErrorCode::kTransactionAbortable), "TRANSACTION_ABORTABLE");
  EXPECT_EQ(ErrorName(static_cast<ErrorCode>(9999)), "UNKNOWN_SERVER_ERROR");
}

}  // namespace
}  // namespace leat::model
