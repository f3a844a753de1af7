// Where a listener binds.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>

namespace leat::runtime {

// `localhost` is the loopback address also where no hosts file says so, as in a bare container (RFC 6761, 6.3).
inline constexpr const char* kLocalhost = "localhost";
inline constexpr const char* kLoopback = "127.0.0.1";

// The first address of `host`, a name or a number. Blocks while it is looked up.
boost::asio::ip::tcp::endpoint ListenEndpoint(const boost::asio::any_io_executor& executor, const std::string& host,
                                              uint16_t port, boost::system::error_code& error);

}  // namespace leat::runtime
