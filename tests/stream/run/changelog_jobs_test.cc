// Tables whose rows change, over a log and several lives of a job: changes come in as debezium-json, what is counted of
// them goes through an upsert-kafka topic that the same job reads again.
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "base/random.h"
#include "base/strings.h"
#include "sql/compile.h"
#include "stream/run/job_runner.h"
#include "tests/stream/run/memory_log_port.h"

namespace leat::run {
namespace {

constexpr char kSql[] = R"(
CREATE TABLE people (id BIGINT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'kafka', 'topic' = 'people', 'format' = 'debezium-json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE cities (city STRING, n BIGINT, PRIMARY KEY (city) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'cities', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE larger (city STRING, n BIGINT, PRIMARY KEY (city) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'larger', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO cities SELECT city, COUNT(*) FROM people GROUP BY city;
INSERT INTO larger SELECT city, n FROM cities WHERE n >= 2;
)";

std::unique_ptr<JobRunner> Start(MemoryLogPort& port) {
  const absl::StatusOr<sql::Compiled> compiled = sql::Compile(kSql, {.check_table = CheckTable});
  LEAT_CHECK(compiled.ok()) << compiled.status().ToString();
  LEAT_CHECK_OK(CheckPlan(compiled->plan));
  JobRunner::Spec spec{.name = "job", .plan = compiled->plan, .options = {}};
  spec.options.parallelism = 1;
  spec.options.checkpoint_interval = absl::Milliseconds(5);
  return JobRunner::Start(std::move(spec), port, env::NullMetrics());
}

std::string Row(int id, const std::string& city) { return StrCat(R"({"id":)", id, R"(,"city":")", city, "\"}"); }

class People {
 public:
  explicit People(MemoryLogPort& port) : port_(port) {}
  void Move(int id, const std::string& city) {
    const auto known = cities_.find(id);
    if (known == cities_.end()) {
      Produce(StrCat(R"({"before":null,"after":)", Row(id, city), R"(,"op":"c"})"));
    } else {
      Produce(StrCat(R"({"before":)", Row(id, known->second), R"(,"after":)", Row(id, city), R"(,"op":"u"})"));
    }
    cities_[id] = city;
  }
  void Leave(int id) {
    const auto known = cities_.find(id);
    if (known == cities_.end()) return;
    Produce(StrCat(R"({"before":)", Row(id, known->second), R"(,"after":null,"op":"d"})"));
    cities_.erase(known);
  }
  std::map<std::string, std::string> LargerCities() const {
    std::map<std::string, int> counts;
    for (const auto& [id, city] : cities_) ++counts[city];
    std::map<std::string, std::string> larger;
    for (const auto& [city, n] : counts) {
      if (n >= 2) larger[city] = StrCat(R"({"city":")", city, R"(","n":)", n, "}");
    }
    return larger;
  }

 private:
  void Produce(const std::string& value) { port_.Produce("people", 0, {value}); }
  MemoryLogPort& port_;
  std::map<int, std::string> cities_;
};

// The topic's last word on each key, once it has said something of `last`.
std::map<std::string, std::string> TableAfter(MemoryLogPort& port, const std::string& last) {
  for (size_t records = 1;; ++records) {
    port.WaitForRecords("larger", records);
    std::map<std::string, std::string> table;
    for (const TestRow& row : port.Read("larger")) {
      if (row.value.empty()) {
        table.erase(row.key.value_or(""));
      } else {
        table[row.key.value_or("")] = row.value;
      }
    }
    if (table.contains(last)) return table;
  }
}

TEST(ChangelogJobs, CountWhatIsThereOverSeveralLives) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(StrCat("seed ", seed));
    Random random(seed);
    MemoryLogPort port;
    port.CreateTopic("people", 1);
    port.CreateTopic("cities", 1);
    port.CreateTopic("larger", 1);
    People people(port);
    for (int life = 1; life <= 3; ++life) {
      auto runner = Start(port);
      for (int i = 0; i < 60; ++i) {
        const int id = static_cast<int>(random.Below(12));
        if (random.OneIn(4)) {
          people.Leave(id);
        } else {
          people.Move(id, StrCat("c", random.Below(4)));
        }
      }
      // What everything before has been counted by.
      const std::string last = StrCat("last", life);
      people.Move(1000 * life, last);
      people.Move(1000 * life + 1, last);
      EXPECT_EQ(TableAfter(port, last), people.LargerCities());
      std::promise<absl::Status> stopped;
      runner->Stop([&](absl::Status status) { stopped.set_value(std::move(status)); });
      ASSERT_TRUE(stopped.get_future().get().ok());
      EXPECT_EQ(runner->Status().rows_dead, 0u);
    }
  }
}

}  // namespace
}  // namespace leat::run
