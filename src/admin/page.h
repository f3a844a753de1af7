// The page at GET /: what the daemon's JSON says, drawn in a browser. Made of page/page.html when the program is built;
// it asks nobody but the daemon that it came from.
#pragma once

#include <string_view>

#include "admin/router.h"

namespace leat::admin {

extern const std::string_view kPage;        // HTML
extern const std::string_view kPagePolicy;  // its Content-Security-Policy

void AddPageRoute(Router& router);

}  // namespace leat::admin
