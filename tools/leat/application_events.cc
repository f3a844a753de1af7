#include "tools/leat/application_events.h"

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/strings.h"

namespace leat::tool {

namespace {

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

class SensorReadings final : public PlannedEvents {
 public:
  SensorReadings(const PlanOptions& options, uint32_t sensors) : PlannedEvents(options), sensors_(sensors) {}

 private:
  struct Sensor {
    uint64_t made = 0;
    uint64_t left_out = 0;  // readings still to be left out
    int64_t last_seconds = 0;
  };

  int64_t StartOf(uint64_t index) const override {
    const auto count = static_cast<uint64_t>(sensors_.size());
    return options().start_seconds + static_cast<int64_t>(index / count) * kInterval +
           static_cast<int64_t>(index % count * static_cast<uint64_t>(kInterval) / count);
  }

  void Plan(uint64_t index, int64_t seconds) override {
    const uint64_t number = index % sensors_.size();
    Sensor& sensor = sensors_[number];
    if (sensor.left_out > 0) {
      --sensor.left_out;
      return;
    }
    const std::string name = StrCat("sensor-", number);
    const uint64_t rounds_left = (options().count - index) / sensors_.size();
    const bool plant = Chance(options().planted);
    const bool silence = random().OneIn(4);
    if (plant && silence && sensor.made > 0 && rounds_left > 2 * kMostLeftOut) {
      sensor.left_out = kLeastLeftOut + random().Below(kMostLeftOut - kLeastLeftOut + 1) - 1;  // and this one
      AddTruth(
          StrCat(R"({"kind":"silence","sensor":")", name, R"(","since":")", SecondsText(sensor.last_seconds), R"("})"));
      return;
    }
    int64_t thousandths = 20'000 + static_cast<int64_t>(number) * 1000 + random().Between(-1000, 1000);
    if (plant && !silence && sensor.made >= kUsual) {
      thousandths += random().OneIn(2) ? kSpike : -kSpike;
      AddTruth(StrCat(R"({"kind":"spike","sensor":")", name, R"(","event_time":")", SecondsText(seconds), R"("})"));
    }
    ++sensor.made;
    sensor.last_seconds = seconds;
    const auto size = static_cast<uint64_t>(thousandths < 0 ? -thousandths : thousandths);
    const std::string decimals = StrCat(1000 + size % 1000).substr(1);
    Add(seconds, name,
        StrCat(R"({"sensor":")", name, R"(","timestamp":")", SecondsText(seconds), R"(","value":")",
               thousandths < 0 ? "-" : "", size / 1000, ".", decimals, R"("})"));
  }

  static constexpr int64_t kInterval = 300;
  static constexpr uint64_t kUsual = 288;
  static constexpr int64_t kSpike = 40'000;
  static constexpr uint64_t kLeastLeftOut = 3;
  static constexpr uint64_t kMostLeftOut = 10;

  std::vector<Sensor> sensors_;
};

class AccessLog final : public PlannedEvents {
 public:
  using PlannedEvents::PlannedEvents;

 private:
  void Plan(uint64_t, int64_t seconds) override {
    const uint64_t number = random().Below(kVisitors);
    const std::string visitor = StrCat("10.", number / 100, ".", number % 100, ".7");
    // Some paths are asked for much more often than others.
    const uint64_t path_number = random().Below(1 + random().Below(kPaths));
    const std::string path = StrCat("/page/", path_number, ".html");
    const bool plant = Chance(options().planted);
    const bool cut = random().OneIn(3);
    const uint64_t draw = random().Below(100);
    const uint64_t bytes = random().Below(100'000);
    const int status = plant && !cut ? 500 : draw < 2 ? 404 : draw < 8 ? 304 : 200;
    const std::string time =
        absl::FormatTime("%d/%b/%Y:%H:%M:%S +0000", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
    std::string line = StrCat(visitor, " - - [", time, "] \"GET ", path, " HTTP/1.1\" ", status, " ",
                              status == 304 ? "-" : StrCat(bytes), R"( "-" "leat-datagen/1")");
    if (plant && cut) {
      line.resize(line.find(']') + 1 + random().Below(6));  // somewhere in front of the path
      AddTruth(StrCat(R"({"kind":"cut","visitor":")", visitor, R"(","event_time":")", SecondsText(seconds), R"("})"));
    } else if (plant) {
      AddTruth(StrCat(R"({"kind":"error","visitor":")", visitor, R"(","event_time":")", SecondsText(seconds),
                      R"(","path":")", path, R"("})"));
    }
    Add(seconds, visitor, std::move(line));
  }

  static constexpr uint64_t kVisitors = 300;
  static constexpr uint64_t kPaths = 40;
};

class SupplyChain final : public PlannedEvents {
 public:
  SupplyChain(const PlanOptions& options, SupplyStream stream) : PlannedEvents(options), stream_(stream) {}

 private:
  enum class Kind { kOnTime, kLate, kUndelivered, kUnapproved };

