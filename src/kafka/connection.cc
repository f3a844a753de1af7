#include "kafka/connection.h"

#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/logging.h"
#include "kafka/api_versions.h"
#include "kafka/dispatch.h"
#include "kafka/shard_host.h"
#include "runtime/asio_shard.h"

namespace leat::kafka {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kMaxPieces = 64;                   // of one write: what one system call takes
constexpr size_t kMostOfATurn = size_t{256} << 10;  // read from one connection before the others have their turn
constexpr int16_t kFetchKey = 1;

}  // namespace

Connection::Connection(ShardHost& host, Handover from)
    : host_(host),
      socket_(from.socket.Take(host.shard().context())),
      endpoint_(std::move(from.endpoint)),
      client_id_(std::move(from.client_id)),
      reader_(from.reader ? FrameReader(*std::move(from.reader), host.frame_options())
                          : FrameReader(host.frame_options())),
      ask_after_(kMoveAfter) {
  error_code error;
  const auto peer = socket_.remote_endpoint(error);
  peer_host_ = error ? "unknown" : peer.address().to_string();
  peer_port_ = error ? 0 : peer.port();
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  socket_.non_blocking(true, ignored);
  last_active_ = read_at_ = host_.shard().Now();
}

Connection::~Connection() = default;

std::string Connection::Who() const {
  return StrCat(peer_host_, ":", peer_port_, " (client '", std::string_view(client_id_).substr(0, 100), "', listener ",
                endpoint_->listener, ")");
}

void Connection::Pump() {
  if (pumping_) return;
  pumping_ = true;
  do {
    while (MayStartNext()) {
      absl::StatusOr<std::optional<Frame>> frame = reader_.Next();
      absl::Status status = frame.status();
      if (status.ok() && frame->has_value()) status = StartRequest(*std::move(*frame));
      if (!status.ok()) Fail(status);
    }
    CollectAnswers();
    Write();
  } while (MayStartNext() || ReadMore());
  pumping_ = false;
  if (!closed_ && draining_ && slots_.empty() && output_.empty()) Close();
  if (closed_) {
    MaybeGone();
    return;
  }
  NotePartial();
  if (moving_to_ != nullptr) return ContinueMove();
  if (worked_elsewhere_ >= ask_after_ && !asking_) AskToMove();
  Read();
}

bool Connection::MayStartNext() {
  if (closed_ || draining_ || moving_to_ != nullptr || !reader_.HasFrame()) return false;
  const ServerOptions& options = host_.options();
  if (slots_.size() >= options.connection_requests || output_.bytes() >= options.connection_output) return false;
  if (fetches_ > 0) {
    // The answers of several fetches could be more than the client takes; they come one after the other.
    const std::optional<std::string_view> key = reader_.PeekFront(sizeof(int16_t));
    if (key && LoadBigEndian<int16_t>(key->data()) == kFetchKey) return false;
  }
  const size_t bytes = reader_.FrontBytes();
  if (inflight_bytes_ > 0 && inflight_bytes_ + bytes > options.connection_bytes) return false;
  return host_.Admit(*this, bytes);
}

Connection::Slot& Connection::AddSlot(int16_t api_key, size_t bytes) {
  Slot& slot = slots_.emplace_back(this, last_active_);
  slot.api_key = api_key;
  slot.bytes = bytes;
  inflight_bytes_ += bytes;
  host_.Charge(bytes);
  ++running_;
  if (api_key == kFetchKey) {
    ++fetches_;
    stays_ = true;  // its session is this shard's
  }
  return slot;
}

