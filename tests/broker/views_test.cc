// Views on one node: the last committed value of each key, whatever happens to the broker in between.
#include "base/random.h"
#include "broker/transactions.h"
#include "tests/broker/views_fixture.h"
#include "tests/support/seeds.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::map<std::string, std::string> Table(const absl::StatusOr<view::MergedPage>& page) {
  std::map<std::string, std::string> table;
  EXPECT_TRUE(page.ok()) << page.status();
  if (!page.ok()) return table;
  for (const view::PartitionRow& row : page->rows) table[row.row.key] = row.row.entry.value;
  return table;
}

class ViewsTest : public ::testing::Test {
 protected:
  ViewsTest() {
    LEAT_CHECK_OK(w.Start());
    LEAT_CHECK(w.Create("users", 2, {{"cleanup.policy", "compact"}}).outcome.ok());
  }
  ViewsWorld w{5};
};

TEST_F(ViewsTest, HoldWhatWasAcknowledgedWhenTheQuestionCame) {
  w.Produce(Tp("users", 0), Keyed({{"a", "1"}, {"b", "1"}}));
  ASSERT_TRUE(w.CreateView("users").ok());
  EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("a", "1"), Pair("b", "1")));
  w.Produce(Tp("users", 1), Keyed({{"c", "1"}}));
  w.Produce(Tp("users", 0), Keyed({{"a", "2"}, {"b", std::nullopt}}));
  const auto page = w.Scan({.view = "users"});
  EXPECT_THAT(Table(page), ElementsAre(Pair("a", "2"), Pair("c", "1")));
  EXPECT_THAT(page->applied, ElementsAre(view::PartitionOffset{model::PartitionId(0), model::Offset(4)},
                                         view::PartitionOffset{model::PartitionId(1), model::Offset(1)}));
  EXPECT_THAT(Table(w.Scan({.view = "users", .partition = model::PartitionId(1)})), ElementsAre(Pair("c", "1")));
  EXPECT_THAT(Table(w.Scan({.view = "users", .range = view::Range::Key("a")})), ElementsAre(Pair("a", "2")));
}

TEST_F(ViewsTest, AreOfCompactedTopicsOnly) {
  ASSERT_TRUE(w.Create("clicks").outcome.ok());
  const absl::Status refused = w.CreateView("clicks");
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(std::string(Message(refused)), HasSubstr("cleanup.policy=compact"));
  EXPECT_TRUE(absl::IsNotFound(w.CreateView("nothing")));
  ASSERT_TRUE(w.CreateView("users").ok());
  // Nor can the topic become another one under its view.
  const Outcome altered =
      w.Await<std::vector<TopicResult>>([&](auto done) {
         w.broker->AlterTopics({{.name = "users", .set = {{"cleanup.policy", "delete"}}}}, std::move(done));
       })[0]
          .outcome;
  EXPECT_FALSE(altered.ok());
}

TEST_F(ViewsTest, EndWithTheirTopicAndBeginAnew) {
  EXPECT_TRUE(absl::IsNotFound(w.Scan({.view = "users"}).status()));
  ASSERT_TRUE(w.CreateView("users").ok());
  w.Produce(Tp("users", 0), Keyed({{"a", "1"}}));
  EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("a", "1")));
  ASSERT_TRUE(w.DeleteView("users").ok());
  EXPECT_TRUE(absl::IsNotFound(w.Scan({.view = "users"}).status()));
  EXPECT_TRUE(absl::IsNotFound(w.DeleteView("users")));
  ASSERT_TRUE(w.CreateView("users").ok());
  EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("a", "1")));
  // Another topic of the name is another view.
  ASSERT_TRUE(w.Delete("users").outcome.ok());
  ASSERT_TRUE(w.Create("users", 1, {{"cleanup.policy", "compact"}, {"leat.view", "true"}}).outcome.ok());
  EXPECT_THAT(Table(w.Scan({.view = "users"})), IsEmpty());
}

