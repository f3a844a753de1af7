#include "grpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <utility>
#include <vector>

#include "base/check.h"
#include "base/logging.h"
#include "grpc/refusal.h"
#include "grpc/services.h"
#include "runtime/acceptor.h"

namespace leat::rpc {

namespace {

constexpr int kMaxThreads = 4;
constexpr size_t kLookaheadBytes = size_t{4} << 20;  // of one stream that may be on the way
constexpr int kMaxFrameBytes = 1 << 20;
constexpr int kWriteBufferBytes = 1 << 20;
constexpr int kQuietPollMs = 3600 * 1000;

int Millis(Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

// Reflection is the one service that gRPC serves with a thread that waits: one, that hardly ever wakes up.
void BoundThreads(const ServerOptions& options, ::grpc::ServerBuilder* builder) {
  using Option = ::grpc::ServerBuilder::SyncServerOption;
  builder->SetSyncServerOption(Option::NUM_CQS, 1);
  builder->SetSyncServerOption(Option::MIN_POLLERS, 1);
  builder->SetSyncServerOption(Option::MAX_POLLERS, 1);
  builder->SetSyncServerOption(Option::CQ_TIMEOUT_MSEC, kQuietPollMs);
  ::grpc::ResourceQuota quota("leat");
  quota.SetMaxThreads(kMaxThreads);
  quota.Resize(static_cast<size_t>(options.max_memory_bytes));
  builder->SetResourceQuota(quota);
}

void TuneTransport(const ServerOptions& options, ::grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder->SetMaxSendMessageSize(-1);  // answers have limits of their own
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Millis(options.handshake_timeout));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_calls_per_connection);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Millis(options.max_idle));
  // A client that vanished without a word is noticed, and clients may look for us every 10 seconds.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(absl::Minutes(2)));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(absl::Seconds(20)));
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, Millis(absl::Seconds(10)));
  builder->AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, static_cast<int>(kLookaheadBytes));
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kMaxFrameBytes);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, kWriteBufferBytes);
}

// gRPC has no limit for connections, so it does not accept them: it gets them from our acceptor.
runtime::Acceptor::Options AcceptorOptions(const ServerOptions& options) {
  return {.name = "grpc",
          .address = options.address,
          .max_connections = options.max_connections,
          .limit_key = "limits.connections",
          .refusal = RefusalFrames("the broker has as many connections as it may (limits.connections), or no file "
                                   "descriptor left: close some, or try again later")};
}

}  // namespace

struct GrpcServer::Impl {
  Impl(const ServerOptions& server_options, broker::Broker& server_broker, broker::Views* server_views)
      : options(server_options),
        broker(server_broker),
        views(server_views),
        streams(options.max_streams),
        acceptor(AcceptorOptions(options)) {}

  void Stop(Duration patience) {
    acceptor.Stop();
    if (server == nullptr) return;
    if (auto* health = server->GetHealthCheckService(); health != nullptr) health->Shutdown();
    streams.Drain();
    server->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                  gpr_time_from_micros(absl::ToInt64Microseconds(patience), GPR_TIMESPAN)));
    server->Wait();
    server.reset();
  }

  const ServerOptions options;
  broker::Broker& broker;
  broker::Views* const views;
  StreamRegistry streams;
  std::vector<std::unique_ptr<::grpc::Service>> services;
  runtime::Acceptor acceptor;
  std::unique_ptr<::grpc::experimental::ExternalConnectionAcceptor> connections;
  std::unique_ptr<::grpc::Server> server;
};

GrpcServer::GrpcServer(const ServerOptions& options, broker::Broker& broker, broker::Views* views)
    : impl_(std::make_unique<Impl>(options, broker, views)) {}

GrpcServer::~GrpcServer() { impl_->Stop(absl::ZeroDuration()); }

absl::StatusOr<std::string> GrpcServer::Start() {
  LEAT_CHECK(impl_->server == nullptr) << "started twice";
  const ServerOptions& options = impl_->options;
  absl::StatusOr<std::string> bound = impl_->acceptor.Listen();
  if (!bound.ok()) return Annotate(bound.status(), "listeners.grpc");
  ::grpc::EnableDefaultHealthCheckService(true);
  ::grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  ::grpc::ServerBuilder builder;
  BoundThreads(options, &builder);
  TuneTransport(options, &builder);
  impl_->connections = builder.experimental().AddExternalConnectionAcceptor(
      ::grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, ::grpc::InsecureServerCredentials());
  const ServiceContext context{impl_->broker, options, impl_->streams};
  impl_->services.push_back(MakeLogService(context));
  impl_->services.push_back(MakeAdminService(impl_->broker));
  impl_->services.push_back(MakeClusterService(impl_->broker));
  impl_->services.push_back(MakeGroupsService(context));
  impl_->services.push_back(MakeJobsService(impl_->broker));
  impl_->services.push_back(MakeTransactionsService(impl_->broker));
  if (impl_->views != nullptr) impl_->services.push_back(MakeViewsService(context, *impl_->views));
  for (const auto& service : impl_->services) builder.RegisterService(service.get());
  impl_->server = builder.BuildAndStart();
  LEAT_CHECK(impl_->server != nullptr) << "gRPC binds nothing that could be taken";
  impl_->acceptor.Start([connections = impl_->connections.get()](int fd) {
    ::grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    connections->HandleNewConnection(&connection);
  });
  LogInfo("grpc", "listening on ", *bound);
  return bound;
}

void GrpcServer::Stop(Duration patience) { impl_->Stop(patience); }

}  // namespace leat::rpc
