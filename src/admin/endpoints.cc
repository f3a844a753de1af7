#include "admin/endpoints.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <utility>

#include "runtime/prometheus_metrics.h"

namespace leat::admin {

void AddHealthRoutes(Router& router, ReadyCheck not_ready_reasons) {
  router.Route(Method::kGet, "/health/live",
               [](const Request&, Responder respond) { respond({.body = "{\"status\":\"live\"}\n"}); });
  router.Route(Method::kGet, "/health/ready",
               [check = std::move(not_ready_reasons)](const Request&, Responder respond) {
                 const std::vector<std::string> reasons = check();
                 if (reasons.empty()) return respond({.body = "{\"status\":\"ready\"}\n"});
                 boost::json::array list;
                 std::string message = "the broker cannot serve clients: ";
                 for (const std::string& reason : reasons) {
                   message += (list.empty() ? "" : "; ") + reason;
                   list.emplace_back(reason);
                 }
                 boost::json::object body;
                 body["error"] = {{"code", "not_ready"}, {"message", message}, {"reasons", std::move(list)}};
                 respond({.status = 503, .body = boost::json::serialize(body) + "\n"});
               });
}

void AddMetricsRoute(Router& router, env::Shard& shard, const runtime::PrometheusMetrics& metrics) {
  router.Route(Method::kGet, "/metrics", [&shard, &metrics](const Request&, Responder respond) {
    auto text = std::make_shared<std::string>();
    shard.RunBlocking(
        [text, &metrics] {
          *text = metrics.RenderText();
          return absl::OkStatus();
        },
        [text, respond = std::move(respond)](const absl::Status& status) mutable {
          if (!status.ok()) return respond(ErrorResponse(503, "overloaded", Message(status)));
          respond({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(*text)});
        });
  });
}

}  // namespace leat::admin