TEST_F(ViewsTest, WaitForATransactionsEndAsReadersOfCommittedRecordsDo) {
  ASSERT_TRUE(w.CreateView("users").ok());
  InitProducerIdRequest request{.timeout_ms = 60'000};
  request.transactional_id = "t";
  const ProducerIdReply init =
      w.Await<ProducerIdReply>([&](auto done) { w.broker->transactions().InitProducerId(request, std::move(done)); });
  ProducerIdentity producer{"t", init.producer_id, init.producer_epoch};
  for (const model::TransactionEnd end : {model::TransactionEnd::kAbort, model::TransactionEnd::kCommit}) {
    w.Produce(Tp("users", 0), Keyed({{"before", "1"}}));
    model::BatchBuilder builder(
        {.producer_id = producer.id, .producer_epoch = producer.epoch, .base_sequence = 0, .transactional = true});
    builder.Add(1, "inside", end == model::TransactionEnd::kCommit ? "committed" : "aborted");
    ProduceRequest produce{.transactional_id = "t", .rules = TransactionRules::kEpochRises};
    produce.partitions.push_back({Tp("users", 0), *builder.Finish()});
    const ProduceReply produced =
        w.Await<ProduceReply>([&](auto done) { w.broker->Produce(std::move(produce), std::move(done)); });
    ASSERT_TRUE(produced.partitions[0].outcome.ok()) << produced.partitions[0].outcome.message;
    EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("before", "1")));
    const ProducerIdReply ended = w.Await<ProducerIdReply>([&](auto done) {
      w.broker->transactions().End({producer, end, TransactionRules::kEpochRises}, std::move(done));
    });
    ASSERT_TRUE(ended.outcome.ok()) << ended.outcome.message;
    producer.epoch = ended.producer_epoch;
    w.world.RunFor(absl::Seconds(1));
  }
  EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("before", "1"), Pair("inside", "committed")));
}

TEST_F(ViewsTest, AnswerPageByPageAndSayHowFarTheyAre) {
  ASSERT_TRUE(w.CreateView("users").ok());
  w.Produce(Tp("users", 0), Keyed({{"a", "1"}, {"c", "1"}}));
  w.Produce(Tp("users", 1), Keyed({{"b", "1"}, {"d", "1"}}));
  const auto first = w.Scan({.view = "users", .limit = {.rows = 3}});
  EXPECT_THAT(Table(first), ElementsAre(Pair("a", "1"), Pair("b", "1"), Pair("c", "1")));
  ASSERT_EQ(first->next, "d");
  EXPECT_THAT(Table(w.Scan({.view = "users", .range = {*first->next}, .limit = {.rows = 3}})),
              ElementsAre(Pair("d", "1")));
  const ViewDescription description = w.DescribeView("users");
  ASSERT_EQ(description.partitions.size(), 2u);
  EXPECT_EQ(description.partitions[1].applied, model::Offset(2));
  EXPECT_EQ(description.partitions[1].leader, model::NodeId(1));
  EXPECT_TRUE(absl::IsNotFound(w.Scan({.view = "users", .partition = model::PartitionId(2)}).status()));
}

TEST_F(ViewsTest, OfMoreTablesThanANodeMayHaveAreRefused) {
  w.Crash();
  w.view_options.max_partitions = 1;
  ASSERT_TRUE(w.Start().ok());
  ASSERT_TRUE(w.CreateView("users").ok());
  const absl::Status refused = w.Scan({.view = "users"}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
}

// Stores whose open tables a test can write into.
class OpenStores : public ViewStores {
 public:
  OpenStores(std::vector<state::CommittedStore*>* opened, int* failures) : opened_(opened), failures_(failures) {}
  absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string& folder) override {
    if (*failures_ > 0) {
      --*failures_;
      return Unavailable("the disk does not answer");
    }
    auto store = memory_->Open(folder);
    if (store.ok()) opened_->push_back(store->get());
    return store;
  }
  absl::Status Remove(const std::string& folder) override { return memory_->Remove(folder); }

 private:
  std::unique_ptr<ViewStores> memory_ = MakeMemoryViewStores();
  std::vector<state::CommittedStore*>* opened_;
  int* failures_;
};