  void Plan(uint64_t, int64_t purchased) override {
    const std::string order = StrCat(HexText(random().Next()), HexText(random().Next()));
    const std::string customer = StrCat("customer-", random().Below(100'000));
    const Kind kind = Chance(options().planted) ? static_cast<Kind>(random().Between(1, 3)) : Kind::kOnTime;
    const int64_t estimate = (purchased / kDay + random().Between(14, 24)) * kDay;
    const int64_t approved = purchased + (kind == Kind::kUnapproved ? random().Between(kDay + 1, 2 * kDay)
                                                                    : random().Between(kMinute, 6 * kHour));
    const int64_t shipped = approved + random().Between(kHour, 3 * kDay);
    int64_t delivered = shipped + random().Between(kDay, 6 * kDay);
    if (kind == Kind::kLate) delivered = estimate + random().Between(1, 5 * kDay);
    static constexpr std::array<std::string_view, 4> kKinds = {"", "late", "undelivered", "unapproved"};
    if (kind != Kind::kOnTime) {
      AddTruth(StrCat(R"({"kind":")", kKinds[static_cast<size_t>(kind)], R"(","order_id":")", order, R"("})"));
    }
    if (stream_ == SupplyStream::kOrders) {
      return Add(purchased, order,
                 StrCat(R"({"order_id":")", order, R"(","customer_id":")", customer,
                        R"(","order_status":"created","order_purchase_timestamp":")", SecondsText(purchased),
                        R"(","order_estimated_delivery_date":")", SecondsText(estimate), R"("})"));
    }
    AddEvent(purchased, order, "purchased");
    AddEvent(approved, order, "approved");
    AddEvent(shipped, order, "shipped");
    if (kind != Kind::kUndelivered) AddEvent(delivered, order, "delivered");
  }

  void AddEvent(int64_t seconds, const std::string& order, std::string_view type) {
    Add(seconds, order,
        StrCat(R"({"event_time":")", SecondsText(seconds), R"(","order_id":")", order, R"(","event_type":")", type,
               R"("})"));
  }

  SupplyStream stream_;
};

class ShopEvents final : public PlannedEvents {
 public:
  using PlannedEvents::PlannedEvents;

 private:
  void Plan(uint64_t, int64_t seconds) override {
    const std::string user = StrCat(500'000'000 + random().Below(kUsers));
    const std::string hex = StrCat(HexText(random().Next()), HexText(random().Next()));
    const std::string session = StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                                       hex.substr(16, 4), "-", hex.substr(20));
    std::vector<uint64_t> seen;
    for (uint64_t i = 1 + random().Below(kMostProducts); i > 0; --i) {
      seen.push_back(kFirstUsual + random().Below(1 + random().Below(kUsual)));
    }
    if (Chance(options().planted)) {
      const uint64_t pair = random().Below(kPairs);
      ++sessions_of_pair_[pair];
      seen.insert(seen.begin(), {kFirstPaired + 2 * pair, kFirstPaired + 2 * pair + 1});
    }
    for (const uint64_t product : seen) {
      AddEvent(seconds, "view", product, user, session);
      seconds += random().Between(1, 3 * kMinute);
    }
    const uint64_t product = seen[random().Below(seen.size())];
    if (random().OneIn(5)) {
      AddEvent(seconds, "cart", product, user, session);
      AddEvent(seconds + random().Between(1, 5 * kMinute), "purchase", product, user, session);
      ++orders_;
      cents_ += PriceOf(product);
    } else if (random().OneIn(20)) {
      AddEvent(seconds, "cart", product, user, session);
      AddTruth(StrCat(R"({"kind":"cart","user_session":")", session, R"(","product_id":")", product, R"(","cart_at":")",
                      SecondsText(seconds), R"("})"));
    }
  }

  void Finish() override {
    for (const auto& [pair, sessions] : sessions_of_pair_) {
      AddTruth(StrCat(R"({"kind":"pair","item":")", kFirstPaired + 2 * pair, R"(","other":")",
                      kFirstPaired + 2 * pair + 1, R"(","sessions":)", sessions, "}"));
    }
    AddTruth(StrCat(R"({"kind":"sales","orders":)", orders_, R"(,"revenue":")", CentsText(cents_), R"("})"));
  }

  static uint64_t PriceOf(uint64_t product) { return 500 + product * 7919 % 90'000; }

  void AddEvent(int64_t seconds, std::string_view type, uint64_t product, const std::string& user,
                const std::string& session) {
    Add(seconds, session,
        StrCat(R"({"event_time":")", SecondsText(seconds), R"( UTC","event_type":")", type, R"(","product_id":")",
               product, R"(","category_id":")", 2053013550000000000 + product % 20, R"(","category_code":"shop.part)",
               product % 20, R"(","brand":"","price":")", CentsText(PriceOf(product)), R"(","user_id":")", user,
               R"(","user_session":")", session, R"("})"));
  }

  static constexpr uint64_t kUsers = 20'000;
  static constexpr uint64_t kMostProducts = 5;
  static constexpr uint64_t kUsual = 400;
  static constexpr uint64_t kFirstUsual = 1'000'000;
  static constexpr uint64_t kFirstPaired = 2'000'000;
  static constexpr uint64_t kPairs = 20;

  std::map<uint64_t, uint64_t> sessions_of_pair_;
  uint64_t orders_ = 0;
  uint64_t cents_ = 0;
};

}  // namespace

std::unique_ptr<EventGenerator> MakeSensorReadings(const PlanOptions& options, uint32_t sensors) {
  return std::make_unique<SensorReadings>(options, sensors);
}

std::unique_ptr<EventGenerator> MakeAccessLog(const PlanOptions& options) {
  return std::make_unique<AccessLog>(options);
}

std::unique_ptr<EventGenerator> MakeSupplyChain(const PlanOptions& options, SupplyStream stream) {
  return std::make_unique<SupplyChain>(options, stream);
}

std::unique_ptr<EventGenerator> MakeShopEvents(const PlanOptions& options) {
  return std::make_unique<ShopEvents>(options);
}

}  // namespace leat::tool
