// All messages behind one face, for tests that treat them alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "wire/reader.h"

namespace leat::wire {

struct AnyMessage {
  std::string_view name;  // FetchRequest
  int16_t key;
  int16_t min_version;
  int16_t max_version;
  bool is_response;

  absl::Status (*decode)(Reader& in, int16_t version);
  // The body decoded and encoded again.
  absl::StatusOr<std::string> (*reencode)(Reader& in, int16_t version);
  // The body decoded, a field a line.
  absl::StatusOr<std::string> (*print)(Reader& in, int16_t version);
  // A body whose fields are random.
  std::string (*random)(Random& random, int16_t version);
  // A random message, encoded and decoded again, is what it was. Otherwise says what it was and became.
  absl::Status (*round_trip)(Random& random, int16_t version);
};

const std::vector<AnyMessage>& AllMessages();
// Null if there is none.
const AnyMessage* FindMessage(int16_t key, bool is_response);

}  // namespace leat::wire
