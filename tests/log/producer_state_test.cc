#include "log/producer_state.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "model/error_status.h"
#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

using model::ErrorCode;
using model::Offset;
using model::ProducerId;
using model::TransactionEnd;

constexpr auto kAbort = TransactionEnd::kAbort;
constexpr auto kCommit = TransactionEnd::kCommit;

// Appends to nothing but the state, as a log would.
class Producers {
 public:
  struct Batch {
    int64_t id = 7;
    int16_t epoch = 0;
    int32_t sequence = 0;
    int32_t count = 1;
    bool transactional = false;
    bool control = false;
  };
  model::BatchHeader Header(const Batch& batch) const {
    model::BatchHeader header;
    header.base_offset = state.end();
    header.producer_id = ProducerId(batch.id);
    header.producer_epoch = batch.epoch;
    header.base_sequence = batch.sequence;
    header.last_offset_delta = batch.count - 1;
    header.record_count = batch.count;
    header.attributes = static_cast<int16_t>((batch.transactional ? 16 : 0) | (batch.control ? 32 : 0));
    return header;
  }
  absl::StatusOr<ProducerState::Verdict> Check(const Batch& batch) const { return state.Check(Header(batch), rules); }
  ErrorCode Code(const Batch& batch) const { return model::CodeOf(Check(batch).status()).value_or(ErrorCode::kNone); }
  // The offset where it is in the log, or the error.
  absl::StatusOr<Offset> Append(const Batch& batch) {
    LEAT_ASSIGN_OR_RETURN(const ProducerState::Verdict verdict, Check(batch));
    if (verdict.duplicate) return verdict.duplicate->base_offset();
    const Offset at = state.end();
    state.Note(Header(batch), std::nullopt, now_ms, options);
    return at;
  }
  absl::StatusOr<std::optional<ProducerState::Ended>> End(const ProducerState::Marker& marker) {
    LEAT_RETURN_IF_ERROR(state.CheckMarker(marker));
    model::BatchHeader header = Header({.id = marker.producer_id.value(),
                                        .epoch = marker.producer_epoch,
                                        .sequence = -1,
                                        .transactional = true,
                                        .control = true});
    return state.Note(header, marker.marker, now_ms, options);
  }
  void Fill(int records) {
    model::BatchHeader header;
    header.base_offset = state.end();
    header.last_offset_delta = records - 1;
    state.Note(header, std::nullopt, now_ms, options);
  }

  ProducerState state;
  ProducerState::Rules rules;
  ProducerState::Options options;
  int64_t now_ms = 1'000'000;
};

TEST(ProducerState, AnswersARepeatOfTheLastFiveBatchesWithItsOffset) {
  Producers log;
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(log.Append({.sequence = 2 * i, .count = 2}).ok());
  for (int i = 1; i < 6; ++i) EXPECT_EQ(*log.Append({.sequence = 2 * i, .count = 2}), Offset(2 * i)) << i;
  EXPECT_EQ(log.Code({.sequence = 0, .count = 2}), ErrorCode::kOutOfOrderSequenceNumber) << "no longer remembered";
  EXPECT_EQ(log.state.end(), Offset(12)) << "repeats are not appended";
}

TEST(ProducerState, RefusesARepeatWithAnotherNumberOfRecords) {
  Producers log;
  ASSERT_TRUE(log.Append({.sequence = 0, .count = 3}).ok());
  EXPECT_EQ(log.Code({.sequence = 0, .count = 2}), ErrorCode::kOutOfOrderSequenceNumber);
}

TEST(ProducerState, RefusesAGap) {
  Producers log;
  ASSERT_TRUE(log.Append({.sequence = 0, .count = 3}).ok());
  EXPECT_EQ(log.Code({.sequence = 4}), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log.Code({.sequence = 3}), ErrorCode::kNone);
}

