// Whole jobs on threads over a log in memory: straight, killed and restored, and with a failing log.
#include "stream/run/job_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "base/strings.h"
#include "sql/compile.h"
#include "tests/stream/run/memory_log_port.h"

namespace leat::run {
namespace {

constexpr char kSql[] = R"(
CREATE TABLE payments (id BIGINT, card STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE totals (card STRING, window_end TIMESTAMP(3), payments BIGINT, total INT)
WITH ('connector' = 'kafka', 'topic' = 'totals', 'format' = 'json');
INSERT INTO totals SELECT card, window_end, COUNT(*), SUM(amount)
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY card, window_start, window_end;
)";

JobRunner::Spec Spec(const std::string& sql, int parallelism) {
  const absl::StatusOr<sql::Compiled> compiled = sql::Compile(sql, {.check_table = CheckTable});
  LEAT_CHECK(compiled.ok()) << compiled.status().ToString();
  LEAT_CHECK_OK(CheckPlan(compiled->plan));
  JobRunner::Spec spec{.name = "job", .plan = compiled->plan, .options = {}};
  spec.options.parallelism = parallelism;
  spec.options.checkpoint_interval = absl::Milliseconds(5);
  spec.options.restart_backoff = absl::ZeroDuration();
  spec.options.restart_backoff_max = absl::ZeroDuration();
  return spec;
}

absl::Status StopAndWait(JobRunner& runner) {
  std::promise<absl::Status> stopped;
  runner.Stop([&](absl::Status status) { stopped.set_value(std::move(status)); });
  return stopped.get_future().get();
}

std::string Payment(int second, int card, int amount) {
  char text[160];
  std::snprintf(text, sizeof(text), R"({"id":%d,"card":"c%d","amount":%d,"ts":"2024-01-01 %02d:%02d:%02d"})", second,
                card, amount, second / 3600, second / 60 % 60, second % 60);
  return text;
}

// Two partitions, a payment a second each on three cards; the windows of the first `seconds` - 2 fire.
void ProduceSeconds(MemoryLogPort& port, int from, int to) {
  for (int second = from; second < to; ++second) {
    port.Produce("payments", second % 2, {Payment(second, second % 3, second)});
    port.Produce("payments", (second + 1) % 2, {Payment(second, second % 3, 1)});
  }
}

// Every committed row, repetitions too.
std::multiset<std::string> Rows(MemoryLogPort& port, const std::string& topic) {
  std::multiset<std::string> values;
  for (const TestRow& row : port.Read(topic)) values.insert(row.value);
  return values;
}

// What the plain program says: per window of ten seconds and card, the count and the sum.
std::multiset<std::string> Expected(int seconds) {
  std::map<std::pair<int, int>, std::pair<int, int>> sums;
  for (int second = 0; second < seconds; ++second) {
    auto& [count, sum] = sums[{second / 10, second % 3}];
    count += 2;
    sum += second + 1;
  }
  std::multiset<std::string> lines;
  for (const auto& [key, value] : sums) {
    const int end = (key.first + 1) * 10;
    if (end > seconds - 2) continue;  // the last second is seconds - 1, and the watermark one second behind it
    char text[200];
    std::snprintf(text, sizeof(text),
                  R"({"card":"c%d","window_end":"2024-01-01 %02d:%02d:%02d","payments":%d,"total":%d})", key.second,
                  end / 3600, end / 60 % 60, end % 60, value.first, value.second);
    lines.insert(text);
  }
  return lines;
}

class JobRunnerTest : public testing::TestWithParam<int> {};

TEST_P(JobRunnerTest, FindsWhatAPlainProgramFinds) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 301);
  const auto expected = Expected(301);
  auto runner = JobRunner::Start(Spec(kSql, GetParam()), port, env::NullMetrics());
  port.WaitForRecords("totals", expected.size());
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(Rows(port, "totals"), expected);
  EXPECT_EQ(runner->Status().state, State::kStopped);
  EXPECT_EQ(runner->Status().rows_in, 602u);
}

