#include "runtime/peer_guest.h"

#include <boost/asio/io_context.hpp>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "env/answer.h"
#include "runtime/asio_shard.h"

namespace leat::runtime {

PeerGuest::PeerGuest(Ports ports, PeerArrival from, env::Gate::Hold hold)
    : ports_(std::move(ports)),
      node_(from.node),
      shard_(from.shard),
      lane_(from.lane),
      incarnation_(from.incarnation),
      address_(std::move(from.address)) {
  boost::asio::ip::tcp::socket socket = from.socket.Take(ports_.connection.shard.context());
  connection_ = std::make_shared<PeerConnection>(ports_.connection, std::move(socket), *this, std::move(hold));
}

PeerGuest::~PeerGuest() { LEAT_CHECK(closed_) << "the connection of a node ended without Close"; }

void PeerGuest::Start(std::string welcome) {
  connection_->SendRaw(std::move(welcome));
  connection_->Start();
}

void PeerGuest::Close() {
  closed_ = true;
  connection_->Close();
}

bool PeerGuest::MayTake() const {
  const PeerOptions& options = ports_.connection.options;
  return requests_ < options.max_calls && request_bytes_ < options.max_bytes &&
         connection_->output_bytes() < options.max_bytes;
}

void PeerGuest::OnFrame(PeerFrame frame) {
  const FrameHeader header = frame.header;
  if (header.kind == FrameKind::kMessage)
    return ports_.handle(header.service, node_, std::move(frame.payload), nullptr);
  if (header.kind != FrameKind::kRequest) {
    LogWarning("peer", "node ", node_, " at ", address_, " sent an answer that nobody asked for; it was ignored");
    return;
  }
  ++requests_;
  request_bytes_ += header.payload_bytes;
  ports_.handle(header.service, node_, std::move(frame.payload),
                env::AnsweredOnce(
                    [weak = weak_from_this(), header](absl::StatusOr<OwnedBytes> answer) {
                      const std::shared_ptr<PeerGuest> self = weak.lock();
                      if (self != nullptr && !self->closed_) self->Answer(header, std::move(answer));
                    },
                    "the other node dropped the request without an answer"));
}

void PeerGuest::Answer(const FrameHeader& request, absl::StatusOr<OwnedBytes> answer) {
  LEAT_CHECK(ports_.connection.shard.IsCurrent()) << "a call of another node was answered on the wrong shard";
  --requests_;
  request_bytes_ -= request.payload_bytes;
  const size_t most = ports_.connection.options.max_frame_bytes;
  if (!answer.ok()) {
    SendError(request, answer.status());
  } else if (answer->size() > most) {
    const absl::Status error = ResourceExhausted("the answer has ", answer->size(), " bytes, and may have ", most);
    LogWarning("peer", "cannot answer node ", node_, ": ", Message(error));
    SendError(request, error);
  } else {
    const size_t bytes = answer->size();
    connection_->Send(
        {.kind = FrameKind::kAnswer, .service = request.service, .call = request.call, .payload_bytes = bytes},
        *std::move(answer));
  }
  connection_->Resume();
}

void PeerGuest::SendError(const FrameHeader& request, const absl::Status& error) {
  std::string payload = EncodeFrameError(error);
  const size_t bytes = payload.size();
  connection_->Send(
      {.kind = FrameKind::kError, .service = request.service, .call = request.call, .payload_bytes = bytes},
      std::move(payload));
}

void PeerGuest::OnLost(const absl::Status& why) {
  LogDebug("peer", "the connection of node ", node_, " from ", address_, " ended: ", Message(why));
  closed_ = true;
  ports_.lost(*this);
}

}  // namespace leat::runtime
