#include "group/effects.h"

namespace leat::group {

// Not inline: where gcc 12 sees through it, it warns of alternatives of the reply that are not there.
void Outbox::Answer(RequestId to, Reply reply) { effects_.answers.push_back({to, std::move(reply)}); }

}  // namespace leat::group
