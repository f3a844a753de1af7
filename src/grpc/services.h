// The services of the public API, each over the broker's handlers. Made by GrpcServer, which owns them; what they refer
// to outlives them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "broker/broker.h"
#include "grpc/server.h"
#include "grpc/stream_registry.h"

namespace leat::broker {
class Views;
}  // namespace leat::broker

namespace leat::v1 {
class FetchRequest;
class FetchResponse;
class ProduceRequest;
class ProduceResponse;
}  // namespace leat::v1

namespace leat::rpc {

struct ServiceContext {
  broker::Broker& broker;
  const ServerOptions& options;
  StreamRegistry& streams;
};

std::unique_ptr<::grpc::Service> MakeLogService(const ServiceContext& context);
std::unique_ptr<::grpc::Service> MakeAdminService(broker::Broker& broker);
std::unique_ptr<::grpc::Service> MakeClusterService(broker::Broker& broker);
std::unique_ptr<::grpc::Service> MakeGroupsService(const ServiceContext& context);
std::unique_ptr<::grpc::Service> MakeJobsService(broker::Broker& broker);
std::unique_ptr<::grpc::Service> MakeTransactionsService(broker::Broker& broker);
std::unique_ptr<::grpc::Service> MakeViewsService(const ServiceContext& context, broker::Views& views);

// Reactors of the two streaming calls. They own themselves until gRPC and the broker are done with them.
::grpc::ServerBidiReactor<v1::ProduceRequest, v1::ProduceResponse>* OpenProduceStream(
    const ServiceContext& context, ::grpc::CallbackServerContext* call);
::grpc::ServerWriteReactor<v1::FetchResponse>* OpenFetchStream(const ServiceContext& context,
                                                               ::grpc::CallbackServerContext* call,
                                                               const v1::FetchRequest* request);

}  // namespace leat::rpc
