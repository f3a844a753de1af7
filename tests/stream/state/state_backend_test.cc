#include "stream/state/state_backend.h"

#include <gtest/gtest.h>

#include "stream/state/state_key.h"
#include "tests/stream/state/overlay_model.h"

namespace leat::state {
namespace {

// Counts what reaches the store below.
class CountingStore : public CommittedStore {
 public:
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    ++gets;
    return below_->Get(key);
  }
  absl::Status Scan(std::string_view begin, std::string_view end,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) override {
    ++scans;
    return fail_scans ? Unavailable("the disk is gone") : below_->Scan(begin, end, visit);
  }
  absl::Status Apply(const std::vector<Change>& changes, int64_t position) override {
    return below_->Apply(changes, position);
  }
  int64_t position() const override { return below_->position(); }
  absl::StatusOr<int64_t> Flush() override { return below_->Flush(); }
  size_t MemoryBytes() const override { return below_->MemoryBytes(); }

  int gets = 0;
  int scans = 0;
  bool fail_scans = false;

 private:
  std::unique_ptr<CommittedStore> below_ = MakeMemoryStore();
};

void Put(StateTable& table, Namespace ns, std::string_view key, std::string_view value) {
  bool inserted = false;
  auto mutated = table.Mutate(ns, key, &inserted);
  ASSERT_TRUE(mutated.ok()) << mutated.status();
  (*mutated)->assign(value);
}

std::string Get(StateTable& table, Namespace ns, std::string_view key) {
  const auto found = table.Find(ns, key);
  if (!found.ok()) return std::string(Message(found.status()));
  return *found == nullptr ? "absent" : **found;
}

// What the changelog is told of an epoch.
std::vector<Change> Log(StateBackend& backend, int64_t epoch) {
  std::vector<Change> changes;
  backend.TakeChanges(epoch, "", [&](std::string_view key, std::optional<std::string_view> value) {
    changes.push_back({std::string(key), std::nullopt});
    if (value) changes.back().value = std::string(*value);
  });
  return changes;
}

void Commit(StateBackend& backend, CommittedStore& store, int64_t epoch) {
  Log(backend, epoch);
  ASSERT_TRUE(store.Apply(backend.TakeUnapplied(""), epoch).ok());
  backend.OnApplied(epoch);
}

TEST(StateBackend, AgreesWithAMapUnderRandomOperations) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    const auto store = MakeMemoryStore();
    OverlayModel model(seed, {.memory_bytes = seed % 3 == 0 ? size_t{1} << 20 : 6000}, [&] { return store.get(); });
    model.Run();
    if (HasFailure()) return;
  }
}

TEST(StateBackend, NeverAsksAFreshStore) {
  CountingStore store;
  const auto backend = StateBackend::Create(store, {});
  StateTable& table = backend->Table(1, 0);
  for (int i = 0; i < 100; ++i) Put(table, i % 7, std::to_string(i), "x");
  EXPECT_EQ(Get(table, 3, "no such key"), "absent");
  EXPECT_EQ(store.gets, 0);
  EXPECT_EQ(store.scans, 0);
}

TEST(StateBackend, AsksOnlyForNamespacesThatTheStoreHolds) {
  CountingStore store;
  {
    const auto backend = StateBackend::Create(store, {});
    Put(backend->Table(1, 0), 5, "a", "1");
    Put(backend->Table(1, 0), INT64_MAX, "a", "2");
    Commit(*backend, store, 1);
  }
  const auto backend = StateBackend::Create(store, {});
  StateTable& table = backend->Table(1, 0);
  EXPECT_EQ(store.scans, 2);
  EXPECT_EQ(Get(table, 6, "a"), "absent");
  Put(table, 6, "b", "3");
  EXPECT_EQ(store.gets, 0);
  EXPECT_EQ(Get(table, 5, "a"), "1");
  EXPECT_EQ(Get(table, 5, "a"), "1");
  EXPECT_EQ(store.gets, 1);
  EXPECT_EQ(Get(table, INT64_MAX, "a"), "2");
}

TEST(StateBackend, ScanLoadsANamespaceOnce) {
  CountingStore store;
  {
    const auto backend = StateBackend::Create(store, {});
    for (int i = 0; i < 10; ++i) Put(backend->Table(1, 0), 5, std::to_string(i), "v");
    Commit(*backend, store, 1);
  }
  const auto backend = StateBackend::Create(store, {});
  StateTable& table = backend->Table(1, 0);
  int seen = 0;
  ASSERT_TRUE(table.Scan(5, [&](std::string_view, std::string_view) { ++seen; }).ok());
  const int scans = store.scans;
  ASSERT_TRUE(table.Scan(5, [&](std::string_view, std::string_view) { ++seen; }).ok());
  EXPECT_EQ(seen, 20);
  EXPECT_EQ(store.scans, scans);
  EXPECT_EQ(Get(table, 5, "3"), "v");
  EXPECT_EQ(store.gets, 0);
}

