// The APIs that are served: a table made of one line an API. Each family of handlers has its own table, in its own file
// apis_<family>.cc, with lines such as (serve.h)
//
//   Serve<&HandleHeartbeat>(0, 4),
//
// What is not in a table is not advertised, and a request for it closes the connection, as Kafka does.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kafka/call.h"
#include "kafka/frame.h"

namespace leat::kafka {

// The bytes of one answer, length and header included, in pieces that are written one after the other.
struct Answer {
  std::vector<std::string> chunks;  // empty: no answer is to be sent
  int16_t error = 0;                // the first code that the answer carries, for the metrics
  std::string close_because;        // not empty: when the answers before this one have left, the connection is closed
};

// Gets the answer of one request; on any shard's thread, one of the two, once.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  virtual void Take(Answer answer) = 0;
  virtual void Abandon() = 0;  // there will be none: the connection cannot go on
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

// A request that has been decoded, and what it borrows from. Whoever starts it keeps it until the sink was called.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void Run() = 0;  // calls the handler, which may answer at once; once
  virtual Call& call() = 0;
};

struct Api {
  int16_t key = 0;
  int16_t min_version = 0;
  int16_t max_version = 0;
  std::string_view name;
  // kInvalidArgument: the body is not what its version says; the sink will not be called.
  absl::StatusOr<std::unique_ptr<Exchange>> (*decode)(Incoming incoming) = nullptr;
};

std::vector<Api> CoreApis();
std::vector<Api> GroupApis();
std::vector<Api> TxnApis();
std::vector<Api> AdminApis();

// All of them by key; made once, any thread.
std::span<const Api> ServedApis();
const Api* FindServedApi(int16_t key);  // nullptr: not served

}  // namespace leat::kafka