class ViewsOfADamagedTable : public ::testing::Test {
 protected:
  void Damage() {
    w.make_stores = [&] { return std::make_unique<OpenStores>(&opened, &failures); };
    ASSERT_TRUE(w.Start().ok());
    ASSERT_TRUE(w.Create("users", 1, {{"cleanup.policy", "compact"}, {"leat.view", "true"}}).outcome.ok());
    w.Produce(Tp("users"), Keyed({{"a", "1"}, {"b", "1"}}));
    EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("a", "1"), Pair("b", "1")));
    ASSERT_EQ(opened.size(), 1u);
    ASSERT_TRUE(opened[0]->Apply({{"rb", "torn"}}, opened[0]->position()).ok());
  }
  std::vector<state::CommittedStore*> opened;
  int failures = 0;
  ViewsWorld w{7};
};

// Meanwhile the log is not asked for records that no table could take, also where fetches do not wait.
TEST_F(ViewsOfADamagedTable, WaitUntilThereIsAnotherOne) {
  w.options.limits.fetch_max_wait = absl::ZeroDuration();
  Damage();
  failures = 1;
  w.Scan({.view = "users"}).status().IgnoreError();
  w.world.RunFor(absl::Seconds(10));
  EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("a", "1"), Pair("b", "1")));
  EXPECT_EQ(failures, 0);
}

TEST_F(ViewsOfADamagedTable, AreMadeAnewWhenAReadFindsIt) {
  Damage();
  // Rows that nothing is wrong with are read as before.
  EXPECT_THAT(Table(w.Scan({.view = "users", .range = view::Range::Key("a")})), ElementsAre(Pair("a", "1")));
  // Who meets the damage waits for the new table.
  EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("a", "1"), Pair("b", "1")));
  w.Produce(Tp("users"), Keyed({{"c", "1"}}));
  EXPECT_THAT(Table(w.Scan({.view = "users"})), ElementsAre(Pair("a", "1"), Pair("b", "1"), Pair("c", "1")));
  EXPECT_EQ(opened.size(), 2u);
}

// Records come and go, the broker is killed, loses power, stops in order: a view is always what its topic says.
TEST(ViewsModel, AreWhatTheTopicSaysAfterAnyRestart) {
  const sim::Seeds seeds = sim::SeedsToRun(15);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(testing::Message() << "LEAT_SEED=" << seed);
    Random random(seed);
    ViewsWorld w(seed);
    ASSERT_TRUE(w.Start().ok());
    ASSERT_TRUE(w.Create("users", 3, {{"cleanup.policy", "compact"}, {"leat.view", "true"}}).outcome.ok());
    std::map<std::string, std::string> model;
    for (int step = 0; step < 60; ++step) {
      if (random.OneIn(12)) {
        if (random.OneIn(3)) {
          ASSERT_TRUE(w.Stop().ok());
        } else if (random.OneIn(2)) {
          w.Crash();
        } else {
          w.PowerCut();
        }
        ASSERT_TRUE(w.Start().ok());
      }
      const auto partition = static_cast<int32_t>(random.Below(3));
      std::vector<Record> records(1 + random.Below(5));
      for (Record& record : records) {
        record.key = StrCat(partition, "/", random.Below(8));
        if (!random.OneIn(4)) record.value = StrCat("v", step);
      }
      ASSERT_TRUE(w.Produce(Tp("users", partition), Keyed(records)).outcome.ok());
      for (const Record& record : records) {
        model.erase(record.key);
        if (record.value) model[record.key] = *record.value;
      }
      if (random.OneIn(3)) {
        ASSERT_EQ(Table(w.Scan({.view = "users", .limit = {.rows = 1000}})), model);
      }
    }
    ASSERT_EQ(Table(w.Scan({.view = "users", .limit = {.rows = 1000}})), model);
  }
}

}  // namespace
}  // namespace leat::broker
