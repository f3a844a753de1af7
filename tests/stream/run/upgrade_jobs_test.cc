// Other SQL in the place of a job's: it goes on with the state that is its own, every row exactly once, wherever the
// process dies on the way.
#include <algorithm>
#include <future>
#include <set>
#include <thread>

#include "sql/compile.h"
#include "stream/run/job_runner.h"
#include "tests/stream/run/memory_log_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat::run {
namespace {

using When = KillableLogPort::When;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kTables[] = R"(
CREATE TABLE payments (id BIGINT, card STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE copies (id BIGINT, card STRING) WITH ('connector' = 'kafka', 'topic' = 'copies', 'format' = 'json');
CREATE TABLE big (card STRING, amount INT) WITH ('connector' = 'kafka', 'topic' = 'big', 'format' = 'json');
CREATE TABLE totals (card STRING, window_end TIMESTAMP(3), payments BIGINT, total INT)
WITH ('connector' = 'kafka', 'topic' = 'totals', 'format' = 'json');
CREATE TABLE counts (card STRING, n BIGINT, PRIMARY KEY (card) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE ones (v INT) WITH ('connector' = 'kafka', 'topic' = 'ones', 'format' = 'json');
CREATE TABLE twos (v INT) WITH ('connector' = 'kafka', 'topic' = 'twos', 'format' = 'json');
)";
constexpr char kCopies[] = "INSERT INTO copies SELECT id, card FROM payments;\n";
constexpr char kTotals[] =
    "INSERT INTO totals SELECT card, window_end, COUNT(*), SUM(amount) FROM TABLE(TUMBLE(TABLE payments, "
    "DESCRIPTOR(ts), "
    "INTERVAL '10' SECOND)) GROUP BY card, window_start, window_end;\n";
// The same rows, computed behind a filter and another expression; another INSERT before; another order.
constexpr char kUpgraded[] =
    "INSERT INTO big SELECT card, amount FROM payments WHERE amount > 100;\n"
    "INSERT INTO totals SELECT card, window_end, n, total + 0 FROM (SELECT card, window_end, COUNT(*) AS n, "
    "SUM(amount) AS "
    "total FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY card, window_start, "
    "window_end) WHERE n > 0;\n"
    "INSERT INTO copies SELECT id, card FROM payments;\n";

using Dropped = std::optional<std::vector<std::string>>;

JobRunner::Spec Spec(const std::string& inserts, int64_t revision, Dropped dropped = std::vector<std::string>()) {
  const std::string sql = StrCat(kTables, "EXECUTE STATEMENT SET BEGIN\n", inserts, "END;");
  const absl::StatusOr<sql::Compiled> compiled = sql::Compile(sql, {.check_table = CheckTable});
  LEAT_CHECK(compiled.ok()) << compiled.status().ToString();
  JobRunner::Spec spec{
      .name = "job", .plan = compiled->plan, .revision = revision, .dropped = std::move(dropped), .options = {}};
  spec.options.parallelism = 2;
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

void ProduceSeconds(MemoryLogPort& port, int from, int to) {
  for (int second = from; second < to; ++second) {
    char text[160];
    std::snprintf(text, sizeof(text), R"({"id":%d,"card":"c%d","amount":%d,"ts":"2024-01-01 00:%02d:%02d"})", second,
                  second % 3, second, second / 60 % 60, second % 60);
    for (int partition = 0; partition < 2; ++partition) port.Produce("payments", partition, {text});
  }
}

constexpr int kSeconds = 120;
constexpr size_t kCopied = 2 * kSeconds;
constexpr size_t kWindows = 11 * 3;

std::multiset<std::string> Rows(MemoryLogPort& port, const std::string& topic) {
  std::multiset<std::string> rows;
  for (const TestRow& row : port.Read(topic)) rows.insert(row.value);
  return rows;
}

// A run until everything is there.
void Finish(MemoryLogPort& port, const std::string& inserts, int64_t revision) {
  auto runner = JobRunner::Start(Spec(inserts, revision), port, env::NullMetrics());
  port.WaitForRecords("copies", kCopied);
  port.WaitForRecords("totals", kWindows);
  ASSERT_TRUE(StopAndWait(*runner).ok());
}

struct Expected {
  std::multiset<std::string> copies, totals;
};
const Expected& Undisturbed() {
  static const Expected expected = [] {
    MemoryLogPort port;
    port.CreateTopic("payments", 2);
    ProduceSeconds(port, 0, kSeconds);
    Finish(port, StrCat(kCopies, kTotals), 1);
    return Expected{Rows(port, "copies"), Rows(port, "totals")};
  }();
  return expected;
}

std::vector<std::string> Names(const JobStatus& status) {
  std::vector<std::string> names;
  for (const plan::StatefulOperator& one : status.operators) names.push_back(one.identity.kind);
  std::sort(names.begin(), names.end());
  return names;
}

// The life that is killed may be the old SQL's, while it stops or runs, or the new one's, before or after its first
// checkpoint: which of the two is to run is what the metadata says, here the revision.
TEST(UpgradeJobs, EveryRowIsThereOnceWhereverTheProcessDies) {
  for (const char* kind : {"open", "add", "append", "changelog", "end", "settle"}) {
    for (const When when : {When::kBefore, When::kAfter}) {
      for (const int64_t killed_revision : {1, 2}) {
        MemoryLogPort port;
        port.CreateTopic("payments", 2);
        ProduceSeconds(port, 0, kSeconds / 3);
        const auto inserts = [](int64_t revision) {
          return revision == 1 ? StrCat(kCopies, kTotals) : std::string(kUpgraded);
        };
        {
          auto runner = JobRunner::Start(Spec(inserts(1), 1), port, env::NullMetrics());
          port.WaitForRecords("copies", 2 * kSeconds / 3);
          ASSERT_TRUE(StopAndWait(*runner).ok());
        }
        {
          KillableLogPort life(port);
          life.KillAt(kind, when, 1);
          auto runner = JobRunner::Start(Spec(inserts(killed_revision), killed_revision), life, env::NullMetrics());
          ProduceSeconds(port, kSeconds / 3, kSeconds * 2 / 3);
          while (!life.dead()) std::this_thread::yield();
          StopAndWait(*runner).IgnoreError();
        }
        ProduceSeconds(port, kSeconds * 2 / 3, kSeconds);
        Finish(port, kUpgraded, 2);
        EXPECT_EQ(Rows(port, "copies"), Undisturbed().copies) << kind << killed_revision << static_cast<int>(when);
        EXPECT_EQ(Rows(port, "totals"), Undisturbed().totals) << kind << killed_revision << static_cast<int>(when);
      }
    }
  }
}

TEST(UpgradeJobs, BackAndForthWithoutARowBetweenLosesNothing) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, kSeconds / 2);
  int64_t revision = 1;
  {
    auto runner = JobRunner::Start(Spec(StrCat(kCopies, kTotals), revision), port, env::NullMetrics());
    port.WaitForRecords("copies", kSeconds);
    ASSERT_TRUE(StopAndWait(*runner).ok());
  }
  for (const std::string& inserts : {std::string(kUpgraded), StrCat(kCopies, kTotals), std::string(kUpgraded)}) {
    auto runner = JobRunner::Start(Spec(inserts, ++revision), port, env::NullMetrics());
    while (runner->Status().state != State::kRunning) std::this_thread::yield();
    ASSERT_TRUE(StopAndWait(*runner).ok());
  }
  ProduceSeconds(port, kSeconds / 2, kSeconds);
  Finish(port, StrCat(kCopies, kTotals), ++revision);
  EXPECT_EQ(Rows(port, "copies"), Undisturbed().copies);
  EXPECT_EQ(Rows(port, "totals"), Undisturbed().totals);
}

// What the last checkpoint says, without a run.
JobStatus Look(MemoryLogPort& port) {
  auto runner =
      JobRunner::Start({.name = "job", .plan = {}, .options = {}, .purpose = Purpose::kLook}, port, env::NullMetrics());
  while (runner->Status().state != State::kStopped) std::this_thread::yield();
  JobStatus status = runner->Status();
  EXPECT_TRUE(StopAndWait(*runner).ok());
  return status;
}

// The operators with state, as they are called.
std::vector<std::string> Called(const JobStatus& status) {
  std::vector<std::string> names;
  for (const plan::StatefulOperator& one : status.operators) {
    if (!one.identity.is_source()) names.push_back(one.Name());
  }
  return names;
}

constexpr char kCounts[] = "INSERT INTO counts SELECT card, COUNT(*) FROM payments GROUP BY card;\n";

TEST(UpgradeJobs, StateThatIsGivenUpIsGone) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 3);
  const auto run = [&](const std::string& inserts, int64_t revision, size_t copied, size_t counted) {
    const std::vector<std::string> dropped = revision == 2 ? Called(Look(port)) : std::vector<std::string>();
    auto runner = JobRunner::Start(Spec(inserts, revision, dropped), port, env::NullMetrics());
    port.WaitForRecords("copies", copied);
    port.WaitForRecords("counts", counted);
    ASSERT_TRUE(StopAndWait(*runner).ok());
  };
  run(StrCat(kCopies, kCounts), 1, 6, 3);
  ProduceSeconds(port, 3, 6);
  run(kCopies, 2, 12, 3);
  {
    const JobStatus status = Look(port);
    EXPECT_TRUE(status.state_known);
    EXPECT_TRUE(status.has_state);
    EXPECT_EQ(status.state_revision, 2);
    EXPECT_THAT(Names(status), ElementsAre("Source"));
  }
  const size_t before = port.Read("counts").size();
  ProduceSeconds(port, 6, 7);
  run(StrCat(kCopies, kCounts), 3, 14, before + 1);
  EXPECT_EQ(port.Read("counts").back().value, R"({"card":"c0","n":2})") << "it begins empty, where the job is";
}

