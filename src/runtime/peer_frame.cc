#include "runtime/peer_frame.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace leat::runtime {
namespace {

constexpr size_t kBufferBytes = size_t{16} << 10;
constexpr size_t kMaxErrorText = 1000;
constexpr auto kLastKind = static_cast<uint8_t>(FrameKind::kError);

}  // namespace

FrameHeaderBytes EncodeFrameHeader(const FrameHeader& header) {
  LEAT_CHECK(header.payload_bytes <= UINT32_MAX) << "a frame of " << header.payload_bytes << " bytes";
  FrameHeaderBytes out{};
  StoreBigEndian(out.data(), static_cast<uint32_t>(header.payload_bytes));
  out[4] = static_cast<char>(header.kind);
  out[5] = static_cast<char>(header.service);
  StoreBigEndian(out.data() + 8, header.call);
  return out;
}

absl::StatusOr<FrameHeader> DecodeFrameHeader(std::string_view bytes, size_t max_payload) {
  BytesReader reader(bytes);
  FrameHeader out;
  out.payload_bytes = reader.Read<uint32_t>();
  const auto kind = reader.Read<uint8_t>();
  const auto service = reader.Read<uint8_t>();
  const auto unused = reader.Read<uint16_t>();
  out.call = reader.Read<uint64_t>();
  if (!reader.ok() || kind > kLastKind || unused != 0) {
    return InvalidArgument("expected the header of a frame, got kind ", int{kind}, " and ", unused,
                           " in the two bytes that are zero");
  }
  if (out.payload_bytes > max_payload) {
    return InvalidArgument("expected a frame of at most ", max_payload, " bytes, got ", out.payload_bytes);
  }
  out.kind = static_cast<FrameKind>(kind);
  out.service = static_cast<env::Service>(service);
  return out;
}

std::string EncodeFrameError(const absl::Status& error) {
  std::string out(1, static_cast<char>(error.code()));
  out.append(Message(error).substr(0, kMaxErrorText));
  return out;
}

absl::Status DecodeFrameError(std::string_view payload) {
  if (payload.empty() || payload[0] <= 0 || payload[0] > static_cast<char>(absl::StatusCode::kUnauthenticated)) {
    return Unavailable("the other node refused the request with an error that cannot be read");
  }
  return {static_cast<absl::StatusCode>(payload[0]), ToAbsl(payload.substr(1))};
}

PeerFrameReader::PeerFrameReader(size_t max_payload)
    : max_payload_(max_payload), buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

PeerFrameReader::Space PeerFrameReader::Prepare() {
  if (large_) return {body_.get() + received_, large_->payload_bytes - received_};
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  return {buffer_.get() + end_, kBufferBytes - end_};
}

void PeerFrameReader::Commit(size_t n) {
  size_t& filled = large_ ? received_ : end_;
  filled += n;
  LEAT_CHECK(filled <= (large_ ? large_->payload_bytes : kBufferBytes)) << "more bytes than there was room for";
}

absl::StatusOr<std::optional<PeerFrame>> PeerFrameReader::Next() {
  if (large_) {
    if (received_ < large_->payload_bytes) return std::nullopt;
    PeerFrame frame{.header = *large_, .payload = OwnedBytes(body_, body_.get(), received_)};
    body_.reset();
    large_.reset();
    return frame;
  }
  if (waiting().size() < kFrameHeaderBytes) return std::nullopt;
  LEAT_ASSIGN_OR_RETURN(const FrameHeader header, DecodeFrameHeader(waiting(), max_payload_));
  const std::string_view arrived = waiting().substr(kFrameHeaderBytes);
  if (arrived.size() >= header.payload_bytes) {
    begin_ += kFrameHeaderBytes + header.payload_bytes;
    return PeerFrame{.header = header, .payload = std::string(arrived.substr(0, header.payload_bytes))};
  }
  body_ = std::make_shared_for_overwrite<char[]>(header.payload_bytes);
  std::memcpy(body_.get(), arrived.data(), arrived.size());
  received_ = arrived.size();
  large_ = header;
  begin_ = end_ = 0;
  return std::nullopt;
}

}  // namespace leat::runtime
