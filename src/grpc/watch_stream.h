// The reactor of Views.Watch. It owns itself until gRPC and the broker are done with it.
#pragma once

#include "grpc/services.h"

namespace leat::v1 {
class WatchViewRequest;
class WatchViewResponse;
}  // namespace leat::v1

namespace leat::rpc {

::grpc::ServerWriteReactor<v1::WatchViewResponse>* OpenWatchStream(const ServiceContext& context, broker::Views& views,
                                                                   ::grpc::CallbackServerContext* call,
                                                                   const v1::WatchViewRequest* request);

}  // namespace leat::rpc