TEST_P(JobRunnerTest, GoesOnFromItsCheckpointAfterAStop) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  for (int part = 0; part < 5; ++part) {
    ProduceSeconds(port, part * 60, part * 60 + 60);
    auto runner = JobRunner::Start(Spec(kSql, GetParam()), port, env::NullMetrics());
    port.WaitForCommitted("job", "payments", 0, (part + 1) * 60);
    port.WaitForCommitted("job", "payments", 1, (part + 1) * 60);
    ASSERT_TRUE(StopAndWait(*runner).ok());
  }
  EXPECT_EQ(Rows(port, "totals"), Expected(300));
}

TEST_P(JobRunnerTest, LosesNothingWhenTheLogFailsInTheMiddle) {
  for (const char* topic : {"totals", "__leat_changelog_job"}) {
    for (const auto fate : {MemoryLogPort::Fate::kLost, MemoryLogPort::Fate::kWritten}) {
      MemoryLogPort port;
      port.CreateTopic("payments", 2);
      auto runner = JobRunner::Start(Spec(kSql, GetParam()), port, env::NullMetrics());
      ProduceSeconds(port, 0, 100);
      port.FailAppends(topic, 2, fate);
      ProduceSeconds(port, 100, 200);
      port.WaitForCommitted("job", "payments", 0, 200);
      port.FailAppends(topic, 1, fate);
      ProduceSeconds(port, 200, 301);
      port.WaitForCommitted("job", "payments", 0, 301);
      port.WaitForCommitted("job", "payments", 1, 301);
      ASSERT_TRUE(StopAndWait(*runner).ok());
      EXPECT_EQ(Rows(port, "totals"), Expected(301)) << topic;
      EXPECT_GE(runner->Status().restarts, 1);
    }
  }
}

const OperatorProgress& Named(const JobProgress& progress, const std::string& name) {
  for (const OperatorProgress& op : progress.operators) {
    if (op.name.starts_with(name)) return op;
  }
  LEAT_CHECK(false) << name;
  return progress.operators.front();
}

TEST_P(JobRunnerTest, ShowsWhatEachOperatorDid) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 301);
  auto runner = JobRunner::Start(Spec(kSql, GetParam()), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 301);
  port.WaitForCommitted("job", "payments", 1, 301);
  port.Produce("payments", 0, {"no JSON", Payment(3, 0, 1)});  // a dead letter and a late row
  port.WaitForCommitted("job", "payments", 0, 303);
  port.WaitForCommitted("job", "payments", 1, 301);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  const JobProgress progress = runner->Progress();
  EXPECT_EQ(progress.workers, std::min(GetParam(), 2)) << "there are two partitions";
  EXPECT_GT(progress.seconds, 0);
  EXPECT_GT(progress.checkpoint_bytes, 0u);
  const OperatorProgress& source = Named(progress, "Source payments#");
  EXPECT_EQ(source.rows_in, 604u);
  EXPECT_EQ(source.rows_out, 603u);
  EXPECT_EQ(source.rows_dead, 1u);
  EXPECT_GT(source.busy_seconds, 0);
  EXPECT_EQ(source.watermark_ms, 1'704'067'499'000);  // 00:04:59, a second behind the last payment
  const OperatorProgress& windows = Named(progress, "WindowAggregate#");
  EXPECT_EQ(windows.rows_in, 603u);
  EXPECT_EQ(windows.rows_late, 1u);
  EXPECT_EQ(windows.rows_out, Expected(301).size());
  EXPECT_GT(windows.state_bytes, 0u);
  EXPECT_GT(windows.busy_seconds, 0);
  EXPECT_EQ(Named(progress, "Sink totals#").rows_in, Expected(301).size());
  EXPECT_EQ(Named(progress, "Sink totals#").rows_out, Expected(301).size());
  EXPECT_EQ(progress.latency.records, 604u);
}

// The first turn of one of the threads costs a fifth of a second of the processor, all others nothing.
class CostlyThreads : public Threads {
 public:
  std::unique_ptr<Thread> Start(absl::AnyInvocable<void()> body) override {
    return SystemThreads().Start(std::move(body));
  }
  std::unique_ptr<Condition> MakeCondition() override { return SystemThreads().MakeCondition(); }
  Duration CpuTime() const override {
    thread_local int asked = 0;
    thread_local bool costly = false;
    if (++asked == 2) costly = !taken_.exchange(true);
    return costly ? absl::Milliseconds(200) : absl::ZeroDuration();
  }

