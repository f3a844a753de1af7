#include "tools/leat/transactions.h"

#include <absl/time/time.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace leat::tool {

namespace {

constexpr std::array<std::string_view, 13> kCategories = {
    "gas_transport", "home",      "shopping_net", "shopping_pos",  "grocery_pos", "health_fitness", "food_dining",
    "personal_care", "kids_pets", "misc_net",     "entertainment", "misc_pos",    "grocery_net"};
constexpr std::array<std::string_view, 3> kBlocked = {"gambling", "cryptocurrency", "travel"};
constexpr std::array<std::string_view, 24> kNames = {"Abel",   "Brandt", "Castell", "Dorn",   "Eckart",  "Falk",
                                                     "Gerber", "Hollis", "Iverson", "Jansen", "Kestrel", "Lorne",
                                                     "Maris",  "Norden", "Oakley",  "Penn",   "Quill",   "Ruskin",
                                                     "Sable",  "Thorne", "Umber",   "Vance",  "Wick",    "Yarrow"};

constexpr int64_t kMostSecondsBetween = 45;  // of a burst's transactions: five of them stay within five minutes
constexpr uint64_t kMostSlotsBetween = 200;
constexpr uint64_t kMostInBurst = 5;
constexpr uint64_t kTransactionsPerFraud = 2;  // on average: one kind in three is a burst of three to five

void AppendTwoDigits(uint64_t value, std::string* out) {
  *out += static_cast<char>('0' + value / 10 % 10);
  *out += static_cast<char>('0' + value % 10);
}

void AppendHex(uint64_t value, std::string* out) {
  for (int shift = 60; shift >= 0; shift -= 4) *out += "0123456789abcdef"[(value >> shift) & 15];
}

}  // namespace

TransactionGenerator::TransactionGenerator(const TransactionOptions& options)
    : options_(options),
      random_(options.seed),
      plant_threshold_(static_cast<uint64_t>(options.fraud_share / kTransactionsPerFraud * 0x1.0p53)) {
  // The position is part of a card's number, so that no two are the same.
  for (uint32_t i = 0; i < options.cards; ++i) {
    cards_.push_back(StrCat(400000 + random_.Below(99999), 1000000000 + static_cast<uint64_t>(i)));
  }
  for (const std::string_view first : kNames) {
    merchants_.push_back(StrCat(first, " & Sons"));
    merchants_.push_back(StrCat(first, "-", kNames[random_.Below(kNames.size())]));
    merchants_.push_back(StrCat(first, ", ", kNames[random_.Below(kNames.size())], " and Co"));
  }
}

int64_t TransactionGenerator::ScheduledSeconds(uint64_t index) const {
  return options_.start_seconds + static_cast<int64_t>(static_cast<double>(index) / options_.rate);
}

bool TransactionGenerator::Next(std::string* out) {
  if (index_ >= options_.count) return false;
  Event event;
  event.seconds = ScheduledSeconds(index_);
  const std::optional<uint64_t> burst = Continue(&event);
  if (!burst) {
    event.card = static_cast<uint32_t>(random_.Below(options_.cards));
    if (random_.Next() >> 11 < plant_threshold_) Plant(&event);
  }
  ChoosePurchase(&event);
  Append(event, out);
  switch (event.fraud) {
    case Fraud::kNone:
      break;
    case Fraud::kLargeAmount:
      AddTruth("large-amount", event.card, {number_}, event.seconds);
      break;
    case Fraud::kBlockedCategory:
      AddTruth("blocked-category", event.card, {number_}, event.seconds);
      break;
    case Fraud::kVelocity: {
      const auto it = bursts_.find(burst.value_or(next_burst_ - 1));
      it->second.numbers.push_back(number_);
      if (--it->second.left == 0) {
        AddTruth("velocity", event.card, it->second.numbers, it->second.first_seconds);
        bursts_.erase(it);
      }
    }
  }
  ++index_;
  return true;
}

