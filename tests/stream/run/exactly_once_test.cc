// Every row exactly once, whatever breaks: the committed rows of a disturbed job are those of an undisturbed one, as a
// multiset.
#include <atomic>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "sql/compile.h"
#include "stream/run/changelog.h"
#include "stream/run/delivery.h"
#include "stream/run/job_runner.h"
#include "stream/state/state_backend.h"
#include "tests/stream/run/memory_log_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat::run {
namespace {

using Call = MemoryLogPort::Call;
using Fate = MemoryLogPort::Fate;
using When = KillableLogPort::When;
using ::testing::HasSubstr;

// Per card a running count that only the state knows, a row for each record, some of them refused by the sink.
constexpr char kSql[] = R"(
CREATE TABLE payments (id BIGINT, card STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE copies (id BIGINT, card STRING) WITH ('connector' = 'kafka', 'topic' = 'copies', 'format' = 'json');
CREATE TABLE totals (card STRING, window_end TIMESTAMP(3), payments BIGINT, total INT)
WITH ('connector' = 'kafka', 'topic' = 'totals', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO copies SELECT id, card FROM payments;
INSERT INTO totals SELECT card, window_end, COUNT(*), SUM(amount)
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY card, window_start, window_end;
END;
)";

plan::JobPlan Compile(const std::string& sql) {
  const absl::StatusOr<sql::Compiled> compiled = sql::Compile(sql, {.check_table = CheckTable});
  LEAT_CHECK(compiled.ok()) << compiled.status().ToString();
  return compiled->plan;
}

JobRunner::Spec Spec(const std::string& sql = kSql, int parallelism = 2) {
  JobRunner::Spec spec{.name = "job", .plan = Compile(sql), .options = {}};
  LEAT_CHECK_OK(CheckPlan(spec.plan));
  spec.options.parallelism = parallelism;
  spec.options.checkpoint_interval = absl::Milliseconds(5);
  spec.options.restart_backoff = absl::ZeroDuration();
  spec.options.restart_backoff_max = absl::ZeroDuration();
  spec.options.max_restarts = 1'000'000;
  return spec;
}

absl::Status StopAndWait(JobRunner& runner) {
  std::promise<absl::Status> stopped;
  runner.Stop([&](absl::Status status) { stopped.set_value(std::move(status)); });
  return stopped.get_future().get();
}

std::string Payment(int second) {
  char text[160];
  std::snprintf(text, sizeof(text), R"({"id":%d,"card":"c%d","amount":%d,"ts":"2024-01-01 00:%02d:%02d"})", second,
                second % 3, second, second / 60 % 60, second % 60);
  return text;
}

// A payment a second in each of the two partitions, and one record in twenty that cannot be read.
void ProduceSeconds(MemoryLogPort& port, int from, int to) {
  for (int second = from; second < to; ++second) {
    for (int partition = 0; partition < 2; ++partition) {
      port.Produce("payments", partition, {second % 20 == 7 ? "no payment" : Payment(second)});
    }
  }
}

using Rows = std::multiset<std::string>;
using Output = std::map<std::string, Rows>;  // by topic

Output Committed(MemoryLogPort& port) {
  Output output;
  for (const char* topic : {"copies", "totals", "job-dlq"}) {
    Rows& rows = output[topic];
    for (const TestRow& row : port.Read(topic)) {
      const auto offset = row.headers.find("leat.offset");
      const auto partition = row.headers.find("leat.partition");
      rows.insert(StrCat(row.value, offset == row.headers.end() ? "" : offset->second,
                         partition == row.headers.end() ? "" : StrCat("/", partition->second)));
    }
  }
  return output;
}

void WaitUntilRead(MemoryLogPort& port, int records) {
  port.WaitForCommitted("job", "payments", 0, records);
  port.WaitForCommitted("job", "payments", 1, records);
}

constexpr int kSeconds = 120;

Output Undisturbed() {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, kSeconds);
  auto runner = JobRunner::Start(Spec(), port, env::NullMetrics());
  WaitUntilRead(port, kSeconds);
  LEAT_CHECK_OK(StopAndWait(*runner));
  return Committed(port);
}

TEST(ExactlyOnce, AnUndisturbedRunWritesEveryRow) {
  const Output output = Undisturbed();
  EXPECT_EQ(output.at("job-dlq").size(), 12u);
  EXPECT_EQ(output.at("copies").size(), 2u * kSeconds - 12);
  EXPECT_EQ(output.at("totals").size(), 11u * 3);
  for (const std::string& row : output.at("copies")) EXPECT_EQ(output.at("copies").count(row), 2u) << row;
}

// What a life that is cut off between any two steps leaves behind, the next one brings to the same end.
TEST(ExactlyOnce, HoldsWhenTheProcessDiesBetweenAnyTwoSteps) {
  const Output expected = Undisturbed();
  for (const char* kind : {"open", "add", "append", "changelog", "end", "settle", "commit-offsets"}) {
    for (const When when : {When::kBefore, When::kAfter}) {
      for (const int nth : {1, 2}) {
        MemoryLogPort port;
        port.CreateTopic("payments", 2);
        int seconds = 0;
        for (const int until : {kSeconds / 3, kSeconds * 2 / 3}) {
          KillableLogPort life(port);
          life.KillAt(kind, when, nth);
          auto runner = JobRunner::Start(Spec(), life, env::NullMetrics());
          // A part of the input behind every epoch, so that there are several: all calls but the opening come twice.
          for (const int part : {until - 20, until - 10, until}) {
            const int64_t before = port.committed_transactions();
            ProduceSeconds(port, seconds, part);
            seconds = part;
            while (!life.dead() && port.committed_transactions() == before) std::this_thread::yield();
          }
          while (!life.dead() && std::string(kind) != "open") std::this_thread::yield();
          life.Kill();
          StopAndWait(*runner).IgnoreError();
        }
        ProduceSeconds(port, seconds, kSeconds);
        auto runner = JobRunner::Start(Spec(), port, env::NullMetrics());
        WaitUntilRead(port, kSeconds);
        ASSERT_TRUE(StopAndWait(*runner).ok());
        ASSERT_EQ(Committed(port), expected) << kind << (when == When::kBefore ? " before " : " after ") << nth;
      }
    }
  }
}

// A disk that outlives a life. What was applied is on it now and then, and not at a flush, as if the life had died
// before; or at a flush alone.
class KeptStores final : public StateStores {
 public:
  enum class Writes { kNowAndThen, kAtFlush };
  explicit KeptStores(Writes writes = Writes::kNowAndThen) { disk_.writes = writes; }
  absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string&, const Options&) override {
    auto store = std::make_unique<Store>(disk_);
    if (disk_.position < 0) return store;
    std::vector<state::Change> changes;
    for (const auto& [key, value] : disk_.entries) changes.push_back({key, value});
    LEAT_RETURN_IF_ERROR(store->now->Apply(changes, disk_.position));
    ++opened_with_state;
    return store;
  }
  absl::Status Drop(const std::string&, const Options&) override { return Internal("the state is as it should be"); }
  int64_t position() const { return disk_.position; }
  int opened_with_state = 0;

