// A partition that Apache Kafka 4.3.1 wrote for its own Java client and closed: an idempotent producer (0), two
// transactional ones (1 and 2) with committed and aborted transactions, and one left open. Its first segment is gone.
#include <absl/strings/escaping.h>

#include "log/file_names.h"
#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

using model::Offset;
using model::ProducerId;

constexpr std::string_view kLog =
    "000000000000000700000042000000000210f4e21a003000000000000001a1feb0efe1000001a1feb0efe10000000000"
    "0000010001ffffffff000000012000000008000000000c00000000000000000000000000000800000042000000000208"
    "e9d259003000000000000001a1feb0f061000001a1feb0f06100000000000000020001ffffffff000000012000000008"
    "000000010c0000000000000000000000000000090000003d0000000002ea23de6700100000000000000000000007d400"
    "000000000007d400000000000000010001000000000000000116000000010a6f6e652d6300000000000000000a000000"
    "4200000000022178f11a003000000000000001a1feb0f079000001a1feb0f07900000000000000010002ffffffff0000"
    "00012000000008000000010c00000000000000000000000000000b0000003d0000000002906d91d90010000000000000"
    "0000000007d500000000000007d500000000000000020001000000000000000116000000010a74776f2d620000000000"
    "0000000c000000420000000002ae4bf2fe003000000000000001a1feb0f13b000001a1feb0f13b000000000000000200"
    "02ffffffff000000012000000008000000000c00000000000000000000000000000d0000004000000000026649431d00"
    "100000000000000000000007d600000000000007d60000000000000001000200000000000000011c00000001106f6e65"
    "2d6f70656e00";
constexpr std::string_view kAborted =
    "000000000000000000010000000000000003000000000000000700000000000000050000000000000000000200000000"
    "0000000b000000000000000c000000000000000d";
constexpr std::string_view kSnapshotAt7 =
    "00010b8414d600000003000000000000000000000000000300000000000000060000000000000000000007d3ffffffff"
    "ffffffffffffffff000000000000000100000000000100000000000000040000000000000000000007d1ffffffff0000"
    "000000000003000000000000000200000000000000000000000000050000000000000000000007d2ffffffff00000000"
    "00000005";
constexpr std::string_view kSnapshotAt14 =
    "000112236da300000003000000000000000000000000000300000000000000060000000000000000000007d3ffffffff"
    "ffffffffffffffff0000000000000001000200000000000000000000000d0000000000000000000007d6000000000000"
    "00000000000d00000000000000020002ffffffffffffffffffffffff00000000000001a1feb0f13b00000000ffffffff"
    "ffffffff";

std::string Bytes(std::string_view hex) { return absl::HexStringToBytes(ToAbsl(hex)); }

class GoldenTransactionsTest : public LogTest {
 protected:
  GoldenTransactionsTest() {
    options_.retention_age = absl::InfiniteDuration();
    EXPECT_TRUE(disk_.CreateDirectories(kFolder).ok());
    Put("00000000000000000007.log", Bytes(kLog));
    Put("00000000000000000007.txnindex", Bytes(kAborted));
    Put("00000000000000000007.snapshot", Bytes(kSnapshotAt7));
    Put("00000000000000000014.snapshot", Bytes(kSnapshotAt14));
    Put("leader-epoch-checkpoint", "0\n1\n0 7\n");
    Put(kRecoveryPointFile, "0\n1\norders 0 14\n");
  }
  void Put(std::string_view name, std::string_view bytes) {
    ASSERT_TRUE(env::WriteFileAtomically(disk_, env::JoinPath(kFolder, name), bytes).ok());
  }
  void Remove(std::string_view name) { ASSERT_TRUE(disk_.Remove(env::JoinPath(kFolder, name)).ok()); }
  // "id epoch sequence coordinator-epoch open-since" of each producer.
  static std::vector<std::string> Producers(const PartitionLog& log) {
    std::vector<std::string> texts;
    for (const ProducerDescription& one : log.DescribeProducers()) {
      texts.push_back(StrCat(one.producer_id, " ", one.epoch, " ", one.last_sequence, " ", one.coordinator_epoch, " ",
                             one.open_since));
    }
    return texts;
  }
  static std::vector<model::AbortedTransaction> Aborted(PartitionLog& log) {
    const auto read = log.Read(Offset(7), 1 << 20, model::Isolation::kReadCommitted);
    EXPECT_TRUE(read.ok()) << read.status();
    return read->aborted;
  }
  // Transaction version 2: producer 1 aborted, committed and began anew, each in an epoch of its own.
  const std::vector<std::string> producers_ = {"0 0 3 -1 -1", "1 2 0 0 13", "2 2 -1 0 -1"};
  const std::vector<model::AbortedTransaction> aborted_ = {{ProducerId(1), Offset(3)}, {ProducerId(2), Offset(11)}};
};

TEST_F(GoldenTransactionsTest, IsReadAsKafkaLeftIt) {
  // Times of long ago: nobody is remembered for so long.
  options_.producer_expiration = absl::InfiniteDuration();
  PartitionLog& log = Open();
  EXPECT_EQ(log.recovery().scanned_bytes, 0u);
  EXPECT_EQ(Producers(log), producers_);
  EXPECT_EQ(log.log_end(), Offset(14));
  EXPECT_EQ(log.last_stable_offset(), Offset(13));
  EXPECT_EQ(Aborted(log), aborted_);
}

TEST_F(GoldenTransactionsTest, FollowsTheBatchesToTheSameStateThatKafkaWrote) {
  options_.producer_expiration = absl::InfiniteDuration();
  Remove("00000000000000000014.snapshot");
  EXPECT_EQ(Producers(Open()), producers_);
}

TEST_F(GoldenTransactionsTest, FindsTheSameAbortedTransactionsInTheLog) {
  options_.producer_expiration = absl::InfiniteDuration();
  Remove(kRecoveryPointFile);
  Remove("00000000000000000007.txnindex");
  PartitionLog& log = Open();
  EXPECT_EQ(log.last_stable_offset(), Offset(13));
  EXPECT_EQ(Aborted(log), aborted_);
  ASSERT_TRUE(CloseDirectory().ok());
  EXPECT_EQ(disk_.Content(SegmentPath(kFolder, Offset(7), kAbortedIndexSuffix)), Bytes(kAborted));
}

TEST_F(GoldenTransactionsTest, WritesTheSnapshotThatKafkaWrote) {
  for (const auto& [hex, end] : {std::pair{kSnapshotAt7, 7}, std::pair{kSnapshotAt14, 14}}) {
    const std::string bytes = Bytes(hex);
    const absl::StatusOr<ProducerState> state = ProducerState::DecodeSnapshot(bytes, Offset(end));
    ASSERT_TRUE(state.ok()) << state.status();
    // The version, and behind the checksum all that Kafka knows.
    const std::string again = state->EncodeSnapshot();
    EXPECT_EQ(again.substr(0, 2), bytes.substr(0, 2));
    EXPECT_EQ(again.substr(6, bytes.size() - 6), bytes.substr(6));
  }
}

}  // namespace
}  // namespace leat::log
