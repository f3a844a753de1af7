// A connection that another node has made to this one, on the shard that it was given to: serves what comes over it.
// Reading pauses while too much is being worked on, or the other side does not take its answers. Private to the peer
// network.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>
#include <string>

#include "env/transport.h"
#include "runtime/loose_socket.h"
#include "runtime/peer_connection.h"
#include "runtime/peer_handshake.h"

namespace leat::runtime {

// A connection whose other side has proved itself, on its way to its shard.
struct PeerArrival {
  LooseSocket socket;
  int32_t node = 0;
  uint32_t shard = 0;  // theirs
  PeerLane lane = PeerLane::kControl;
  uint64_t incarnation = 0;
  std::string address;  // theirs, for the log
  std::string welcome;  // the last bytes of the handshake, still to be sent
};

class PeerGuest final : public PeerConnection::Owner, public std::enable_shared_from_this<PeerGuest> {
 public:
  struct Ports {
    PeerConnection::Ports connection;
    absl::AnyInvocable<void(env::Service, int32_t from, OwnedBytes, env::Transport::Reply)> handle;
    absl::AnyInvocable<void(PeerGuest&)> lost;  // may destroy it
  };
  PeerGuest(Ports ports, PeerArrival from, env::Gate::Hold hold);
  ~PeerGuest();  // REQUIRES: closed

  void Start(std::string welcome);
  void Close();
  void Sweep() { connection_->Sweep(); }

  int32_t node() const { return node_; }
  uint32_t shard() const { return shard_; }
  PeerLane lane() const { return lane_; }
  uint64_t incarnation() const { return incarnation_; }
  const std::string& address() const { return address_; }

  void OnFrame(PeerFrame frame) override;
  void OnLost(const absl::Status& why) override;
  bool MayTake() const override;

 private:
  void Answer(const FrameHeader& request, absl::StatusOr<OwnedBytes> answer);
  void SendError(const FrameHeader& request, const absl::Status& error);

  Ports ports_;
  const int32_t node_;
  const uint32_t shard_;
  const PeerLane lane_;
  const uint64_t incarnation_;
  const std::string address_;
  std::shared_ptr<PeerConnection> connection_;
  size_t requests_ = 0;  // being worked on
  size_t request_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace leat::runtime
