// The endpoints that need nothing of the broker.
#pragma once

#include <absl/functional/any_invocable.h>

#include <functional>
#include <string>
#include <vector>

#include "admin/router.h"
#include "env/shard.h"

namespace leat::runtime {
class PrometheusMetrics;
}  // namespace leat::runtime

namespace leat::admin {

// Asks whether the broker can serve clients now: it is handed a callback for the reasons why not, a sentence each
// (empty: it can), and may call it on any thread, once. Runs on the server's shard; must not block.
using Reasons = std::vector<std::string>;
using ReadyCheck = std::function<void(absl::AnyInvocable<void(Reasons)> answer)>;

// GET /health/live: 200 as long as the process answers. GET /health/ready: 200, or 503 with the reasons.
void AddHealthRoutes(Router& router, ReadyCheck ready_check);

// GET /metrics in the Prometheus text format. Rendered on a disk thread: with many series it takes milliseconds, which
// the shard (the server's) has better use for.
void AddMetricsRoute(Router& router, env::Shard& shard, const runtime::PrometheusMetrics& metrics);

}  // namespace leat::admin