TEST(StateBackend, TakesEachChangeOnceInKeyOrder) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {});
  StateTable& table = backend->Table(3, 1);
  Put(table, 10, "b", "1");
  Put(table, -10, "a", "2");
  Put(table, 10, "b", "3");
  Put(table, 10, "gone", "4");
  ASSERT_TRUE(table.Erase(10, "gone").ok());
  const std::vector<Change> changes = Log(*backend, 1);
  ASSERT_EQ(changes.size(), 2u);
  const auto first = ParseStateKey(changes[0].key);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->ns, -10);
  EXPECT_EQ(first->key, "a");
  EXPECT_EQ(first->table, (TableId{3, 1}));
  EXPECT_EQ(changes[1].value, "3");
  EXPECT_TRUE(Log(*backend, 2).empty());
}

TEST(StateBackend, GivesTheStoreWhatSeveralEpochsHaveLeft) {
  CountingStore store;
  const auto backend = StateBackend::Create(store, {});
  StateTable& table = backend->Table(1, 0);
  Put(table, 10, "came and went", "1");
  Put(table, 10, "grew", "1");
  EXPECT_EQ(Log(*backend, 1).size(), 2u);
  ASSERT_TRUE(table.Erase(10, "came and went").ok());
  Put(table, 10, "grew", "12");
  const std::vector<Change> second = Log(*backend, 2);
  ASSERT_EQ(second.size(), 2u);  // the changelog has to be told of the removal
  EXPECT_NE(second[0].value.has_value(), second[1].value.has_value());
  std::vector<Change> unapplied = backend->TakeUnapplied("w");
  ASSERT_EQ(unapplied.size(), 1u);  // the store was never given the other
  EXPECT_TRUE(unapplied[0].key.starts_with("w"));
  EXPECT_EQ(unapplied[0].value, "12");
  unapplied[0].key.erase(0, 1);
  // Removed while the store is being given it: the next time the store has to be told.
  ASSERT_TRUE(table.Erase(10, "grew").ok());
  EXPECT_EQ(Log(*backend, 3).size(), 1u);
  ASSERT_TRUE(store.Apply(unapplied, 2).ok());
  backend->OnApplied(2);
  EXPECT_EQ(Get(table, 10, "grew"), "absent");
  unapplied = backend->TakeUnapplied("");
  ASSERT_EQ(unapplied.size(), 1u);
  EXPECT_FALSE(unapplied[0].value.has_value());
  backend->OnApplied(3);
  EXPECT_TRUE(backend->TakeUnapplied("").empty());
  EXPECT_EQ(backend->MemoryBytes(), 0u);
}

TEST(StateBackend, NothingIsLeftOfAKeyThatComesAndGoesWhileItsRemovalIsApplied) {
  CountingStore store;
  const auto backend = StateBackend::Create(store, {});
  StateTable& table = backend->Table(1, 0);
  Put(table, 10, "k", "1");
  Commit(*backend, store, 1);
  ASSERT_TRUE(table.Erase(10, "k").ok());
  EXPECT_EQ(Log(*backend, 2).size(), 1u);
  ASSERT_TRUE(store.Apply(backend->TakeUnapplied(""), 2).ok());
  Put(table, 10, "k", "2");
  ASSERT_TRUE(table.Erase(10, "k").ok());
  backend->OnApplied(2);
  EXPECT_TRUE(Log(*backend, 3).empty());
  EXPECT_TRUE(backend->TakeUnapplied("").empty());
  EXPECT_EQ(backend->MemoryBytes(), 0u);
}

TEST(StateBackend, EraseNamespaceRemovesWhatOnlyTheStoreHolds) {
  CountingStore store;
  {
    const auto backend = StateBackend::Create(store, {});
    Put(backend->Table(1, 0), 5, "a", "1");
    Commit(*backend, store, 1);
  }
  const auto backend = StateBackend::Create(store, {});
  StateTable& table = backend->Table(1, 0);
  Put(table, 5, "new", "2");
  ASSERT_TRUE(table.EraseNamespace(5).ok());
  const std::vector<Change> changes = Log(*backend, 2);
  ASSERT_EQ(changes.size(), 1u);  // "new" never reached the store
  EXPECT_FALSE(changes[0].value.has_value());
  const auto next = table.NextNamespace(INT64_MIN);
  ASSERT_TRUE(next.ok());
  EXPECT_FALSE(next->has_value());
}

