// The options about sending that every producing command has.
#pragma once

#include <string>

#include "leat/client/producer.h"
#include "tools/leat/context.h"

namespace leat::tool {

struct ProducerFlags {
  client::ProducerOptions options;
  double records_per_second = 0;
  std::string compression = "none";
  std::string acks = "all";
  std::string linger = "5ms";
};

void AddProducerFlags(CLI::App* command, ProducerFlags* flags);
// Turns the texts into options; call it in the command's callback.
void SettleProducerFlags(ProducerFlags* flags);

}  // namespace leat::tool
