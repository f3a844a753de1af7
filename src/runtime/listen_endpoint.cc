#include "runtime/listen_endpoint.h"

namespace leat::runtime {

using boost::asio::ip::tcp;

tcp::endpoint ListenEndpoint(const boost::asio::any_io_executor& executor, const std::string& host, uint16_t port,
                             boost::system::error_code& error) {
  tcp::resolver resolver(executor);
  auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
  if (error && host == kLocalhost) found = resolver.resolve(kLoopback, std::to_string(port), error);
  return error ? tcp::endpoint() : found.begin()->endpoint();
}

}  // namespace leat::runtime
