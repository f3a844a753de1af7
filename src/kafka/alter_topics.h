// What AlterConfigs and CreatePartitions share: of a request that changes several topics, some changes are refused at
// once; the others go to the broker together, and each has its own place in the answer.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "kafka/call.h"

namespace leat::kafka {

struct TopicChanges {
  std::vector<broker::AlterTopic> changes;
  std::vector<size_t> places;  // of each change in the response

  void Add(broker::AlterTopic change, size_t place) {
    changes.push_back(std::move(change));
    places.push_back(place);
  }
};

// Answers with `response` after fill(response, place, result) has been called for every change.
template <class Response, class Fill>
void AlterTopics(Call& call, TopicChanges topics, broker::ChangeMode mode, Response response, Reply<Response> reply,
                 Fill fill) {
  if (topics.changes.empty()) return reply(std::move(response));
  call.broker.AlterTopics(std::move(topics.changes), mode,
                          [response = std::move(response), places = std::move(topics.places), reply = std::move(reply),
                           fill](const std::vector<broker::TopicResult>& results) mutable {
                            for (size_t i = 0; i < results.size(); ++i) fill(response, places[i], results[i]);
                            reply(std::move(response));
                          });
}

}  // namespace leat::kafka
