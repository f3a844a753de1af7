#include "stream/exec/waiting_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/random.h"
#include "base/strings.h"
#include "stream/state/state_backend.h"

namespace leat::exec {
namespace {

using Row = std::tuple<int64_t, std::string, int, std::string>;  // time, key, when it came, row

class Waiting {
 public:
  explicit Waiting(size_t max_bytes) : max_bytes_(max_bytes) { Open(); }

  void Add(int64_t time_ms, const std::string& key, int number) {
    ASSERT_TRUE(rows_->Add(time_ms, key, static_cast<uint8_t>(number % 4), StrCat("row ", number)).ok());
  }
  std::vector<std::string> Take(int64_t until_ms) {
    std::vector<std::string> taken;
    const absl::Status status = rows_->Take(until_ms, [&](std::string_view key, std::span<const StoredRow> rows) {
      for (const StoredRow& row : rows) taken.push_back(StrCat(row.time_ms, " ", key, " ", row.tag, " ", row.row));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return taken;
  }
  void Barrier() {
    ASSERT_TRUE(rows_->Flush().ok());
    ++epoch_;
    backend_->TakeChanges(epoch_, "", [](std::string_view, std::optional<std::string_view>) {});
    ASSERT_TRUE(store_->Apply(backend_->TakeUnapplied(""), epoch_).ok());
    backend_->OnApplied(epoch_);
  }
  void Open() {
    backend_ = state::StateBackend::Create(*store_, {});
    rows_.emplace(backend_->Table(1, 0), max_bytes_);
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
  for (int i = 0; i < 100; ++i) waiting.Add(i, "k", i);
  EXPECT_EQ(waiting.Take(99).size(), 100u);
  EXPECT_EQ(waiting.StateBytes(), 0u);
  waiting.Add(200, "k", 1);
  waiting.Barrier();
  EXPECT_GT(waiting.StateBytes(), 0u);
  EXPECT_TRUE(waiting.Take(199).empty());
  EXPECT_EQ(waiting.Take(INT64_MAX).size(), 1u);
  waiting.Barrier();
  EXPECT_EQ(waiting.StateBytes(), 0u);
}

// Rows of random times and keys, taken by a rising watermark, with barriers and restarts between, against a sorted
// list.
TEST(WaitingRows, GivesRowsByTimeKeyAndComing) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Waiting waiting(random.OneIn(2) ? 500 : WaitingRows::kMaxBytes);
    std::vector<Row> expected;
    int64_t watermark = -1000;
    for (int number = 0; number < 1000; ++number) {
      const int64_t time_ms = watermark + 1 + static_cast<int64_t>(random.Below(300));
      const std::string key(1, static_cast<char>('a' + random.Below(3)));
      waiting.Add(time_ms, key, number);
      expected.emplace_back(time_ms, key, number, StrCat(number % 4, " row ", number));
      if (random.OneIn(20)) waiting.Barrier();
      if (random.OneIn(100)) {
        waiting.Barrier();
        waiting.Open();
      }
      if (!random.OneIn(10)) continue;
      watermark += static_cast<int64_t>(random.Below(100));
      std::ranges::sort(expected);
      const auto rest = std::ranges::find_if(expected, [&](const Row& row) { return std::get<0>(row) > watermark; });
      std::vector<std::string> due;
      for (auto row = expected.begin(); row != rest; ++row) {
        due.push_back(StrCat(std::get<0>(*row), " ", std::get<1>(*row), " ", std::get<3>(*row)));
      }
      expected.erase(expected.begin(), rest);
      ASSERT_EQ(waiting.Take(watermark), due);
    }
  }
}

}  // namespace
}  // namespace leat::exec
