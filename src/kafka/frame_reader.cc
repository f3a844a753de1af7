#include "kafka/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace leat::kafka {
namespace {

constexpr size_t kLengthBytes = 4;

// What a length that cannot be one looks like, for the log line.
std::string_view Guess(uint32_t length) {
  if (length == 0x47455420 || length == 0x504f5354 || length == 0x48454144) return " (the client speaks HTTP)";
  if ((length >> 16) == 0x1603) return " (the client speaks TLS)";
  return "";
}

}  // namespace

FrameReader::FrameReader(const Options& options) : options_(&options) { Resize(options.min_buffer_bytes); }

FrameReader::FrameReader(FrameReader from, const Options& options) : FrameReader(std::move(from)) {
  options_ = &options;
}

void FrameReader::Resize(size_t capacity) {
  const std::string_view kept = waiting();
  LEAT_CHECK(kept.size() <= capacity) << "a buffer cannot be made smaller than what it holds";
  auto fresh = std::make_unique_for_overwrite<char[]>(capacity);
  if (!kept.empty()) std::memcpy(fresh.get(), kept.data(), kept.size());
  end_ = kept.size();
  begin_ = 0;
  buffer_ = std::move(fresh);
  capacity_ = capacity;
}

void FrameReader::Shrink() {
  filled_ = false;
  if (buffered_bytes() == 0 && capacity_ > options_->min_buffer_bytes) Resize(options_->min_buffer_bytes);
}

std::array<FrameReader::Space, 2> FrameReader::Prepare() {
  const bool full = std::exchange(filled_, false) || end_ == capacity_;
  if (full && capacity_ < options_->max_buffer_bytes && !FrontIsLarge()) {
    Resize(std::min(capacity_ * 4, options_->max_buffer_bytes));
  }
  if (body_bytes_ == 0) BeginBody();
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (body_bytes_ == 0) return {Space{buffer_.get() + end_, capacity_ - end_}, Space{}};
  if (body_received_ == body_.size) {  // more was promised: as much again as has come
    Frame grown = Frame::Of(std::min(body_bytes_, body_.size * 2));
    std::memcpy(grown.bytes.get(), body_.bytes.get(), body_received_);
    body_ = std::move(grown);
  }
  const Space body{body_.bytes.get() + body_received_, body_.size - body_received_};
  // What comes behind a body that is not all there yet would come too early. Not much of it either: where one frame is
  // large the next one is, most likely, and what is in the buffer is copied from there.
  if (body_.size < body_bytes_) return {body, Space{}};
  return {body, Space{buffer_.get() + end_, std::min(capacity_ - end_, options_->min_buffer_bytes)}};
}

// The frame in front gets memory of its own whatever the buffer grows to.
bool FrameReader::FrontIsLarge() const {
  if (body_bytes_ > 0) return true;
  if (waiting().size() < kLengthBytes) return false;
  const absl::StatusOr<size_t> bytes = FrameBytes();
  return bytes.ok() && kLengthBytes + *bytes > options_->max_buffer_bytes;
}

void FrameReader::Commit(size_t n) {
  if (body_bytes_ > 0) {
    const size_t into_body = std::min(n, body_.size - body_received_);
    body_received_ += into_body;
    n -= into_body;
  }
  LEAT_CHECK(n <= capacity_ - end_) << "more bytes than there was room for";
  end_ += n;
  filled_ = n > 0 && end_ == capacity_;
}

absl::StatusOr<size_t> FrameReader::FrameBytes() const {
  const auto length = LoadBigEndian<uint32_t>(waiting().data());
  if (length == 0 || length > options_->max_frame_bytes) {
    return InvalidArgument("expected the length of a request, 1 to ", options_->max_frame_bytes,
                           " (limits.request_bytes), got ", length, Guess(length));
  }
  return length;
}

bool FrameReader::HasFrame() const {
  if (body_bytes_ > 0) return body_received_ == body_bytes_;
  if (waiting().size() < kLengthBytes) return false;
  const absl::StatusOr<size_t> bytes = FrameBytes();
  return !bytes.ok() || waiting().size() >= kLengthBytes + *bytes;
}

size_t FrameReader::FrontBytes() const {
  if (body_bytes_ > 0) return body_bytes_;
  const absl::StatusOr<size_t> bytes = FrameBytes();
  return bytes.value_or(0);
}

std::optional<std::string_view> FrameReader::PeekFront(size_t n) const {
  if (body_bytes_ > 0) {
    if (body_received_ < n) return std::nullopt;
    return body_.view().substr(0, n);
  }
  if (waiting().size() < kLengthBytes + n) return std::nullopt;
  return waiting().substr(kLengthBytes, n);
}

absl::StatusOr<std::optional<Frame>> FrameReader::Next() {
  if (body_bytes_ > 0) {
    if (body_received_ < body_bytes_) return std::nullopt;
    body_bytes_ = body_received_ = 0;
    return std::exchange(body_, Frame{});
  }
  if (waiting().size() < kLengthBytes) return std::nullopt;
  LEAT_ASSIGN_OR_RETURN(const size_t bytes, FrameBytes());
  const std::string_view arrived = waiting().substr(kLengthBytes);
  if (arrived.size() >= bytes) {
    Frame frame = Frame::Of(bytes);
    std::memcpy(frame.bytes.get(), arrived.data(), bytes);
    begin_ += kLengthBytes + bytes;
    return frame;
  }
  return std::nullopt;
}

// A frame that the buffer cannot hold gets memory of its own.
void FrameReader::BeginBody() {
  if (waiting().size() < kLengthBytes) return;
  const absl::StatusOr<size_t> bytes = FrameBytes();
  if (!bytes.ok() || kLengthBytes + *bytes <= capacity_) return;
  const std::string_view arrived = waiting().substr(kLengthBytes);
  LEAT_CHECK(arrived.size() < *bytes) << "a whole frame is taken before more is read";
  body_ = Frame::Of(std::min(*bytes, std::max(options_->first_body_bytes, arrived.size())));
  std::memcpy(body_.bytes.get(), arrived.data(), arrived.size());
  body_bytes_ = *bytes;
  body_received_ = arrived.size();
  begin_ = end_ = 0;
}

}  // namespace leat::kafka
