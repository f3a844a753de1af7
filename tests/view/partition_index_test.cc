#include "view/partition_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "stream/state/state_backend.h"
#include "tests/support/seeds.h"
#include "tests/view/model_log.h"

namespace leat::view {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Keeps of a power cut what was flushed, as a store without a log of its own does.
class CutStore final : public state::CommittedStore {
 public:
  struct Disk {
    std::map<std::string, std::string, std::less<>> entries, flushed;
    int64_t position = -1, flushed_position = -1;
    void PowerCut() {
      entries = flushed;
      position = flushed_position;
    }
  };
  explicit CutStore(Disk* disk) : disk_(disk) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const auto found = disk_->entries.find(key);
    return found == disk_->entries.end() ? std::nullopt : std::optional(found->second);
  }
  absl::Status Scan(std::string_view begin, std::string_view end,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) override {
    for (auto it = disk_->entries.lower_bound(begin); it != disk_->entries.end() && it->first < end; ++it) {
      if (!visit(it->first, it->second)) break;
    }
    return absl::OkStatus();
  }
  absl::Status Apply(const std::vector<state::Change>& changes, int64_t position) override {
    for (const state::Change& change : changes) {
      disk_->entries.erase(change.key);
      if (change.value) disk_->entries[change.key] = *change.value;
    }
    disk_->position = position;
    return absl::OkStatus();
  }
  int64_t position() const override { return disk_->position; }
  absl::StatusOr<int64_t> Flush() override {
    disk_->flushed = disk_->entries;
    disk_->flushed_position = disk_->position;
    return disk_->position;
  }
  size_t MemoryBytes() const override { return 0; }

 private:
  Disk* const disk_;
};

// One step of reading on.
void Follow(const ModelLog& log, PartitionIndex* index, size_t max_bytes = SIZE_MAX) {
  ModelLog::Fetched fetched = log.Fetch(index->applied().value(), max_bytes);
  const absl::StatusOr<CommittedRecords> records =
      ReadCommitted(fetched.batches, index->applied(), std::move(fetched.aborted));
  ASSERT_TRUE(records.ok()) << records.status();
  const absl::StatusOr<size_t> keyless = index->Apply(*records);
  ASSERT_TRUE(keyless.ok()) << keyless.status();
  ASSERT_EQ(*keyless, 0u);
}

std::map<std::string, Entry> TableOf(PartitionIndex* index, Range range = Range::All(), PageLimit limit = {}) {
  std::map<std::string, Entry> table;
  for (std::optional<std::string> next = range.begin; next;) {
    range.begin = *next;
    const absl::StatusOr<Page> page = index->Read(range, limit);
    LEAT_CHECK_OK(page.status());
    for (const Row& row : page->rows) {
      EXPECT_TRUE(table.emplace(row.key, row.entry).second) << "key " << row.key << " twice";
    }
    EXPECT_LE(page->rows.size(), std::max<size_t>(limit.rows, 1));
    next = page->next;
  }
  return table;
}

std::vector<std::string> KeysOf(const Page& page) {
  std::vector<std::string> keys;
  for (const Row& row : page.rows) keys.push_back(row.key);
  return keys;
}

class Index : public testing::Test {
 protected:
  Page Read(const Range& range, PageLimit limit = {}) {
    Follow(log, &index);
    return *index.Read(range, limit);
  }
  ModelLog log;
  PartitionIndex index{state::MakeMemoryStore()};
};

TEST_F(Index, HoldsTheLastValueOfEachKeyAndNamesItsOffset) {
  log.Append({{"a", "1"}, {"b", "1"}, {"a", "2"}});
  log.Append({{"b", std::nullopt}, {"c", ""}});
  const Page page = Read(Range::All());
  EXPECT_THAT(page.rows, ElementsAre(Row{"a", {model::Offset(2), 1002, "2"}}, Row{"c", {model::Offset(4), 1004, ""}}));
  EXPECT_EQ(page.applied, model::Offset(5));
  EXPECT_EQ(page.next, std::nullopt);
}

TEST_F(Index, DoesNotSeeATransactionBeforeItsEndNorAnAbortedOne) {
  log.Append({{"a", "before"}});
  log.Append({{"a", "open"}}, 7);
  log.Append({{"b", "behind it"}});
  EXPECT_THAT(KeysOf(Read(Range::All())), ElementsAre("a"));
  EXPECT_EQ(index.applied(), model::Offset(1));
  log.End(7, model::TransactionEnd::kAbort);
  const Page page = Read(Range::All());
  EXPECT_THAT(KeysOf(page), ElementsAre("a", "b"));
  EXPECT_EQ(page.rows[0].entry.value, "before");
  EXPECT_EQ(page.applied, model::Offset(4));  // the marker counts
}

