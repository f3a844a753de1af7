// Produce (0). What the protocol itself asks of the records is checked here; the log checks the batches.
#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <utility>

#include "kafka/admin_support.h"
#include "kafka/cluster_view.h"
#include "kafka/handlers.h"
#include "model/record_batch.h"
#include "wire/messages/produce.h"

namespace leat::kafka {
namespace {

using broker::Outcome;
using model::ErrorCode;
using wire::ProduceRequest;
using wire::ProduceResponse;
using PartitionResponse = ProduceResponse::PartitionProduceResponse;

constexpr int16_t kFirstOfRecordBatches = 3;  // versions before it carry formats that are gone
constexpr int16_t kFirstWithZstd = 7;
constexpr int16_t kFirstOfRisingEpochs = 12;
constexpr int16_t kFirstByTopicId = 13;
constexpr size_t kFewPartitions = 64;  // for which memory is taken before their records were looked at

// Which partition of the response each of the broker's results belongs to.
struct Place {
  size_t topic;
  size_t partition;
};

Outcome CheckRecords(int16_t version, std::optional<std::string_view> records) {
  if (!records || records->empty()) return {ErrorCode::kInvalidRecord, "expected one record batch, got nothing"};
  const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(*records);
  if (!header.ok()) return {ErrorCode::kCorruptMessage, std::string(Message(header.status()))};
  if (header->total_bytes() > records->size()) {
    return {ErrorCode::kCorruptMessage,
            StrCat("a record batch of ", header->total_bytes(), " bytes is cut off after ", records->size())};
  }
  if (header->total_bytes() < records->size()) {
    return {ErrorCode::kInvalidRecord,
            StrCat("expected one record batch, got ", records->size(), " bytes after one of ", header->total_bytes())};
  }
  if (version < kFirstWithZstd && header->compression() == model::Compression::kZstd) {
    return {ErrorCode::kUnsupportedCompressionType, StrCat("zstd needs Produce version ", kFirstWithZstd, " or later")};
  }
  return {};
}

Outcome CheckRequest(int16_t version, int16_t acks) {
  if (version < kFirstOfRecordBatches) {
    return {ErrorCode::kUnsupportedVersion,
            StrCat("the record formats of Produce version ", version, " are not taken any more: use version ",
                   kFirstOfRecordBatches, " or later")};
  }
  if (acks < -1 || acks > 1) {
    return {ErrorCode::kInvalidRequiredAcks, StrCat("expected acks of -1, 0 or 1, got ", acks)};
  }
  return {};
}

void Refuse(const Outcome& outcome, PartitionResponse* partition) {
  partition->error_code = Code(outcome.code);
  partition->base_offset = -1;
  if (!outcome.message.empty()) partition->error_message = outcome.message;
}

// The records without copying them: a part of the frame, which lives as long as they do.
OwnedBytes TakeRecords(const Frame& frame, std::string_view records) {
  return {frame.bytes, frame.bytes.get() + (records.data() - frame.bytes.get()), records.size()};
}

class Translator {
 public:
  Translator(Call& call, const ProduceRequest& request, Reply<ProduceResponse> reply)
      : call_(call), request_(request), reply_(std::move(reply)) {
    // Who wants no answer has to learn of an error all the same, so the broker is asked for the outcome; until it is
    // there the request counts towards the connection's limits, which slows down who sends faster than the disk takes.
    out_.acks = request.acks == 0 ? broker::Acks::kLeader : static_cast<broker::Acks>(request.acks);
    out_.transactional_id = std::string(request.transactional_id.value_or(std::string_view()));
    out_.rules = call.version >= kFirstOfRisingEpochs ? broker::TransactionRules::kEpochRises
                                                      : broker::TransactionRules::kEpochStays;
    out_.missing_topics = broker::MissingTopics::kRefuse;  // clients ask for metadata first, which makes them
  }

  void Run() {
    const Outcome refused = CheckRequest(call_.version, request_.acks);
    if (request_.topic_data.size() == 1)
      out_.partitions.reserve(std::min(request_.topic_data[0].partition_data.size(), kFewPartitions));
    const meta::ImagePtr image = call_.version >= kFirstByTopicId ? call_.broker.ImageOn(call_.shard) : nullptr;
    response_.responses.reserve(request_.topic_data.size());
    for (const auto& topic : request_.topic_data) {
      auto& to = response_.responses.emplace_back();
      to.name = std::string(topic.name);
      to.topic_id = topic.topic_id;
      Outcome unknown = refused;
      std::string name = to.name;
      if (image != nullptr) {
        const meta::TopicPtr found = image->FindTopic(topic.topic_id);
        if (found != nullptr) name = found->name;
        if (found == nullptr) {
          unknown = {ErrorCode::kUnknownTopicId, StrCat("no topic has the id ", topic.topic_id.ToString())};
        }
      }
      to.partition_responses.reserve(topic.partition_data.size());
      for (const auto& partition : topic.partition_data) Add(name, unknown, partition);
    }
  }

