// What is served of idempotence and transactions: one line an API, with its versions.
#include "kafka/apis.h"
#include "kafka/handlers.h"

namespace leat::kafka {

std::vector<Api> TxnApis() { return {}; }

}  // namespace leat::kafka
