// One authenticated connection between two nodes, of either direction, on one shard: frames out, frames in. What is
// sent in one turn of the shard leaves in one write; large payloads are written from where they are. A side that has
// said nothing for an interval says that it is alive; one that has heard nothing for some gives the connection up.
// Private to the peer network.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <memory>

#include "env/gate.h"
#include "runtime/peer_frame.h"
#include "runtime/peer_metrics.h"
#include "runtime/peer_options.h"

namespace leat::runtime {

class AsioShard;

class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
 public:
  // Each call is the last thing that the connection does in that turn, so the owner may do anything, closing included.
  class Owner {
   public:
    virtual void OnFrame(PeerFrame frame) = 0;
    // The connection is over, otherwise than by Close. In a closure of its own; nothing comes after it.
    virtual void OnLost(const absl::Status& why) = 0;
    // Asked before each frame. After false, Resume says that it is worth asking again.
    virtual bool MayTake() const = 0;

   protected:
    ~Owner() = default;
  };
  struct Ports {
    AsioShard& shard;
    const PeerOptions& options;
    PeerMetrics& metrics;
  };
  // The hold is kept until no operation is under way any more.
  PeerConnection(const Ports& ports, boost::asio::ip::tcp::socket socket, Owner& owner, env::Gate::Hold hold);
  ~PeerConnection();

  void Start();  // once: begins to read
  void Send(const FrameHeader& header, OwnedBytes payload);
  void SendRaw(std::string bytes);
  void Resume();
  // The owner hears nothing more.
  void Close();
  // Once an alive_interval.
  void Sweep();

  size_t output_bytes() const { return output_bytes_; }

 private:
  struct Piece {
    std::string text;    // headers and small payloads, one behind the other
    OwnedBytes payload;  // or a large one
    std::string_view view() const { return payload.empty() ? std::string_view(text) : payload.view(); }
  };

  void Append(std::string_view bytes);
  void FlushSoon();
  void Write();
  size_t WriteSome(boost::system::error_code& error);
  void Consume(size_t n);
  void Read();
  void OnRead(const boost::system::error_code& error, size_t n);
  void TakeFrames();
  void Lose(absl::Status why);
  void CloseSocket();

  AsioShard& shard_;
  const PeerOptions& options_;
  PeerMetrics& metrics_;
  boost::asio::ip::tcp::socket socket_;
  Owner* owner_;  // null once closed or lost
  env::Gate::Hold hold_;
  PeerFrameReader reader_;
  std::deque<Piece> output_;
  size_t output_bytes_ = 0;
  size_t written_ = 0;  // of the front piece
  bool flush_queued_ = false;
  bool waiting_for_room_ = false;
  bool reading_ = false;
  bool paused_ = false;
  bool resume_queued_ = false;
  bool closed_ = false;
  bool sent_ = false;   // something since the last sweep
  bool heard_ = false;  // likewise
  int silent_sweeps_ = 0;
};

}  // namespace leat::runtime
