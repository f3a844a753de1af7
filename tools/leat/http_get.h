// One GET over HTTP/1.1, for what the admin endpoint has and the client library does not.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

namespace leat::tool {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

// Asks HOST:PORT for `path` and waits for the whole answer, at most 1 MiB. kUnavailable: nobody is there, or the
// connection broke; kDeadlineExceeded: no complete answer within `timeout`; kInternal: an answer that is not HTTP.
absl::StatusOr<HttpAnswer> HttpGet(const std::string& address, const std::string& path, absl::Duration timeout);

}  // namespace leat::tool
