// What a handler of the Kafka protocol gets and gives. A handler translates between wire structs and the broker's own
// requests, and decides nothing itself:
//
//   void HandleMetadata(Call& call, const wire::MetadataRequest& request, Reply<wire::MetadataResponse> reply);
//
// It runs on the connection's shard and must not block. `call`, `request` and the frame that the request borrows from
// live until `reply` has been called (or destroyed), and not longer. The reply is called exactly once, on any shard's
// thread; answers leave in the order of the requests whatever the order of the replies. A reply that is destroyed
// uncalled closes the connection.
#pragma once

#include <absl/functional/any_invocable.h>

#include <cstdint>
#include <string>

#include "broker/broker.h"
#include "env/shard.h"
#include "kafka/frame.h"

namespace leat::kafka {

class FetchSessionCache;

// Where clients are told to connect, as they are told on the listener that they came in by.
struct Endpoint {
  std::string listener;  // its name, e.g. "default"
  std::string host;
  uint16_t port = 0;
};

struct Call {
  broker::Broker& broker;
  env::Shard& shard;             // the connection's
  const Endpoint& endpoint;      // of the listener that the client came in by
  FetchSessionCache& sessions;   // of the connection's shard; touched there only
  const Frame* frame = nullptr;  // what the request borrows from; its bytes may be kept for longer, as they are shared
  int16_t api_key = 0;
  int16_t version = 0;
  std::string client_id;            // as the client names itself; may be empty
  std::string client_host;          // its address without the port, e.g. "127.0.0.1"
  bool auto_create_topics = false;  // as configured; clients ask for it too
  size_t answer_bytes = 0;          // records that the answer may hold now: a limit below what the client asks for
  // Set by a handler that parks its request (a long poll): runs on the connection's shard, at most once, when the
  // client has gone or the listener stops. The reply is still to be called.
  env::Closure on_abandon;
  // Set, before it replies, by the handler of a request that wants no answer and failed: closing is then the only way
  // to let the client know. Goes to the log with the client's name.
  std::string close_because;
  // Set by a handler before it replies: the shard that does the work of this request. Null: several, or it does not
  // matter.
  const env::Shard* worked_on = nullptr;
};

template <class Response>
using Reply = absl::AnyInvocable<void(Response)>;

}  // namespace leat::kafka
