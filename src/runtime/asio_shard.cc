#include "runtime/asio_shard.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "runtime/disk_threads.h"
#include "runtime/system_clock.h"
#include "runtime/thread.h"

namespace leat::runtime {
namespace {

namespace asio = boost::asio;

// Few, so that closures which always post others leave the sockets their turns.
constexpr int kRoundsOfATurn = 3;

thread_local const AsioShard* current_shard = nullptr;

// Shared with the handler that Asio holds: a timer that expired at the same moment as it was cancelled has its handler
// queued already, and must find the closure gone.
struct Pending {
  env::Closure closure;
};

class AsioTimer final : public env::Timer {
 public:
  AsioTimer(asio::io_context& context, Instant when, env::Closure closure)
      : pending_(std::make_shared<Pending>()), timer_(context) {
    pending_->closure = std::move(closure);
    if (when == Instant::Max()) return;  // never
    timer_.expires_at(asio::steady_timer::time_point(std::chrono::nanoseconds(when.nanos())));
    timer_.async_wait([pending = pending_](const boost::system::error_code& error) {
      if (error || !pending->closure) return;
      // Moved out first: the closure may destroy its own timer.
      env::Closure run = std::exchange(pending->closure, nullptr);
      run();
    });
  }
  ~AsioTimer() override { pending_->closure = nullptr; }  // destroying timer_ cancels the wait
  void Cancel() override {
    pending_->closure = nullptr;
    timer_.cancel();
  }

 private:
  std::shared_ptr<Pending> pending_;
  asio::steady_timer timer_;
};

}  // namespace

struct AsioShard::State {
  State(std::string shard_name, DiskThreads& disk_threads) : name(std::move(shard_name)), disk(disk_threads) {}

  // Runs the closures that were waiting when it began, and those that these post: a closure that collects (the writes
  // or the answers of a turn) runs in the turn that it collects for. What comes later waits for the next turn, after
  // the sockets.
  void Drain() {
    for (int round = 0; round < kRoundsOfATurn; ++round) {
      {
        const std::lock_guard lock(mutex);
        running.swap(queue);
      }
      if (running.empty()) break;
      for (env::Closure& closure : running) {
        closure();
        closure = nullptr;
      }
      running.clear();
    }
    const std::lock_guard lock(mutex);
    if (queue.empty()) {
      drain_queued = false;
    } else {
      asio::post(context, [this] { Drain(); });
    }
  }

  const std::string name;
  DiskThreads& disk;
  const SystemClock clock;
  asio::io_context context{1};  // one thread runs it
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_guard{context.get_executor()};
  std::thread thread;

  std::mutex mutex;  // guards what follows, but `running`
  std::vector<env::Closure> queue;
  bool drain_queued = false;
  bool stopped = false;
  uint64_t wake_ups = 0;

  std::vector<env::Closure> running;  // the shard's thread only; kept for its capacity
};

AsioShard::AsioShard(std::string name, DiskThreads& disk) : state_(std::make_unique<State>(std::move(name), disk)) {}

AsioShard::~AsioShard() { Stop(); }

void AsioShard::Start() {
  LEAT_CHECK(!state_->thread.joinable()) << "shard " << state_->name << " was started twice";
  state_->thread = StartThread(state_->name, [this] {
    current_shard = this;
    try {
      state_->context.run();
    } catch (const std::exception& e) {
      // Half of some change may be done; only a restart finds a consistent state again.
      LEAT_CHECK(false) << "an exception escaped on shard " << state_->name << ": " << e.what();
    }
    current_shard = nullptr;
  });
}

void AsioShard::Stop() {
  LEAT_CHECK(!IsCurrent()) << "shard " << state_->name << " cannot wait for itself to stop";
  if (state_->thread.joinable()) {
    Post([this] {
      {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
      }
      state_->context.stop();
    });
    state_->thread.join();
  }
  std::vector<env::Closure> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
    dropped = std::exchange(state_->queue, {});
  }
}

asio::io_context& AsioShard::context() { return state_->context; }

Instant AsioShard::Now() const { return state_->clock.Now(); }
int64_t AsioShard::WallMillis() const { return state_->clock.WallMillis(); }

void AsioShard::Post(env::Closure closure) {
  {
    const std::lock_guard lock(state_->mutex);
    // After the lock, not under it, the closure of a stopped shard is destroyed by the caller.
    if (state_->stopped) return;
    state_->queue.push_back(std::move(closure));
    if (state_->drain_queued) return;
    state_->drain_queued = true;
    ++state_->wake_ups;
  }
  asio::post(state_->context, [state = state_.get()] { state->Drain(); });
}

std::unique_ptr<env::Timer> AsioShard::RunAt(Instant when, env::Closure closure) {
  LEAT_CHECK(IsCurrent()) << "RunAt was called from outside shard " << state_->name;
  return std::make_unique<AsioTimer>(state_->context, when, std::move(closure));
}

void AsioShard::RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) {
  LEAT_CHECK(IsCurrent()) << "RunBlocking was called from outside shard " << state_->name;
  // Shared, so that `done` can still be told when the work is refused.
  auto call = std::make_shared<std::pair<absl::AnyInvocable<absl::Status()>, absl::AnyInvocable<void(absl::Status)>>>(
      std::move(work), std::move(done));
  const absl::Status taken = state_->disk.Submit([this, call]() mutable {
    absl::Status result = call->first();
    call->first = nullptr;
    // The shard alone destroys `done`, whose captures are the shard's.
    Post([call = std::move(call), result = std::move(result)]() mutable { call->second(std::move(result)); });
  });
  if (taken.ok()) return;
  Post([call = std::move(call), taken] { call->second(taken); });
}

bool AsioShard::IsCurrent() const { return current_shard == this; }

uint64_t AsioShard::wake_ups() const {
  const std::lock_guard lock(state_->mutex);
  return state_->wake_ups;
}

}  // namespace leat::runtime
