#include "tests/wire/any_message.h"

namespace leat::wire {

const AnyMessage* FindMessage(int16_t key, bool is_response) {
  for (const AnyMessage& message : AllMessages()) {
    if (message.key == key && message.is_response == is_response) return &message;
  }
  return nullptr;
}

}  // namespace leat::wire