absl::Status Connection::StartRequest(Frame frame) {
  last_active_ = read_at_;
  host_.metrics().bytes_in.Add(static_cast<double>(frame.size + sizeof(int32_t)));
  LEAT_ASSIGN_OR_RETURN(const Dispatched request, Dispatch(frame.view(), &client_id_));
  const Api& api = *request.api;
  Slot& slot = AddSlot(api.key, frame.size);
  if (request.refuse_version) {
    Finish(slot, RefuseVersion(request.header.correlation_id));
    return absl::OkStatus();
  }
  const size_t budget = DecodeBudget(frame.size);
  absl::StatusOr<std::unique_ptr<Exchange>> exchange =
      api.decode({.call = {.broker = host_.broker(),
                           .shard = host_.shard(),
                           .endpoint = *endpoint_,
                           .sessions = host_.sessions(),
                           .api_key = api.key,
                           .version = request.header.api_version,
                           .client_id = std::string(request.header.client_id.value_or("")),
                           .client_host = peer_host_,
                           .auto_create_topics = host_.options().auto_create_topics,
                           .answer_bytes = host_.AnswerBytes(),
                           .on_abandon = nullptr},
                  .frame = std::move(frame),
                  .body_at = request.body_at,
                  .correlation_id = request.header.correlation_id,
                  .memory_budget = budget,
                  .sink = &slot});
  if (!exchange.ok()) {
    --running_;  // nobody will answer it
    slot.done = true;
    return Annotate(exchange.status(), StrCat(api.name, " version ", request.header.api_version));
  }
  slot.exchange = *std::move(exchange);
  slot.exchange->Run();
  return absl::OkStatus();
}

void Connection::Slot::Take(Answer given) {
  runtime::AsioShard& shard = connection->host_.shard();
  if (shard.IsCurrent()) return connection->Finish(*this, std::move(given));
  shard.Post([this, given = std::move(given)]() mutable { connection->Finish(*this, std::move(given)); });
}

void Connection::Slot::Abandon() {
  connection->host_.shard().Post([this] {
    connection->Fail(Internal("a request with API key ", api_key, " was dropped without an answer"));
    connection->Finish(*this, {});
  });
}

void Connection::Finish(Slot& slot, Answer answer) {
  slot.answer = std::move(answer);
  slot.done = true;
  --running_;
  NoteWorkedOn(slot);
  last_active_ = host_.shard().Now();
  host_.metrics().NoteRequest(slot.api_key, slot.answer.error, last_active_ - slot.began);
  if (!pumping_) host_.FlushSoon(*this);
}

void Connection::CollectAnswers() {
  while (!slots_.empty() && slots_.front().done) {
    Slot& slot = slots_.front();
    inflight_bytes_ -= slot.bytes;
    host_.Release(slot.bytes);
    if (slot.api_key == kFetchKey) --fetches_;
    const std::string close_because = std::move(slot.answer.close_because);
    if (!closed_) {
      const size_t before = output_.bytes();
      output_.Add(std::move(slot.answer.chunks));
      host_.AddOutput(output_.bytes() - before);
    }
    slots_.pop_front();
    if (!close_because.empty()) {
      Write();  // what was answered before it
      Fail(FailedPrecondition(close_because));
    }
  }
}

void Connection::Write() {
  while (!closed_ && !writing_ && !output_.empty()) {
    error_code error;
    const size_t n = WritePieces(error);
    if (error == asio::error::would_block || error == asio::error::try_again) return WaitForRoom();
    if (error) return Close();  // the client has gone
    output_.Consume(n);
    host_.RemoveOutput(n);
    host_.metrics().bytes_out.Add(static_cast<double>(n));
  }
}

// What one system call takes; for one piece that is a cheaper one.
size_t Connection::WritePieces(boost::system::error_code& error) {
  if (output_.pieces() == 1) {
    size_t n = 0;
    output_.Front(1, [&](std::string_view piece) { n = socket_.write_some(asio::buffer(piece), error); });
    return n;
  }
  absl::InlinedVector<asio::const_buffer, 8> pieces;
  output_.Front(kMaxPieces, [&](std::string_view piece) { pieces.push_back(asio::buffer(piece)); });
  return socket_.write_some(std::span<const asio::const_buffer>(pieces.data(), pieces.size()), error);
}

void Connection::WaitForRoom() {
  writing_ = true;
  ++handlers_;
  socket_.async_wait(asio::socket_base::wait_write, [this](const error_code&) {
    --handlers_;
    writing_ = false;
    last_active_ = host_.shard().Now();
    Pump();
  });
}

bool Connection::MayRead() {
  if (reading_ || closed_ || draining_ || moving_to_ != nullptr || reader_.HasFrame()) return false;
  return host_.MayRead(*this);
}

std::array<FrameReader::Space, 2> Connection::Room() {
  const std::array<FrameReader::Space, 2> space = reader_.Prepare();
  room_ = space[0].size + space[1].size;
  return space;
}