  bool nothing_to_do() const { return places_.empty(); }
  broker::ProduceRequest TakeRequest() { return std::move(out_); }

  void Finish(broker::ProduceReply done) {  // on any shard
    call_.worked_on = done.shard;
    for (size_t i = 0; i < places_.size(); ++i) {
      PartitionResponse& to = response_.responses[places_[i].topic].partition_responses[places_[i].partition];
      const broker::ProducePartitionResult& from = done.partitions[i];
      if (!from.outcome.ok()) {
        Refuse(from.outcome, &to);
        continue;
      }
      to.base_offset = from.base_offset.value();
      to.log_append_time_ms = from.log_append_time_ms;
      to.log_start_offset = from.log_start.value();
    }
    if (request_.acks == 0) CloseAfterSilentError();
  }
  // Some partition is led by another broker, of which the client is told: on the call's shard.
  bool has_wrong_leader() const {
    return std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
      return LeaderHints::Fits(response_.responses[place.topic].partition_responses[place.partition].error_code);
    });
  }
  void TellLeaders() {
    const ClusterView view(call_, call_.broker.ImageOn(call_.shard));
    LeaderHints hints(view);
    for (auto& answer : response_.responses) {
      const bool by_id = call_.version >= kFirstByTopicId;
      const meta::TopicPtr topic =
          by_id ? view.image().FindTopic(answer.topic_id) : view.image().FindTopic(answer.name);
      for (PartitionResponse& partition : answer.partition_responses) {
        if (topic == nullptr || !LeaderHints::Fits(partition.error_code)) continue;
        hints.Tell(*topic, partition.index, &partition.current_leader);
      }
    }
    hints.AddEndpoints(&response_.node_endpoints);
  }
  void Answer() { reply_(std::move(response_)); }
  env::Shard& shard() { return call_.shard; }

 private:
  void Add(const std::string& topic, const Outcome& refused, const ProduceRequest::PartitionProduceData& from) {
    auto& partitions = response_.responses.back().partition_responses;
    PartitionResponse& to = partitions.emplace_back();
    to.index = from.index;
    const Outcome outcome = refused.ok() ? CheckRecords(call_.version, from.records) : refused;
    if (!outcome.ok()) return Refuse(outcome, &to);
    places_.push_back({response_.responses.size() - 1, partitions.size() - 1});
    out_.partitions.push_back({{topic, model::PartitionId(from.index)}, TakeRecords(*call_.frame, *from.records)});
  }

  // A client that wants no answer learns of an error by losing its connection, as with Kafka.
  void CloseAfterSilentError() {
    for (const auto& topic : response_.responses) {
      for (const PartitionResponse& partition : topic.partition_responses) {
        if (partition.error_code == 0) continue;
        call_.close_because =
            StrCat("a produce with acks 0 failed: topic '", topic.name, "', partition ", partition.index, ": ",
                   partition.error_message.value_or(""), " (code ", partition.error_code, ")");
        return;
      }
    }
  }

  Call& call_;
  const ProduceRequest& request_;
  Reply<ProduceResponse> reply_;
  broker::ProduceRequest out_;
  ProduceResponse response_;
  absl::InlinedVector<Place, 2> places_;
};

}  // namespace

void HandleProduce(Call& call, const ProduceRequest& request, Reply<ProduceResponse> reply) {
  auto translator = std::make_unique<Translator>(call, request, std::move(reply));
  translator->Run();
  if (translator->nothing_to_do()) {
    translator->Finish({});
    return translator->Answer();
  }
  broker::ProduceRequest out = translator->TakeRequest();
  // As small as it is, the closure needs no memory of its own.
  call.broker.Produce(std::move(out), [translator = std::move(translator)](broker::ProduceReply done) mutable {
    translator->Finish(std::move(done));
    if (!translator->has_wrong_leader()) return translator->Answer();
    env::Shard& shard = translator->shard();
    shard.Post([translator = std::move(translator)] {
      translator->TellLeaders();
      translator->Answer();
    });
  });
}

}  // namespace leat::kafka
