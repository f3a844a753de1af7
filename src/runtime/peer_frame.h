// What is said over a connection between two nodes, once both have proved themselves: frames of sixteen bytes and a
// payload. docs/internals/transport.md has the layout. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/owned_bytes.h"
#include "base/status.h"
#include "env/transport.h"

namespace leat::runtime {

enum class FrameKind : uint8_t {
  kAlive = 0,
  kMessage = 1,
  kRequest = 2,
  kAnswer = 3,
  kError = 4,  // in place of an answer
};

struct FrameHeader {
  FrameKind kind = FrameKind::kAlive;
  env::Service service{};
  uint64_t call = 0;  // of requests and their answers
  size_t payload_bytes = 0;
};

struct PeerFrame {
  FrameHeader header;
  OwnedBytes payload;
};

inline constexpr size_t kFrameHeaderBytes = 16;
using FrameHeaderBytes = std::array<char, kFrameHeaderBytes>;

// REQUIRES: the payload has less than 4 GiB.
FrameHeaderBytes EncodeFrameHeader(const FrameHeader& header);
// kInvalidArgument: these bytes are no header, or the payload is larger than `max_payload`.
absl::StatusOr<FrameHeader> DecodeFrameHeader(std::string_view bytes, size_t max_payload);

// The payload of kError. Text of any length is cut; what cannot be read is kUnavailable all the same.
std::string EncodeFrameError(const absl::Status& error);
absl::Status DecodeFrameError(std::string_view payload);

// Cuts what arrives into frames. Small payloads are copied out of the buffer, so that one read takes many; the rest of
// a large one is read to where it stays. One connection's.
class PeerFrameReader {
 public:
  explicit PeerFrameReader(size_t max_payload);

  struct Space {
    char* data = nullptr;
    size_t size = 0;
  };
  // Where the next bytes belong; never empty. REQUIRES: Next gave nothing since the last Commit.
  Space Prepare();
  void Commit(size_t n);
  // The next whole frame; nullopt: more bytes are needed. After an error nothing makes sense any more.
  absl::StatusOr<std::optional<PeerFrame>> Next();

 private:
  std::string_view waiting() const { return {buffer_.get() + begin_, end_ - begin_}; }

  const size_t max_payload_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  // A payload that did not fit; it comes before what is in the buffer.
  std::optional<FrameHeader> large_;
  std::shared_ptr<char[]> body_;
  size_t received_ = 0;
};

}  // namespace leat::runtime