 private:
  struct Disk {
    Writes writes;
    std::map<std::string, std::string> entries;
    std::atomic<int64_t> position = -1;
    int applied = 0;
  };
  struct Store final : state::CommittedStore {
    explicit Store(Disk& of) : disk(of) {}
    absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override { return now->Get(key); }
    absl::Status Scan(std::string_view begin, std::string_view end,
                      absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) override {
      return now->Scan(begin, end, visit);
    }
    absl::Status Apply(const std::vector<state::Change>& changes, int64_t position) override {
      LEAT_RETURN_IF_ERROR(now->Apply(changes, position));
      unwritten.insert(unwritten.end(), changes.begin(), changes.end());
      if (disk.writes == Writes::kNowAndThen && ++disk.applied % 3 != 0) Write();
      return absl::OkStatus();
    }
    void Write() {
      for (const state::Change& change : unwritten) {
        if (change.value) {
          disk.entries[change.key] = *change.value;
        } else {
          disk.entries.erase(change.key);
        }
      }
      unwritten.clear();
      disk.position = position();
    }
    int64_t position() const override { return now->position(); }
    absl::StatusOr<int64_t> Flush() override {
      if (disk.writes == Writes::kAtFlush) Write();
      return disk.position.load();
    }
    size_t MemoryBytes() const override { return now->MemoryBytes(); }
    Disk& disk;
    std::unique_ptr<state::CommittedStore> now = state::MakeMemoryStore();
    std::vector<state::Change> unwritten;
  };
  Disk disk_;
};

