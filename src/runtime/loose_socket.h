// An open socket that belongs to no shard: on its way to one, or closed if nobody takes it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <utility>

namespace leat::runtime {

class LooseSocket {
 public:
  // REQUIRES: no operation is under way.
  explicit LooseSocket(boost::asio::ip::tcp::socket socket);
  LooseSocket(LooseSocket&& from) noexcept : protocol_(from.protocol_), handle_(std::exchange(from.handle_, -1)) {}
  LooseSocket& operator=(LooseSocket&&) = delete;
  ~LooseSocket();
  // On the shard that runs the context; once.
  boost::asio::ip::tcp::socket Take(boost::asio::io_context& context);

 private:
  boost::asio::ip::tcp protocol_;
  int handle_;
};

}  // namespace leat::runtime
