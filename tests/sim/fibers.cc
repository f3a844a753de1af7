#include "tests/sim/fibers.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>

#include "base/check.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace leat::nodes {
namespace {

constexpr size_t kStackBytes = size_t{512} << 10;
constexpr size_t kGuardBytes = 4096;

// A stack that faults where it ends.
class Stack {
 public:
  Stack() : bytes_(mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    LEAT_CHECK(bytes_ != MAP_FAILED) << "no memory for a stack";
    LEAT_CHECK(mprotect(bytes_, kGuardBytes, PROT_NONE) == 0);
  }
  ~Stack() { munmap(bytes_, kStackBytes); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  char* bottom() const { return static_cast<char*>(bytes_) + kGuardBytes; }
  size_t size() const { return kStackBytes - kGuardBytes; }

 private:
  void* bytes_;
};

std::vector<std::unique_ptr<Stack>>& FreeStacks() {
  static std::vector<std::unique_ptr<Stack>> stacks;
  return stacks;
}

}  // namespace

class Fibers::Fiber {
 public:
  explicit Fiber(absl::AnyInvocable<void()> body) : body_(std::move(body)) {}
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() {
#ifdef __SANITIZE_THREAD__
    if (tsan_ != nullptr) __tsan_destroy_fiber(tsan_);
#endif
  }

  // What runs now; null: the simulation itself.
  static Fiber*& current() {
    static Fiber* fiber = nullptr;
    return fiber;
  }
  bool begun() const { return stack_ != nullptr; }
  bool ended() const { return ended_; }
  uint64_t turn() const { return turn_; }

  // From the simulation: lets it run until it waits or ends.
  void Run() {
    LEAT_CHECK(current() == nullptr && !ended_);
    if (!begun()) Prepare();
    ++turn_;
    woken = false;
    current() = this;
#ifdef __SANITIZE_ADDRESS__
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, stack_->bottom(), stack_->size());
#endif
#ifdef __SANITIZE_THREAD__
    tsan_back_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_, 0);
#endif
    LEAT_CHECK(swapcontext(&back_, &here_) == 0);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
    current() = nullptr;
    if (ended_) FreeStacks().push_back(std::move(stack_));
  }
  // From itself: the simulation goes on.
  void Yield() {
    LEAT_CHECK(current() == this && std::uncaught_exceptions() == 0) << "nobody waits while a stack is unwound";
    Leave();
  }

  // Of one that was never let run.
  void Drop() {
    body_ = nullptr;
    ended_ = true;
  }

  bool woken = false;  // its next turn is on the way
  std::function<void()> at_end;

 private:
  void Prepare() {
    if (FreeStacks().empty()) FreeStacks().push_back(std::make_unique<Stack>());
    stack_ = std::move(FreeStacks().back());
    FreeStacks().pop_back();
    LEAT_CHECK(getcontext(&here_) == 0);
    here_.uc_stack.ss_sp = stack_->bottom();
    here_.uc_stack.ss_size = stack_->size();
    here_.uc_link = nullptr;
    makecontext(&here_, &Fiber::Begin, 0);
#ifdef __SANITIZE_THREAD__
    tsan_ = __tsan_create_fiber(0);
#endif
  }
  static void Begin() { current()->Main(); }
  void Main() {
    Arrived();
    try {
      body_();
    } catch (const Killed&) {
    }
    Drop();
    if (at_end) at_end();
    Leave();
  }
  void Leave() {
#ifdef __SANITIZE_ADDRESS__
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(ended_ ? nullptr : &fake, back_bottom_, back_size_);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(tsan_back_, 0);
#endif
    LEAT_CHECK(swapcontext(&here_, &back_) == 0);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, &back_bottom_, &back_size_);
#endif
  }
  void Arrived() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &back_bottom_, &back_size_);
#endif
  }

  absl::AnyInvocable<void()> body_;
  std::unique_ptr<Stack> stack_;
  ucontext_t here_{}, back_{};
  bool ended_ = false;
  uint64_t turn_ = 0;
#ifdef __SANITIZE_ADDRESS__
  const void* back_bottom_ = nullptr;
  size_t back_size_ = 0;
#endif
#ifdef __SANITIZE_THREAD__
  void* tsan_ = nullptr;
  void* tsan_back_ = nullptr;
#endif
};

// Where fibers wait. A fiber is here only while it waits.
class Fibers::Waiting final : public run::Threads::Condition {
 public:
  explicit Waiting(Fibers& fibers) : fibers_(fibers) {}

