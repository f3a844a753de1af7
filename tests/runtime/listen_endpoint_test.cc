#include "runtime/listen_endpoint.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace leat::runtime {
namespace {

TEST(ListenEndpoint, KnowsNumbersAndLocalhost) {
  boost::asio::io_context context;
  boost::system::error_code error;
  EXPECT_EQ(ListenEndpoint(context.get_executor(), "127.0.0.2", 7, error).address().to_string(), "127.0.0.2");
  EXPECT_FALSE(error);
  const auto local = ListenEndpoint(context.get_executor(), "localhost", 7, error);
  EXPECT_FALSE(error) << error.message();
  EXPECT_TRUE(local.address().is_loopback());
  EXPECT_EQ(local.port(), 7);
}

TEST(ListenEndpoint, SaysThatANameIsUnknown) {
  boost::asio::io_context context;
  boost::system::error_code error;
  ListenEndpoint(context.get_executor(), "no such host", 7, error);
  EXPECT_TRUE(error);
}

}  // namespace
}  // namespace leat::runtime
