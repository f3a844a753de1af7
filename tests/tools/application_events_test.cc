#include "tools/leat/application_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace leat::tool {
namespace {

struct Made {
  std::vector<std::string> lines;
  std::vector<std::string> keys;
  std::string truth;
};

Made Produce(std::unique_ptr<EventGenerator> generator) {
  Made made;
  for (std::string line; generator->Next(&line); line.clear()) {
    made.lines.push_back(line);
    made.keys.emplace_back(generator->key());
    made.truth += generator->TakeTruth();
  }
  return made;
}

using Make = std::function<std::unique_ptr<EventGenerator>(const PlanOptions&)>;

const std::map<std::string, Make>& Generators() {
  static const std::map<std::string, Make> all = {
      {"iot", [](const PlanOptions& o) { return MakeSensorReadings(o, 7); }},
      {"web", [](const PlanOptions& o) { return MakeAccessLog(o); }},
      {"orders", [](const PlanOptions& o) { return MakeSupplyChain(o, SupplyStream::kOrders); }},
      {"events", [](const PlanOptions& o) { return MakeSupplyChain(o, SupplyStream::kEvents); }},
      {"shop", [](const PlanOptions& o) { return MakeShopEvents(o); }},
  };
  return all;
}

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(ApplicationEvents, AreTheSameBytesForTheSameSeed) {
  for (const auto& [name, make] : Generators()) {
    const PlanOptions options{
        .count = 4000, .seed = 7, .planted = 0.05, .out_of_order = 0.2, .duplicates = 0.1, .max_delay_seconds = 90};
    const Made first = Produce(make(options));
    const Made second = Produce(make(options));
    EXPECT_EQ(first.lines, second.lines) << name;
    EXPECT_EQ(first.truth, second.truth) << name;
    EXPECT_NE(first.truth, "") << name;
    PlanOptions other = options;
    other.seed = 8;
    EXPECT_NE(Produce(make(other)).lines, first.lines) << name;
  }
}

TEST(ApplicationEvents, AreTheSameInAnotherOrderWhenTheyComeLate) {
  for (const auto& [name, make] : Generators()) {
    const PlanOptions in_order{.count = 2000, .seed = 3, .planted = 0.05};
    PlanOptions late = in_order;
    late.out_of_order = 0.3;
    late.max_delay_seconds = 2000;
    const Made first = Produce(make(in_order));
    const Made second = Produce(make(late));
    EXPECT_NE(second.lines, first.lines) << name;
    EXPECT_EQ(Sorted(second.lines), Sorted(first.lines)) << name;
    EXPECT_EQ(second.truth, first.truth) << name;
  }
}

TEST(ApplicationEvents, ComeTwiceOnlyWhereAsked) {
  for (const auto& [name, make] : Generators()) {
    PlanOptions options{.count = 2000, .seed = 3, .planted = 0};
    const Made once = Produce(make(options));
    options.duplicates = 1;
    const Made twice = Produce(make(options));
    EXPECT_EQ(twice.lines.size(), 2 * once.lines.size()) << name;
    std::vector<std::string> doubled = once.lines;
    doubled.insert(doubled.end(), once.lines.begin(), once.lines.end());
    EXPECT_EQ(Sorted(twice.lines), Sorted(doubled)) << name;
  }
}

TEST(ApplicationEvents, OfTheTwoStreamsOfASupplyChainAreAboutTheSameOrders) {
  const PlanOptions options{.count = 500, .seed = 5, .rate = 0.01, .planted = 0.3};
  const Made orders = Produce(MakeSupplyChain(options, SupplyStream::kOrders));
  const Made events = Produce(MakeSupplyChain(options, SupplyStream::kEvents));
  EXPECT_EQ(orders.lines.size(), 500u);
  EXPECT_EQ(std::set<std::string>(orders.keys.begin(), orders.keys.end()),
            std::set<std::string>(events.keys.begin(), events.keys.end()));
  EXPECT_EQ(orders.truth, events.truth);
}

TEST(ApplicationEvents, HaveNothingPlantedWithoutAShare) {
  for (const auto& [name, make] : Generators()) {
    const std::string truth = Produce(make({.count = 3000, .seed = 1, .planted = 0})).truth;
    if (name == "shop") {
      EXPECT_EQ(truth.find("pair"), std::string::npos);
    } else {
      EXPECT_EQ(truth, "") << name;
    }
  }
}

}  // namespace
}  // namespace leat::tool