 private:
  mutable std::atomic<bool> taken_{false};
};
class FastClockPort : public MemoryLogPort {
 public:
  Instant Now() override { return Instant::FromNanos(nanos_ += 20'000'000); }

 private:
  std::atomic<int64_t> nanos_{0};
};

TEST_P(JobRunnerTest, KeepsToItsLimitOfCpuAndLosesNothing) {
  FastClockPort port;
  CostlyThreads threads;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 301);
  JobRunner::Spec spec = Spec(StrCat("SET 'leat.cpu.limit' = '0.5';\n", kSql), GetParam());
  spec.threads = &threads;
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 301);
  port.WaitForCommitted("job", "payments", 1, 301);
  EXPECT_EQ(runner->Progress().cpu_limit, 0.5);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(Rows(port, "totals"), Expected(301));
  EXPECT_NEAR(runner->Progress().cpu_seconds, 0.2, 1e-9);
  EXPECT_GT(runner->Progress().cpu_limited_seconds, 0);
}

// Every turn costs more than the limit allows for the time between two turns.
class CostlyTurns : public Threads {
 public:
  std::unique_ptr<Thread> Start(absl::AnyInvocable<void()> body) override {
    return SystemThreads().Start(std::move(body));
  }
  std::unique_ptr<Condition> MakeCondition() override { return SystemThreads().MakeCondition(); }
  Duration CpuTime() const override {
    thread_local Duration used;
    return used += absl::Milliseconds(1);
  }
};

TEST_P(JobRunnerTest, ReadsOnUnderALimitThatItsTurnsAloneExceed) {
  MemoryLogPort port;
  CostlyTurns threads;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 301);
  JobRunner::Spec spec = Spec(StrCat("SET 'leat.cpu.limit' = '0.1';\n", kSql), GetParam());
  spec.threads = &threads;
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 301);
  port.WaitForCommitted("job", "payments", 1, 301);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(Rows(port, "totals"), Expected(301));
}

// Each worker has its part.
TEST(JobRunner, ShowsTheStateOfAllWorkers) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  std::vector<std::string> payments;
  for (int card = 0; card < 400; ++card) payments.push_back(Payment(card % 10, card, 1));
  port.Produce("payments", 0, payments);
  std::vector<size_t> bytes;
  for (const int workers : {1, 4}) {
    JobRunner::Spec spec = Spec(kSql, workers);
    spec.name = StrCat("job", workers);
    auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
    port.WaitForCommitted(StrCat("job", workers), "payments", 0, 400);
    ASSERT_TRUE(StopAndWait(*runner).ok());
    bytes.push_back(runner->Status().state_bytes);
  }
  EXPECT_GT(bytes[0], 400 * 50u);
  EXPECT_NEAR(static_cast<double>(bytes[1]), static_cast<double>(bytes[0]), 0.2 * static_cast<double>(bytes[0]));
}

// The process dies: nothing that was in flight is answered, the next life starts from the log alone.
TEST_P(JobRunnerTest, LosesNothingWhenItIsKilled) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  for (int part = 0; part < 5; ++part) {
    KillableLogPort life(port);
    auto runner = JobRunner::Start(Spec(kSql, GetParam()), life, env::NullMetrics());
    ProduceSeconds(port, part * 60, part * 60 + 60);
    port.WaitForCommitted("job", "payments", 0, part * 60 + 10);  // somewhere in the middle
    life.Kill();
    ASSERT_TRUE(StopAndWait(*runner).ok());
  }
  ProduceSeconds(port, 300, 301);
  auto runner = JobRunner::Start(Spec(kSql, GetParam()), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 301);
  port.WaitForCommitted("job", "payments", 1, 301);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(Rows(port, "totals"), Expected(301));
}

// Two partitions with one batch each, of 5,000 seconds.
void ProduceHugeBatches(MemoryLogPort& port) {
  port.CreateTopic("payments", 2);
  std::vector<std::string> even;
  std::vector<std::string> odd;
  for (int second = 0; second < 5000; ++second) {
    even.push_back(Payment(second, second % 3, second));
    odd.push_back(Payment(second, second % 3, 1));
  }
  port.Produce("payments", 0, even);
  port.Produce("payments", 1, odd);
}

