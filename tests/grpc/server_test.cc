#include "grpc/server.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "leat/v1/admin.grpc.pb.h"
#include "leat/v1/common.pb.h"
#include "leat/v1/log.grpc.pb.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::rpc {
namespace {

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() : server_({.address = "127.0.0.1:0", .max_message_bytes = 1 << 20}, broker_) {
    const auto bound = server_.Start();
    EXPECT_TRUE(bound.ok()) << bound.status();
    channel_ = ::grpc::CreateChannel(*bound, ::grpc::InsecureChannelCredentials());
    log_ = v1::Log::NewStub(channel_);
  }

  FakeBroker broker_;
  GrpcServer server_;
  std::shared_ptr<::grpc::Channel> channel_;
  std::unique_ptr<v1::Log::Stub> log_;
};

TEST_F(ServerTest, EndsALongPollWhenTheClientGoesAway) {
  broker_.AddTopic("t", 1);
  ::grpc::ClientContext context;
  v1::FetchRequest request;
  request.add_partitions()->set_topic("t");
  request.set_follow(true);
  const auto reader = log_->Fetch(&context, request);
  broker_.WaitForParked(1);
  context.TryCancel();
  broker_.WaitForNoParked();
  EXPECT_EQ(reader->Finish().error_code(), ::grpc::StatusCode::CANCELLED);
}

TEST_F(ServerTest, EndsFollowedStreamsWhenItStops) {
  broker_.AddTopic("t", 1);
  ::grpc::ClientContext context;
  v1::FetchRequest request;
  request.add_partitions()->set_topic("t");
  request.set_follow(true);
  const auto reader = log_->Fetch(&context, request);
  broker_.WaitForParked(1);
  server_.Stop(absl::Seconds(30));
  EXPECT_EQ(reader->Finish().error_code(), ::grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, NamesTheFieldOfABadRequestInTheTrailer) {
  ::grpc::ClientContext context;
  v1::FetchRequest request;
  request.add_partitions()->set_topic("t");
  request.set_max_wait_ms(-5);
  const ::grpc::Status status = log_->Fetch(&context, request)->Finish();
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("leat-error-bin");
  ASSERT_NE(found, trailers.end());
  v1::ErrorDetail detail;
  ASSERT_TRUE(detail.ParseFromString(std::string(found->second.data(), found->second.size())));
  EXPECT_EQ(detail.field(), "max_wait_ms");
  EXPECT_EQ(detail.message(), status.error_message());
}

TEST_F(ServerTest, StopsReadingAStreamWithTooManyUnanswered) {
  broker_.AddTopic("t", 1);
  broker_.Hold();
  ::grpc::ClientContext context;
  const auto stream = log_->Produce(&context);
  v1::ProduceRequest request;
  request.add_partitions()->set_topic("t");
  for (int i = 0; i < 100; ++i) {
    request.set_correlation_id(static_cast<uint64_t>(i));
    ASSERT_TRUE(stream->Write(request));
  }
  broker_.WaitForHeld(64);
  EXPECT_EQ(broker_.held(), 64u);
  broker_.Release();
  v1::ProduceResponse response;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.correlation_id(), static_cast<uint64_t>(i));
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ServerTest, RefusesAnAddressThatIsTaken) {
  GrpcServer first({.address = "127.0.0.1:0"}, broker_);
  const auto bound = first.Start();
  ASSERT_TRUE(bound.ok());
  GrpcServer second({.address = *bound}, broker_);
  EXPECT_TRUE(absl::IsUnavailable(second.Start().status()));
}

}  // namespace
}  // namespace leat::rpc