// The store stands where it was when it was last given something, and the changelog has the rest.
TEST(ExactlyOnce, HoldsWithAStoreThatLagsBehindItsChangelog) {
  const Output expected = Undisturbed();
  int opened_with_state = 0;
  // The store gets something when the changelog has an eighth of it.
  for (const size_t memory_bytes : {size_t{16} << 10, size_t{64} << 10, size_t{512} << 20}) {
    for (const char* kind : {"changelog", "end", "settle"}) {
      for (const When when : {When::kBefore, When::kAfter}) {
        MemoryLogPort port;
        port.CreateTopic("payments", 2);
        KeptStores stores;
        JobRunner::Spec spec = Spec();
        spec.stores = &stores;
        spec.options.memory_limit_bytes = memory_bytes;
        int seconds = 0;
        for (const int until : {kSeconds / 3, kSeconds * 2 / 3}) {
          KillableLogPort life(port);
          life.KillAt(kind, when, 5);
          auto runner = JobRunner::Start(spec, life, env::NullMetrics());
          for (int part = until - 40; part <= until; part += 8) {
            const int64_t before = port.committed_transactions();
            ProduceSeconds(port, seconds, part);
            seconds = std::max(seconds, part);
            while (!life.dead() && part > until - 40 && port.committed_transactions() == before)
              std::this_thread::yield();
          }
          life.Kill();
          StopAndWait(*runner).IgnoreError();
        }
        ProduceSeconds(port, seconds, kSeconds);
        auto runner = JobRunner::Start(spec, port, env::NullMetrics());
        WaitUntilRead(port, kSeconds);
        ASSERT_TRUE(StopAndWait(*runner).ok());
        ASSERT_EQ(Committed(port), expected) << memory_bytes << kind << (when == When::kBefore ? " before" : " after");
        opened_with_state += stores.opened_with_state;
      }
    }
  }
  EXPECT_GT(opened_with_state, 10);
}

// State of which little is in the store's memory never fills it, and yet its changelog grows.
TEST(ExactlyOnce, AStartNeedNotReplayMoreThanAQuarterOfTheMemoryLimit) {
  constexpr int64_t kLimitBytes = 64 << 10;
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  KeptStores stores(KeptStores::Writes::kAtFlush);
  JobRunner::Spec spec = Spec();
  spec.stores = &stores;
  spec.options.memory_limit_bytes = kLimitBytes;
  KillableLogPort life(port);
  auto runner = JobRunner::Start(spec, life, env::NullMetrics());
  for (int second = 0; second < kSeconds; ++second) {
    const int64_t before = port.committed_transactions();
    ProduceSeconds(port, second, second + 1);
    while (port.committed_transactions() == before) std::this_thread::yield();
  }
  life.Kill();
  const int64_t durable = stores.position();
  StopAndWait(*runner).IgnoreError();  // flushes, which a process that dies does not
  const auto bytes_behind = [&](int64_t position) {
    std::promise<absl::StatusOr<LogData>> read;
    port.Fetch({.partition = {ChangelogTopic("job"), model::PartitionId{0}},
                .offset = model::Offset{position},
                .max_bytes = 1 << 30,
                .max_wait = absl::ZeroDuration()},
               [&](absl::StatusOr<LogData> data) { read.set_value(std::move(data)); });
    return static_cast<int64_t>(read.get_future().get()->batches.size());
  };
  EXPECT_GT(bytes_behind(0), kLimitBytes / 2);
  ASSERT_GE(durable, 0);
  EXPECT_LT(bytes_behind(durable), kLimitBytes / 4 + kLimitBytes / 16);
}

