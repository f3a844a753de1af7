#include "bench/compare/nexmark_events.h"

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/strings.h"

namespace leat::load {
namespace {

// As in Nexmark: what part of the events is what, how many auctions and persons are alive, who is popular.
constexpr int64_t kCycle = 50;
constexpr int64_t kPersons = 1;
constexpr int64_t kAuctions = 3;
constexpr int64_t kLiveAuctions = 100;
constexpr int64_t kLivePersons = 1'000;
constexpr int64_t kAhead = 10;  // bids may name what comes a little later
constexpr int64_t kFirstId = 1'000;
constexpr int64_t kHotEvery = 100;
constexpr uint64_t kOtherChannels = 10'000;
constexpr int64_t kVersionEveryMs = 10;

constexpr std::array kPopularChannels = {"Google", "Facebook", "Baidu", "Apple"};
constexpr std::array kStates = {"AZ", "CA", "ID", "OR", "WA", "WY"};
constexpr std::array kCities = {"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
                                "Bend",    "Redmond",     "Seattle",       "Kent",  "Cheyenne"};
constexpr std::array kFirstNames = {"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                    "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
constexpr std::array kLastNames = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                   "Walton", "Smith",  "Jones",   "Noris"};

template <typename List>
const char* OneOf(const List& list, Random& random) {
  return list[random.Below(list.size())];
}

std::string Word(Random& random, uint64_t longest, char special) {
  std::string word(3 + random.Below(longest - 3), special);
  for (char& c : word) {
    if (!random.OneIn(13)) c = static_cast<char>('a' + random.Below(26));
  }
  return word;
}

std::string ChannelName(uint64_t channel) {
  if (channel < kPopularChannels.size()) return kPopularChannels[channel];
  return StrCat("channel-", channel - kPopularChannels.size());
}

}  // namespace

void AppendNexmarkTime(int64_t time_ms, std::string* out) {
  out->append(absl::FormatTime("%Y-%m-%d %H:%M:%E3S", absl::FromUnixMillis(time_ms), absl::UTCTimeZone()));
}

NexmarkEvents::NexmarkEvents(const NexmarkOptions& options) : options_(options), random_(options.seed) {
  letters_.resize(size_t{1} << 20);
  for (char& c : letters_) c = static_cast<char>('a' + random_.Below(26));
  for (uint64_t channel = 0; channel < kPopularChannels.size() + kOtherChannels; ++channel) {
    channels_.push_back(ChannelName(channel));
    std::string url = "https://www.nexmark.com";
    for (int i = 0; i < 3; ++i) url += StrCat("/", Word(random_, 5, '_'));
    url += "/item.htm?query=1";
    if (channel >= kPopularChannels.size() && !random_.OneIn(10)) {
      url += StrCat("&channel_id=", random_.Below(uint64_t{1} << 31));
    }
    urls_.push_back(std::move(url));
  }
}

int64_t NexmarkEvents::LastPerson() const { return number_ / kCycle; }

int64_t NexmarkEvents::LastAuction() const {
  const int64_t in_cycle = number_ % kCycle;
  if (in_cycle < kPersons) return number_ / kCycle * kAuctions - 1;
  return number_ / kCycle * kAuctions + std::min(in_cycle - kPersons, kAuctions - 1);
}

int64_t NexmarkEvents::AnyPerson() {
  const int64_t live = std::min(LastPerson() + 1, kLivePersons);
  return LastPerson() + 1 - live + random_.Between(0, live + kAhead - 1);
}

int64_t NexmarkEvents::AnyAuction() {
  const int64_t youngest = std::max<int64_t>(LastAuction(), 0);
  const int64_t oldest = std::max<int64_t>(youngest - kLiveAuctions, 0);
  return random_.Between(oldest, youngest + kAhead);
}

int64_t NexmarkEvents::Price() { return std::llround(std::pow(10.0, random_.Unit() * 6.0) * 100.0); }

void NexmarkEvents::Filler(int64_t bytes, int64_t wanted, std::string* json) {
  if (bytes >= wanted) return;
  const int64_t spread = std::max<int64_t>((wanted - bytes) / 5, 1);
  const auto length = static_cast<size_t>(random_.Between(wanted - bytes - spread, wanted - bytes + spread));
  json->append(letters_, random_.Below(letters_.size() - length), length);
}

void NexmarkEvents::Person(int64_t time_ms, std::string* json) {
  *json = StrCat("{\"event_type\":0,\"person\":{\"id\":", LastPerson() + kFirstId);
  *json += StrCat(",\"name\":\"", OneOf(kFirstNames, random_), " ", OneOf(kLastNames, random_));
  *json += StrCat("\",\"emailAddress\":\"", Word(random_, 7, '_'), "@", Word(random_, 5, '_'), ".com");
  *json += "\",\"creditCard\":\"";
  for (int i = 0; i < 4; ++i) *json += StrCat(i == 0 ? "" : " ", 1'000 + random_.Below(9'000));
  *json += StrCat("\",\"city\":\"", OneOf(kCities, random_), "\",\"state\":\"", OneOf(kStates, random_));
  *json += "\",\"dateTime\":\"";
  AppendNexmarkTime(time_ms, json);
  *json += "\",\"extra\":\"";
  Filler(static_cast<int64_t>(json->size()), 300, json);
  *json += "\"}}";
}

