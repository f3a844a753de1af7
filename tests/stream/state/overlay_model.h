// The overlay against a plain std::map: random operations, barriers, late applies, evictions and crashes. Used for
// every committed store.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/random.h"
#include "stream/state/state_backend.h"

namespace leat::state {

class OverlayModel {
 public:
  struct Options {
    size_t memory_bytes = 6000;
    int operations = 2000;
    int keys = 40;
    int namespaces = 6;
  };
  // Closes the store of before (as a crash would) and opens it again.
  using Reopen = std::function<CommittedStore*()>;

  OverlayModel(uint64_t seed, const Options& options, Reopen reopen)
      : random_(seed), options_(options), reopen_(std::move(reopen)) {
    snapshots_[-1] = {};
    Restart();
  }

  void Run() {
    for (int i = 0; i < options_.operations && !testing::Test::HasFatalFailure(); ++i) Step();
  }

 private:
  using Key = std::tuple<int, Namespace, std::string>;  // table, namespace, key
  using Model = std::map<Key, std::string>;

  void Step() {
    const uint64_t dice = random_.Below(1000);
    if (dice < 450) return Mutate();
    if (dice < 700) return Find();
    if (dice < 800) return Erase();
    if (dice < 830) return EraseNamespace();
    if (dice < 870) return Scan();
    if (dice < 920) return Next();
    if (dice < 960) return Barrier();
    if (dice < 995) return ApplyOldest();
    Restart();
  }

  int AnyTable() { return static_cast<int>(random_.Below(2)); }
  Namespace AnyNamespace() {
    const auto n = static_cast<Namespace>(random_.Below(static_cast<uint64_t>(options_.namespaces)));
    return n == 0 ? INT64_MIN : n == 1 ? -60'000 : n == 2 ? INT64_MAX : n * 60'000;
  }
  std::string AnyKey() {
    const uint64_t n = random_.Below(static_cast<uint64_t>(options_.keys));
    return n == 0       ? ""
           : n % 2 == 0 ? std::to_string(n)
                        : "a rather long key that does not fit inline " + std::to_string(n);
  }
  StateTable& Table(int table) { return backend_->Table(7 + table, table); }

  void Mutate() {
    const Key key{AnyTable(), AnyNamespace(), AnyKey()};
    const std::string value(random_.Below(random_.OneIn(5) ? 300 : 12), static_cast<char>('a' + random_.Below(26)));
    bool inserted = false;
    auto mutated = Table(std::get<0>(key)).Mutate(std::get<1>(key), std::get<2>(key), &inserted);
    if (!mutated.ok()) {
      ASSERT_EQ(mutated.status().code(), absl::StatusCode::kResourceExhausted) << mutated.status();
      Barrier();
      TakeUnapplied();
      while (!waiting_.empty()) ApplyOldest();
      ASSERT_EQ(backend_->DirtyBytes(), 0u);
      return;
    }
    ASSERT_EQ(inserted, !model_.contains(key));
    std::string& held = **mutated;
    ASSERT_EQ(held, inserted ? "" : model_[key]);
    held = random_.OneIn(2) ? value : held + value;
    model_[key] = held;
  }

  void Find() {
    const Key key{AnyTable(), AnyNamespace(), AnyKey()};
    const auto found = Table(std::get<0>(key)).Find(std::get<1>(key), std::get<2>(key));
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(*found != nullptr, model_.contains(key));
    if (*found != nullptr) {
      ASSERT_EQ(**found, model_[key]);
    }
  }

  void Erase() {
    const Key key{AnyTable(), AnyNamespace(), AnyKey()};
    ASSERT_TRUE(Table(std::get<0>(key)).Erase(std::get<1>(key), std::get<2>(key)).ok());
    model_.erase(key);
  }

  void EraseNamespace() {
    const int table = AnyTable();
    const Namespace ns = AnyNamespace();
    ASSERT_TRUE(Table(table).EraseNamespace(ns).ok());
    std::erase_if(
        model_, [&](const auto& entry) { return std::get<0>(entry.first) == table && std::get<1>(entry.first) == ns; });
  }

