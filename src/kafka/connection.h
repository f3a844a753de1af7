// One client's connection. Private to this module; it lives on one shard, and every call but the sinks' is made there.
//
// Requests are cut from what arrives and started in order; answers leave in that order, whatever the order they come
// in. Reading pauses while too much is under way (see ServerOptions). An idle connection holds its socket, one small
// buffer and this object.
//
// A connection that writes only to partitions of another shard goes there, so that its requests need not be passed to
// and fro: it starts no further request, waits until those under way are answered, and is made again on the other shard
// with what has arrived.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <list>
#include <memory>
#include <string>

#include "kafka/apis.h"
#include "kafka/frame_reader.h"
#include "kafka/handover.h"
#include "kafka/output_queue.h"

namespace leat::kafka {

class ShardHost;

class Connection {
 public:
  Connection(ShardHost& host, Handover from);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts what may start, writes what is answered, and reads on: after anything that may have made a difference.
  void Pump();
  // Takes no more requests; closes when those under way are answered.
  void Drain();
  // Says why on one line of the log, and closes.
  void Fail(const absl::Status& why);
  // Requests under way are still answered by their handlers, to nobody.
  void Close();
  // Closes it if it was idle or half a request took too long; gives memory back.
  void Sweep(Instant now);

  std::list<std::unique_ptr<Connection>>::iterator self;  // its place in the host's list
  bool flush_queued = false;                              // in the host's lists of those to flush, or to wake
  bool waits_for_budget = false;

  // Requests, one after the other, that were all worked on the same other shard, before a connection asks to go there.
  static constexpr size_t kMoveAfter = 32;

 private:
  // A request under way: the place of its answer.
  struct Slot final : AnswerSink {
    Slot(Connection* of, Instant now) : connection(of), began(now) {}
    void Take(Answer given) override;
    void Abandon() override;

    Connection* const connection;
    const Instant began;
    std::unique_ptr<Exchange> exchange;
    Answer answer;
    size_t bytes = 0;  // of the frame
    int16_t api_key = 0;
    bool done = false;
  };

  void Read();
  bool MayRead();
  std::array<FrameReader::Space, 2> Room();
  bool ReadMore();
  void TakeRead(size_t n);
  void OnRead(const boost::system::error_code& error, size_t n);
  bool MayStartNext();
  absl::Status StartRequest(Frame frame);
  Slot& AddSlot(int16_t api_key, size_t bytes);
  void Finish(Slot& slot, Answer answer);
  void CollectAnswers();
  void Write();
  size_t WritePieces(boost::system::error_code& error);
  void WaitForRoom();
  void NotePartial();
  void NoteWorkedOn(const Slot& slot);
  void AskToMove();
  void ContinueMove();
  void MaybeGone();
  std::string Who() const;

  ShardHost& host_;
  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<const Endpoint> endpoint_;
  std::string peer_host_;
  uint16_t peer_port_ = 0;
  std::string client_id_;  // of the last request
  FrameReader reader_;
  std::deque<Slot> slots_;  // in the order of the requests; addresses stay
  OutputQueue output_;
  size_t inflight_bytes_ = 0;  // frames of the slots
  size_t partial_bytes_ = 0;   // of frames not complete, as the host has been told
  size_t running_ = 0;         // slots whose answer has not come
  size_t fetches_ = 0;         // slots of fetches
  size_t handlers_ = 0;        // of Asio's, pending
  Instant last_active_;
  Instant read_at_;                       // the last bytes
  const env::Shard* works_on_ = nullptr;  // the other shard that the last requests were worked on
  size_t worked_elsewhere_ = 0;           // how many of them, one after the other
  ShardHost* moving_to_ = nullptr;
  size_t ask_after_;  // so many of them it asks to move
  bool asking_ = false;
  bool stays_ = false;         // it has something on this shard that cannot be moved
  bool filled_ = false;        // the last read took all that there was room for: there is more, most likely
  size_t read_this_turn_ = 0;  // bytes
  size_t room_ = 0;            // for the read under way
  bool reading_ = false;
  bool writing_ = false;  // waiting until the socket takes more
  bool pumping_ = false;
  bool draining_ = false;
  bool read_cancelled_ = false;  // the pending read, to give its buffer back or to move
  bool closed_ = false;
  bool gone_ = false;
};

}  // namespace leat::kafka
