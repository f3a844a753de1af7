// GET /v1/views, /v1/views/{view}. docs/http.md says what they take and answer.
#pragma once

#include "admin/router.h"

namespace leat::broker {
class Views;
}  // namespace leat::broker

namespace leat::admin {

// `views` outlives the server that the router is given to.
void AddViewRoutes(Router& router, broker::Views& views);

}  // namespace leat::admin