void NexmarkEvents::Auction(int64_t time_ms, std::string* json) {
  const int64_t seller = random_.OneIn(4) ? AnyPerson() : LastPerson() / kHotEvery * kHotEvery;
  const int64_t initial_bid = Price();
  const int64_t reserve = initial_bid + Price();
  const double spacing_ms = static_cast<double>(kCycle) / kAuctions * 1000.0 / options_.events_per_second;
  const auto longest_ms = static_cast<int64_t>(2 * static_cast<double>(kLiveAuctions) * spacing_ms);
  const int64_t expires_ms = time_ms + random_.Between(1, std::max<int64_t>(longest_ms, 1));
  *json = StrCat("{\"event_type\":1,\"auction\":{\"id\":", LastAuction() + kFirstId);
  *json += StrCat(",\"itemName\":\"", Word(random_, 20, ' '), "\",\"description\":\"", Word(random_, 100, ' '));
  *json += StrCat("\",\"initialBid\":", initial_bid, ",\"reserve\":", reserve, ",\"dateTime\":\"");
  AppendNexmarkTime(time_ms, json);
  *json += "\",\"expires\":\"";
  AppendNexmarkTime(expires_ms, json);
  *json += StrCat("\",\"seller\":", seller + kFirstId, ",\"category\":", 10 + random_.Below(5), ",\"extra\":\"");
  Filler(static_cast<int64_t>(json->size()), 560, json);
  *json += "\"}}";
}

void NexmarkEvents::Bid(int64_t time_ms, std::string* json) {
  const int64_t auction = random_.OneIn(2) ? AnyAuction() : LastAuction() / kHotEvery * kHotEvery;
  const int64_t bidder = random_.OneIn(4) ? AnyPerson() : LastPerson() / kHotEvery * kHotEvery + 1;
  const size_t popular = kPopularChannels.size();
  const size_t channel = random_.Below(popular + popular);
  const size_t chosen = channel < popular ? channel : popular + random_.Below(kOtherChannels);
  *json = StrCat("{\"event_type\":2,\"bid\":{\"auction\":", auction + kFirstId, ",\"bidder\":", bidder + kFirstId);
  *json += StrCat(",\"price\":", Price(), ",\"channel\":\"", channels_[chosen], "\",\"url\":\"", urls_[chosen]);
  *json += "\",\"dateTime\":\"";
  AppendNexmarkTime(time_ms, json);
  *json += "\",\"extra\":\"";
  Filler(32, 100, json);
  *json += "\"}}";
}

void NexmarkEvents::Next(std::string* json) {
  auto time_ms =
      kNexmarkStartMs + static_cast<int64_t>(static_cast<double>(number_) * 1000.0 / options_.events_per_second);
  if (random_.Unit() * 100.0 < options_.late_percent) time_ms -= random_.Between(0, 2'999);
  const int64_t in_cycle = number_ % kCycle;
  if (in_cycle < kPersons) {
    Person(time_ms, json);
  } else if (in_cycle < kPersons + kAuctions) {
    Auction(time_ms, json);
  } else {
    Bid(time_ms, json);
  }
  ++number_;
}

NexmarkChannels::NexmarkChannels(const NexmarkOptions& options, int64_t events) : random_(options.seed + 1) {
  const double span_ms = static_cast<double>(events) * 1000.0 / options.events_per_second;
  versions_ = static_cast<int64_t>(span_ms) / kVersionEveryMs;
}

bool NexmarkChannels::Next(std::string* key, std::string* json, int64_t* partition_hint) {
  constexpr auto kAll = static_cast<int64_t>(kPopularChannels.size() + kOtherChannels);
  if (next_ >= kAll + versions_) return false;
  int64_t channel = next_;
  int64_t time_ms = kNexmarkStartMs - 5'000;
  if (next_ >= kAll) {
    channel = static_cast<int64_t>(random_.Below(random_.OneIn(10) ? kPopularChannels.size() : kAll));
    time_ms = kNexmarkStartMs + (next_ - kAll) * kVersionEveryMs;
  }
  ++next_;
  const std::string name = ChannelName(static_cast<uint64_t>(channel));
  *key = StrCat("{\"channel\":\"", name, "\"}");
  *json = StrCat("{\"channel\":\"", name, "\",\"fee\":", random_.Between(1, 100), ",\"updated\":\"");
  AppendNexmarkTime(time_ms, json);
  *json += "\"}";
  *partition_hint = channel;
  return true;
}

}  // namespace leat::load
