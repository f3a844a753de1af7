// What is served of groups: one line an API, with its versions.
#include "kafka/apis.h"
#include "kafka/handlers.h"

namespace leat::kafka {

std::vector<Api> GroupApis() { return {}; }

}  // namespace leat::kafka