std::optional<uint64_t> TransactionGenerator::Continue(Event* event) {
  const auto slot = slots_.find(index_);
  if (slot == slots_.end()) return std::nullopt;
  const uint64_t number = slot->second;
  const Burst& burst = bursts_.at(number);
  event->card = burst.card;
  event->fraud = Fraud::kVelocity;
  // With few events a second the schedule alone would pull the burst apart.
  const auto made = static_cast<int64_t>(burst.numbers.size());
  event->seconds = std::min(event->seconds, burst.first_seconds + made * kMostSecondsBetween);
  event->seconds = std::max(event->seconds, time_seconds_);
  slots_.erase(slot);
  return number;
}

bool TransactionGenerator::PlantBurst(Event* event) {
  const double in_time = options_.rate * kMostSecondsBetween;
  const uint64_t most = in_time >= kMostSlotsBetween ? kMostSlotsBetween : std::max<uint64_t>(1, in_time);
  const auto more = static_cast<uint32_t>(2 + random_.Below(kMostInBurst - 2));
  std::vector<uint64_t> taken;
  uint64_t slot = index_;
  for (uint32_t i = 0; i < more; ++i) {
    slot += 1 + random_.Below(most);
    while (slots_.contains(slot)) ++slot;
    taken.push_back(slot);
  }
  if (slot >= options_.count) return false;
  for (const uint64_t one : taken) slots_.emplace(one, next_burst_);
  bursts_[next_burst_++] = {.card = event->card, .first_seconds = event->seconds, .left = more + 1, .numbers = {}};
  return true;
}

void TransactionGenerator::Plant(Event* event) {
  switch (random_.Below(3)) {
    case 0:
      event->fraud = PlantBurst(event) ? Fraud::kVelocity : Fraud::kLargeAmount;
      break;
    case 1:
      event->fraud = Fraud::kLargeAmount;
      break;
    default:
      event->fraud = Fraud::kBlockedCategory;
  }
}

void TransactionGenerator::ChoosePurchase(Event* event) {
  event->merchant = merchants_[random_.Below(merchants_.size())];
  event->category = kCategories[random_.Below(kCategories.size())];
  if (event->fraud == Fraud::kBlockedCategory) event->category = kBlocked[random_.Below(kBlocked.size())];
  // Mostly small, sometimes middling, always below the limits of the rules unless planted.
  event->cents = random_.OneIn(20) ? 10000 + random_.Below(14900) : 100 + random_.Below(9900);
  if (event->fraud == Fraud::kLargeAmount) event->cents = 70000 + random_.Below(180000);
}

void TransactionGenerator::SetTime(int64_t seconds) {
  if (seconds == time_seconds_) return;
  time_seconds_ = seconds;
  time_text_ = absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
}

void TransactionGenerator::Append(const Event& event, std::string* out) {
  SetTime(event.seconds);
  number_.clear();
  AppendHex(random_.Next(), &number_);
  AppendHex(random_.Next(), &number_);
  card_ = cards_[event.card];
  *out += R"({"trans_num":")";
  *out += number_;
  *out += R"(","cc_num":")";
  *out += card_;
  *out += R"(","trans_date_trans_time":")";
  *out += time_text_;
  *out += R"(","merchant":")";
  *out += event.merchant;
  *out += R"(","category":")";
  *out += event.category;
  *out += R"(","amt":")";
  StrAppend(out, event.cents / 100);
  *out += '.';
  AppendTwoDigits(event.cents % 100, out);
  *out += "\"}\n";
}

void TransactionGenerator::AddTruth(std::string_view reason, uint32_t card, const std::vector<std::string>& numbers,
                                    int64_t from) {
  StrAppend(&truth_, R"({"reason":")", reason, R"(","cc_num":")", cards_[card], R"(","trans_nums":[)");
  for (size_t i = 0; i < numbers.size(); ++i) StrAppend(&truth_, i > 0 ? ",\"" : "\"", numbers[i], "\"");
  const std::string from_text = absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(from), absl::UTCTimeZone());
  StrAppend(&truth_, R"(],"from":")", from_text, R"(","to":")", time_text_, "\"}\n");
}

std::string TransactionGenerator::TakeTruth() { return std::exchange(truth_, {}); }

}  // namespace leat::tool