TEST_P(JobRunnerTest, FindsNoRowOfAHugeBatchLate) {
  MemoryLogPort port;
  ProduceHugeBatches(port);
  auto runner = JobRunner::Start(Spec(kSql, GetParam()), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 5000);
  port.WaitForCommitted("job", "payments", 1, 5000);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(runner->Status().rows_late, 0u);
  EXPECT_EQ(Rows(port, "totals"), Expected(5000));
}

// The end of a bounded partition holds the watermark back until its last rows have been pushed.
TEST_P(JobRunnerTest, FindsNoRowOfTheLastBatchOfABoundedPartitionLate) {
  MemoryLogPort port;
  ProduceHugeBatches(port);
  std::string sql = kSql;
  const std::string option = "'format' = 'json', 'scan.startup.mode'";
  sql.replace(sql.find(option), option.size(),
              "'format' = 'json', 'scan.bounded.mode' = 'latest-offset', 'scan.startup.mode'");
  auto runner = JobRunner::Start(Spec(sql, GetParam()), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 5000);
  port.WaitForCommitted("job", "payments", 1, 5000);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(runner->Status().rows_late, 0u);
}

// Time goes on as it is looked at: nothing but a worker that looks again brings the windows to their end.
TEST_P(JobRunnerTest, EndsWindowsOfProcessingTimeWithoutARow) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  for (int card = 0; card < 4; ++card) port.Produce("payments", card % 2, {Payment(card, card, 1)});
  const std::string sql = R"(
CREATE TABLE payments (card STRING, p AS PROCTIME())
WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE counts (card STRING, payments BIGINT) WITH ('connector' = 'kafka', 'topic' = 'counts', 'format' = 'json');
INSERT INTO counts SELECT card, COUNT(*)
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(p), INTERVAL '0.020' SECOND)) GROUP BY card, window_start, window_end;
)";
  auto runner = JobRunner::Start(Spec(sql, GetParam()), port, env::NullMetrics());
  port.WaitForRecords("counts", 4);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  std::multiset<std::string> expected;
  for (int card = 0; card < 4; ++card) expected.insert(StrCat(R"({"card":"c)", card, R"(","payments":1})"));
  EXPECT_EQ(Rows(port, "counts"), expected);
}

INSTANTIATE_TEST_SUITE_P(Workers, JobRunnerTest, testing::Values(1, 2, 3));

// Whoever reads finds that more has come.
class BusyPort final : public MemoryLogPort {
 public:
  void Fetch(LogFetch fetch, Callback<absl::StatusOr<LogData>> done) override {
    if (busy && fetch.partition.topic == "payments") {
      const std::lock_guard<std::mutex> lock(mutex_);
      ProduceSeconds(*this, seconds, seconds + 20);
      seconds += 20;
    }
    MemoryLogPort::Fetch(std::move(fetch), std::move(done));
  }
  std::atomic<bool> busy{true};
  std::atomic<int> seconds{0};

 private:
  std::mutex mutex_;
};

TEST(JobRunner, StopsThoughItsInputNeverPauses) {
  BusyPort port;
  port.CreateTopic("payments", 2);
  auto runner = JobRunner::Start(Spec(kSql, 2), port, env::NullMetrics());
  port.WaitForRecords("totals", 6);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(runner->Status().state, State::kStopped);
  port.busy = false;
  runner.reset();
  runner = JobRunner::Start(Spec(kSql, 2), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, port.seconds);
  port.WaitForCommitted("job", "payments", 1, port.seconds);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(Rows(port, "totals"), Expected(port.seconds));
}

TEST(JobRunner, BuriesWhatItCannotDecodeAndGoesOn) {
  MemoryLogPort port;
  port.CreateTopic("payments", 1);
  port.Produce("payments", 0, {Payment(1, 1, 1), "{\"id\": \"no number\", \"card\": \"c1\"", Payment(12, 1, 1)});
  auto runner = JobRunner::Start(Spec(kSql, 1), port, env::NullMetrics());
  port.WaitForRecords("totals", 1);
  port.WaitForRecords("job-dlq", 1);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  const TestRow dead = port.Read("job-dlq").at(0);
  EXPECT_EQ(dead.value, "{\"id\": \"no number\", \"card\": \"c1\"");
  EXPECT_EQ(dead.headers.at("leat.topic"), "payments");
  EXPECT_EQ(dead.headers.at("leat.partition"), "0");
  EXPECT_EQ(dead.headers.at("leat.offset"), "1");
  EXPECT_FALSE(dead.headers.at("leat.reason").empty());
  EXPECT_EQ(runner->Status().rows_dead, 1u);
}