  void Notify() override {
    for (const std::shared_ptr<Fiber>& fiber : waiting_) {
      if (!std::exchange(fiber->woken, true)) fibers_.Wake(fiber, fibers_.Latency());
    }
  }
  void Wait(std::unique_lock<std::mutex>& lock, Duration wait, absl::FunctionRef<bool()> ready) override {
    const Instant end = wait == absl::InfiniteDuration() ? Instant::Max() : fibers_.world_.Now() + wait;
    while (!ready() && fibers_.world_.Now() < end) {
      lock.unlock();
      const std::shared_ptr<Fiber> self = fibers_.Self();
      uint64_t timer = 0;
      if (end != Instant::Max()) timer = fibers_.Wake(self, end - fibers_.world_.Now());
      waiting_.push_back(self);
      self->Yield();
      std::erase(waiting_, self);
      if (end != Instant::Max()) fibers_.world_.Cancel(timer);
      lock.lock();
      if (fibers_.killed_) throw Killed();
    }
  }
  void WaitForEnd(const Fiber& fiber) {
    const std::shared_ptr<Fiber> self = fibers_.Self();
    waiting_.push_back(self);
    while (!fiber.ended()) self->Yield();
    waiting_.clear();
  }

 private:
  Fibers& fibers_;
  std::vector<std::shared_ptr<Fiber>> waiting_;
};

class Fibers::Handle final : public run::Threads::Thread {
 public:
  Handle(Fibers& fibers, std::shared_ptr<Fiber> fiber) : ended_(fibers), fiber_(std::move(fiber)) {
    fiber_->at_end = [this] { ended_.Notify(); };
  }
  // The simulation itself asks only after an end; a fiber waits, and is not unwound from here: what dies before it is
  // what it waits for.
  ~Handle() override {
    if (!fiber_->ended()) {
      LEAT_CHECK(InOne()) << "the simulation cannot wait for a thread that runs";
      ended_.WaitForEnd(*fiber_);
    }
    fiber_->at_end = nullptr;
  }

 private:
  Waiting ended_;
  std::shared_ptr<Fiber> fiber_;
};

Fibers::Fibers(sim::SimWorld& world, const Machine& machine, Random random)
    : world_(world), machine_(machine), random_(random) {}

Fibers::~Fibers() {
  for (const std::shared_ptr<Fiber>& fiber : alive_) LEAT_CHECK(fiber->ended()) << "a thread outlives its process";
  world_.DropEvents(this);
}

bool Fibers::InOne() { return Fiber::current() != nullptr; }

std::shared_ptr<Fibers::Fiber> Fibers::Self() {
  const auto self = std::ranges::find_if(alive_, [](const auto& fiber) { return fiber.get() == Fiber::current(); });
  LEAT_CHECK(self != alive_.end()) << "only the threads of this process wait here";
  return *self;
}

std::unique_ptr<run::Threads::Thread> Fibers::Start(absl::AnyInvocable<void()> body) {
  LEAT_CHECK(!killed_) << "a process that is dead starts no thread";
  auto fiber = std::make_shared<Fiber>(std::move(body));
  std::erase_if(alive_, [](const auto& old) { return old->ended(); });
  alive_.push_back(fiber);
  Wake(fiber, Latency());
  return std::make_unique<Handle>(*this, std::move(fiber));
}

std::unique_ptr<run::Threads::Condition> Fibers::MakeCondition() { return std::make_unique<Waiting>(*this); }

// How long the system takes to let a thread go on.
Duration Fibers::Latency() {
  return absl::Microseconds(random_.OneIn(50) ? random_.Between(100, 5000) : random_.Between(1, 100));
}

uint64_t Fibers::Wake(const std::shared_ptr<Fiber>& fiber, Duration after) {
  return world_.Schedule(world_.Now() + after, this, [this, fiber, turn = fiber->turn()] { Turn(fiber, turn); });
}

void Fibers::Turn(const std::shared_ptr<Fiber>& fiber, uint64_t turn) {
  if (fiber->ended() || fiber->turn() != turn) return;
  if (machine_.still_until > world_.Now()) {
    world_.Schedule(machine_.still_until, this, [this, fiber, turn] { Turn(fiber, turn); });
    return;
  }
  fiber->Run();
}

void Fibers::Kill() {
  LEAT_CHECK(!InOne());
  killed_ = true;
  for (; !alive_.empty(); alive_.pop_back()) {
    const std::shared_ptr<Fiber> newest = alive_.back();
    if (!newest->begun()) newest->Drop();
    while (!newest->ended()) newest->Run();
  }
  world_.DropEvents(this);
}

}  // namespace leat::nodes