void Connection::Read() {
  if (!MayRead()) return;
  reading_ = true;
  read_cancelled_ = false;
  ++handlers_;
  const std::array<FrameReader::Space, 2> space = Room();
  auto done = [this](const error_code& error, size_t n) {
    --handlers_;
    reading_ = false;
    OnRead(error, n);
  };
  const asio::mutable_buffer first(space[0].data, space[0].size);
  if (space[1].size == 0) return socket_.async_read_some(first, std::move(done));  // a cheaper system call
  socket_.async_read_some(std::array<asio::mutable_buffer, 2>{first, asio::buffer(space[1].data, space[1].size)},
                          std::move(done));
}

// More of what has come, so that requests which came together are worked on together. True if there was some.
bool Connection::ReadMore() {
  if (!std::exchange(filled_, false) || read_this_turn_ >= kMostOfATurn || !MayRead()) return false;
  const std::array<FrameReader::Space, 2> space = Room();
  const std::array<asio::mutable_buffer, 2> buffers = {asio::buffer(space[0].data, space[0].size),
                                                       asio::buffer(space[1].data, space[1].size)};
  error_code error;
  const size_t n = socket_.read_some(buffers, error);
  if (error == asio::error::would_block || error == asio::error::try_again) return false;
  if (error) Close();
  TakeRead(n);
  return !closed_;
}

void Connection::TakeRead(size_t n) {
  filled_ = n == room_;
  read_this_turn_ += n;
  reader_.Commit(n);
}

void Connection::OnRead(const error_code& error, size_t n) {
  read_this_turn_ = 0;
  TakeRead(n);
  if (n > 0) read_at_ = host_.shard().Now();
  if (error && std::exchange(read_cancelled_, false) && error == asio::error::operation_aborted) {
    reader_.Shrink();
  } else if (error) {
    Close();
  }
  Pump();
}

// What has arrived and was not started counts towards the node's memory as well.
void Connection::NotePartial() {
  const size_t partial = reader_.buffered_bytes();
  host_.ChangePartial(partial_bytes_, partial);
  partial_bytes_ = partial;
}

void Connection::Sweep(Instant now) {
  if (closed_) return;
  const ServerOptions& options = host_.options();
  if (partial_bytes_ > 0 && now - read_at_ > options.request_timeout) {
    Fail(DeadlineExceeded("expected the rest of a request, of which ", partial_bytes_, " bytes have come, within ",
                          absl::FormatDuration(options.request_timeout)));
  } else if (running_ == 0 && now - last_active_ > options.max_idle) {
    Fail(DeadlineExceeded(output_.empty() ? "no request" : "the client took nothing of its answers", " for ",
                          absl::FormatDuration(options.max_idle), " (limits.connection_idle)"));
  } else if (reading_ && slots_.empty() && reader_.buffered_bytes() == 0 && reader_.large()) {
    read_cancelled_ = true;
    error_code ignored;
    socket_.cancel(ignored);
  }
}

void Connection::Drain() {
  draining_ = true;
  if (moving_to_ != nullptr) host_.StayAfterAll(*std::exchange(moving_to_, nullptr));
  for (Slot& slot : slots_) {
    if (slot.done || slot.exchange == nullptr) continue;
    if (env::Closure abandon = std::exchange(slot.exchange->call().on_abandon, nullptr)) abandon();
  }
  Pump();
}

void Connection::Fail(const absl::Status& why) {
  if (closed_) return;
  host_.metrics().failed.Add(1);
  LogInfo("kafka", "closing the connection of ", Who(), ": ", Message(why));
  Close();
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  if (moving_to_ != nullptr) host_.StayAfterAll(*std::exchange(moving_to_, nullptr));
  error_code ignored;
  socket_.close(ignored);
  host_.RemoveOutput(output_.bytes());
  output_.Consume(output_.bytes());
  host_.ChangePartial(partial_bytes_, 0);
  partial_bytes_ = 0;
  host_.OnSocketClosed();
  for (Slot& slot : slots_) {
    if (slot.done || slot.exchange == nullptr) continue;
    if (env::Closure abandon = std::exchange(slot.exchange->call().on_abandon, nullptr)) abandon();
  }
  if (!pumping_) host_.FlushSoon(*this);
}

void Connection::MaybeGone() {
  if (gone_ || running_ > 0 || handlers_ > 0 || flush_queued) return;
  gone_ = true;
  host_.Remove(*this);
}

}  // namespace leat::kafka
