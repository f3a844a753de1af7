// GET /v1/topics/{topic}/stream and /v1/views/{view}/stream as Server-Sent Events. docs/http.md says what they take and
// send.
#pragma once

#include "admin/router.h"

namespace leat::broker {
class Views;
}  // namespace leat::broker

namespace leat::admin {

// `views` outlives the server that the router is given to.
void AddStreamRoutes(Router& router, broker::Views& views);

}  // namespace leat::admin
