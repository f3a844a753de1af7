#include "bench/compare/nexmark_latency.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "bench/compare/nexmark_events.h"
#include "leat/client/consumer.h"
#include "leat/client/producer.h"

namespace leat::load {
namespace {

using Clock = std::chrono::steady_clock;

int Failed(const char* what, const absl::Status& status) {
  std::fprintf(stderr, "nexmark latency: %s: %s\n", what, status.ToString().c_str());
  return 1;
}

struct Schedule {
  Clock::time_point begin;
  double rate;
  Clock::time_point Due(int64_t number) const {
    return begin + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(number) * 1e9 / rate));
  }
};

absl::Status Send(const LatencyOptions& options, const Schedule& schedule, int64_t count, client::Producer& producer) {
  for (int64_t i = 0; i < count; ++i) {
    if (Clock::now() < schedule.Due(i)) std::this_thread::sleep_until(schedule.Due(i));
    std::string value =
        StrCat("{\"event_type\":2,\"bid\":{\"auction\":", 1'000 + i % 500, ",\"bidder\":", 1'000 + i % 777,
               ",\"price\":", 100 + i % 10'007,
               ",\"channel\":\"Google\",\"url\":\"https://www.nexmark.com/abcd/abcd/abcd/item.htm?query=1\","
               "\"dateTime\":\"");
    AppendNexmarkTime(absl::ToUnixMillis(absl::Now()), &value);
    value += StrCat("\",\"extra\":\"#", i, "#\"}}");
    client::Record record{.topic = options.input, .value = std::move(value)};
    record.partition = static_cast<int32_t>(i % options.partitions);
    const absl::Status sent = producer.Send(std::move(record));
    if (!sent.ok()) return sent;
  }
  return producer.Flush();
}

int64_t NumberIn(const std::string& value) {
  const size_t at = value.find('#');
  int64_t number = -1;
  if (at != std::string::npos) std::from_chars(value.data() + at + 1, value.data() + value.size(), number);
  return number;
}

struct Arrivals {
  std::vector<int64_t> took_us;  // by number; -1: not yet
  int64_t arrived = 0;
  int64_t repeated = 0;
};

absl::Status Receive(const Schedule& schedule, client::Consumer& consumer, Arrivals* arrivals) {
  const auto count = static_cast<int64_t>(arrivals->took_us.size());
  auto last = std::max(Clock::now(), schedule.begin);
  while (arrivals->arrived < count && Clock::now() - last < std::chrono::seconds(20)) {
    auto records = consumer.Poll(absl::Milliseconds(100), 5'000);
    if (!records.ok()) return records.status();
    const auto now = Clock::now();
    for (const client::ConsumerRecord& record : *records) {
      const int64_t number = NumberIn(record.value.value_or(""));
      if (number < 0 || number >= count) continue;
      last = now;
      int64_t& took = arrivals->took_us[static_cast<size_t>(number)];
      if (took >= 0) {
        ++arrivals->repeated;
        continue;
      }
      took = std::chrono::duration_cast<std::chrono::microseconds>(now - schedule.Due(number)).count();
      ++arrivals->arrived;
    }
  }
  return absl::OkStatus();
}

}  // namespace

int MeasureLatency(const LatencyOptions& options) {
  const auto connection = client::Connection::Open({.address = options.address});
  auto producer = client::Producer::Create(connection, {.linger = absl::Milliseconds(1)});
  if (!producer.ok()) return Failed("producer", producer.status());
  client::ConsumerOptions reading;
  reading.isolation = client::ConsumerOptions::Isolation::kReadCommitted;
  auto consumer = client::Consumer::Create(connection, reading);
  if (!consumer.ok()) return Failed("consumer", consumer.status());
  if (auto done = (*consumer)->AssignTopic(options.output); !done.ok()) return Failed("assign", done);
  if (auto done = (*consumer)->SeekToEnd(); !done.ok()) return Failed("seek", done);

  const auto warm = static_cast<int64_t>(options.rate * options.warm_seconds);
  const auto count = warm + static_cast<int64_t>(options.rate * options.seconds);
  const Schedule schedule{Clock::now() + std::chrono::milliseconds(100), options.rate};
  Arrivals arrivals{.took_us = std::vector<int64_t>(static_cast<size_t>(count), -1)};
  absl::Status sent;
  std::thread sender([&] { sent = Send(options, schedule, count, **producer); });
  const absl::Status received = Receive(schedule, **consumer, &arrivals);
  sender.join();
  if (!sent.ok()) return Failed("send", sent);
  if (!received.ok()) return Failed("receive", received);

  std::vector<int64_t> measured(arrivals.took_us.begin() + warm, arrivals.took_us.end());
  std::erase(measured, -1);
  std::sort(measured.begin(), measured.end());
  const auto quantile = [&](double q) {
    if (measured.empty()) return -1.0;
    const auto at = static_cast<size_t>(q * static_cast<double>(measured.size()));
    return static_cast<double>(measured[std::min(at, measured.size() - 1)]) / 1000.0;
  };
  std::printf(
      "{\"sent\":%lld,\"arrived\":%lld,\"repeated\":%lld,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,"
      "\"p999_ms\":%.2f,\"max_ms\":%.2f}\n",
      static_cast<long long>(count), static_cast<long long>(arrivals.arrived),
      static_cast<long long>(arrivals.repeated), quantile(0.5), quantile(0.9), quantile(0.99), quantile(0.999),
      quantile(1));
  return arrivals.arrived == count && arrivals.repeated == 0 ? 0 : 1;
}

}  // namespace leat::load
