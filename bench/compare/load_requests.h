// The requests of the load generator as bytes, made once and sent many times, and a look into their answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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
std::string CreateTopicFrame(const std::string& topic, int32_t partitions, const std::string& configs);

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

}  // namespace leat::load
