// ListOffsets (2) and OffsetForLeaderEpoch (23).
#include <utility>

#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/offset_for_leader_epoch.h"

namespace leat::kafka {
namespace {

using model::ErrorCode;
using wire::ListOffsetsRequest;
using wire::ListOffsetsResponse;
using wire::OffsetForLeaderEpochRequest;
using wire::OffsetForLeaderEpochResponse;
using Spec = broker::ListOffsetsPartition::Spec;

// What a timestamp below zero asks for, and since which version it may.
enum class Mark : int64_t {
  kLatest = -1,
  kEarliest = -2,
  kMaxTimestamp = -3,
  kEarliestLocal = -4,
  kLatestTiered = -5,
  kEarliestPendingUpload = -6,
};

struct Meaning {
  Mark mark;
  int16_t since;
  std::optional<Spec> spec;  // nullopt: about tiered storage, of which there is none: no offset
};
constexpr Meaning kMeanings[] = {
    {Mark::kLatest, 0, Spec::kLatest},
    {Mark::kEarliest, 0, Spec::kEarliest},
    {Mark::kMaxTimestamp, 7, Spec::kMaxTimestamp},
    {Mark::kEarliestLocal, 8, Spec::kEarliest},
    {Mark::kLatestTiered, 9, std::nullopt},
    {Mark::kEarliestPendingUpload, 11, std::nullopt},
};

const Meaning* MeaningOf(int64_t timestamp) {
  for (const Meaning& meaning : kMeanings) {
    if (static_cast<int64_t>(meaning.mark) == timestamp) return &meaning;
  }
  return nullptr;
}

// Where the broker's results go in the response.
struct Place {
  size_t topic;
  size_t partition;
};

}  // namespace

void HandleListOffsets(Call& call, const ListOffsetsRequest& request, Reply<ListOffsetsResponse> reply) {
  const model::Isolation isolation =
      request.isolation_level == 1 ? model::Isolation::kReadCommitted : model::Isolation::kReadUncommitted;
  ListOffsetsResponse response;
  std::vector<broker::ListOffsetsPartition> asked;
  std::vector<Place> places;
  for (const auto& topic : request.topics) {
    auto& to = response.topics.emplace_back();
    to.name = std::string(topic.name);
    for (const auto& partition : topic.partitions) {
      auto& answer = to.partitions.emplace_back();
      answer.partition_index = partition.partition_index;
      const Meaning* const meaning = MeaningOf(partition.timestamp);
      if (partition.timestamp < 0 && (meaning == nullptr || call.version < meaning->since)) {
        answer.error_code = Code(ErrorCode::kUnsupportedVersion);
        continue;
      }
      if (meaning != nullptr && !meaning->spec) continue;
      places.push_back({response.topics.size() - 1, to.partitions.size() - 1});
      asked.push_back({.partition = {to.name, model::PartitionId(partition.partition_index)},
                       .spec = meaning == nullptr ? Spec::kTimestamp : *meaning->spec,
                       .timestamp_ms = partition.timestamp,
                       .isolation = isolation,
                       .current_epoch = model::LeaderEpoch(partition.current_leader_epoch)});
    }
  }
  if (asked.empty()) return reply(std::move(response));
  call.broker.ListOffsets(std::move(asked),
                          [response = std::move(response), places = std::move(places),
                           reply = std::move(reply)](const std::vector<broker::ListOffsetsResult>& results) mutable {
                            for (size_t i = 0; i < results.size(); ++i) {
                              auto& to = response.topics[places[i].topic].partitions[places[i].partition];
                              to.error_code = Code(results[i].outcome.code);
                              to.offset = results[i].offset.value();
                              to.timestamp = results[i].timestamp_ms;
                              to.leader_epoch = results[i].leader_epoch.value();
                            }
                            reply(std::move(response));
                          });
}

void HandleOffsetForLeaderEpoch(Call& call, const OffsetForLeaderEpochRequest& request,
                                Reply<OffsetForLeaderEpochResponse> reply) {
  OffsetForLeaderEpochResponse response;
  std::vector<broker::ListOffsetsPartition> asked;
  for (const auto& topic : request.topics) {
    auto& to = response.topics.emplace_back();
    to.topic = std::string(topic.topic);
    for (const auto& partition : topic.partitions) {
      auto& answer = to.partitions.emplace_back();
      answer.partition = partition.partition;
      asked.push_back({.partition = {to.topic, model::PartitionId(partition.partition)},
                       .spec = Spec::kEndOfEpoch,
                       .epoch = model::LeaderEpoch(partition.leader_epoch),
                       .current_epoch = model::LeaderEpoch(partition.current_leader_epoch)});
    }
  }
  if (asked.empty()) return reply(std::move(response));
  call.broker.ListOffsets(std::move(asked), [response = std::move(response), reply = std::move(reply)](
                                                const std::vector<broker::ListOffsetsResult>& results) mutable {
    size_t next = 0;
    for (auto& topic : response.topics) {
      for (auto& partition : topic.partitions) {
        const broker::ListOffsetsResult& result = results[next++];
        partition.error_code = Code(result.outcome.code);
        partition.leader_epoch = result.leader_epoch.value();
        partition.end_offset = result.offset.value();
      }
    }
    reply(std::move(response));
  });
}

}  // namespace leat::kafka
