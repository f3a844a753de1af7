// Watches: the rows of a view and then its changes, or a topic's records.
#include "broker/watch.h"

#include "base/random.h"
#include "tests/broker/views_fixture.h"
#include "tests/support/seeds.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    LEAT_CHECK_OK(w.Start());
    LEAT_CHECK(w.Create("users", 2, {{"cleanup.policy", "compact"}, {"leat.view", "true"}}).outcome.ok());
  }
  absl::StatusOr<WatchBatch> Next(Watch& watch) {
    return w.Await<absl::StatusOr<WatchBatch>>([&](auto done) { watch.Next(std::move(done)); });
  }
  ViewsWorld w{9};
};

std::vector<std::string> Texts(const absl::StatusOr<WatchBatch>& batch) {
  std::vector<std::string> texts;
  EXPECT_TRUE(batch.ok()) << batch.status();
  if (!batch.ok()) return texts;
  for (const WatchedRecord& record : batch->records) {
    texts.push_back(StrCat(record.record.key.value_or("(none)"), "=", record.record.value.value_or("(gone)")));
  }
  return texts;
}

TEST_F(WatchTest, SendsTheRowsAndThenWhatChanges) {
  w.Produce(Tp("users", 0), Keyed({{"a", "1"}, {"b", "1"}, {"a", "2"}}));
  const std::unique_ptr<Watch> watch = w.views->NewWatch({.topic = "users", .range = view::Range::All()});
  EXPECT_THAT(Texts(Next(*watch)), ElementsAre("a=2", "b=1"));
  const auto live = Next(*watch);
  ASSERT_TRUE(live.ok()) << live.status();
  EXPECT_TRUE(live->live);
  w.Produce(Tp("users", 1), Keyed({{"c", "1"}}));
  EXPECT_THAT(Texts(Next(*watch)), ElementsAre("c=1"));
  w.Produce(Tp("users", 0), Keyed({{"b", std::nullopt}}));
  const auto gone = Next(*watch);
  EXPECT_THAT(Texts(gone), ElementsAre("b=(gone)"));
  // Another watch goes on where this one is.
  std::map<model::PartitionId, model::Offset> from;
  for (const view::PartitionOffset& at : gone->positions) from[at.partition] = at.applied;
  const std::unique_ptr<Watch> second =
      w.views->NewWatch({.topic = "users", .range = view::Range::All(), .from = from});
  w.Produce(Tp("users", 0), Keyed({{"d", "1"}}));
  const auto first = Next(*second);
  EXPECT_THAT(first->records.empty() ? Texts(Next(*second)) : Texts(first), ElementsAre("d=1"));
}

TEST_F(WatchTest, OfATopicSendsRecordsFromNowOnOrFromTheStart) {
  ASSERT_TRUE(w.Create("clicks").outcome.ok());
  w.Produce(Tp("clicks"), leat::broker::Batch({"old"}));
  const std::unique_ptr<Watch> all = w.views->NewWatch({.topic = "clicks", .begin = WatchRequest::Begin::kEarliest});
  const auto first = Next(*all);
  EXPECT_THAT(first->records.empty() ? Texts(Next(*all)) : Texts(first), ElementsAre("(none)=old"));
  const std::unique_ptr<Watch> fresh = w.views->NewWatch({.topic = "clicks", .begin = WatchRequest::Begin::kLatest});
  ASSERT_TRUE(Next(*fresh)->live);
  w.Produce(Tp("clicks"), leat::broker::Batch({"new"}));
  EXPECT_THAT(Texts(Next(*fresh)), ElementsAre("(none)=new"));
}

TEST_F(WatchTest, SaysFromTimeToTimeThatNothingIsNew) {
  const std::unique_ptr<Watch> watch = w.views->NewWatch({.topic = "users"});
  ASSERT_TRUE(Next(*watch)->live);
  for (int i = 0; i < 3; ++i) {
    const Instant before = w.world.Now();
    const auto quiet = Next(*watch);
    ASSERT_TRUE(quiet.ok()) << quiet.status();
    EXPECT_TRUE(quiet->records.empty());
    EXPECT_EQ(quiet->positions.size(), 2u);
    EXPECT_LE(w.world.Now() - before, absl::Seconds(11));
    EXPECT_GE(w.world.Now() - before, absl::Seconds(9));
  }
}

// Asked again and again at one moment, a node would do nothing else.
TEST(WatchOfANodeThatLetsNothingWait, PausesBetweenItsQuestions) {
  ViewsWorld w{9};
  w.options.limits.fetch_max_wait = absl::ZeroDuration();
  ASSERT_TRUE(w.Start().ok());
  ASSERT_TRUE(w.Create("users", 2, {{"cleanup.policy", "compact"}, {"leat.view", "true"}}).outcome.ok());
  const std::unique_ptr<Watch> watch = w.views->NewWatch({.topic = "users"});
  const auto next = [&] {
    return w.Await<absl::StatusOr<WatchBatch>>([&](auto done) { watch->Next(std::move(done)); });
  };
  ASSERT_TRUE(next()->live);
  const Instant before = w.world.Now();
  EXPECT_TRUE(next()->records.empty());
  EXPECT_GE(w.world.Now() - before, absl::Seconds(9));
  w.Produce(Tp("users", 0), Keyed({{"a", "1"}}));
  EXPECT_THAT(Texts(next()), ElementsAre("a=1"));
}

