// Clients that mean no good, or are broken: each is answered or closed, and those who behave are served meanwhile.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <vector>

#include "grpc/server.h"
#include "leat/v1/admin.grpc.pb.h"
#include "leat/v1/log.grpc.pb.h"
#include "tests/grpc/calls.h"
#include "tests/grpc/fake_broker_impl.h"
#include "tests/support/raw_socket.h"

namespace leat::rpc {
namespace {

using leat::test::RawSocket;
using ::testing::HasSubstr;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string kSettings("\0\0\0\4\0\0\0\0\0", 9);
constexpr size_t kFrameHeader = 9;
constexpr char kGoAway = 7;
constexpr size_t kConnections = 20;
constexpr size_t kStreams = 100;

class HostileTest : public ::testing::Test {
 protected:
  HostileTest()
      : server_({.address = "127.0.0.1:0",
                 .max_message_bytes = 1 << 20,
                 .max_connections = kConnections,
                 .max_streams = kStreams,
                 .handshake_timeout = absl::Milliseconds(300)},
                broker_) {
    const auto bound = server_.Start();
    EXPECT_TRUE(bound.ok()) << bound.status();
    address_ = *bound;
    broker_.AddTopic("t", 1);
  }

  // A connection of its own for each channel: gRPC would share them.
  std::shared_ptr<::grpc::Channel> NewChannel() const {
    ::grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return ::grpc::CreateCustomChannel(address_, ::grpc::InsecureChannelCredentials(), arguments);
  }
  ::grpc::Status Ask(const std::shared_ptr<::grpc::Channel>& channel) const {
    ::grpc::ClientContext context;
    v1::DescribeClusterResponse response;
    return v1::Admin::NewStub(channel)->DescribeCluster(&context, {}, &response);
  }
  void ExpectServed() const {
    const ::grpc::Status status = Ask(NewChannel());
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  FakeBroker broker_;
  GrpcServer server_;
  std::string address_;
};

TEST_F(HostileTest, AnOversizedMessageIsRefusedWithTheLimit) {
  const auto channel = NewChannel();
  const auto log = v1::Log::NewStub(channel);
  ::grpc::ClientContext context;
  const auto stream = log->Produce(&context);
  v1::ProduceRequest request;
  auto* partition = request.add_partitions();
  partition->set_topic("t");
  partition->set_batches(std::string(size_t{2} << 20, 'x'));
  stream->Write(request);
  const ::grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("larger than max"));
  EXPECT_EQ(broker_.produce_requests(), 0u);
  EXPECT_TRUE(Ask(channel).ok()) << "the connection is still good";
}

TEST_F(HostileTest, AMessageOneByteOverTheLimitIsRefused) {
  const RawAnswer answer =
      CallRaw(NewChannel(), "/leat.v1.Admin/DescribeCluster", std::string((size_t{1} << 20) + 1, '\xff'));
  EXPECT_EQ(answer.status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  ExpectServed();
}

TEST_F(HostileTest, AMessageThatIsNoProtobufIsRefused) {
  const RawAnswer answer = CallRaw(NewChannel(), "/leat.v1.Admin/DescribeTopics", "\xff\xff\xff\xff");
  EXPECT_FALSE(answer.status.ok());
  ExpectServed();
}

TEST_F(HostileTest, AnUnknownMethodIsUnimplemented) {
  for (const char* method : {"/leat.v1.Log/Nope", "/leat.v2.Log/Produce", "/", "/a/b/c"}) {
    EXPECT_EQ(CallRaw(NewChannel(), method, "").status.error_code(), ::grpc::StatusCode::UNIMPLEMENTED) << method;
  }
  ExpectServed();
}

TEST_F(HostileTest, GarbageIsClosed) {
  for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(4096, '\0'),
                                     std::string(4096, '\xff'), StrCat(kPreface, std::string(4096, '\xff'))}) {
    const RawSocket socket(address_);
    socket.Send(garbage);
    socket.ReadToEnd();  // ends: the server closes
  }
  ExpectServed();
}

TEST_F(HostileTest, SilenceAndHalfAFrameAreClosedAfterTheHandshakeTimeout) {
  const RawSocket silent(address_);
  const RawSocket half(address_);
  half.Send(std::string_view(kPreface).substr(0, 10));
  const RawSocket half_frame(address_);
  half_frame.Send(StrCat(kPreface, std::string_view(kSettings).substr(0, 5)));
  ExpectServed();
  silent.ReadToEnd();
  half.ReadToEnd();
  half_frame.ReadToEnd();
}

TEST_F(HostileTest, AConnectionOverTheLimitIsToldWhy) {
  std::vector<std::shared_ptr<::grpc::Channel>> channels;
  for (size_t i = 0; i < kConnections; ++i) ASSERT_TRUE(Ask(channels.emplace_back(NewChannel())).ok());
  const std::string refusal = RawSocket(address_).ReadToEnd();
  EXPECT_EQ(refusal[3], kGoAway);
  EXPECT_EQ(refusal.substr(0, 3), std::string({0, 0, static_cast<char>(refusal.size() - kFrameHeader)}));
  EXPECT_THAT(refusal, HasSubstr("limits.connections"));
  const ::grpc::Status status = Ask(NewChannel());
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::UNAVAILABLE);
  for (const auto& channel : channels) EXPECT_TRUE(Ask(channel).ok());
}

TEST_F(HostileTest, ConnectionsThatComeAndGoDoNotUseUpTheLimit) {
  for (size_t i = 0; i < 10 * kConnections; ++i) {
    const RawSocket socket(address_);
    socket.Send("not HTTP/2 at all, which is why the server closes it");
    socket.ReadToEnd();
  }
  ExpectServed();
}

TEST_F(HostileTest, StreamsOverTheLimitAreRefusedAndTheOthersServed) {
  const auto channel = NewChannel();
  const auto log = v1::Log::NewStub(channel);
  struct Followed {
    ::grpc::ClientContext context;
    std::unique_ptr<::grpc::ClientReader<v1::FetchResponse>> reader;
  };
  std::vector<Followed> followed(kStreams);
  v1::FetchRequest request;
  request.add_partitions()->set_topic("t");
  request.set_follow(true);
  for (Followed& each : followed) each.reader = log->Fetch(&each.context, request);
  broker_.WaitForParked(kStreams);
  for (int i = 0; i < 2000; ++i) {
    ::grpc::ClientContext context;
    const ::grpc::Status status = log->Fetch(&context, request)->Finish();
    ASSERT_EQ(status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
    ASSERT_THAT(status.error_message(), HasSubstr("limits.connections"));
  }
  ExpectServed();
  for (Followed& each : followed) each.context.TryCancel();
  broker_.WaitForNoParked();
}

}  // namespace
}  // namespace leat::rpc
