// What a worker hands to the log for its outputs, and how much of it is not acknowledged. On the worker's thread; the
// acknowledgements come on any.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/status.h"
#include "stream/run/delivery.h"
#include "stream/run/job_context.h"
#include "stream/run/sink_writer.h"
#include "stream/run/worker_files.h"

namespace leat::run {

class WorkerAppends {
 public:
  WorkerAppends(std::shared_ptr<JobContext> job, int worker) : job_(std::move(job)), worker_(worker) {}

  // Where writers put what is to go with the next Send. Exactly once: in the epoch's transaction; at least once: as it
  // comes.
  std::vector<PendingAppend>* ReadyOf(Delivery delivery) {
    return delivery == Delivery::kExactlyOnce ? &ready_ : &ready_loose_;
  }
  // So much is on its way that the worker should not read on; a WakeMessage says when it should.
  bool full() const;
  // The epoch that it belongs to commits only after the acknowledgement. Batches of files go to `files`.
  absl::Status Send(WorkerFiles* files, int64_t now_ms);
  // Nothing more comes for the epoch: it is durable once all that was sent is acknowledged, and the returned barrier
  // was passed to Close.
  class Epoch;
  std::shared_ptr<Epoch> EndEpoch(int64_t epoch);
  void Close(const std::shared_ptr<Epoch>& epoch);

 private:
  void SendOne(PendingAppend append, Delivery delivery);

  const std::shared_ptr<JobContext> job_;
  const int worker_;
  std::vector<PendingAppend> ready_;
  std::vector<PendingAppend> ready_loose_;
  const std::shared_ptr<std::atomic<size_t>> unacked_bytes_ = std::make_shared<std::atomic<size_t>>(0);
  std::shared_ptr<Epoch> epoch_ = MakeEpoch(1);
  static std::shared_ptr<Epoch> MakeEpoch(int64_t number);
};

}  // namespace leat::run
