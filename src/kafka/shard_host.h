// What the connections on one shard share: their budgets, their timers, their fetch sessions and their metrics. Private
// to this module; every call is made on the shard.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "env/shard.h"
#include "kafka/connection.h"
#include "kafka/fetch_session.h"
#include "kafka/frame_reader.h"
#include "kafka/handover.h"
#include "kafka/metrics.h"
#include "kafka/server.h"

namespace leat::kafka {

class ShardHost {
 public:
  struct Ports {
    runtime::AsioShard& shard;
    broker::Broker& broker;
    env::Metrics& metrics;
    size_t shards = 1;  // of the node, to share limits
    env::Closure connection_closed;
    // May one of its connections go to shard `to`? The answer comes on this host's shard: the host there, or null.
    absl::AnyInvocable<void(const env::Shard& to, absl::AnyInvocable<void(ShardHost*)> answer)> ask_to_move;
    absl::AnyInvocable<void(ShardHost& to)> stay_after_all;  // one that was allowed to go does not
  };
  ShardHost(const ServerOptions& options, Ports ports);
  ~ShardHost();

  // Takes over a connection that was accepted, or comes from another shard.
  void Adopt(Handover from);
  // Gives one away, on this host's shard.
  void HandOver(ShardHost& to, Handover what);
  void AskToMove(const env::Shard& to, absl::AnyInvocable<void(ShardHost*)> answer) {
    ports_.ask_to_move(to, std::move(answer));
  }
  void StayAfterAll(ShardHost& to) { ports_.stay_after_all(to); }
  // Closes what is idle, the rest once it is answered or the time is up; `drained` when no socket is open.
  void Drain(env::Closure drained);

  const ServerOptions& options() const { return options_; }
  const FrameReader::Options& frame_options() const { return frame_options_; }
  runtime::AsioShard& shard() { return ports_.shard; }
  broker::Broker& broker() { return ports_.broker; }
  ServerMetrics& metrics() { return metrics_; }
  FetchSessionCache& sessions() { return sessions_; }
  bool draining() const { return draining_; }

  // True if a request of so many bytes may begin now. Otherwise the connection is pumped when it is worth asking again.
  bool Admit(Connection& connection, size_t bytes);
  void Charge(size_t bytes) { inflight_bytes_ += bytes; }
  void Release(size_t bytes);
  // Bytes that have come and were not started: likewise.
  bool MayRead(Connection& connection);
  void ChangePartial(size_t from, size_t to);
  void AddOutput(size_t bytes) { output_bytes_ += bytes; }
  void RemoveOutput(size_t bytes) { output_bytes_ -= bytes; }
  // Records that the next answer may hold.
  size_t AnswerBytes() const;

  // Flushes this connection when what runs now has run: one write for the answers of one turn.
  void FlushSoon(Connection& connection);
  void OnSocketClosed();
  void Remove(Connection& connection);  // nothing refers to it any more

 private:
  void ArmSweep();
  void FlushAll();
  void WakeSoon();
  void Wait(Connection& connection);
  void MaybeDrained();

  const ServerOptions& options_;
  const FrameReader::Options frame_options_;
  Ports ports_;
  ServerMetrics metrics_;
  FetchSessionCache sessions_;
  std::list<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> to_flush_;
  std::vector<Connection*> flushing_;  // kept for its capacity
  std::deque<Connection*> waiting_;    // for the budget
  bool wake_queued_ = false;
  size_t inflight_bytes_ = 0;
  size_t partial_bytes_ = 0;
  size_t output_bytes_ = 0;
  size_t open_ = 0;  // sockets
  bool draining_ = false;
  env::Closure drained_;
  std::unique_ptr<env::Timer> sweep_timer_;
  std::unique_ptr<env::Timer> drain_timer_;
};

}  // namespace leat::kafka
