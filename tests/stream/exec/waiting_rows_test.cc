#include "stream/exec/waiting_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "base/random.h"
#include "base/strings.h"
#include "stream/exec/change_output.h"
#include "stream/state/state_backend.h"

namespace leat::exec {
namespace {

data::SchemaPtr RowSchema() {
  return std::make_shared<data::Schema>(data::Schema{{{"number", data::BigInt()}, {"text", data::String()}}});
}

struct Expected {
  int64_t time_ms;
  std::string key;
  int number;  // when it came
};
std::string ToText(int64_t time_ms, std::string_view key, int number) {
  return StrCat(time_ms, " ", key, " ", number % 4, " row ", number);
}

class Waiting {
 public:
  explicit Waiting(size_t max_bytes) : max_bytes_(max_bytes) { Open(); }

  void Add(const std::vector<Expected>& rows) {
    KeyedRows added;
    auto number = std::make_shared<data::Column>(data::BigInt());
    auto text = std::make_shared<data::Column>(data::String());
    std::vector<int64_t> times_ms;
    for (const Expected& row : rows) {
      number->Append<int64_t>(row.number);
      text->AppendText(StrCat("row ", row.number));
      added.batch.kinds.push_back(static_cast<data::RowKind>(row.number % 4));
      added.AddKey(row.key);
      times_ms.push_back(row.time_ms);
    }
    added.batch.schema = RowSchema();
    added.batch.columns = {number, text};
    added.batch.rows = rows.size();
    ASSERT_TRUE(rows_->Add(std::move(added), times_ms).ok());
  }
  std::vector<std::string> Take(int64_t until_ms) {
    std::vector<std::string> taken;
    std::vector<int64_t> times_ms;
    const absl::Status status =
        rows_->Take(until_ms, [&](std::span<const WaitingRows::Row> rows, const WaitingRows::Owners& owners) {
          for (const WaitingRows::Row& row : rows) {
            const data::Batch& batch = row.rows->batch;
            const int number = static_cast<int>(batch.columns[0]->values<int64_t>()[row.row]);
            EXPECT_EQ(StrCat("row ", number), batch.columns[1]->values<std::string_view>()[row.row]);
            EXPECT_EQ(row.kind(), static_cast<data::RowKind>(number % 4));
            EXPECT_TRUE(std::ranges::any_of(owners, [&](const auto& owner) { return owner.get() == row.rows; }));
            taken.push_back(ToText(row.time_ms, row.key(), number));
            times_ms.push_back(row.time_ms);
          }
          return absl::OkStatus();
        });
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(std::ranges::is_sorted(times_ms));
    return taken;
  }
  size_t MemoryBytes() const { return rows_->MemoryBytes(); }
  void Barrier() {
    ASSERT_TRUE(rows_->Flush().ok());
    ++epoch_;
    backend_->TakeChanges(epoch_, "", [](std::string_view, std::optional<std::string_view>) {});
    ASSERT_TRUE(store_->Apply(backend_->TakeUnapplied(""), epoch_).ok());
    backend_->OnApplied(epoch_);
  }
  void Open() {
    rows_.reset();
    backend_ = state::StateBackend::Create(*store_, {});
    auto opened = WaitingRows::Open(backend_->Table(1, 0), RowSchema(), max_bytes_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    rows_.emplace(*std::move(opened));
  }
  // A row as earlier versions wrote it: its namespace is its time.
  void WriteByTime(const Expected& row) {
    bool inserted = false;
    auto value = backend_->Table(1, 0).Mutate(row.time_ms, row.key, &inserted);
    ASSERT_TRUE(value.ok());
    data::Batch batch{.schema = RowSchema(), .columns = {}, .rows = 1};
    auto number = std::make_shared<data::Column>(data::BigInt());
    auto text = std::make_shared<data::Column>(data::String());
    number->Append<int64_t>(row.number);
    text->AppendText(StrCat("row ", row.number));
    batch.columns = {number, text};
    std::string bytes;
    EncodeRow(batch, 0, &bytes);
    AppendStoredRow(row.time_ms, static_cast<uint8_t>(row.number % 4), bytes, *value);
  }
  size_t StateBytes() { return backend_->MemoryBytes(); }

 private:
  const size_t max_bytes_;
  std::unique_ptr<state::CommittedStore> store_ = state::MakeMemoryStore();
  std::unique_ptr<state::StateBackend> backend_;
  std::optional<WaitingRows> rows_;
  int64_t epoch_ = 0;
};

TEST(WaitingRows, WhatComesAndGoesBetweenBarriersNeverTouchesTheTable) {
  Waiting waiting(WaitingRows::kMaxBytes);
  std::vector<Expected> rows;
  for (int i = 0; i < 100; ++i) rows.push_back({i, "k", i});
  waiting.Add(rows);
  EXPECT_EQ(waiting.Take(99).size(), 100u);
  EXPECT_EQ(waiting.StateBytes(), 0u);
  waiting.Add({{200, "k", 1}});
  waiting.Barrier();
  EXPECT_GT(waiting.StateBytes(), 0u);
  EXPECT_TRUE(waiting.Take(199).empty());
  EXPECT_EQ(waiting.Take(INT64_MAX).size(), 1u);
  waiting.Barrier();
  EXPECT_EQ(waiting.StateBytes(), 0u);
}

// The row that waits keeps its neighbours' memory: that counts.
TEST(WaitingRows, OneRowOfEachBatchThatWaitsLongDoesNotFillTheMemory) {
  constexpr size_t kLimit = 64 << 10;
  Waiting waiting(kLimit);
  for (int batch = 0; batch < 100; ++batch) {
    std::vector<Expected> rows = {{.time_ms = 1'000'000 + batch, .key = "far", .number = batch}};
    for (int i = 0; i < 100; ++i) rows.push_back({.time_ms = batch, .key = "near", .number = i});
    waiting.Add(rows);
    EXPECT_EQ(waiting.Take(batch).size(), 100u);
    EXPECT_LT(waiting.MemoryBytes(), kLimit + (32 << 10));
  }
  EXPECT_EQ(waiting.Take(2'000'000).size(), 100u);
  EXPECT_EQ(waiting.MemoryBytes(), 0u);
}

TEST(WaitingRows, ReadsWhatWasWrittenByTime) {
  Waiting waiting(WaitingRows::kMaxBytes);
  waiting.WriteByTime({70, "a", 1});
  waiting.WriteByTime({64, "a", 2});
  waiting.WriteByTime({71, "a", 3});
  waiting.Barrier();
  waiting.Open();
  waiting.Add({{70, "a", 4}, {65, "a", 5}});
  waiting.Barrier();
  EXPECT_EQ(waiting.Take(70),
            (std::vector<std::string>{ToText(64, "a", 2), ToText(65, "a", 5), ToText(70, "a", 1), ToText(70, "a", 4)}));
  EXPECT_EQ(waiting.Take(INT64_MAX), std::vector<std::string>{ToText(71, "a", 3)});
}

// Rows of random times and keys, taken by a rising watermark, with barriers and restarts between, against a list.
TEST(WaitingRows, GivesRowsByTimeAndThoseOfAKeyAsTheyCame) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Waiting waiting(random.OneIn(2) ? 5000 : WaitingRows::kMaxBytes);
    std::vector<Expected> expected;
    std::vector<Expected> batch;
    int64_t watermark = -1000;
    for (int number = 0; number < 1000; ++number) {
      const int64_t time_ms = watermark + 1 + static_cast<int64_t>(random.Below(300));
      batch.push_back({time_ms, std::string(1, static_cast<char>('a' + random.Below(3))), number});
      if (!random.OneIn(5)) continue;
      waiting.Add(batch);
      expected.insert(expected.end(), batch.begin(), batch.end());
      batch.clear();
      if (random.OneIn(4)) waiting.Barrier();
      if (random.OneIn(20)) {
        waiting.Barrier();
        waiting.Open();
      }
      if (!random.OneIn(2)) continue;
      watermark += static_cast<int64_t>(random.Below(100));
      std::vector<std::string> due;
      for (const Expected& row : expected) {
        if (row.time_ms <= watermark) due.push_back(ToText(row.time_ms, row.key, row.number));
      }
      std::erase_if(expected, [&](const Expected& row) { return row.time_ms <= watermark; });
      std::vector<std::string> taken = waiting.Take(watermark);
      // Those of one key have to be in order; of several keys with one time any may come first.
      const auto by_time_and_key = [](const std::string& a, const std::string& b) {
        const auto parts = [](const std::string& text) {
          const size_t space = text.find(' ');
          return std::pair(std::stoll(text.substr(0, space)), text[space + 1]);
        };
        return parts(a) < parts(b);
      };
      std::ranges::stable_sort(due, by_time_and_key);
      std::ranges::stable_sort(taken, by_time_and_key);
      ASSERT_EQ(taken, due);
    }
  }
}

}  // namespace
}  // namespace leat::exec
