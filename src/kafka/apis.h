// The APIs that are served: a table made of one line an API. Each family of handlers has its own table, and its own
// file apis_<family>.cc, with lines such as
//
//   Serve<&HandleHeartbeat>(0, 4),
//
// What is not in a table is not advertised, and a request for it closes the connection, as Kafka does.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "kafka/call.h"
#include "kafka/frame.h"

namespace leat::kafka {

// The bytes of one answer, length and header included, in pieces that are written one after the other.
struct Answer {
  std::vector<std::string> chunks;  // empty: no answer is to be sent
  int16_t error = 0;                // the code that the answer carries at its top, for the metrics
};

// Gets the answer; on any shard's thread, exactly once. Abandon: there will be none, close the connection.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  virtual void Take(Answer answer) = 0;
  virtual void Abandon() = 0;
};

// One request on its way to its handler.
struct Incoming {
  Call call;
  Frame frame;
  size_t body_at = 0;  // where the body begins in the frame, behind the header
  int32_t correlation_id = 0;
  size_t memory_budget = 0;  // bytes that decoding may allocate
  AnswerSink* sink = nullptr;
};

struct Api {
  int16_t key = 0;
  int16_t min_version = 0;
  int16_t max_version = 0;
  const char* name = "";
  // Decodes the body and calls the handler, which may answer before this returns. An error: the body is not what its
  // version says; the sink has not been called and will not be.
  absl::Status (*start)(Incoming incoming) = nullptr;
};

std::vector<Api> CoreApis();
std::vector<Api> GroupApis();
std::vector<Api> TxnApis();
std::vector<Api> AdminApis();

// All of them by key; made once, any thread.
std::span<const Api> ServedApis();
const Api* FindServedApi(int16_t key);  // nullptr: not served

}  // namespace leat::kafka
