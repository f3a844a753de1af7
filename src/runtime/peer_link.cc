#include "runtime/peer_link.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "runtime/asio_shard.h"

namespace leat::runtime {
namespace {

constexpr Duration kSayAgain = absl::Minutes(1);  // a failure that stays the same

}  // namespace

PeerLink::PeerLink(const Ports& ports, uint32_t shard, int32_t node, env::PeerAddress address, PeerLane lane)
    : ports_(ports),
      index_(shard),
      node_(node),
      address_(std::move(address)),
      lane_(lane),
      calls_(ports.connection.shard) {}

PeerLink::~PeerLink() { LEAT_CHECK(connection_ == nullptr && dial_ == nullptr) << "a link ended without Shut"; }

absl::Status PeerLink::CheckRoom(size_t payload) const {
  const PeerOptions& options = ports_.connection.options;
  if (payload > options.max_frame_bytes) {
    return ResourceExhausted("expected at most ", options.max_frame_bytes, " bytes for one frame, got ", payload);
  }
  const size_t queued = connection_ != nullptr ? connection_->output_bytes() : waiting_bytes_;
  if (queued > 0 && queued + payload + kFrameHeaderBytes > options.max_bytes) {
    return ResourceExhausted(queued, " bytes wait to be sent to ", Who(), " already, and ", options.max_bytes,
                             " may at most");
  }
  return absl::OkStatus();
}

absl::Status PeerLink::Put(const FrameHeader& header, OwnedBytes& payload) {
  LEAT_RETURN_IF_ERROR(CheckRoom(payload.size()));
  if (connection_ != nullptr) {
    connection_->Send(header, std::move(payload));
    return absl::OkStatus();
  }
  if (dial_ == nullptr) {
    if (shard().Now() < not_before_) return Unavailable(Who(), " cannot be reached: ", failure_);
    Dial();
  }
  waiting_bytes_ += kFrameHeaderBytes + payload.size();
  waiting_.push_back({.header = header, .payload = std::move(payload)});
  return absl::OkStatus();
}

void PeerLink::Send(env::Service service, OwnedBytes message) {
  const FrameHeader header{.kind = FrameKind::kMessage, .service = service, .payload_bytes = message.size()};
  if (!Put(header, message).ok()) ports_.connection.metrics.dropped.Add(1);
}

void PeerLink::Call(env::Service service, OwnedBytes request, Duration timeout, env::Transport::Reply done) {
  if (calls_.size() >= ports_.connection.options.max_calls) {
    return FailSoon(shard(), std::move(done),
                    ResourceExhausted(calls_.size(), " calls to ", Who(), " have no answer yet, as many as may"));
  }
  const size_t bytes = request.size();
  const uint64_t call =
      calls_.Add(timeout, StrCat(Who(), " did not answer within ", absl::FormatDuration(timeout)), std::move(done));
  const absl::Status put =
      Put({.kind = FrameKind::kRequest, .service = service, .call = call, .payload_bytes = bytes}, request);
  if (!put.ok()) FailSoon(shard(), calls_.Take(call), put);
}

void PeerLink::Dial() {
  dial_ = std::make_shared<PeerDial>(
      shard(), ports_.connection.options,
      PeerDial::Target{
          .node = node_, .address = address_, .shard = index_, .lane = lane_, .cluster_id = ports_.cluster_id},
      [this](absl::StatusOr<boost::asio::ip::tcp::socket> socket) { OnDialled(std::move(socket)); });
  dial_->Start(ports_.gate);
}

void PeerLink::OnDialled(absl::StatusOr<boost::asio::ip::tcp::socket> socket) {
  const bool refused = dial_->refused();
  dial_.reset();
  if (!socket.ok()) {
    OnFailed(socket.status());
    if (refused) ports_.gone(node_);
    return;
  }
  env::Gate::Hold hold = ports_.gate.TryEnter();
  if (!hold) return OnFailed(Unavailable("this node stops"));
  if (!failure_.empty()) LogInfo("peer", Who(), " can be reached again");
  failure_.clear();
  backoff_ = absl::ZeroDuration();
  ports_.connection.metrics.made.Add(1);
  connection_ = std::make_shared<PeerConnection>(ports_.connection, *std::move(socket), *this, std::move(hold));
  connection_->Start();
  waiting_bytes_ = 0;
  for (PeerFrame& frame : std::exchange(waiting_, {})) connection_->Send(frame.header, std::move(frame.payload));
}

void PeerLink::OnFailed(const absl::Status& why) {
  const PeerOptions& options = ports_.connection.options;
  backoff_ = std::clamp(backoff_ * 2, options.min_backoff, options.max_backoff);
  // A half to the whole of it, so that nodes which failed together do not come back together.
  const Duration pause = backoff_ * (0.5 + ports_.random.Unit() / 2);
  not_before_ = shard().Now() + pause;
  if (failure_ != Message(why) || shard().Now() - logged_at_ >= kSayAgain) {
    failure_ = std::string(Message(why));
    logged_at_ = shard().Now();
    LogWarning("peer", "cannot reach ", Who(), ": ", failure_);
  }
  DropWaiting();
  calls_.FailAll(Unavailable(Who(), " cannot be reached: ", Message(why)));
}

void PeerLink::DropWaiting() {
  for (const PeerFrame& frame : waiting_) {
    if (frame.header.kind == FrameKind::kMessage) ports_.connection.metrics.dropped.Add(1);
  }
  waiting_.clear();
  waiting_bytes_ = 0;
}

void PeerLink::OnFrame(PeerFrame frame) {
  switch (frame.header.kind) {
    case FrameKind::kAnswer:
      calls_.Finish(frame.header.call, std::move(frame.payload));
      return;
    case FrameKind::kError:
      calls_.Finish(frame.header.call, DecodeFrameError(frame.payload));
      return;
    default:
      LogWarning("peer", Who(), " sent a request over a connection that is for answers; it was ignored");
  }
}

void PeerLink::OnLost(const absl::Status& why) {
  connection_.reset();
  LogInfo("peer", "lost the connection to ", Who(), lane_ == PeerLane::kRecords ? " for records" : "", ": ",
          Message(why));
  calls_.FailAll(Unavailable("the connection to ", Who(), " is lost: ", Message(why)));
  // A call that failed may have brought the link down, or said something that dials already.
  if (!shut_ && connection_ == nullptr && dial_ == nullptr && shard().Now() >= not_before_) Dial();
}

void PeerLink::Sweep() {
  if (connection_ != nullptr) connection_->Sweep();
}

void PeerLink::Shut(const absl::Status& why) {
  shut_ = true;
  if (dial_ != nullptr) dial_->Cancel();
  dial_.reset();
  if (connection_ != nullptr) connection_->Close();
  connection_.reset();
  DropWaiting();
  calls_.FailAll(why);
}

}  // namespace leat::runtime
