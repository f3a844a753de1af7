// Health and reflection, which come from gRPC: that they are on and answer for our services.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "grpc/server.h"
#include "tests/grpc/calls.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::rpc {
namespace {

using ::testing::HasSubstr;

// Of reflection's ServerReflectionRequest: list_services (field 7) and file_containing_symbol (field 4).
constexpr char kListServices[] = "\x3a\x01*";
std::string FileContaining(std::string_view symbol) {
  return StrCat("\x22", std::string(1, static_cast<char>(symbol.size())), symbol);
}
constexpr char kServing[] = "\x08\x01";  // HealthCheckResponse with status (field 1) SERVING
constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

class ServicesTest : public ::testing::Test {
 protected:
  ServicesTest() : server_({.address = "127.0.0.1:0"}, broker_) {
    const auto bound = server_.Start();
    EXPECT_TRUE(bound.ok()) << bound.status();
    channel_ = ::grpc::CreateChannel(*bound, ::grpc::InsecureChannelCredentials());
  }

  FakeBroker broker_;
  GrpcServer server_;
  std::shared_ptr<::grpc::Channel> channel_;
};

TEST_F(ServicesTest, HealthIsServing) {
  const RawAnswer answer = CallRaw(channel_, "/grpc.health.v1.Health/Check", "");
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.message, kServing);
}

TEST_F(ServicesTest, HealthDoesNotKnowAServiceThatIsNotThere) {
  const RawAnswer answer = CallRaw(channel_, "/grpc.health.v1.Health/Check", "\x0a\x04nope");
  EXPECT_EQ(answer.status.error_code(), ::grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServicesTest, ReflectionListsOurServices) {
  const RawAnswer answer = CallRaw(channel_, kReflection, kListServices);
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  for (const char* service : {"leat.v1.Log", "leat.v1.Admin", "leat.v1.Jobs", "grpc.health.v1.Health"}) {
    EXPECT_THAT(answer.message, HasSubstr(service));
  }
}

TEST_F(ServicesTest, ReflectionDescribesOurMessages) {
  const RawAnswer answer = CallRaw(channel_, kReflection, FileContaining("leat.v1.Log"));
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_THAT(answer.message, HasSubstr("leat/v1/log.proto"));
  EXPECT_THAT(answer.message, HasSubstr("FetchRequest"));
}

TEST_F(ServicesTest, ReflectionSaysWhatItDoesNotKnow) {
  const RawAnswer answer = CallRaw(channel_, kReflection, FileContaining("leat.v1.Nope"));
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_THAT(answer.message, HasSubstr("not found"));
}

}  // namespace
}  // namespace leat::rpc
