// What stands before the body of every request and response.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/reader.h"
#include "wire/writer.h"

namespace leat::wire {

inline constexpr int16_t kApiVersionsKey = 18;

struct RequestHeader {
  int16_t api_key = 0;
  int16_t api_version = 0;
  int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;  // borrows from the frame
  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

// Reads the header of a request, the frame's length not included. Key and version are not judged here: of an API that
// FindApi does not know everything up to the client id is read. On an error the fields before the bad one are set, so
// that it can be said who sent what.
absl::Status DecodeRequestHeader(Reader& in, RequestHeader* header);
void EncodeRequestHeader(Writer& out, const RequestHeader& header);

// Responses carry only the correlation id, and tagged fields in flexible versions; those of ApiVersions never do, so
// that a client that does not know yet what the broker speaks can read them.
void EncodeResponseHeader(Writer& out, int16_t api_key, int16_t api_version, int32_t correlation_id);
absl::Status DecodeResponseHeader(Reader& in, int16_t api_key, int16_t api_version, int32_t* correlation_id);

}  // namespace leat::wire
