// What the scripts in golden/ cannot say: limits, clocks that jump, and random histories.
#include "txn/core.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace leat::txn {
namespace {

using model::ErrorCode;

const model::TopicPartition kPartition{"t", model::PartitionId(0)};

struct Harness {
  Limits limits;
  Core core{limits};
  Now now{Instant::FromNanos(1), 1'000'000};
  int64_t next_id = 1;
  std::vector<Record> log;

  Decision Take(Decision decision) {
    if (decision.used_fresh_id) ++next_id;
    if (decision.record) {
      log.push_back(*decision.record);
      EXPECT_TRUE(core.Replay(decision.record->key, decision.record->value, now).ok());
    }
    return decision;
  }
  template <typename Command>
  Decision Do(const Command& command) {
    if constexpr (std::is_same_v<Command, AddPartitions>) {
      return Take(core.Decide(command, now));
    } else {
      return Take(core.Decide(command, model::ProducerId(next_id), now));
    }
  }
};

TEST(Core, KeepsAtMostSoManyTransactionalIds) {
  Harness h;
  h.core = Core({.transactional_ids = 1});
  EXPECT_TRUE(h.Do(InitProducerId{{"a"}}).ok());
  EXPECT_EQ(h.Do(InitProducerId{{"b"}}).code, ErrorCode::kPolicyViolation);
  EXPECT_TRUE(h.Do(InitProducerId{{"a"}}).ok());
}

TEST(Core, RefusesATransactionalIdThatIsTooLong) {
  Harness h;
  EXPECT_EQ(h.Do(InitProducerId{{std::string(1025, 'x')}}).code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(h.Do(InitProducerId{{""}}).code, ErrorCode::kInvalidRequest);
}

TEST(Core, LimitsThePartitionsOfATransaction) {
  Harness h;
  h.core = Core({.partitions_per_transaction = 2});
  const Decision producer = h.Do(InitProducerId{{"a"}});
  AddPartitions command{{"a", producer.producer_id, producer.producer_epoch},
                        {{"t", model::PartitionId(0)}, {"t", model::PartitionId(1)}}};
  EXPECT_TRUE(h.Do(command).ok());
  command.partitions = {{"t", model::PartitionId(2)}};
  EXPECT_EQ(h.Do(command).code, ErrorCode::kPolicyViolation);
}

TEST(Core, AWallClockThatJumpsNeitherShortensNorLengthensATransaction) {
  Harness h;
  const Decision producer = h.Do(InitProducerId{{"a"}, 1000});
  h.Do(AddPartitions{{"a", producer.producer_id, producer.producer_epoch}, {kPartition}});
  h.now.wall_ms += 1'000'000'000;
  h.Do(AddPartitions{{"a", producer.producer_id, producer.producer_epoch}, {{"t", model::PartitionId(1)}}});
  EXPECT_EQ(h.core.NextDeadline(), h.now.monotonic + absl::Seconds(1));
  h.now.wall_ms = 0;
  Core again(h.limits);
  for (const Record& record : h.log) ASSERT_TRUE(again.Replay(record.key, record.value, h.now).ok());
  EXPECT_EQ(again.NextDeadline(), h.now.monotonic + absl::Seconds(1));
}

// Random commands of two owners of one id, some of them late. One producer id and epoch is one transaction, an outcome
// never changes, and the log alone gives the same state.
class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed) : random_(seed) {}

  void Go() {
    for (int step = 0; step < 200; ++step) Step();
    Core again(h_.limits);
    for (const Record& record : h_.log) ASSERT_TRUE(again.Replay(record.key, record.value, h_.now).ok());
    EXPECT_EQ(again.transactions(), h_.core.transactions());
  }

 private:
  Identity Pick() { return known_.empty() ? Identity{"a"} : known_[random_.Below(known_.size())]; }

  void Step() {
    const Transaction* at = h_.core.Find("a");
    const Transaction before = at == nullptr ? Transaction{} : *at;
    if (at != nullptr && at->ending() && random_.OneIn(2)) {
      h_.Take(h_.core.Complete("a", h_.now));
      return;
    }
    Decision decision;
    switch (random_.Below(6)) {
      case 0:
        decision = h_.Do(InitProducerId{random_.OneIn(2) ? Identity{"a"} : Pick(), 1000});
        if (decision.ok()) Learn(decision);
        break;
      case 1:
        h_.now.monotonic = h_.now.monotonic + absl::Milliseconds(300);
        for (const std::string& id : h_.core.Expired(h_.now.monotonic)) decision = h_.Take(h_.core.Expire(id, h_.now));
        break;
      case 2:
      case 3: {
        const Identity producer = Pick();
        decision = h_.Do(AddPartitions{producer, {kPartition}, Version::kEpochPerTransaction});
        EXPECT_FALSE(decision.ok() && ended_.contains(Key(producer))) << "a transaction went on after its end";
        break;
      }
      default: {
        const Identity producer = Pick();
        const Result result = random_.OneIn(2) ? Result::kCommit : Result::kAbort;
        decision = h_.Do(EndTransaction{producer, result, Version::kEpochPerTransaction});
        if (!decision.ok()) break;
        const auto [outcome, first] = ended_.emplace(Key(producer), result);
        EXPECT_EQ(outcome->second, result) << "two outcomes of one transaction";
        EXPECT_TRUE(first || !decision.record) << "a transaction was ended twice";
        Learn(decision);
      }
    }
    if (decision.markers && before.state == State::kOngoing) {
      EXPECT_GT(decision.markers->producer_epoch, before.producer_epoch);
      const auto key = std::make_pair(before.producer_id, before.producer_epoch);
      ended_.emplace(key, decision.markers->result);
      EXPECT_EQ(ended_[key], decision.markers->result);
    }
  }

  static std::pair<model::ProducerId, int16_t> Key(const Identity& producer) {
    return {producer.producer_id, producer.producer_epoch};
  }
  void Learn(const Decision& decision) {
    EXPECT_LE(decision.producer_epoch, kLastClientEpoch);
    known_.push_back({"a", decision.producer_id, decision.producer_epoch});
    if (known_.size() > 4) known_.erase(known_.begin());
  }

  Random random_;
  Harness h_;
  std::vector<Identity> known_;
  std::map<std::pair<model::ProducerId, int16_t>, Result> ended_;
};

TEST(Core, GivesEveryEpochOneOutcomeInRandomHistories) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(StrCat("seed ", seed));
    RandomHistory(seed).Go();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace leat::txn
