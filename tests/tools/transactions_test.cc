#include "tools/leat/transactions.h"

#include <absl/time/time.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <set>

namespace leat::tool {
namespace {

namespace json = boost::json;

struct Made {
  std::string events;
  std::string truth;
};

Made Make(const TransactionOptions& options) {
  TransactionGenerator generator(options);
  Made made;
  while (generator.Next(&made.events)) made.truth += generator.TakeTruth();
  return made;
}

std::vector<json::object> Lines(const std::string& text) {
  std::vector<json::object> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(json::parse(text.substr(at, end - at)).as_object());
    at = end + 1;
  }
  return lines;
}

std::string Text(const json::object& object, const char* name) { return std::string(object.at(name).as_string()); }

int64_t Seconds(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%S", text, &time, &error)) << text;
  return absl::ToUnixSeconds(time);
}

double Amount(const json::object& event) { return std::stod(Text(event, "amt")); }

TEST(Transactions, AreTheSameBytesForTheSameSeed) {
  const TransactionOptions options{.count = 3000, .seed = 7, .fraud_share = 0.02};
  const Made first = Make(options);
  const Made second = Make(options);
  EXPECT_EQ(first.events, second.events);
  EXPECT_EQ(first.truth, second.truth);
  TransactionOptions other = options;
  other.seed = 8;
  EXPECT_NE(Make(other).events, first.events);
}

TEST(Transactions, HaveTheFieldsOfTheSampleDataInEventTimeOrder) {
  const std::vector<json::object> events = Lines(Make({.count = 5000, .seed = 3, .fraud_share = 0.05}).events);
  ASSERT_EQ(events.size(), 5000u);
  int64_t last = 0;
  std::set<std::string> numbers;
  for (const json::object& event : events) {
    ASSERT_EQ(event.size(), 6u);
    EXPECT_EQ(Text(event, "trans_num").size(), 32u);
    EXPECT_TRUE(numbers.insert(Text(event, "trans_num")).second);
    EXPECT_EQ(Text(event, "cc_num").size(), 16u);
    const std::string amount = Text(event, "amt");
    EXPECT_EQ(amount.find('.'), amount.size() - 3) << amount;
    const int64_t seconds = Seconds(Text(event, "trans_date_trans_time"));
    EXPECT_GE(seconds, last);
    last = seconds;
  }
  EXPECT_EQ(Text(events[0], "trans_date_trans_time"), "2024-01-01 00:00:00");
  EXPECT_EQ(last, Seconds("2024-01-01 00:08:19"));
}

// What the truth says about events at any rate must hold in the events.
class PlantedFraud : public testing::TestWithParam<double> {};

TEST_P(PlantedFraud, IsInTheEventsAsTheTruthSays) {
  const Made made = Make({.count = 20000, .seed = 11, .cards = 500, .rate = GetParam(), .fraud_share = 0.02});
  std::map<std::string, json::object> by_number;
  for (const json::object& event : Lines(made.events)) by_number[Text(event, "trans_num")] = event;
  std::map<std::string, int> counts;
  for (const json::object& fraud : Lines(made.truth)) {
    const std::string reason = Text(fraud, "reason");
    ++counts[reason];
    const json::array& numbers = fraud.at("trans_nums").as_array();
    std::vector<int64_t> times;
    for (const json::value& number : numbers) {
      const json::object& event = by_number.at(std::string(number.as_string()));
      EXPECT_EQ(Text(event, "cc_num"), Text(fraud, "cc_num"));
      times.push_back(Seconds(Text(event, "trans_date_trans_time")));
      if (reason == "large-amount") {
        EXPECT_GE(Amount(event), 700);
      }
      if (reason == "blocked-category") {
        const std::string category = Text(event, "category");
        EXPECT_TRUE(category == "gambling" || category == "cryptocurrency" || category == "travel") << category;
      }
    }
    EXPECT_EQ(times.front(), Seconds(Text(fraud, "from")));
    EXPECT_EQ(times.back(), Seconds(Text(fraud, "to")));
    EXPECT_LE(times.back() - times.front(), 300);
    EXPECT_GE(numbers.size(), reason == "velocity" ? 3u : 1u);
  }
  EXPECT_GT(counts["velocity"], 20);
  EXPECT_GT(counts["large-amount"], 20);
  EXPECT_GT(counts["blocked-category"], 20);
}

INSTANTIATE_TEST_SUITE_P(Rates, PlantedFraud, testing::Values(0.001, 0.05, 1.0, 10.0, 100000.0));

TEST(Transactions, BreakNoRuleAboutSingleTransactionsUnlessPlanted) {
  const Made made = Make({.count = 20000, .seed = 5, .fraud_share = 0.02});
  std::set<std::string> planted;
  for (const json::object& fraud : Lines(made.truth)) {
    if (Text(fraud, "reason") != "velocity") planted.insert(std::string(fraud.at("trans_nums").at(0).as_string()));
  }
  int small = 0;
  for (const json::object& event : Lines(made.events)) {
    if (planted.contains(Text(event, "trans_num"))) continue;
    EXPECT_LT(Amount(event), 250);
    small += Amount(event) < 200 ? 1 : 0;
    const std::string category = Text(event, "category");
    EXPECT_TRUE(category != "gambling" && category != "cryptocurrency" && category != "travel");
  }
  EXPECT_GT(small, 19000);
}

TEST(Transactions, PlantNothingWithoutAShare) {
  EXPECT_EQ(Make({.count = 2000, .seed = 1, .fraud_share = 0}).truth, "");
}

TEST(Transactions, CompleteEveryPlantedFraudBeforeTheEnd) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Made made = Make({.count = 40, .seed = seed, .fraud_share = 1});
    size_t named = 0;
    for (const json::object& fraud : Lines(made.truth)) named += fraud.at("trans_nums").as_array().size();
    EXPECT_GT(named, 0u);
    EXPECT_LE(named, 40u);
  }
}

}  // namespace
}  // namespace leat::tool
