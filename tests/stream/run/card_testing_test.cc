// The example job config/jobs/card-testing.sql over the sample transactions, with charges planted among them.
#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "leat/stream/test_driver.h"
#include "tests/support/source_dir.h"

#include <gtest/gtest.h>

namespace leat::stream {
namespace {

struct Charge {
  std::string number;
  std::string card;
  std::string time;  // YYYY-MM-DD hh:mm:ss
  std::string amount;
};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.is_open()) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> Fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::vector<Charge> SampleCharges() {
  std::istringstream in(ReadFile(test::SourceDir() + "/config/data/card_transactions.csv"));
  std::vector<Charge> charges;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const std::vector<std::string> fields = Fields(line);
    charges.push_back({fields[18], fields[2], fields[1], fields[5]});
  }
  return charges;
}

std::string Clock(int seconds) {
  const auto two = [](int number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return "2019-01-02 " + two(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
}

// The beginnings of the alerts, in their order.
std::vector<std::string> AlertsFor(std::vector<Charge> charges, bool crashing) {
  std::ranges::stable_sort(charges, {}, &Charge::time);
  auto driver = TestDriver::Create(ReadFile(test::SourceDir() + "/config/jobs/card-testing.sql"), {.start_ms = 0});
  EXPECT_TRUE(driver.ok()) << driver.status();
  if (!driver.ok()) return {};
  size_t count = 0;
  for (const Charge& charge : charges) {
    const std::string value = R"({"trans_num":")" + charge.number + R"(","cc_num":")" + charge.card +
                              R"(","trans_date_trans_time":")" + charge.time + R"(","merchant":"m","amt":)" +
                              charge.amount + "}";
    EXPECT_TRUE((*driver)->Insert("transactions", {.key = charge.card, .value = value, .headers = {}}).ok());
    if (!crashing || ++count % 500 != 0) continue;
    EXPECT_TRUE((*driver)->Checkpoint().ok());
    EXPECT_TRUE((*driver)->Crash().ok());
  }
  EXPECT_TRUE((*driver)->Finish().ok());
  std::vector<std::string> alerts;
  for (const TestRecord& record : (*driver)->Take("card-testing-alerts")) {
    const std::string value = record.value.value_or("");
    alerts.push_back(value.substr(0, value.find(R"(","cc_num)")));
  }
  std::ranges::sort(alerts);
  return alerts;
}

TEST(CardTesting, FindsNothingInTheSampleWhoseChargesAreAllOfADollarAndMore) {
  EXPECT_TRUE(AlertsFor(SampleCharges(), false).empty());
}

TEST(CardTesting, FindsWhatWasPlantedAndNothingElse) {
  std::vector<Charge> charges = SampleCharges();
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    const std::string n = (i < 10 ? "0" : "") + std::to_string(i);
    const std::string card = "planted" + n;
    const int at = 30'000 + i * 60;
    const bool too_late = i % 4 == 1;
    const bool other_between = i % 4 == 2;
    const bool too_small = i % 4 == 3;
    charges.push_back({"t" + n, card, Clock(at), "0.99"});
    if (other_between) charges.push_back({"o" + n, card, Clock(at + 10), "20.00"});
    charges.push_back({"b" + n, card, Clock(at + (too_late ? 60 : 59)), too_small ? "500.00" : "500.01"});
    if (i % 4 == 0) expected.push_back(R"({"alert_id":"card-testing|t)" + n + "|b" + n);
  }
  EXPECT_EQ(AlertsFor(charges, false), expected);
  EXPECT_EQ(AlertsFor(charges, true), expected);
}

}  // namespace
}  // namespace leat::stream
