// What is served of administration: one line an API, with its versions.
#include "kafka/apis.h"
#include "kafka/handlers.h"

namespace leat::kafka {

std::vector<Api> AdminApis() {
  return {};
}

}  // namespace leat::kafka