TEST_F(WatchTest, EndsWithAReason) {
  EXPECT_TRUE(absl::IsNotFound(Next(*w.views->NewWatch({.topic = "nothing"})).status()));
  const std::unique_ptr<Watch> ahead = w.views->NewWatch(
      {.topic = "users",
       .from = {{model::PartitionId(0), model::Offset(99)}, {model::PartitionId(1), model::Offset(0)}}});
  absl::StatusOr<WatchBatch> batch = Next(*ahead);
  for (int i = 0; i < 3 && batch.ok(); ++i) batch = Next(*ahead);
  EXPECT_TRUE(absl::IsOutOfRange(batch.status())) << batch.status();
  const std::unique_ptr<Watch> watch = w.views->NewWatch({.topic = "users"});
  ASSERT_TRUE(Next(*watch).ok());
  ASSERT_TRUE(w.DeleteView("users").ok());
  batch = Next(*watch);
  for (int i = 0; i < 3 && batch.ok(); ++i) batch = Next(*watch);
  EXPECT_TRUE(absl::IsNotFound(batch.status())) << batch.status();
}

// Records of the new partition belong to it as well: who goes on where it ended has all of them.
TEST_F(WatchTest, EndsWhenTheTopicHasMorePartitions) {
  ASSERT_TRUE(w.Create("clicks").outcome.ok());
  const std::unique_ptr<Watch> watch = w.views->NewWatch({.topic = "clicks", .begin = WatchRequest::Begin::kLatest});
  const auto live = Next(*watch);
  ASSERT_TRUE(live.ok()) << live.status();
  std::map<model::PartitionId, model::Offset> from;
  for (const view::PartitionOffset& at : live->positions) from[at.partition] = at.applied;
  const auto altered = w.Await<std::vector<TopicResult>>([&](auto done) {
    w.broker->AlterTopics({{.name = "clicks", .partitions = static_cast<int32_t>(from.size()) + 1}}, std::move(done));
  });
  ASSERT_TRUE(altered.at(0).outcome.ok());
  w.Produce(Tp("clicks", static_cast<int32_t>(from.size())), leat::broker::Batch({"of the new one"}));
  absl::StatusOr<WatchBatch> batch = Next(*watch);
  for (int i = 0; i < 3 && batch.ok(); ++i) batch = Next(*watch);
  EXPECT_TRUE(absl::IsUnavailable(batch.status())) << batch.status();
  const std::unique_ptr<Watch> second =
      w.views->NewWatch({.topic = "clicks", .begin = WatchRequest::Begin::kLatest, .from = from});
  const auto first = Next(*second);
  EXPECT_THAT(first->records.empty() ? Texts(Next(*second)) : Texts(first), ElementsAre("(none)=of the new one"));
}

// Who applies what comes has the table in the end, whatever was written meanwhile.
TEST(WatchModel, ComesToTheTableWhileItChanges) {
  const sim::Seeds seeds = sim::SeedsToRun(10);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(testing::Message() << "LEAT_SEED=" << seed);
    Random random(seed);
    ViewsWorld w(seed);
    ASSERT_TRUE(w.Start().ok());
    ASSERT_TRUE(w.Create("users", 2, {{"cleanup.policy", "compact"}, {"leat.view", "true"}}).outcome.ok());
    std::map<std::string, std::string> model, mine;
    const std::unique_ptr<Watch> watch = w.views->NewWatch({.topic = "users"});
    bool live = false;
    for (int step = 0; step < 60 || mine != model; ++step) {
      ASSERT_LT(step, 200);
      if (step < 50) {
        const auto partition = static_cast<int32_t>(random.Below(2));
        std::vector<Record> records(1 + random.Below(5));
        for (Record& record : records) {
          record.key = StrCat(partition, "/", random.Below(8));
          if (!random.OneIn(4)) record.value = StrCat("v", step);
          model.erase(record.key);
          if (record.value) model[record.key] = *record.value;
        }
        ASSERT_TRUE(w.Produce(Tp("users", partition), Keyed(records)).outcome.ok());
      }
      if (live && mine == model) continue;
      const auto batch = w.Await<absl::StatusOr<WatchBatch>>([&](auto done) { watch->Next(std::move(done)); });
      ASSERT_TRUE(batch.ok()) << batch.status();
      live = batch->live;
      for (const WatchedRecord& record : batch->records) {
        mine.erase(*record.record.key);
        if (record.record.value) mine[*record.record.key] = *record.record.value;
      }
    }
    EXPECT_EQ(mine, model);
  }
}

}  // namespace
}  // namespace leat::broker
