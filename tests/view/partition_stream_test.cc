#include "view/partition_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/state/state_backend.h"
#include "tests/support/seeds.h"
#include "tests/view/model_log.h"

namespace leat::view {
namespace {

using Table = std::map<std::string, Entry>;

// A watcher's own table.
void Apply(const std::vector<Record>& records, Table* table) {
  for (const Record& record : records) {
    if (record.value) {
      (*table)[*record.key] = {record.offset, record.timestamp_ms, *record.value};
    } else {
      table->erase(*record.key);
    }
  }
}

CommittedRecords ReadFrom(const ModelLog& log, model::Offset from, size_t max_bytes) {
  ModelLog::Fetched fetched = log.Fetch(from.value(), max_bytes);
  return *ReadCommitted(fetched.batches, from, std::move(fetched.aborted));
}

void AppendSome(Random& random, ModelLog* log) {
  std::vector<Put> puts(1 + random.Below(4));
  for (Put& put : puts) {
    put.key = StrCat("k", random.Below(20));
    if (!random.OneIn(4)) put.value = StrCat("v", random.Next() % 1000);
  }
  const auto producer = static_cast<int64_t>(random.Below(2));
  log->Append(puts, random.OneIn(3) ? std::optional(producer) : std::nullopt);
  if (random.OneIn(3)) {
    log->End(producer, random.OneIn(2) ? model::TransactionEnd::kAbort : model::TransactionEnd::kCommit);
  }
}

// At every moment what a watcher has is the table of one offset, as far as the pages have come.
TEST(PartitionStream, WatchersHaveTheTableOfOneOffsetAtEveryMoment) {
  const sim::Seeds seeds = sim::SeedsToRun(150);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(testing::Message() << "LEAT_SEED=" << seed);
    Random random(seed);
    ModelLog log;
    for (uint64_t n = random.Below(20); n > 0; --n) AppendSome(random, &log);
    PartitionIndex index(state::MakeMemoryStore());
    const Range range = random.OneIn(2) ? Range::All() : Range::Prefix("k1");
    PartitionStream stream(range);
    Table table;
    std::string sent_to;  // every key below was sent
    for (int step = 0; step < 150; ++step) {
      if (random.OneIn(3)) AppendSome(random, &log);
      if (random.OneIn(2)) {
        const CommittedRecords read = ReadFrom(log, index.applied(), random.Below(300));
        ASSERT_TRUE(index.Apply(read).ok());
      }
      if (const auto wanted = stream.next(); std::holds_alternative<PartitionStream::WantsPage>(wanted)) {
        Page page = *index.Read(std::get<PartitionStream::WantsPage>(wanted).range, {.rows = 1 + random.Below(4)});
        Apply(stream.TakePage(std::move(page)), &table);
      } else {
        const model::Offset from = std::get<PartitionStream::WantsRecords>(wanted).from;
        Apply(stream.TakeRecords(ReadFrom(log, from, random.Below(300))), &table);
      }
      Table expected = log.TableAt(stream.position().value());
      const auto next = stream.next();
      const auto* page = std::get_if<PartitionStream::WantsPage>(&next);
      if (page != nullptr) sent_to = page->range.begin;
      std::erase_if(expected, [&](const auto& row) {
        return !range.Contains(row.first) || (!stream.live() && row.first >= sent_to);
      });
      ASSERT_EQ(table, expected) << "step " << step;
    }
    ASSERT_TRUE(stream.live());
  }
}

TEST(PartitionStream, FromAnOffsetOnlyTheChangesOfTheRangeCome) {
  ModelLog log;
  log.Append({{"a", "1"}, {"b", "1"}});
  log.Append({{"a", "2"}, {"b", std::nullopt}});
  PartitionStream stream(Range::Key("b"), model::Offset(1), PartitionStream::Keyless::kLeaveOut);
  const std::vector<Record> records = stream.TakeRecords(ReadFrom(log, model::Offset(1), 1000));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].offset, model::Offset(1));
  EXPECT_EQ(records[1], (Record{"b", model::Offset(3), 1003, std::nullopt}));
  EXPECT_EQ(stream.position(), model::Offset(4));
}

TEST(PartitionStream, APageOfAnOlderLeaderIsPassedOver) {
  PartitionStream stream(Range::All());
  Page first{.rows = {{"a", {model::Offset(1), 1, "x"}}}, .next = "b", .applied = model::Offset(5)};
  EXPECT_EQ(stream.TakePage(std::move(first)).size(), 1u);
  EXPECT_TRUE(stream.TakePage({.applied = model::Offset(4)}).empty());
  EXPECT_FALSE(stream.live());
  EXPECT_TRUE(stream.TakePage({.applied = model::Offset(5)}).empty());
  EXPECT_TRUE(stream.live());
}

}  // namespace
}  // namespace leat::view
