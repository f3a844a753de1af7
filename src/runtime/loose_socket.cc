#include "runtime/loose_socket.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "base/check.h"

namespace leat::runtime {
namespace {

using boost::asio::ip::tcp;

tcp ProtocolOf(const tcp::socket& socket) {
  boost::system::error_code error;
  const tcp::endpoint local = socket.local_endpoint(error);
  return error ? tcp::v4() : local.protocol();
}

}  // namespace

LooseSocket::LooseSocket(tcp::socket socket) : protocol_(ProtocolOf(socket)) {
  boost::system::error_code error;
  handle_ = socket.release(error);
  LEAT_CHECK(!error) << "a socket without operations can be released: " << error.message();
}

LooseSocket::~LooseSocket() {
  if (handle_ >= 0) ::close(handle_);
}

tcp::socket LooseSocket::Take(boost::asio::io_context& context) {
  LEAT_CHECK(handle_ >= 0) << "a loose socket was taken twice";
  return {context, protocol_, std::exchange(handle_, -1)};
}

}  // namespace leat::runtime