// The one who asked was told what goes; whoever starts the new SQL first, with whatever version, drops just that.
TEST(UpgradeJobs, AStartDropsWhatWasGivenUpAndNothingElse) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 3);
  const std::string both = StrCat(kCopies, kCounts);
  const auto run = [&](const std::string& inserts, int64_t revision, const Dropped& dropped, uint64_t rows) {
    auto runner = JobRunner::Start(Spec(inserts, revision, dropped), port, env::NullMetrics());
    while (runner->Status().rows_in < rows || runner->Status().state_revision != revision) std::this_thread::yield();
    ASSERT_TRUE(StopAndWait(*runner).ok());
  };
  run(both, 1, std::vector<std::string>(), 6);
  const std::vector<std::string> count = Called(Look(port));
  ASSERT_EQ(count.size(), 1u);
  {
    JobRunner::Spec spec = Spec(kCopies, 2);
    spec.options.max_restarts = 0;
    auto runner = JobRunner::Start(spec, port, env::NullMetrics());
    while (runner->Status().state != State::kFailed) std::this_thread::yield();
    EXPECT_THAT(runner->Status().error,
                AllOf(HasSubstr("revision 2"), HasSubstr(count[0]), HasSubstr("the new SQL has no GroupAggregate"),
                      HasSubstr("--drop-state")));
    ASSERT_TRUE(StopAndWait(*runner).ok());
  }
  EXPECT_EQ(Called(Look(port)), count) << "and nothing is lost";
  // What it has, and the user did not give up for it, stays; what was given up goes also if it could stay.
  ProduceSeconds(port, 3, 4);
  run(both, 3, std::vector<std::string>{"Join#3"}, 8);
  EXPECT_EQ(port.Read("counts").back().value, R"({"card":"c0","n":4})");
  ProduceSeconds(port, 4, 5);
  run(both, 4, count, 10);
  EXPECT_EQ(port.Read("counts").back().value, R"({"card":"c1","n":2})");
  // As before it was recorded.
  run(kCopies, 5, std::nullopt, 10);
  EXPECT_THAT(Called(Look(port)), IsEmpty());
}

