// What is served of records, and where they are: one line an API, with its versions.
#include "kafka/apis.h"
#include "kafka/handlers.h"

namespace leat::kafka {

std::vector<Api> CoreApis() { return {}; }

}  // namespace leat::kafka
