// Puts bytes into a FrameReader as a socket would.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "kafka/frame_reader.h"
#include "tests/kafka/kafka_client.h"

namespace leat::kafka {

inline std::string Framed(std::string_view body) { return KafkaClient::WithLength(body); }

// As much as one read takes; the rest is left in *bytes.
inline void PutOnce(FrameReader& reader, std::string_view* bytes) {
  size_t n = 0;
  for (const FrameReader::Space& space : reader.Prepare()) {
    const size_t part = std::min(space.size, bytes->size());
    if (part > 0) std::memcpy(space.data, bytes->data(), part);
    bytes->remove_prefix(part);
    n += part;
  }
  reader.Commit(n);
}
inline void Put(FrameReader& reader, std::string_view bytes) { PutOnce(reader, &bytes); }

// Reads everything, and takes the frames as they become whole.
inline std::vector<std::string> Feed(FrameReader& reader, std::string_view bytes) {
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    PutOnce(reader, &bytes);
    while (true) {
      absl::StatusOr<std::optional<Frame>> frame = reader.Next();
      EXPECT_TRUE(frame.ok()) << frame.status();
      if (!frame.ok() || !frame->has_value()) break;
      frames.emplace_back((*frame)->view());
    }
  }
  return frames;
}

}  // namespace leat::kafka
