// One HTTP connection as a coroutine; the server's own business. Everything here lives on the server's shard.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <set>
#include <utility>

#include "admin/server.h"
#include "env/gate.h"

namespace leat::admin {

class Connection;

// What the connections share.
struct ServerContext {
  runtime::AsioShard& shard;
  const Router router;
  const HttpServer::Options options;
  env::Metrics& metrics;
  env::Gate gate;
  std::set<Connection*> connections;
  size_t served = 0;   // connections, from their acceptance on
  size_t refused = 0;  // connections over the limit that are being told so
  bool stopping = false;
};

// Counts one connection as long as it lives. It is taken when the connection is accepted: the coroutine begins later.
class Slot {
 public:
  explicit Slot(size_t* count) : count_(count) { ++*count_; }
  Slot(Slot&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Slot& operator=(Slot&&) = delete;
  ~Slot() {
    if (count_ != nullptr) --*count_;
  }

 private:
  size_t* count_;
};

// Serves requests until the client leaves, is too slow or breaks the protocol, or the server stops.
boost::asio::awaitable<void> Serve(ServerContext& context, boost::asio::ip::tcp::socket socket, Slot slot);

// Answers 503 without reading a request, and closes.
boost::asio::awaitable<void> Refuse(ServerContext& context, boost::asio::ip::tcp::socket socket, Slot slot);

// Closes the connection if it waits for a request; one that is being served ends after its answer.
void CloseIfIdle(Connection& connection);

}  // namespace leat::admin
