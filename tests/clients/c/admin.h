// Calls of librdkafka's admin API, each with a fresh handle and an answer in bounded time.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "client.h"

namespace clients {

using Event = std::unique_ptr<rd_kafka_event_t, Destroy<rd_kafka_event_destroy>>;
using Call = std::function<void(rd_kafka_t*, rd_kafka_queue_t*)>;

// The answer of the whole call, which must not be an error; the answers for single topics or groups may be.
Event Ask(const Call& call);

void CreateTopic(const std::string& topic, int partitions, const std::map<std::string, std::string>& config = {});
rd_kafka_resp_err_t TryCreateTopic(const std::string& topic, int partitions,
                                   const std::map<std::string, std::string>& config = {});
rd_kafka_resp_err_t TryDeleteTopic(const std::string& topic);
// -1: there is no such topic.
int CountPartitions(const std::string& topic);

}  // namespace clients
