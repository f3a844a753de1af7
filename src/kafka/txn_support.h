// What the handlers of transactions share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/transactions.h"
#include "kafka/admin_support.h"
#include "kafka/call.h"

namespace leat::kafka {

// Older versions of these requests do not know the code PRODUCER_FENCED; INVALID_PRODUCER_EPOCH meant the same.
inline int16_t FencingCode(model::ErrorCode code, int16_t version, int16_t first_with_fenced) {
  if (code == model::ErrorCode::kProducerFenced && version < first_with_fenced) {
    return Code(model::ErrorCode::kInvalidProducerEpoch);
  }
  return Code(code);
}

inline broker::ProducerIdentity Producer(std::string_view transactional_id, int64_t id, int16_t epoch) {
  return {std::string(transactional_id), model::ProducerId(id), epoch};
}

// What answers a request for a producer's id and epoch.
template <class Response>
auto AnswerWithProducerId(int16_t version, int16_t first_with_fenced, Reply<Response> reply) {
  return [=, reply = std::move(reply)](const broker::ProducerIdReply& got) mutable {
    Response response;
    response.error_code = FencingCode(got.outcome.code, version, first_with_fenced);
    response.producer_id = got.producer_id.value();
    response.producer_epoch = got.producer_epoch;
    reply(std::move(response));
  };
}

// Partitions one after the other, as lists by topic: both the element types of requests and of responses.
template <class Topics, class Partitions>
void GroupByTopic(const std::vector<model::TopicPartition>& from, Topics* to, Partitions partitions_of) {
  std::string_view last;
  for (const model::TopicPartition& partition : from) {
    if (to->empty() || partition.topic != last) {
      to->emplace_back().topic = partition.topic;
      last = partition.topic;
    }
    partitions_of(to->back()).push_back(partition.partition.value());
  }
}

}  // namespace leat::kafka
