// How much processor time the threads of a job use, and how much they may: SET 'leat.cpu.limit', in cores.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/time.h"
#include "stream/run/threads.h"

namespace leat::run {

// What is used beyond the limit is a debt, which time pays off at `cores` seconds a second. Thread-safe.
class CpuBudget {
 public:
  // Of what was not used, this much of the time before may be caught up with.
  static constexpr Duration kCredit = absl::Milliseconds(100);

  // `cores` is above 0.
  explicit CpuBudget(double cores) : cores_(cores) {}
  double cores() const { return cores_; }

  // A thread has used so much.
  void Spend(Duration cpu, Instant now);
  // How long nothing new may be begun; zero: it may.
  Duration Debt(Instant now) const;

 private:
  const double cores_;
  std::atomic<int64_t> paid_nanos_{INT64_MIN};  // the instant at which what was used is paid
};

// What the calling thread uses from one question to the next.
class CpuMeter {
 public:
  explicit CpuMeter(const Threads& threads) : threads_(threads), told_(threads.CpuTime()) {}
  Duration Take();

 private:
  const Threads& threads_;
  Duration told_;
};

// What a thread has to wait for. A debt is waited for once, and then there is a turn in which rows are read: what the
// waiting costs belongs to the next debt. A small limit would be spent on nothing but waking up otherwise.
class CpuDebt {
 public:
  // `owed` is what the budget says now. 0: read.
  Duration Left(Duration owed, Instant now);

 private:
  Duration left_;
  Instant paid_at_;
};

}  // namespace leat::run