TEST(ProducerState, GoesOnAtZeroBehindTheLargestSequence) {
  Producers log;
  ASSERT_TRUE(log.Append({.sequence = INT32_MAX - 1, .count = 4}).ok()) << "wraps inside of the batch";
  EXPECT_EQ(log.Code({.sequence = INT32_MAX}), ErrorCode::kOutOfOrderSequenceNumber);
  ASSERT_TRUE(log.Append({.sequence = 2}).ok());
  EXPECT_EQ(*log.Append({.sequence = INT32_MAX - 1, .count = 4}), Offset(0));
  Producers exact;
  ASSERT_TRUE(exact.Append({.sequence = INT32_MAX}).ok());
  EXPECT_TRUE(exact.Append({.sequence = 0}).ok());
}

TEST(ProducerState, TakesAnyFirstSequenceOfAnUnknownProducerUnlessItsEpochsRise) {
  Producers log;
  EXPECT_EQ(log.Code({.sequence = 12, .transactional = true}), ErrorCode::kNone);
  log.rules.first_sequence = FirstSequence::kZero;
  EXPECT_EQ(log.Code({.sequence = 12, .transactional = true}), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log.Code({.sequence = 0, .transactional = true}), ErrorCode::kNone);
}

TEST(ProducerState, FencesOlderEpochsAndBeginsNewOnesAtZero) {
  Producers log;
  ASSERT_TRUE(log.Append({.epoch = 3, .sequence = 0}).ok());
  EXPECT_EQ(log.Code({.epoch = 2, .sequence = 1}), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(log.Code({.epoch = 2, .sequence = 0}), ErrorCode::kInvalidProducerEpoch) << "not a repeat: another epoch";
  EXPECT_EQ(log.Code({.epoch = 4, .sequence = 1}), ErrorCode::kOutOfOrderSequenceNumber);
  ASSERT_TRUE(log.Append({.epoch = 4, .sequence = 0}).ok());
  EXPECT_EQ(log.Code({.epoch = 3, .sequence = 1}), ErrorCode::kInvalidProducerEpoch);
}

TEST(ProducerState, RefusesWhatNoClientMaySend) {
  Producers log;
  EXPECT_EQ(log.Code({.sequence = -1, .transactional = true, .control = true}), ErrorCode::kInvalidRecord);
  EXPECT_EQ(log.Code({.id = -1, .control = true}), ErrorCode::kInvalidRecord);
  EXPECT_EQ(log.Code({.id = -1, .transactional = true}), ErrorCode::kInvalidRecord);
  EXPECT_EQ(log.Code({.epoch = -1}), ErrorCode::kInvalidRecord);
  EXPECT_EQ(log.Code({.sequence = -1}), ErrorCode::kInvalidRecord);
  EXPECT_EQ(log.Code({.id = -1, .epoch = -1, .sequence = -1}), ErrorCode::kNone) << "no producer";
}

TEST(ProducerState, LetsTheCoordinatorWriteWithoutSequences) {
  Producers log;
  log.rules.origin = Origin::kCoordinator;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(log.Append({.epoch = 5, .sequence = -1, .transactional = true}).ok());
  EXPECT_EQ(log.state.first_undecided(), Offset(0));
  EXPECT_EQ(log.Code({.epoch = 4, .sequence = -1, .transactional = true}), ErrorCode::kInvalidProducerEpoch);
}

TEST(ProducerState, OpensATransactionWithItsFirstBatchAndEndsItWithAMarker) {
  Producers log;
  log.Fill(10);
  EXPECT_TRUE(log.Check({.transactional = true})->begins_transaction);
  ASSERT_TRUE(log.Append({.sequence = 0, .transactional = true}).ok());
  EXPECT_FALSE(log.Check({.sequence = 1, .transactional = true})->begins_transaction);
  EXPECT_TRUE(log.state.HasOpenTransaction(ProducerId(7), 0));
  EXPECT_FALSE(log.state.HasOpenTransaction(ProducerId(7), 1));
  log.Fill(4);
  EXPECT_EQ(log.state.first_undecided(), Offset(10));
  const auto ended = log.End(EndOfTransaction(7, kAbort));
  ASSERT_TRUE(ended.ok() && *ended);
  EXPECT_EQ((*ended)->end, kAbort);
  EXPECT_EQ((*ended)->transaction, (AbortedEntry{ProducerId(7), Offset(10), Offset(15), Offset(16)}));
  EXPECT_EQ(log.state.first_undecided(), std::nullopt);
  EXPECT_EQ(*log.End(EndOfTransaction(7, kAbort)), std::nullopt) << "nothing was open";
  EXPECT_TRUE(log.Append({.sequence = 1, .transactional = true}).ok()) << "sequences go on in the same epoch";
}

TEST(ProducerState, OpensNoTransactionForABatchThatCompactionEmptied) {
  Producers log;
  model::BatchHeader emptied = log.Header({.sequence = 4, .count = 3, .transactional = true});
  emptied.record_count = 0;
  log.state.Note(emptied, std::nullopt, log.now_ms, log.options);
  EXPECT_EQ(log.state.first_undecided(), std::nullopt);
  EXPECT_EQ(log.Code({.sequence = 7}), ErrorCode::kNone) << "but its sequence counts";
  EXPECT_EQ(log.Code({.sequence = 8}), ErrorCode::kOutOfOrderSequenceNumber);
}

TEST(ProducerState, SaysWhatWasStableWhenATransactionEnded) {
  Producers log;
  ASSERT_TRUE(log.Append({.id = 1, .transactional = true}).ok());
  ASSERT_TRUE(log.Append({.id = 2, .transactional = true}).ok());
  EXPECT_EQ((**log.End(EndOfTransaction(2, kAbort))).transaction.last_stable_offset, Offset(0)) << "1 is open";
  EXPECT_EQ((**log.End(EndOfTransaction(1, kCommit))).transaction.last_stable_offset, Offset(4));
}

TEST(ProducerState, RefusesAnOrdinaryBatchInsideOfATransaction) {
  Producers log;
  ASSERT_TRUE(log.Append({.sequence = 0, .transactional = true}).ok());
  EXPECT_EQ(log.Code({.sequence = 1}), ErrorCode::kInvalidTxnState);
}

TEST(ProducerState, KnowsTheEpochOfAMarkerThatKafkasCleanerEmptied) {
  Producers log;
  ASSERT_TRUE(log.Append({.sequence = 0}).ok());
  model::BatchHeader header =
      log.Header({.id = 7, .epoch = 2, .sequence = -1, .count = 1, .transactional = true, .control = true});
  header.record_count = 0;
  EXPECT_EQ(log.state.Note(header, std::nullopt, log.now_ms, log.options), std::nullopt);
  EXPECT_EQ(log.Code({.epoch = 1, .sequence = 1}), ErrorCode::kInvalidProducerEpoch);
  EXPECT_TRUE(log.Check({.epoch = 2, .sequence = 0}).ok());
  EXPECT_EQ(log.state.first_undecided(), std::nullopt);
}

TEST(ProducerState, FencesMarkersOfOlderProducersAndCoordinators) {
  Producers log;
  ASSERT_TRUE(log.Append({.epoch = 2, .transactional = true}).ok());
  const auto code = [&](const ProducerState::Marker& marker) {
    return model::CodeOf(log.state.CheckMarker(marker)).value_or(ErrorCode::kNone);
  };
  EXPECT_EQ(code(EndOfTransaction(7, kCommit, 1)), ErrorCode::kInvalidProducerEpoch);
  ASSERT_TRUE(log.End(EndOfTransaction(7, kCommit, 3, 9)).ok());
  EXPECT_EQ(code(EndOfTransaction(7, kCommit, 2, 9)), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(code(EndOfTransaction(7, kCommit, 3, 8)), ErrorCode::kTransactionCoordinatorFenced);
  EXPECT_EQ(log.Code({.epoch = 2, .sequence = 1, .transactional = true}), ErrorCode::kInvalidProducerEpoch)
      << "the marker raised the epoch";
  EXPECT_EQ(log.Code({.epoch = 3, .sequence = 1, .transactional = true}), ErrorCode::kOutOfOrderSequenceNumber);
}

TEST(ProducerState, FencesALateMarkerOnceTheEpochHasWritten) {
  Producers log;
  ProducerState::Marker marker = EndOfTransaction(7, kCommit, 3);
  marker.expects = ProducerState::Marker::Epoch::kNewer;
  ASSERT_TRUE(log.Append({.epoch = 2, .transactional = true}).ok());
  ASSERT_TRUE(log.End(marker).ok());
  EXPECT_TRUE(log.End(marker).ok()) << "repeated, with nothing open";
  ASSERT_TRUE(log.Append({.epoch = 3, .transactional = true}).ok());
  EXPECT_EQ(model::CodeOf(log.End(marker).status()), ErrorCode::kInvalidProducerEpoch) << "of the transaction before";
}

TEST(ProducerState, ForgetsSilentProducersButNoOpenTransaction) {
  Producers log;
  ASSERT_TRUE(log.Append({.id = 1}).ok());
  ASSERT_TRUE(log.Append({.id = 2, .transactional = true}).ok());
  log.now_ms += 10'000;
  ASSERT_TRUE(log.Append({.id = 3}).ok());
  log.options.expiration = absl::Seconds(10);
  log.state.Expire(log.now_ms - 1, log.options);
  EXPECT_EQ(log.state.size(), 3u);
  log.state.Expire(log.now_ms, log.options);
  ASSERT_EQ(log.state.size(), 2u);
  EXPECT_EQ(log.state.Describe()[0].producer_id, ProducerId(2));
  EXPECT_EQ(log.Code({.id = 1, .sequence = 77}), ErrorCode::kNone) << "unknown again";
}

TEST(ProducerState, MakesRoomAtItsBoundByForgettingTheOneThatWasSilentLongest) {
  Producers log;
  log.options.max_producers = log.rules.max_producers = 3;
  ASSERT_TRUE(log.Append({.id = 1, .transactional = true}).ok());
  ASSERT_TRUE(log.Append({.id = 2}).ok());
  ASSERT_TRUE(log.Append({.id = 3}).ok());
  ASSERT_TRUE(log.Append({.id = 2, .sequence = 1}).ok());
  ASSERT_TRUE(log.Append({.id = 4}).ok());
  std::vector<int64_t> ids;
  for (const ProducerDescription& one : log.state.Describe()) ids.push_back(one.producer_id.value());
  EXPECT_EQ(ids, (std::vector<int64_t>{1, 2, 4}));
  ASSERT_TRUE(log.Append({.id = 2, .sequence = 2, .transactional = true}).ok());
  ASSERT_TRUE(log.Append({.id = 4, .sequence = 1, .transactional = true}).ok());
  EXPECT_EQ(log.Code({.id = 5}), ErrorCode::kPolicyViolation) << "all have a transaction open";
}

TEST(ProducerState, PassesOverBatchesThatItKnows) {
  Producers log;
  ASSERT_TRUE(log.Append({.sequence = 0, .count = 5}).ok());
  model::BatchHeader again = log.Header({.sequence = 0, .count = 5});
  again.base_offset = Offset(0);
  log.state.Note(again, std::nullopt, 0, log.options);
  EXPECT_EQ(log.state.end(), Offset(5));
  EXPECT_EQ(log.state.Describe()[0].last_timestamp_ms, log.now_ms);
}

Producers Various() {
  Producers log;
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(log.Append({.id = 1, .sequence = i}).ok());
  EXPECT_TRUE(log.Append({.id = 9, .epoch = 4, .sequence = 40, .count = 3, .transactional = true}).ok());
  EXPECT_TRUE(log.Append({.id = 5, .transactional = true}).ok());
  EXPECT_TRUE(log.End(EndOfTransaction(5, kCommit, 1, 12)).ok());
  return log;
}

TEST(ProducerSnapshot, BringsEverythingBack) {
  Producers log = Various();
  const std::string bytes = log.state.EncodeSnapshot();
  absl::StatusOr<ProducerState> read = ProducerState::DecodeSnapshot(bytes, log.state.end());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->EncodeSnapshot(), bytes);
  EXPECT_EQ(read->end(), log.state.end());
  EXPECT_EQ(read->first_undecided(), Offset(7));
  log.state = *std::move(read);
  for (int i = 2; i < 7; ++i) EXPECT_EQ(*log.Append({.id = 1, .sequence = i}), Offset(i)) << "the window of five";
  EXPECT_EQ(log.Code({.id = 1, .sequence = 1}), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log.Code({.id = 9, .epoch = 4, .sequence = 44, .transactional = true}),
            ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(log.Code({.id = 9, .epoch = 4, .sequence = 43, .transactional = true}), ErrorCode::kNone);
  EXPECT_EQ(model::CodeOf(log.state.CheckMarker(EndOfTransaction(5, kCommit, 1, 11))),
            ErrorCode::kTransactionCoordinatorFenced);
}

TEST(ProducerSnapshot, IsReadWithoutTheOlderBatchesThatKafkaDoesNotWrite) {
  Producers log;
  ASSERT_TRUE(log.Append({.id = 1, .sequence = 3}).ok());
  // Version 1, CRC, one entry: what Kafka writes for the same.
  std::string bytes = log.state.EncodeSnapshot().substr(0, 10 + 46);
  StoreBigEndian(bytes.data() + 2, Crc32c(std::string_view(bytes).substr(6)));
  const absl::StatusOr<ProducerState> read = ProducerState::DecodeSnapshot(bytes, Offset(1));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->Describe()[0].last_sequence, 3);
}

TEST(ProducerSnapshot, IsRefusedWithAnyBitFlippedOrByteMissing) {
  const Producers log = Various();
  const std::string bytes = log.state.EncodeSnapshot();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(absl::IsDataLoss(ProducerState::DecodeSnapshot(damaged, log.state.end()).status())) << bit;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(ProducerState::DecodeSnapshot(bytes.substr(0, size), log.state.end()).status()));
  }
  EXPECT_TRUE(absl::IsDataLoss(ProducerState::DecodeSnapshot(bytes, Offset(3)).status())) << "of a longer log";
}

