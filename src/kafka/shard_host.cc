#include "kafka/shard_host.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "runtime/asio_shard.h"

namespace leat::kafka {
namespace {

constexpr Duration kMaxSweepPause = absl::Seconds(15);
constexpr size_t kLeastAnswerBytes = size_t{64} << 10;

FrameReader::Options FrameOptionsOf(const ServerOptions& options) {
  FrameReader::Options out;
  out.max_frame_bytes = options.max_request_bytes;
  return out;
}

}  // namespace

ShardHost::ShardHost(const ServerOptions& options, Ports ports)
    : options_(options),
      frame_options_(FrameOptionsOf(options)),
      ports_(std::move(ports)),
      metrics_(ports_.metrics),
      sessions_({.max_sessions = std::max<size_t>(1, options.fetch_sessions / ports_.shards)},
                static_cast<uint64_t>(ports_.shard.Now().nanos()) ^ static_cast<uint64_t>(ports_.shard.WallMillis())) {}

ShardHost::~ShardHost() = default;

void ShardHost::Adopt(Handover from) {
  ++open_;
  (from.reader ? metrics_.moved : metrics_.accepted).Add(1);
  connections_.push_back(std::make_unique<Connection>(*this, std::move(from)));
  Connection& connection = *connections_.back();
  connection.self = std::prev(connections_.end());
  if (draining_) {
    connection.Drain();
    return;
  }
  connection.Pump();
  if (sweep_timer_ == nullptr) ArmSweep();
}

void ShardHost::HandOver(ShardHost& to, Handover what) {
  --open_;
  to.shard().Post([&to, what = std::move(what)]() mutable { to.Adopt(std::move(what)); });
}

bool ShardHost::Admit(Connection& connection, size_t bytes) {
  // What is larger than the whole budget gets in when it is alone.
  if (inflight_bytes_ == 0 || inflight_bytes_ + bytes <= options_.inflight_bytes / ports_.shards) return true;
  Wait(connection);
  return false;
}

bool ShardHost::MayRead(Connection& connection) {
  if (partial_bytes_ <= options_.inflight_bytes / ports_.shards) return true;
  Wait(connection);
  return false;
}

void ShardHost::Wait(Connection& connection) {
  if (connection.waits_for_budget) return;
  connection.waits_for_budget = true;
  waiting_.push_back(&connection);
}

void ShardHost::Release(size_t bytes) {
  inflight_bytes_ -= bytes;
  WakeSoon();
}

void ShardHost::ChangePartial(size_t from, size_t to) {
  partial_bytes_ += to;
  partial_bytes_ -= from;
  if (to < from) WakeSoon();
}

void ShardHost::WakeSoon() {
  if (waiting_.empty() || std::exchange(wake_queued_, true)) return;
  shard().Post([this] {
    wake_queued_ = false;
    for (size_t n = waiting_.size(); n > 0; --n) {
      Connection& connection = *waiting_.front();
      waiting_.pop_front();
      connection.waits_for_budget = false;
      connection.Pump();
    }
  });
}

size_t ShardHost::AnswerBytes() const {
  const size_t share = options_.output_bytes / ports_.shards;
  const size_t left = share - std::min(share, output_bytes_);
  return std::min(options_.fetch_max_bytes, std::max(left, kLeastAnswerBytes));
}

void ShardHost::FlushSoon(Connection& connection) {
  if (std::exchange(connection.flush_queued, true)) return;
  to_flush_.push_back(&connection);
  if (to_flush_.size() == 1) shard().Post([this] { FlushAll(); });
}

void ShardHost::FlushAll() {
  flushing_.swap(to_flush_);
  for (Connection* connection : flushing_) {
    connection->flush_queued = false;
    connection->Pump();
  }
  flushing_.clear();
}

void ShardHost::OnSocketClosed() {
  --open_;
  ports_.connection_closed();
  MaybeDrained();
}

void ShardHost::Remove(Connection& connection) {
  // Later: it is on the stack.
  shard().Post([this, &connection] {
    if (connection.waits_for_budget) std::erase(waiting_, &connection);
    connections_.erase(connection.self);
    if (connections_.empty()) sweep_timer_.reset();
  });
}

void ShardHost::ArmSweep() {
  const Duration pause = std::min({kMaxSweepPause, options_.max_idle / 4, options_.request_timeout / 4});
  sweep_timer_ = shard().RunAt(shard().Now() + pause, [this] {
    const Instant now = shard().Now();
    for (const std::unique_ptr<Connection>& connection : connections_) connection->Sweep(now);
    ArmSweep();
  });
}

void ShardHost::Drain(env::Closure drained) {
  draining_ = true;
  drained_ = std::move(drained);
  sweep_timer_.reset();
  drain_timer_ = shard().RunAt(shard().Now() + options_.drain_timeout, [this] {
    for (const std::unique_ptr<Connection>& connection : connections_) {
      connection->Fail(Unavailable("the broker stops, and does not wait any longer for requests under way"));
    }
  });
  for (const std::unique_ptr<Connection>& connection : connections_) connection->Drain();
  MaybeDrained();
}

void ShardHost::MaybeDrained() {
  if (!draining_ || open_ > 0 || !drained_) return;
  drain_timer_.reset();
  std::exchange(drained_, nullptr)();
}

}  // namespace leat::kafka