TEST(JobRunner, FinishesABoundedJobAndFiresItsLastWindows) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 25);
  std::string sql = kSql;
  const std::string option = "'format' = 'json', 'scan.startup.mode'";
  sql.replace(sql.find(option), option.size(),
              "'format' = 'json', 'scan.bounded.mode' = 'latest-offset', 'scan.startup.mode'");
  auto runner = JobRunner::Start(Spec(sql, 2), port, env::NullMetrics());
  port.WaitForRecords("totals", 9);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(Rows(port, "totals").size(), 9u);
}

// Two lives with a kill between them: rows that the first read behind its last checkpoint count once.
TEST(JobRunner, CountsOverAllItsLives) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  ProduceSeconds(port, 0, 100);
  {
    KillableLogPort life(port);
    auto runner = JobRunner::Start(Spec(kSql, 2), life, env::NullMetrics());
    port.WaitForCommitted("job", "payments", 0, 100);
    ProduceSeconds(port, 100, 200);
    port.WaitForCommitted("job", "payments", 0, 110);
    life.Kill();
    StopAndWait(*runner).IgnoreError();
  }
  ProduceSeconds(port, 200, 301);
  auto runner = JobRunner::Start(Spec(kSql, 2), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 301);
  port.WaitForCommitted("job", "payments", 1, 301);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  const JobStatus status = runner->Status();
  EXPECT_EQ(status.rows_in, 602u);
  EXPECT_EQ(status.rows_out, Expected(301).size());
  EXPECT_GE(status.checkpoints, 3u);

  JobRunner::Spec look{.name = "job", .plan = {}, .options = {}, .purpose = Purpose::kLook};
  auto looking = JobRunner::Start(look, port, env::NullMetrics());
  ASSERT_TRUE(StopAndWait(*looking).ok());
  const JobStatus seen = looking->Status();
  EXPECT_EQ(seen.state, State::kStopped);
  EXPECT_EQ(seen.error, "");
  EXPECT_EQ(seen.rows_in, status.rows_in);
  EXPECT_EQ(seen.rows_out, status.rows_out);
  EXPECT_EQ(seen.checkpoints, status.checkpoints);
  EXPECT_EQ(seen.last_checkpoint_ms, status.last_checkpoint_ms);
  ASSERT_EQ(seen.inputs.size(), 2u);
  for (const InputProgress& input : seen.inputs)
    EXPECT_EQ(input.offset, model::Offset{301}) << input.partition.ToString();
}

TEST(JobRunner, LooksAtAJobThatNeverRan) {
  MemoryLogPort port;
  auto looking =
      JobRunner::Start({.name = "job", .plan = {}, .options = {}, .purpose = Purpose::kLook}, port, env::NullMetrics());
  ASSERT_TRUE(StopAndWait(*looking).ok());
  EXPECT_EQ(looking->Status().error, "");
  EXPECT_EQ(looking->Status().checkpoints, 0u);
}

