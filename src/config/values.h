// The text of configuration values: sizes with units, durations, addresses. Pure. What Text gives, Parse takes back.
// Errors are kInvalidArgument and say what was expected and what came.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"

namespace leat::config {

absl::StatusOr<int64_t> ParseInt(std::string_view text);
absl::StatusOr<bool> ParseBool(std::string_view text);  // true or false

// "1048588", "64MiB", "2GiB": a whole number of B (the default), KiB, MiB, GiB or TiB.
absl::StatusOr<int64_t> ParseBytes(std::string_view text);
std::string BytesText(int64_t bytes);  // in the largest unit that is exact

// "100ms", "5s", "1h30m", "7d": whole numbers of ns, us, ms, s, m, h or d, one after the other.
absl::StatusOr<Duration> ParseDuration(std::string_view text);
std::string DurationText(Duration duration);  // in the largest unit that is exact

// "127.0.0.1:9095", "[::1]:0", "broker-1:9092": the host is not looked up.
struct Address {
  std::string host;  // without brackets
  uint16_t port = 0;
};
absl::StatusOr<Address> ParseAddress(std::string_view text);

// "127.0.0.1:9092", "internal://broker-1:9094": one of several listeners, "default" if it has no name.
struct NamedAddress {
  std::string name;  // of [a-z0-9_-]
  Address address;
};
absl::StatusOr<NamedAddress> ParseNamedAddress(std::string_view text);

// "1@broker-1:9094": a node that keeps the cluster's metadata.
struct Voter {
  int32_t node = 0;
  Address address;  // with a port
};
absl::StatusOr<Voter> ParseVoter(std::string_view text);

// "a, b,c" -> a b c; empty text is the empty list.
std::vector<std::string> SplitList(std::string_view text);

}  // namespace leat::config