TEST(StateBackend, RefusesChangesBeyondTheBudgetUntilTheyAreApplied) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {.memory_bytes = 10'000});
  StateTable& table = backend->Table(1, 0);
  bool inserted = false;
  int i = 0;
  while (table.Mutate(0, std::to_string(i), &inserted).ok()) ++i;
  EXPECT_GT(i, 10);
  EXPECT_EQ(table.Mutate(0, "more", &inserted).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Get(table, 0, "more"), "absent");
  EXPECT_TRUE(table.Mutate(0, "0", &inserted).ok());  // already changed: costs nothing more
  EXPECT_FALSE(inserted);
  Commit(*backend, *store, 1);
  EXPECT_EQ(backend->DirtyBytes(), 0u);
  EXPECT_LE(backend->MemoryBytes(), 10'000u);
  EXPECT_TRUE(table.Mutate(0, "more", &inserted).ok());
  EXPECT_TRUE(inserted);
}

TEST(StateBackend, KnowsTheMemoryOfEachOperator) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {});
  Put(backend->Table(1, 0), 10, "k", std::string(1000, 'x'));
  Put(backend->Table(1, 3), 0, "k", std::string(2000, 'x'));
  Put(backend->Table(2, 0), 10, "k", std::string(50'000, 'x'));
  EXPECT_GE(backend->MemoryBytesOf(1), 3000u);
  EXPECT_LT(backend->MemoryBytesOf(1), 4000u);
  EXPECT_GE(backend->MemoryBytesOf(2), 50'000u);
  EXPECT_EQ(backend->MemoryBytesOf(3), 0u);
  EXPECT_EQ(backend->MemoryBytesOf(1) + backend->MemoryBytesOf(2), backend->MemoryBytes());
  ASSERT_TRUE(backend->Table(2, 0).Erase(10, "k").ok());
  Commit(*backend, *store, 1);
  EXPECT_EQ(backend->MemoryBytesOf(1), backend->MemoryBytes());
  EXPECT_EQ(backend->MemoryBytesOf(2), 0u);
}

TEST(StateBackend, ValuesThatGrowInPlaceAreCharged) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {});
  bool inserted = false;
  std::string* value = *backend->Table(1, 0).Mutate(0, "k", &inserted);
  const size_t before = backend->MemoryBytes();
  value->assign(100'000, 'x');
  EXPECT_GE(backend->MemoryBytes(), before + 100'000);
  EXPECT_EQ(Get(backend->Table(1, 0), 0, "k"), std::string(100'000, 'x'));
  Commit(*backend, *store, 1);
  EXPECT_EQ(backend->DirtyBytes(), 0u);
}

TEST(StateBackend, AnotherTablesEvictionLeavesTheValueHandedOut) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {.memory_bytes = 4000});
  StateTable& first = backend->Table(1, 0);
  StateTable& second = backend->Table(2, 0);
  Put(first, 0, "kept", "value");
  for (int i = 0; i < 10; ++i) Put(second, 0, std::to_string(i), std::string(100, 'x'));
  Commit(*backend, *store, 1);
  const std::string* kept = *first.Find(0, "kept");
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i) ASSERT_EQ(Get(second, 0, std::to_string(i)), std::string(100, 'x'));
  }
  EXPECT_EQ(*kept, "value");
}

TEST(StateBackend, ReportsAStoreThatCannotBeReadAtTheFirstCall) {
  CountingStore store;
  ASSERT_TRUE(store.Apply({}, 1).ok());
  store.fail_scans = true;
  const auto backend = StateBackend::Create(store, {});
  EXPECT_EQ(Get(backend->Table(1, 0), 0, "k"), "the disk is gone");
}

// What most rows of a large join do: bring a key that nobody has seen.
TEST(StateBackend, ANewKeyIsNotLookedForInTheStoreAlthoughOthersWereEvicted) {
  CountingStore store;
  const auto backend = StateBackend::Create(store, {.memory_bytes = 256 << 10});
  StateTable& table = backend->Table(1, 0);
  int64_t epoch = 0;
  for (int i = 0; i < 5000; ++i) {
    Put(table, 0, std::to_string(i), std::to_string(i));
    if (i % 50 == 49) Commit(*backend, store, ++epoch);
  }
  EXPECT_LT(store.gets, 250);
  EXPECT_LE(backend->MemoryBytes(), size_t{256} << 10);
  store.gets = 0;
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(Get(table, 0, std::to_string(i)), std::to_string(i));
  EXPECT_GT(store.gets, 3000);
  // Whatever is in a namespace of an earlier run may be there.
  const auto next = StateBackend::Create(store, {.memory_bytes = 256 << 10});
  EXPECT_EQ(Get(next->Table(1, 0), 0, "17"), "17");
}

TEST(MemoryStore, RefusesAPositionThatFalls) {
  const auto store = MakeMemoryStore();
  EXPECT_EQ(store->position(), -1);
  ASSERT_TRUE(store->Apply({{"k", "v"}}, 5).ok());
  EXPECT_EQ(store->Apply({{"k", std::nullopt}}, 4).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(**store->Get("k"), "v");
}

TEST(StateKey, OrdersByNamespaceAndRoundTrips) {
  std::string last;
  for (const int64_t ns : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, INT64_MAX}) {
    std::string bytes;
    AppendStateKey({{7, 2}, ns, 99, "key"}, &bytes);
    EXPECT_LT(last, bytes);
    EXPECT_TRUE(bytes.starts_with(NamespacePrefix({7, 2}, ns)));
    EXPECT_LT(bytes, PrefixEnd(NamespacePrefix({7, 2}, ns)));
    const auto parsed = ParseStateKey(bytes);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed->ns, ns);
    EXPECT_EQ(parsed->group, 99);
    EXPECT_EQ(parsed->key, "key");
    last = bytes;
  }
  EXPECT_EQ(ParseStateKey("short").status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace leat::state
