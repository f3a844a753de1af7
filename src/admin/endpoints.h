// The endpoints that need nothing of the broker.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/router.h"
#include "env/shard.h"

namespace leat::runtime {
class PrometheusMetrics;
}  // namespace leat::runtime

namespace leat::admin {

// Why the broker cannot serve clients now, a sentence each; empty: it can. On the server's shard; must not block.
using ReadyCheck = std::function<std::vector<std::string>()>;

// GET /health/live: 200 as long as the process answers. GET /health/ready: 200, or 503 with the reasons.
void AddHealthRoutes(Router& router, ReadyCheck not_ready_reasons);

// GET /metrics in the Prometheus text format. Rendered on a disk thread: with many series it takes milliseconds, which
// the shard (the server's) has better use for.
void AddMetricsRoute(Router& router, env::Shard& shard, const runtime::PrometheusMetrics& metrics);

}  // namespace leat::admin