// The run goes on by itself after answers that were lost, whether what they answered had happened or not.
TEST(ExactlyOnce, HoldsWhenTheCoordinatorsAnswersAreLost) {
  const Output expected = Undisturbed();
  for (const Call call : {Call::kOpenProducer, Call::kAddToTransaction, Call::kEndTransaction}) {
    for (const Fate fate : {Fate::kLost, Fate::kWritten}) {
      MemoryLogPort port;
      port.CreateTopic("payments", 2);
      ProduceSeconds(port, 0, kSeconds / 3);
      port.FailCalls(call, 2, fate);
      auto runner = JobRunner::Start(Spec(), port, env::NullMetrics());
      WaitUntilRead(port, kSeconds / 3);
      port.FailCalls(call, 1, fate);
      if (call == Call::kOpenProducer) port.FailCalls(Call::kEndTransaction, 1, Fate::kWritten);
      ProduceSeconds(port, kSeconds / 3, kSeconds);
      WaitUntilRead(port, kSeconds);
      ASSERT_TRUE(StopAndWait(*runner).ok());
      EXPECT_EQ(Committed(port), expected) << static_cast<int>(call) << " " << static_cast<int>(fate);
      EXPECT_GE(runner->Status().restarts, 2);
    }
  }
}

TEST(ExactlyOnce, HoldsWhenAppendsFail) {
  const Output expected = Undisturbed();
  for (const char* topic : {"copies", "job-dlq", "__leat_changelog_job"}) {
    for (const Fate fate : {Fate::kLost, Fate::kWritten}) {
      MemoryLogPort port;
      port.CreateTopic("payments", 2);
      ProduceSeconds(port, 0, kSeconds / 2);
      port.FailAppends(topic, 2, fate);
      auto runner = JobRunner::Start(Spec(), port, env::NullMetrics());
      WaitUntilRead(port, kSeconds / 2);
      port.FailAppends(topic, 1, fate);
      ProduceSeconds(port, kSeconds / 2, kSeconds);
      WaitUntilRead(port, kSeconds);
      ASSERT_TRUE(StopAndWait(*runner).ok());
      EXPECT_EQ(Committed(port), expected) << topic;
      EXPECT_GE(runner->Status().restarts, 2);
    }
  }
}

// Another life of the job has begun: the first may still do whatever it likes, and nothing of it counts.
TEST(ExactlyOnce, AZombieCanNeverCommit) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, kSeconds / 2);
  JobRunner::Spec spec = Spec();
  spec.options.restart_backoff = spec.options.restart_backoff_max = absl::Hours(1);
  auto zombie = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  WaitUntilRead(port, kSeconds / 2);
  auto runner = JobRunner::Start(Spec(), port, env::NullMetrics());
  while (runner->Status().state != State::kRunning) std::this_thread::yield();
  ProduceSeconds(port, kSeconds / 2, kSeconds);
  WaitUntilRead(port, kSeconds);
  while (zombie->Status().state != State::kRestarting) std::this_thread::yield();
  EXPECT_THAT(zombie->Status().error, HasSubstr("PRODUCER_FENCED"));
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(Committed(port), Undisturbed());
  EXPECT_EQ(runner->Status().restarts, 0) << runner->Status().error;
  StopAndWait(*zombie).IgnoreError();
}

// A reader of committed records never waits for a job that has ended, however it has ended.
TEST(ExactlyOnce, AJobThatEndsLeavesNoTransactionOpen) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 60);
  JobRunner::Spec spec = Spec();
  port.FailAppends("__leat_changelog_job", 1, Fate::kWritten);
  spec.options.restart_backoff = spec.options.restart_backoff_max = absl::Hours(1);
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  while (runner->Status().state != State::kRestarting) std::this_thread::yield();
  StopAndWait(*runner).IgnoreError();
  port.Produce("copies", 0, {"of another"});
  EXPECT_EQ(Committed(port).at("copies"), Rows{"of another"});
}

