// The endpoints that show the broker: topics, lag and jobs, as JSON. docs/http.md lists their fields.
#pragma once

#include "admin/endpoints.h"
#include "admin/router.h"

namespace leat::broker {
class Broker;
}  // namespace leat::broker

namespace leat::admin {

// GET /v1/topics, /v1/topics/{topic}, /v1/lag[?group=], /v1/jobs, /v1/jobs/{job}, /v1/cluster. `broker` outlives the
// server that the router is given to.
void AddBrokerRoutes(Router& router, broker::Broker& broker);

// The broker's own word on whether it can take requests.
ReadyCheck BrokerReadyCheck(broker::Broker& broker);

}  // namespace leat::admin