TEST(AbortedIndex, CollectsWhatTouchesARange) {
  AbortedIndex index;
  const AbortedEntry first{ProducerId(1), Offset(10), Offset(20), Offset(12)};
  const AbortedEntry second{ProducerId(2), Offset(12), Offset(30), Offset(31)};
  const AbortedEntry third{ProducerId(3), Offset(40), Offset(50), Offset(51)};
  for (const AbortedEntry& entry : {first, second, third}) index.Add(entry);
  const auto in = [&](int64_t from, int64_t to) {
    std::vector<model::AbortedTransaction> found;
    const bool more = index.Collect(Offset(from), Offset(to), &found);
    std::string text = more ? "more:" : "done:";
    for (const auto& one : found) StrAppend(&text, " ", one.producer_id, "@", one.first_offset);
    return text;
  };
  EXPECT_EQ(in(0, 10), "done:");
  EXPECT_EQ(in(0, 11), "done: 1@10");
  EXPECT_EQ(in(20, 21), "done: 1@10 2@12");
  EXPECT_EQ(in(21, 31), "done: 2@12");
  EXPECT_EQ(in(30, 60), "more: 2@12 3@40");
  EXPECT_EQ(in(51, 60), "more:");
}

TEST(AbortedIndex, ReadsWhatItWroteAndNothingElse) {
  AbortedIndex index;
  index.Add({ProducerId(1), Offset(10), Offset(20), Offset(12)});
  index.Add({ProducerId(2), Offset(12), Offset(30), Offset(31)});
  const std::string bytes = index.Encode(0);
  EXPECT_EQ(bytes.size(), 2 * AbortedIndex::kEntryBytes);
  EXPECT_EQ(AbortedIndex::Decode(bytes, Offset(15), Offset(31))->entries(), index.entries());
  const auto refused = [](const std::string& damaged, int64_t base, int64_t end) {
    return absl::IsDataLoss(AbortedIndex::Decode(damaged, Offset(base), Offset(end)).status());
  };
  EXPECT_TRUE(refused(bytes, 21, 31)) << "a marker before the segment";
  EXPECT_TRUE(refused(bytes, 15, 30)) << "a marker behind the segment";
  EXPECT_TRUE(refused(bytes.substr(1), 15, 31));
  EXPECT_TRUE(refused(bytes.substr(0, 60), 15, 31)) << "cut off";
  EXPECT_TRUE(refused(bytes.substr(34) + bytes.substr(0, 34), 15, 31)) << "do not rise";
  std::string version = bytes;
  version[1] = 1;
  EXPECT_TRUE(refused(version, 15, 31));
}

}  // namespace
}  // namespace leat::log
