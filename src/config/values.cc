#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace leat::config {
namespace {

struct ByteUnit {
  std::string_view name;
  int64_t bytes;
};
constexpr std::array<ByteUnit, 5> kByteUnits = {{{"TiB", int64_t{1} << 40},
                                                 {"GiB", int64_t{1} << 30},
                                                 {"MiB", int64_t{1} << 20},
                                                 {"KiB", int64_t{1} << 10},
                                                 {"B", 1}}};

struct TimeUnit {
  std::string_view name;
  int64_t nanos;
};
constexpr std::array<TimeUnit, 7> kTimeUnits = {{{"d", 86'400'000'000'000},
                                                 {"h", 3'600'000'000'000},
                                                 {"m", 60'000'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"ms", 1'000'000},
                                                 {"us", 1'000},
                                                 {"ns", 1}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front of *text; false if there are none or they do not fit.
bool TakeNumber(std::string_view* text, int64_t* number) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc() || !IsDigit(text->front())) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

// Takes the letters at the front of *text.
std::string_view TakeWord(std::string_view* text) {
  const size_t length = static_cast<size_t>(std::find_if(text->begin(), text->end(), IsDigit) - text->begin());
  const std::string_view word = text->substr(0, length);
  text->remove_prefix(length);
  return word;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

absl::StatusOr<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("expected a whole number, got '", text, "'");
  }
  return value;
}

absl::StatusOr<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return InvalidArgument("expected true or false, got '", text, "'");
}

absl::StatusOr<int64_t> ParseBytes(std::string_view text) {
  const absl::Status bad =
      InvalidArgument("expected a size such as 1048576 or 64MiB (B, KiB, MiB, GiB or TiB), got '", text, "'");
  std::string_view rest = text;
  int64_t number = 0;
  if (!TakeNumber(&rest, &number)) return bad;
  if (rest.empty()) return number;
  const auto unit =
      std::find_if(kByteUnits.begin(), kByteUnits.end(), [&](const ByteUnit& u) { return u.name == rest; });
  int64_t bytes = 0;
  if (unit == kByteUnits.end() || __builtin_mul_overflow(number, unit->bytes, &bytes)) return bad;
  return bytes;
}

std::string BytesText(int64_t bytes) {
  for (const ByteUnit& unit : kByteUnits) {
    if (unit.bytes > 1 && bytes != 0 && bytes % unit.bytes == 0) return StrCat(bytes / unit.bytes, unit.name);
  }
  return StrCat(bytes);
}

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  const absl::Status bad =
      InvalidArgument("expected a duration such as 100ms, 5s or 1h30m (ns, us, ms, s, m, h or d), got '", text, "'");
  std::string_view rest = text;
  int64_t nanos = 0;
  do {
    int64_t number = 0;
    if (rest.empty() || !TakeNumber(&rest, &number)) return bad;
    const std::string_view word = TakeWord(&rest);
    const auto unit =
        std::find_if(kTimeUnits.begin(), kTimeUnits.end(), [&](const TimeUnit& u) { return u.name == word; });
    int64_t part = 0;
    if (unit == kTimeUnits.end() || __builtin_mul_overflow(number, unit->nanos, &part) ||
        __builtin_add_overflow(nanos, part, &nanos)) {
      return bad;
    }
  } while (!rest.empty());
  return absl::Nanoseconds(nanos);
}

std::string DurationText(Duration duration) {
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  if (nanos == 0) return "0s";
  for (const TimeUnit& unit : kTimeUnits) {
    if (nanos % unit.nanos == 0) return StrCat(nanos / unit.nanos, unit.name);
  }
  return StrCat(nanos, "ns");
}

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  const absl::Status bad =
      InvalidArgument("expected host:port with a port in 0..65535, such as 127.0.0.1:9095, got '", text, "'");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad;
  Address address;
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  // Without brackets the colons of an IPv6 address and the one before the port cannot be told apart.
  if (host.empty() || host.find_first_of(" []/") != std::string_view::npos) return bad;
  if (!brackets && host.find(':') != std::string_view::npos) return bad;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return bad;
  address.host = std::string(host);
  return address;
}

absl::StatusOr<NamedAddress> ParseNamedAddress(std::string_view text) {
  constexpr std::string_view kSeparator = "://";
  NamedAddress out{.name = "default", .address = {}};
  std::string_view rest = text;
  if (const size_t at = text.find(kSeparator); at != std::string_view::npos) {
    out.name = std::string(text.substr(0, at));
    rest = text.substr(at + kSeparator.size());
    const bool good =
        !out.name.empty() && out.name.size() <= 60 && std::all_of(out.name.begin(), out.name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        });
    if (!good) {
      return InvalidArgument("expected a listener's name of a-z, 0-9, - and _ before ://, such as internal://host:9092",
                             ", got '", text, "'");
    }
  }
  LEAT_ASSIGN_OR_RETURN(out.address, ParseAddress(rest));
  return out;
}

absl::StatusOr<Voter> ParseVoter(std::string_view text) {
  const absl::Status bad =
      InvalidArgument("expected id@host:port with a port in 1..65535, such as 1@127.0.0.1:9094, got '", text, "'");
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return bad;
  Voter voter;
  const std::string_view id = text.substr(0, at);
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), voter.node);
  if (error != std::errc() || end != id.data() + id.size() || voter.node < 0) return bad;
  absl::StatusOr<Address> address = ParseAddress(text.substr(at + 1));
  if (!address.ok() || address->port == 0) return bad;
  voter.address = *std::move(address);
  return voter;
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  if (Trim(text).empty()) return items;
  while (true) {
    const size_t comma = text.find(',');
    items.emplace_back(Trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace leat::config