// Topics that take less than the sink would like to write at once: batches are cut, and a row that fits in none is a
// dead letter, itself cut to what its topic takes.
TEST(JobRunner, KeepsToTheBatchesThatItsTopicsTake) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  port.CreateTopic("copies", 1);
  port.CreateTopic("job-dlq", 1);
  port.LimitBatches("copies", 10'000);
  port.LimitBatches("job-dlq", 2'000);
  const std::string sql =
      std::string(kSql).substr(0, std::string(kSql).find("CREATE TABLE totals")) +
      "CREATE TABLE copies (text STRING) WITH ('connector' = 'kafka', 'topic' = 'copies', 'format' = "
      "'raw'); INSERT INTO copies SELECT REPEAT(card, amount) FROM payments;";
  for (int i = 0; i < 500; ++i) port.Produce("payments", 0, {Payment(i, 1, i == 250 ? 10'000 : i)});
  auto runner = JobRunner::Start(Spec(sql, 1), port, env::NullMetrics());
  port.WaitForCommitted("job", "payments", 0, 500);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  EXPECT_EQ(runner->Status().restarts, 0) << runner->Status().error;
  const std::vector<TestRow> copies = port.Read("copies");
  ASSERT_EQ(copies.size(), 499u);
  EXPECT_EQ(copies[100].value.size(), 200u);
  const std::vector<TestRow> dead = port.Read("job-dlq");
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_NE(dead[0].headers.at("leat.reason").find("max.message.bytes"), std::string::npos);
  EXPECT_EQ(dead[0].headers.count("leat.truncated"), 1u);
}

TEST(JobRunner, ShowsWhatAPrintSinkPrints) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  const std::string sql = std::string(kSql).substr(0, std::string(kSql).find("CREATE TABLE totals")) +
                          "CREATE TABLE shown (id BIGINT, card STRING) WITH ('connector' = 'print');"
                          "INSERT INTO shown SELECT id, card FROM payments;";
  auto runner = JobRunner::Start(Spec(sql, 1), port, env::NullMetrics());
  port.Produce("payments", 0, {Payment(7, 3, 1)});
  port.WaitForCommitted("job", "payments", 0, 1);
  ASSERT_TRUE(StopAndWait(*runner).ok());
  bool found = false;
  for (const auto& [wall_ms, line] : runner->Status().log)
    found |= line.starts_with("shown> ") && line.ends_with("[7, c3]");
  EXPECT_TRUE(found) << testing::PrintToString(runner->Status().log);
}

TEST(JobRunner, WritesValuesOnceInItsWholeLife) {
  MemoryLogPort port;
  const std::string sql =
      "CREATE TABLE numbers (n INT) WITH ('connector' = 'kafka', 'topic' = 'numbers', 'format' = 'json');"
      "INSERT INTO numbers VALUES (1), (2);";
  for (int life = 0; life < 2; ++life) {
    auto runner = JobRunner::Start(Spec(sql, 1), port, env::NullMetrics());
    while (runner->Status().state != State::kFinished) std::this_thread::yield();
    EXPECT_EQ(port.Read("numbers").size(), 2u) << "visible when the job has finished";
    ASSERT_TRUE(StopAndWait(*runner).ok());
  }
  EXPECT_EQ(port.Read("numbers").size(), 2u);
}

TEST(JobRunner, KeepsTheWorkersThatItsStateWasCutFor) {
  MemoryLogPort port;
  port.CreateTopic("payments", 2);
  int seconds = 0;
  for (const int parallelism : {2, 1}) {
    ProduceSeconds(port, seconds, seconds + 60);
    seconds += 60;
    auto runner = JobRunner::Start(Spec(kSql, parallelism), port, env::NullMetrics());
    port.WaitForCommitted("job", "payments", 0, seconds);
    ASSERT_TRUE(StopAndWait(*runner).ok());
    const JobStatus status = runner->Status();
    ASSERT_FALSE(status.log.empty());
    EXPECT_NE(status.log.front().second.find("2 worker(s)"), std::string::npos) << status.log.front().second;
  }
}

TEST(JobRunner, ParksAJobThatCannotRunAndSaysWhy) {
  MemoryLogPort port;
  port.CreateTopic("payments", 1);
  ProduceSeconds(port, 0, 0);
  JobRunner::Spec spec = Spec(kSql, 1);
  spec.options.max_restarts = 2;
  std::string sql = kSql;
  const std::string mode = "'earliest-offset'";
  sql.replace(sql.find(mode), mode.size(),
              "'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:77'");
  spec.plan = Spec(sql, 1).plan;
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  while (runner->Status().state != State::kFailed) std::this_thread::yield();
  EXPECT_NE(runner->Status().error.find("payments-0: the job goes on at offset 77"), std::string::npos)
      << runner->Status().error;
  EXPECT_EQ(runner->Status().restarts, 2);
  ASSERT_TRUE(StopAndWait(*runner).ok());
}

}  // namespace
}  // namespace leat::run
