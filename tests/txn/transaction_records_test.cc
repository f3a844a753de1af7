#include "txn/transaction_records.h"

#include <gtest/gtest.h>

namespace leat::txn {
namespace {

using namespace std::string_literals;

Transaction Open() {
  Transaction transaction;
  transaction.producer_id = model::ProducerId(4000);
  transaction.producer_epoch = 7;
  transaction.timeout_ms = 60000;
  transaction.state = State::kOngoing;
  transaction.partitions = {{"t", model::PartitionId(0)}, {"t", model::PartitionId(2)}, {"uv", model::PartitionId(1)}};
  transaction.start_ms = 5;
  transaction.last_update_ms = 6;
  return transaction;
}

TEST(TransactionKey, IsKafkasVersion0) {
  EXPECT_EQ(EncodeKey("abc"), "\0\0\0\3abc"s);
  EXPECT_EQ(**DecodeKey("\0\0\0\3abc"s), "abc");
  EXPECT_EQ(*DecodeKey("\0\1\0\3abc"s), std::nullopt) << "another kind of record";
  EXPECT_EQ(DecodeKey("\0\0\0\3ab"s).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeKey("\0\0\0\3abcd"s).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeKey("\0").status().code(), absl::StatusCode::kDataLoss);
}

// Bytes put together by hand from Kafka's schema of TransactionLogValue.
TEST(TransactionValue, IsKafkasVersion1) {
  const std::string expected =
      "\0\1"s                     // version
      "\0\0\0\0\0\0\x0f\xa0"s     // producer id
      "\0\7"s                     // epoch
      "\0\0\xea\x60"s             // timeout
      "\1"s                       // Ongoing
      "\3"s                       // two topics
      "\2t\3\0\0\0\0\0\0\0\2\0"s  // t: 0, 2, no tags
      "\3uv\2\0\0\0\1\0"s         // uv: 1, no tags
      "\0\0\0\0\0\0\0\6"s         // last update
      "\0\0\0\0\0\0\0\5"s         // start
      "\0"s;                      // no tags
  EXPECT_EQ(EncodeValue(Open()), expected);
  EXPECT_EQ(*DecodeValue(expected), Open());
}

TEST(TransactionValue, WritesWhatIsNotTheDefaultAsTaggedFields) {
  Transaction transaction;
  transaction.producer_id = model::ProducerId(1);
  transaction.producer_epoch = 0;
  transaction.previous_producer_id = model::ProducerId(2);
  transaction.next_producer_id = model::ProducerId(3);
  transaction.client_version = Version::kEpochPerTransaction;
  transaction.last_producer_epoch = 9;
  const std::string bytes = EncodeValue(transaction);
  const std::string tags =
      "\4"s
      "\0\x8\0\0\0\0\0\0\0\2"s
      "\1\x8\0\0\0\0\0\0\0\3"s
      "\2\2\0\2"s
      "\x90\x4e\2\0\x9"s;
  EXPECT_EQ(bytes.substr(bytes.size() - tags.size()), tags);
  EXPECT_EQ(bytes[17], 0) << "no partitions: null while Empty";
  EXPECT_EQ(*DecodeValue(bytes), transaction);
}

TEST(TransactionValue, ReadsVersion0) {
  const std::string bytes =
      "\0\0"s
      "\0\0\0\0\0\0\x0f\xa0"s
      "\0\7"s
      "\0\0\xea\x60"s
      "\1"s
      "\0\0\0\2"s
      "\0\1t\0\0\0\2\0\0\0\0\0\0\0\2"s
      "\0\2uv\0\0\0\1\0\0\0\1"s
      "\0\0\0\0\0\0\0\6"s
      "\0\0\0\0\0\0\0\5"s;
  EXPECT_EQ(*DecodeValue(bytes), Open());
}

TEST(TransactionValue, PassesOverTagsThatItDoesNotKnow) {
  std::string bytes = EncodeValue(Open());
  bytes.back() = 1;
  bytes += "\x63\3xyz";
  EXPECT_EQ(*DecodeValue(bytes), Open());
}

TEST(TransactionValue, RefusesEveryPrefixAndWhatFollows) {
  Transaction transaction = Open();
  transaction.next_producer_id = model::ProducerId(3);
  const std::string bytes = EncodeValue(transaction);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeValue(bytes.substr(0, n)).ok()) << n;
  EXPECT_EQ(DecodeValue(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeValue("\0\2"s + bytes.substr(2)).status().code(), absl::StatusCode::kUnimplemented);
  std::string state = bytes;
  state[16] = 9;
  EXPECT_EQ(DecodeValue(state).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(TransactionValue, ADeclaredCountCostsNothing) {
  std::string bytes = EncodeValue(Open());
  bytes[17] = '\x7f';  // 126 topics
  EXPECT_FALSE(DecodeValue(bytes).ok());
  bytes = EncodeValue(Open()).substr(0, 17) + "\x02\x02t\xff\xff\xff\xff\x0f"s;
  EXPECT_EQ(DecodeValue(bytes).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace leat::txn
