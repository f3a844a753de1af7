#include <string>

#include "admin/page.h"

namespace leat::admin {

void AddPageRoute(Router& router) {
  router.Route(Method::kGet, "/", [](const Request&, Responder respond) {
    respond({.content_type = "text/html; charset=utf-8",
             .body = std::string(kPage),
             .headers = {{"Cache-Control", "no-cache"},
                         {"Content-Security-Policy", std::string(kPagePolicy)},
                         {"Referrer-Policy", "no-referrer"},
                         {"X-Content-Type-Options", "nosniff"}}});
  });
}

}  // namespace leat::admin