TEST(UpgradeJobs, TheSameRevisionWithAnotherPlanIsRefused) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 3);
  {
    auto runner = JobRunner::Start(Spec(kCounts, 1), port, env::NullMetrics());
    port.WaitForRecords("counts", 3);
    ASSERT_TRUE(StopAndWait(*runner).ok());
  }
  JobRunner::Spec spec =
      Spec("INSERT INTO counts SELECT card, SUM(CAST(amount AS BIGINT)) FROM payments GROUP BY card;", 1);
  spec.options.max_restarts = 0;
  auto runner = JobRunner::Start(spec, port, env::NullMetrics());
  while (runner->Status().state != State::kFailed) std::this_thread::yield();
  EXPECT_THAT(runner->Status().error, AllOf(HasSubstr("another plan"), HasSubstr("aggregates was [COUNT(*)]")));
  EXPECT_TRUE(runner->Status().has_state) << "what to upgrade from is known all the same";
  EXPECT_THAT(Names(runner->Status()), ElementsAre("GroupAggregate", "Source"));
  ASSERT_TRUE(StopAndWait(*runner).ok());
}

TEST(UpgradeJobs, NewValuesAreGivenOnceAndOldOnesNotAgain) {
  MemoryLogPort port;
  const std::string one = "INSERT INTO ones VALUES (1);\n";
  const std::string both = StrCat("INSERT INTO twos VALUES (2);\n", one);
  const auto run = [&](const std::string& inserts, int64_t revision) {
    auto runner = JobRunner::Start(Spec(inserts, revision), port, env::NullMetrics());
    while (runner->Status().state != State::kFinished) std::this_thread::yield();
    ASSERT_TRUE(StopAndWait(*runner).ok());
  };
  run(one, 1);
  run(one, 1);
  run(both, 2);
  run(both, 2);
  EXPECT_EQ(Rows(port, "ones").size(), 1u);
  EXPECT_EQ(Rows(port, "twos").size(), 1u);
}

}  // namespace
}  // namespace leat::run