std::string With(std::string sql, const std::string& what, const std::string& instead) {
  const size_t at = sql.find(what);
  LEAT_CHECK(at != std::string::npos) << what;
  return sql.replace(at, what.size(), instead);
}

std::string AtLeastOnce() { return StrCat("SET 'execution.checkpointing.mode' = 'AT_LEAST_ONCE';", kSql); }

TEST(AtLeastOnce, NeedsNoTransactionsAndLosesNothing) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  port.FailCalls(Call::kOpenProducer, 1'000'000, Fate::kLost);
  ProduceSeconds(port, 0, kSeconds / 2);
  {
    KillableLogPort life(port);
    life.KillAt("changelog", When::kBefore, 2);
    auto runner = JobRunner::Start(Spec(AtLeastOnce()), life, env::NullMetrics());
    while (!life.dead() && runner->Status().checkpoints == 0) std::this_thread::yield();
    ProduceSeconds(port, kSeconds / 2, kSeconds);
    while (!life.dead()) std::this_thread::yield();
    StopAndWait(*runner).IgnoreError();
  }
  auto runner = JobRunner::Start(Spec(AtLeastOnce()), port, env::NullMetrics());
  WaitUntilRead(port, kSeconds);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(port.committed_transactions(), 0);
  const Output expected = Undisturbed();
  for (const char* topic : {"copies", "totals"}) {
    const Rows found = Committed(port).at(topic);
    for (const std::string& row : expected.at(topic)) EXPECT_GE(found.count(row), expected.at(topic).count(row));
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()),
              std::set<std::string>(expected.at(topic).begin(), expected.at(topic).end()));
  }
}

// The longest interval is an hour: nothing but the end of what there is to read makes the rows go out.
TEST(AtLeastOnce, SleepsOnNoRow) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  JobRunner::Spec spec = Spec(StrCat("SET 'execution.checkpointing.interval' = '1 h';", AtLeastOnce()));
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  ProduceSeconds(port, 0, 5);
  port.WaitForRecords("copies", 10);
  ASSERT_TRUE(StopAndWait(*runner).ok());
}

TEST(AtLeastOnce, OneSinkOfAnExactJobMayAskForLess) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, kSeconds / 2);
  const std::string sql =
      With(kSql, "'topic' = 'copies',", "'topic' = 'copies', 'sink.delivery-guarantee' = 'at-least-once',");
  {
    KillableLogPort life(port);
    life.KillAt("end", When::kBefore, 2);
    auto runner = JobRunner::Start(Spec(sql), life, env::NullMetrics());
    while (!life.dead() && runner->Status().checkpoints == 0) std::this_thread::yield();
    ProduceSeconds(port, kSeconds / 2, kSeconds);
    while (!life.dead()) std::this_thread::yield();
    StopAndWait(*runner).IgnoreError();
  }
  auto runner = JobRunner::Start(Spec(sql), port, env::NullMetrics());
  WaitUntilRead(port, kSeconds);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  const Output expected = Undisturbed();
  EXPECT_EQ(Committed(port).at("totals"), expected.at("totals"));
  EXPECT_GT(Committed(port).at("copies").size(), expected.at("copies").size()) << "the second epoch came twice";
}

// A job that has read all there is gives its rows away, however long the longest interval is.
TEST(Interval, IsShortForAJobThatHasCaughtUp) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  JobRunner::Spec spec = Spec();
  spec.options.checkpoint_interval = absl::Hours(1);
  spec.delivery.max_transaction_timeout = absl::Hours(3);
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  for (int second = 0; second < 5; ++second) {
    ProduceSeconds(port, second, second + 1);
    port.WaitForRecords("copies", 2 * static_cast<size_t>(second + 1));
  }
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_GE(port.committed_transactions(), 5);
}

