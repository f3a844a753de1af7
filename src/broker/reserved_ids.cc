#include "broker/reserved_ids.h"

#include "base/strings.h"
#include "broker/outcomes.h"
#include "stream/run/delivery.h"

namespace leat::broker {

Outcome ClientMayOpen(std::string_view transactional_id) {
  const std::string prefix = run::TransactionalId("");
  if (!transactional_id.starts_with(prefix)) return {};
  return Failed(model::ErrorCode::kTransactionalIdAuthorizationFailed,
                StrCat("transactional id '", transactional_id.substr(0, 300), "': ids that begin with '", prefix,
                       "' belong to the jobs of this cluster; choose another one"));
}

}  // namespace leat::broker
