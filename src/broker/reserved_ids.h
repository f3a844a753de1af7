// Names that are the broker's own and no client's.
#pragma once

#include <string_view>

#include "broker/api.h"

namespace leat::broker {

// Of a client that wants to be the producer of `transactional_id`: TRANSACTIONAL_ID_AUTHORIZATION_FAILED for the ids
// that jobs have (run::TransactionalId), since whoever opens one fences the job.
Outcome ClientMayOpen(std::string_view transactional_id);

}  // namespace leat::broker