  void Scan() {
    const int table = AnyTable();
    const Namespace ns = AnyNamespace();
    Model seen;
    ASSERT_TRUE(Table(table)
                    .Scan(ns,
                          [&](std::string_view key, std::string_view value) {
                            EXPECT_TRUE(seen.emplace(Key{table, ns, std::string(key)}, value).second);
                          })
                    .ok());
    Model wanted;
    for (const auto& entry : model_) {
      if (std::get<0>(entry.first) == table && std::get<1>(entry.first) == ns) wanted.insert(entry);
    }
    ASSERT_EQ(seen, wanted);
  }

  void Next() {
    const int table = AnyTable();
    const Namespace from = AnyNamespace();
    std::optional<Namespace> wanted;
    for (const auto& [key, value] : model_) {
      const Namespace ns = std::get<1>(key);
      if (std::get<0>(key) == table && ns >= from && (!wanted.has_value() || ns < *wanted)) wanted = ns;
    }
    const auto next = Table(table).NextNamespace(from);
    ASSERT_TRUE(next.ok());
    ASSERT_EQ(*next, wanted);
  }

  // The store may lag behind the changelog.
  void Barrier() {
    std::vector<Change> changes;
    backend_->TakeChanges(++epoch_, "", [&](std::string_view key, std::optional<std::string_view> value) {
      changes.push_back({std::string(key), std::nullopt});
      if (value) changes.back().value = std::string(*value);
    });
    ExpectOrder(changes);
    log_[epoch_] = std::move(changes);
    snapshots_[epoch_] = model_;
    if (random_.OneIn(2)) TakeUnapplied();
  }

  void TakeUnapplied() {
    std::vector<Change> changes = backend_->TakeUnapplied("");
    ExpectOrder(changes);
    waiting_.push_back({epoch_, std::move(changes)});
  }

  static void ExpectOrder(const std::vector<Change>& changes) {
    for (size_t i = 1; i < changes.size(); ++i) ASSERT_LT(changes[i - 1].key, changes[i].key);
  }

  void ApplyOldest() {
    if (waiting_.empty()) return;
    const auto [epoch, changes] = std::move(waiting_.front());
    waiting_.pop_front();
    ASSERT_TRUE(store_->Apply(changes, epoch).ok());
    if (random_.OneIn(3)) {
      const auto flushed = store_->Flush();
      ASSERT_TRUE(flushed.ok()) << flushed.status();
      ASSERT_EQ(*flushed, epoch);
      flushed_ = epoch;
    }
    // OnApplied comes later than Apply, and may cover several epochs.
    if (waiting_.empty() || random_.OneIn(2)) {
      backend_->OnApplied(epoch);
      if (backend_->DirtyBytes() == 0) {
        ASSERT_LE(backend_->MemoryBytes(), options_.memory_bytes);
      }
    }
  }

  void Restart() {
    backend_.reset();
    store_ = reopen_();
    ASSERT_NE(store_, nullptr);
    int64_t position = store_->position();
    ASSERT_GE(position, flushed_);
    ASSERT_TRUE(snapshots_.contains(position));
    if (random_.OneIn(2)) {  // else the changelog was lost too: a run that had committed nothing
      for (auto epoch = log_.upper_bound(position); epoch != log_.end(); ++epoch) {
        ASSERT_TRUE(store_->Apply(epoch->second, epoch->first).ok());
        position = epoch->first;
      }
    }
    flushed_ = store_->Flush().value_or(-2);
    ASSERT_EQ(flushed_, position);
    waiting_.clear();
    log_.clear();
    model_ = snapshots_[position];
    backend_ = StateBackend::Create(*store_, {.memory_bytes = options_.memory_bytes});
    // The new run's epochs come after those that it forgot.
    std::erase_if(snapshots_, [&](const auto& snapshot) { return snapshot.first > position; });
  }

  Random random_;
  const Options options_;
  Reopen reopen_;
  CommittedStore* store_ = nullptr;
  std::unique_ptr<StateBackend> backend_;
  Model model_;
  int64_t epoch_ = 0;
  int64_t flushed_ = -1;
  std::deque<std::pair<int64_t, std::vector<Change>>> waiting_;  // to be applied
  std::map<int64_t, std::vector<Change>> log_;                   // by epoch, since the last restart
  std::map<int64_t, Model> snapshots_;
};

}  // namespace leat::state