TEST(Interval, IsKeptWhenTheScriptFixesIt) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 5);
  JobRunner::Spec spec = Spec(StrCat("SET 'execution.checkpointing.interval' = '1 h';", kSql));
  spec.delivery.max_transaction_timeout = absl::Hours(3);
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  while (runner->Status().rows_in < 10) std::this_thread::yield();
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(port.committed_transactions(), 1) << "the stop alone";
  EXPECT_EQ(port.Read("copies").size(), 10u);
}

// A job reads what is committed: of an aborted transaction nothing, of an open one nothing yet.
TEST(Sources, ReadCommittedRecordsUnlessTold) {
  for (const bool committed : {true, false}) {
    MemoryLogPort port;
    port.CreateTopic("payments", 2);
    const model::TopicPartition tp{"payments", model::PartitionId{0}};
    const auto write = [&](model::TransactionEnd end, int second) {
      TransactionalProducer producer;
      port.OpenProducer("other", absl::Minutes(1), [&](auto opened) { producer = *opened; });
      port.AddToTransaction("other", producer, {tp}, [](const absl::Status& status) { LEAT_CHECK_OK(status); });
      model::BatchBuilder builder(
          {.producer_id = producer.id, .producer_epoch = producer.epoch, .base_sequence = 0, .transactional = true});
      builder.Add(1, std::nullopt, Payment(second));
      port.Append({tp, *builder.Finish(), "other"}, [](const auto& base) { LEAT_CHECK_OK(base.status()); });
      port.EndTransaction("other", producer, end, [](const auto& next) { LEAT_CHECK_OK(next.status()); });
    };
    write(model::TransactionEnd::kAbort, 1);
    write(model::TransactionEnd::kCommit, 2);
    write(model::TransactionEnd::kAbort, 3);
    port.OpenProducer("other", absl::Minutes(1), [](const auto&) {});  // the last marker
    const std::string sql = committed
                                ? std::string(kSql)
                                : With(kSql, "'topic' = 'payments',",
                                       "'topic' = 'payments', 'properties.isolation.level' = 'read_uncommitted',");
    auto runner = JobRunner::Start(Spec(sql), port, env::NullMetrics());
    port.WaitForCommitted("job", "payments", 0, 6);
    ASSERT_TRUE(StopAndWait(*runner).ok());
    EXPECT_EQ(Committed(port).at("copies").size(), committed ? 1u : 3u);
  }
}

TEST(Delivery, SaysWhatContradicts) {
  const auto check = [](const std::string& sql, const DeliveryOptions& options = {}) {
    return std::string(Message(CheckDelivery(Compile(sql), {}, options)));
  };
  const std::string exact =
      With(kSql, "'topic' = 'copies',", "'topic' = 'copies', 'sink.delivery-guarantee' = 'exactly-once',");
  EXPECT_EQ(check(exact), "");
  EXPECT_EQ(check(AtLeastOnce()), "");
  EXPECT_THAT(check(StrCat("SET 'execution.checkpointing.mode' = 'AT_LEAST_ONCE';", exact)), HasSubstr("contradicts"));
  EXPECT_THAT(check(StrCat("SET 'execution.checkpointing.mode' = 'TWICE';", kSql)),
              HasSubstr("expected EXACTLY_ONCE or AT_LEAST_ONCE, got 'TWICE'"));
  EXPECT_THAT(check(StrCat("SET 'execution.checkpointing.interval' = 'soon';", kSql)),
              HasSubstr("expected a duration"));
  const std::string slow = "SET 'execution.checkpointing.interval' = '10 min';";
  EXPECT_THAT(check(StrCat(slow, kSql)), HasSubstr("transactions.max_timeout is 15m"));
  EXPECT_EQ(check(StrCat(slow, AtLeastOnce())), "");
  EXPECT_EQ(check(StrCat(slow, kSql), {.max_transaction_timeout = absl::Hours(1)}), "");
  const auto none =
      sql::Compile(With(kSql, "'topic' = 'copies',", "'topic' = 'copies', 'sink.delivery-guarantee' = 'none',"),
                   {.check_table = CheckTable});
  EXPECT_THAT(none.status().ToString(), HasSubstr("takes one of exactly-once, at-least-once, got 'none'"));
}

}  // namespace
}  // namespace leat::run
