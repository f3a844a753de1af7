// The requests of the load generator as bytes, made once and sent many times, and a look into their answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/header.h"

namespace leat::load {

struct BatchShape {
  int records = 1;
  int value_bytes = 100;
};

// One uncompressed record batch of random printable values.
std::string MakeBatch(const BatchShape& shape, uint64_t seed);

// Frames with their length in front.
std::string ProduceFrame(const std::string& topic, int32_t partition, int16_t acks, std::string_view batch);
std::string FetchFrame(const std::string& topic, int32_t partition, int64_t offset, int32_t max_bytes);
struct NewTopic {
  std::string name;
  int32_t partitions = 1;
  int16_t copies = 1;
  std::string configs;  // name=value,name=value
};
std::string CreateTopicFrame(const NewTopic& topic);
std::string MetadataFrame(const std::string& topic);
// Sets retention.ms of the topic: a change of the metadata, whose answer comes once it is committed.
std::string ConfigFrame(const std::string& topic, int64_t retention_ms);

inline constexpr int16_t kMetadataVersion = 4;
inline constexpr int16_t kQuorumVersion = 0;

// Any request of the tables, with its header and length in front.
template <class Request>
std::string Frame(const Request& request, int16_t version) {
  wire::Writer out;
  out.BeginFrame();
  wire::EncodeRequestHeader(out, {Request::kApiKey, version, 1, "kafka_load"});
  request.Encode(out, version);
  return out.TakeString();
}

struct Answered {
  int16_t error = 0;
  int64_t records = 0;
  int64_t bytes = 0;
  int64_t next_offset = -1;  // of a fetch that brought records
};
// The answers to the frames above, without their length. They are of one topic and one partition, which makes reading
// them by hand cheap: the client must cost next to nothing. An answer that is cut off has error -1.
Answered ReadProduceAnswer(std::string_view frame);
Answered ReadFetchAnswer(std::string_view frame);
Answered ReadCreateTopicAnswer(std::string_view frame);
Answered ReadConfigAnswer(std::string_view frame);

}  // namespace leat::load
