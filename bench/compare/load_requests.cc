#include "bench/compare/load_requests.h"

#include <absl/strings/str_split.h>

#include <chrono>

#include "base/bytes.h"
#include "base/check.h"
#include "base/random.h"
#include "base/strings.h"
#include "model/record_batch.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/fetch.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/metadata.h"
#include "wire/messages/produce.h"

namespace leat::load {
namespace {

constexpr int16_t kProduceVersion = 8;
constexpr int16_t kFetchVersion = 11;
constexpr int16_t kCreateTopicsVersion = 4;
constexpr int16_t kAlterConfigsVersion = 0;
constexpr int8_t kTopicResource = 2;
constexpr int16_t kCutOff = -1;

// Behind the correlation id.
BytesReader Body(std::string_view frame) {
  BytesReader in(frame);
  in.Read<int32_t>();
  return in;
}
void SkipText(BytesReader& in) { in.ReadBytes(in.Read<int16_t>()); }

// Adds what whole batches hold. The last one may be cut off by the answer's limit.
void CountBatches(std::string_view batches, Answered& answered) {
  while (batches.size() >= model::kBatchHeaderBytes) {
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(batches);
    if (!header.ok() || header->total_bytes() > batches.size()) return;
    answered.records += header->record_count;
    answered.next_offset = header->next_offset().value();
    batches.remove_prefix(header->total_bytes());
  }
}

}  // namespace

std::string MakeBatch(const BatchShape& shape, uint64_t seed) {
  Random random(seed);
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  model::BatchBuilder builder({});
  std::string value(static_cast<size_t>(shape.value_bytes), ' ');
  for (int i = 0; i < shape.records; ++i) {
    for (char& c : value) c = static_cast<char>(' ' + random.Below(90));
    builder.Add(now_ms, std::nullopt, value);
  }
  absl::StatusOr<std::string> batch = builder.Finish();
  LEAT_CHECK(batch.ok()) << batch.status();
  return *std::move(batch);
}

std::string ProduceFrame(const std::string& topic, int32_t partition, int16_t acks, std::string_view batch) {
  wire::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 30000;
  auto& data = request.topic_data.emplace_back();
  data.name = topic;
  auto& part = data.partition_data.emplace_back();
  part.index = partition;
  part.records = batch;
  return Frame(request, kProduceVersion);
}

std::string FetchFrame(const std::string& topic, int32_t partition, int64_t offset, int32_t max_bytes) {
  wire::FetchRequest request;
  request.max_wait_ms = 500;
  request.min_bytes = 1;
  request.max_bytes = max_bytes;
  request.session_epoch = -1;
  auto& asked = request.topics.emplace_back();
  asked.topic = topic;
  auto& part = asked.partitions.emplace_back();
  part.partition = partition;
  part.fetch_offset = offset;
  part.partition_max_bytes = max_bytes;
  return Frame(request, kFetchVersion);
}

std::string CreateTopicFrame(const NewTopic& topic) {
  wire::CreateTopicsRequest request;
  auto& made = request.topics.emplace_back();
  made.name = topic.name;
  made.num_partitions = topic.partitions;
  made.replication_factor = topic.copies;
  const std::vector<std::string> pairs = absl::StrSplit(ToAbsl(topic.configs), ',', absl::SkipEmpty());
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    auto& config = made.configs.emplace_back();
    config.name = std::string_view(pair).substr(0, equals);
    if (equals != std::string::npos) config.value = std::string_view(pair).substr(equals + 1);
  }
  return Frame(request, kCreateTopicsVersion);
}

std::string MetadataFrame(const std::string& topic) {
  wire::MetadataRequest request;
  request.topics.emplace().emplace_back().name = topic;
  request.allow_auto_topic_creation = false;
  return Frame(request, kMetadataVersion);
}

std::string ConfigFrame(const std::string& topic, int64_t retention_ms) {
  wire::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = kTopicResource;
  resource.resource_name = topic;
  const std::string value = StrCat(retention_ms);
  auto& config = resource.configs.emplace_back();
  config.name = "retention.ms";
  config.value = value;
  return Frame(request, kAlterConfigsVersion);
}

Answered ReadProduceAnswer(std::string_view frame) {
  BytesReader in = Body(frame);
  in.Read<int32_t>();  // topics
  SkipText(in);
  in.Read<int32_t>();  // partitions
  in.Read<int32_t>();  // index
  Answered answered;
  answered.error = in.Read<int16_t>();
  if (!in.ok()) answered.error = kCutOff;
  return answered;
}

Answered ReadFetchAnswer(std::string_view frame) {
  BytesReader in = Body(frame);
  in.Read<int32_t>();                        // throttle time
  const int16_t whole = in.Read<int16_t>();  // error of the request
  in.Read<int32_t>();                        // session
  in.Read<int32_t>();                        // topics
  SkipText(in);
  in.Read<int32_t>();  // partitions
  in.Read<int32_t>();  // index
  Answered answered;
  answered.error = in.Read<int16_t>();
  if (whole != 0) answered.error = whole;
  in.ReadBytes(3 * sizeof(int64_t));  // high watermark, last stable offset, log start
  const int32_t aborted = in.Read<int32_t>();
  if (aborted > 0) in.ReadBytes(int64_t{aborted} * 2 * static_cast<int64_t>(sizeof(int64_t)));
  in.Read<int32_t>();  // preferred read replica
  const int32_t size = in.Read<int32_t>();
  if (!in.ok()) {
    answered.error = kCutOff;
  } else if (size > 0) {
    answered.bytes = size;
    CountBatches(in.ReadBytes(size), answered);
  }
  return answered;
}

Answered ReadCreateTopicAnswer(std::string_view frame) {
  BytesReader in = Body(frame);
  in.Read<int32_t>();  // throttle time
  in.Read<int32_t>();  // topics
  SkipText(in);
  Answered answered;
  answered.error = in.Read<int16_t>();
  if (!in.ok()) answered.error = kCutOff;
  return answered;
}

Answered ReadConfigAnswer(std::string_view frame) {
  BytesReader in = Body(frame);
  in.Read<int32_t>();  // throttle time
  in.Read<int32_t>();  // resources
  Answered answered;
  answered.error = in.Read<int16_t>();
  if (!in.ok()) answered.error = kCutOff;
  return answered;
}

}  // namespace leat::load
