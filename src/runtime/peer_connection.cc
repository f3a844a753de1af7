#include "runtime/peer_connection.h"

#include <absl/container/inlined_vector.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <span>
#include <utility>

#include "runtime/asio_shard.h"

namespace leat::runtime {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kCopied = size_t{4} << 10;      // payloads up to here are copied behind their header
constexpr size_t kTextPiece = size_t{64} << 10;  // of headers and small payloads
constexpr size_t kMaxPieces = 64;                // of one write: what one system call takes

}  // namespace

PeerConnection::PeerConnection(const Ports& ports, asio::ip::tcp::socket socket, Owner& owner, env::Gate::Hold hold)
    : shard_(ports.shard),
      options_(ports.options),
      metrics_(ports.metrics),
      socket_(std::move(socket)),
      owner_(&owner),
      hold_(std::move(hold)),
      reader_(ports.options.max_frame_bytes) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  // What a dead peer never acknowledges does not stay with the kernel for the quarter of an hour that is its default.
  const auto patience =
      static_cast<unsigned int>(absl::ToInt64Milliseconds(options_.alive_interval * (options_.dead_after + 1)));
  setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

PeerConnection::~PeerConnection() = default;

void PeerConnection::Start() { Read(); }

void PeerConnection::Send(const FrameHeader& header, OwnedBytes payload) {
  if (closed_) return;
  const FrameHeaderBytes bytes = EncodeFrameHeader(header);
  Append({bytes.data(), bytes.size()});
  if (payload.size() <= kCopied) {
    Append(payload);
  } else {
    output_bytes_ += payload.size();
    output_.push_back({.text = {}, .payload = std::move(payload)});
  }
  FlushSoon();
}

void PeerConnection::SendRaw(std::string bytes) {
  if (closed_) return;
  Append(bytes);
  FlushSoon();
}

void PeerConnection::Append(std::string_view bytes) {
  output_bytes_ += bytes.size();
  if (output_.empty() || !output_.back().payload.empty() || output_.back().text.size() >= kTextPiece) {
    output_.emplace_back();
  }
  output_.back().text.append(bytes);
}

void PeerConnection::FlushSoon() {
  if (std::exchange(flush_queued_, true)) return;
  shard_.Post([self = shared_from_this()] {
    self->flush_queued_ = false;
    self->Write();
  });
}

void PeerConnection::Write() {
  while (!closed_ && !waiting_for_room_ && !output_.empty()) {
    error_code error;
    const size_t n = WriteSome(error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
      waiting_for_room_ = true;
      socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](const error_code&) {
        self->waiting_for_room_ = false;
        self->Write();
      });
      return;
    }
    if (error) return Lose(Unavailable("the connection broke: ", error.message()));
    Consume(n);
  }
}

size_t PeerConnection::WriteSome(error_code& error) {
  absl::InlinedVector<asio::const_buffer, 8> pieces;
  size_t skip = written_;
  for (size_t i = 0; i < output_.size() && i < kMaxPieces; ++i) {
    const std::string_view view = output_[i].view().substr(std::exchange(skip, 0));
    pieces.push_back(asio::const_buffer(view.data(), view.size()));
  }
  return socket_.write_some(std::span<const asio::const_buffer>(pieces.data(), pieces.size()), error);
}

void PeerConnection::Consume(size_t n) {
  sent_ = true;
  metrics_.bytes_out.Add(static_cast<double>(n));
  output_bytes_ -= n;
  n += written_;
  while (!output_.empty() && n >= output_.front().view().size()) {
    n -= output_.front().view().size();
    output_.pop_front();
  }
  written_ = n;
  Resume();  // what is not taken may have been the reason for a pause
}

void PeerConnection::Read() {
  if (closed_ || reading_ || paused_) return;
  reading_ = true;
  const PeerFrameReader::Space space = reader_.Prepare();
  socket_.async_read_some(asio::buffer(space.data, space.size),
                          [self = shared_from_this()](const error_code& error, size_t n) {
                            self->reading_ = false;
                            self->OnRead(error, n);
                          });
}

void PeerConnection::OnRead(const error_code& error, size_t n) {
  if (closed_) return;
  if (error == asio::error::eof) return Lose(Unavailable("the other node closed the connection"));
  if (error) return Lose(Unavailable("the connection broke: ", error.message()));
  heard_ = true;
  metrics_.bytes_in.Add(static_cast<double>(n));
  reader_.Commit(n);
  TakeFrames();
}

void PeerConnection::TakeFrames() {
  const std::shared_ptr<PeerConnection> self = shared_from_this();  // the owner may let go of it
  while (!closed_) {
    if (!owner_->MayTake()) {
      paused_ = true;
      return;
    }
    absl::StatusOr<std::optional<PeerFrame>> frame = reader_.Next();
    if (!frame.ok()) return Lose(frame.status());
    if (!frame->has_value()) return Read();
    if ((*frame)->header.kind != FrameKind::kAlive) owner_->OnFrame(*std::move(*frame));
  }
}

void PeerConnection::Resume() {
  if (!paused_ || closed_ || std::exchange(resume_queued_, true)) return;
  shard_.Post([self = shared_from_this()] {
    self->resume_queued_ = false;
    self->paused_ = false;
    self->TakeFrames();
  });
}

void PeerConnection::Sweep() {
  if (closed_) return;
  if (!std::exchange(sent_, false) && output_.empty()) Send({.kind = FrameKind::kAlive}, {});
  const bool heard = std::exchange(heard_, false);
  silent_sweeps_ = heard || paused_ ? 0 : silent_sweeps_ + 1;
  if (silent_sweeps_ < options_.dead_after) return;
  Lose(Unavailable("nothing was heard on the connection for ",
                   absl::FormatDuration(options_.alive_interval * options_.dead_after)));
}

void PeerConnection::Close() {
  owner_ = nullptr;
  CloseSocket();
}

void PeerConnection::Lose(absl::Status why) {
  if (closed_) return;
  CloseSocket();
  metrics_.lost.Add(1);
  shard_.Post([self = shared_from_this(), why = std::move(why)] {
    if (self->owner_ != nullptr) std::exchange(self->owner_, nullptr)->OnLost(why);
  });
}

void PeerConnection::CloseSocket() {
  if (std::exchange(closed_, true)) return;
  error_code ignored;
  socket_.close(ignored);
  output_.clear();
  output_bytes_ = 0;
}

}  // namespace leat::runtime
