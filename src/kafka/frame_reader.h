// Cuts what a connection receives into frames (a length of four bytes, big-endian, and so many bytes). Pure; one shard.
//
// Small frames are copied out of a small buffer, so that one read takes many; the body of a large one is read to where
// it stays. A frame's memory grows with what has arrived, not with what its length promises.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "kafka/frame.h"

namespace leat::kafka {

class FrameReader {
 public:
  struct Options {
    size_t max_frame_bytes = size_t{32} << 20;
    size_t min_buffer_bytes = size_t{2} << 10;    // held while idle
    size_t max_buffer_bytes = size_t{32} << 10;   // grown to when reads fill the buffer
    size_t first_body_bytes = size_t{256} << 10;  // given to a frame before that much of it has arrived
  };
  // `options` outlives the reader.
  explicit FrameReader(const Options& options);
  FrameReader(FrameReader&&) = default;
  // Goes on where `from` ends, with other options.
  FrameReader(FrameReader from, const Options& options);

  struct Space {
    char* data = nullptr;
    size_t size = 0;
  };
  // Where the next bytes belong, in this order; the second may be empty, the first never is. Valid until the next call
  // of anything else. REQUIRES: !HasFrame().
  std::array<Space, 2> Prepare();
  // `n` bytes were put there.
  void Commit(size_t n);

  // The next whole frame; nullopt: more bytes are needed. kInvalidArgument: the length is negative, zero or over the
  // limit; nothing that follows makes sense.
  absl::StatusOr<std::optional<Frame>> Next();
  // The first bytes of the next frame if they are there, without taking it: its API key and version.
  std::optional<std::string_view> PeekFront(size_t n) const;
  bool HasFrame() const;      // Next has a frame, or an error
  size_t FrontBytes() const;  // of the next frame, if HasFrame; 0 for an error

  // Bytes that have arrived and were not taken.
  size_t buffered_bytes() const { return body_received_ + (end_ - begin_); }
  bool large() const { return capacity_ > options_->min_buffer_bytes; }
  // Gives memory back when nothing is buffered. REQUIRES: no read is under way into Prepare's space.
  void Shrink();

 private:
  std::string_view waiting() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void Resize(size_t capacity);
  void BeginBody();
  bool FrontIsLarge() const;
  absl::StatusOr<size_t> FrameBytes() const;

  const Options* options_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // of what was not taken
  size_t end_ = 0;
  bool filled_ = false;  // the last read left no room: the next may take more
  // A large frame under way: it comes before what is in the buffer.
  Frame body_;
  size_t body_bytes_ = 0;  // 0: none
  size_t body_received_ = 0;
};

}  // namespace leat::kafka