TEST_F(Index, TakesEmptyAndBinaryKeys) {
  const std::string zero(1, '\0');
  log.Append({{"", "empty"}, {zero, "zero"}, {"\xff\xff", "high"}});
  EXPECT_EQ(Read(Range::All()).rows.size(), 3u);
  EXPECT_THAT(KeysOf(Read(Range::Key(""))), ElementsAre(""));
  EXPECT_THAT(KeysOf(Read(Range::Key(zero))), ElementsAre(zero));
  EXPECT_THAT(KeysOf(Read(Range::Prefix("\xff"))), ElementsAre("\xff\xff"));
}

TEST_F(Index, PrefixesAndRangesEndBeforeTheirEnd) {
  log.Append({{"a", "1"}, {"ab", "1"}, {"ac", "1"}, {"b", "1"}});
  EXPECT_THAT(KeysOf(Read(Range::Prefix("a"))), ElementsAre("a", "ab", "ac"));
  EXPECT_THAT(KeysOf(Read(Range{"ab", "b"})), ElementsAre("ab", "ac"));
  EXPECT_THAT(KeysOf(Read(Range{"b", "ab"})), IsEmpty());
  EXPECT_THAT(KeysOf(Read(Range::Key("ad"))), IsEmpty());
}

TEST_F(Index, APageEndsAtItsLimitAndSaysWhereToGoOn) {
  log.Append({{"a", "1"}, {"b", std::string(1000, 'x')}, {"c", "1"}});
  const Page first = Read(Range::All(), {.rows = 2});
  EXPECT_THAT(KeysOf(first), ElementsAre("a", "b"));
  EXPECT_EQ(first.next, "c");
  const Page by_bytes = Read(Range::All(), {.rows = 9, .bytes = 100});
  EXPECT_THAT(KeysOf(by_bytes), ElementsAre("a"));
  // A row comes alone if it is larger than any page.
  EXPECT_THAT(KeysOf(Read(Range{*by_bytes.next}, {.rows = 9, .bytes = 100})), ElementsAre("b"));
}

TEST_F(Index, RecordsWithoutAKeyAreCountedAndLeftOut) {
  model::BatchBuilder builder({});
  builder.Add(1, std::nullopt, "keyless");
  builder.Add(1, "k", "v");
  const auto records = ReadCommitted(*builder.Finish(), model::Offset(0), {});
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->records.size(), 2u);
  EXPECT_EQ(records->next, model::Offset(2));
  EXPECT_EQ(*index.Apply(*records), 1u);
  EXPECT_THAT(KeysOf(*index.Read(Range::All(), {})), ElementsAre("k"));
}

TEST_F(Index, RecordsOfBeforeAreRefusedAndDamageIsSaid) {
  log.Append({{"a", "1"}});
  Follow(log, &index);
  EXPECT_EQ(index.Apply({.records = {}, .next = model::Offset(0)}).status().code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(ReadCommitted("not a batch", model::Offset(0), {}).ok());
}

// Whatever is produced, committed, aborted, fetched and cut off, the table at the offset that it names is the model's.
TEST(IndexModel, IsThePlainMapAtEveryOffsetAlsoAfterPowerCuts) {
  const sim::Seeds seeds = sim::SeedsToRun(60);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(testing::Message() << "LEAT_SEED=" << seed);
    Random random(seed);
    ModelLog log;
    CutStore::Disk disk;
    auto index = std::make_unique<PartitionIndex>(std::make_unique<CutStore>(&disk));
    CutStore flusher(&disk);
    for (int step = 0; step < 200; ++step) {
      const uint64_t what = random.Below(12);
      const auto producer = static_cast<int64_t>(random.Below(3));
      if (what < 5) {
        std::vector<Put> puts(1 + random.Below(6));
        for (Put& put : puts) {
          put.key = StrCat("k", random.Below(20));
          if (!random.OneIn(4)) put.value = StrCat("v", random.Next() % 1000);
        }
        log.Append(puts, random.OneIn(2) ? std::optional(producer) : std::nullopt);
      } else if (what < 7) {
        log.End(producer, random.OneIn(2) ? model::TransactionEnd::kAbort : model::TransactionEnd::kCommit);
      } else if (what < 10) {
        Follow(log, index.get(), random.Below(400));
        ASSERT_LE(index->applied().value(), log.last_stable_offset());
      } else if (what == 10) {
        ASSERT_TRUE(flusher.Flush().ok());
      } else {
        index.reset();
        if (random.OneIn(2)) disk.PowerCut();
        index = std::make_unique<PartitionIndex>(std::make_unique<CutStore>(&disk));
      }
      const PageLimit limit{.rows = 1 + random.Below(7)};
      const Range range{StrCat("k", random.Below(20)), StrCat("k", random.Below(20))};
      std::map<std::string, Entry> all = log.TableAt(index->applied().value());
      ASSERT_EQ(TableOf(index.get(), Range::All(), limit), all);
      std::erase_if(all, [&](const auto& row) { return !range.Contains(row.first); });
      ASSERT_EQ(TableOf(index.get(), range, limit), all);
    }
    for (int64_t at = -1; at != index->applied().value();) {
      at = index->applied().value();
      Follow(log, index.get());
    }
    ASSERT_EQ(index->applied().value(), log.last_stable_offset());
  }
}

}  // namespace
}  // namespace leat::view
