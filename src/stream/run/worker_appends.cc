#include "stream/run/worker_appends.h"

#include <utility>

namespace leat::run {
namespace {

constexpr size_t kMaxUnackedBytes = size_t{16} << 20;

}  // namespace

// The appends of one epoch: the last acknowledgement after the barrier says so.
class WorkerAppends::Epoch {
 public:
  explicit Epoch(int64_t of) : number(of) {}
  const int64_t number;
  std::atomic<int> pending{1};  // one for the barrier itself
};

std::shared_ptr<WorkerAppends::Epoch> WorkerAppends::MakeEpoch(int64_t number) {
  return std::make_shared<Epoch>(number);
}

bool WorkerAppends::full() const { return unacked_bytes_->load() > kMaxUnackedBytes; }

absl::Status WorkerAppends::Send(WorkerFiles* files, int64_t now_ms) {
  absl::Status status;
  const auto send = [&](std::vector<PendingAppend>* ready, Delivery delivery) {
    for (PendingAppend& append : *ready) {
      if (files->Holds(append.partition.topic)) {
        status.Update(files->Write(append.partition.topic, append.batches, now_ms));
      } else {
        SendOne(std::move(append), delivery);
      }
    }
    ready->clear();
  };
  send(&ready_, Delivery::kExactlyOnce);
  send(&ready_loose_, Delivery::kAtLeastOnce);
  return status;
}

std::shared_ptr<WorkerAppends::Epoch> WorkerAppends::EndEpoch(int64_t epoch) {
  LEAT_CHECK(epoch_->number == epoch) << epoch;
  return std::exchange(epoch_, MakeEpoch(epoch + 1));
}

void WorkerAppends::Close(const std::shared_ptr<Epoch>& epoch) {
  if (epoch->pending.fetch_sub(1) == 1) job_->control.Push(OutputsDurableEvent{worker_, epoch->number});
}

void WorkerAppends::SendOne(PendingAppend append, Delivery delivery) {
  const size_t bytes = append.batches.size();
  unacked_bytes_->fetch_add(bytes);
  epoch_->pending.fetch_add(1);
  auto done = [job = job_, worker = worker_, epoch = epoch_, unacked = unacked_bytes_, bytes,
               partition = append.partition](const absl::StatusOr<model::Offset>& base) {
    if (!base.ok()) {
      job->control.Push(FailedEvent{Annotate(base.status(), StrCat("writing to ", partition.ToString()))});
      return;  // the epoch never becomes durable
    }
    if (unacked->fetch_sub(bytes) > kMaxUnackedBytes) {
      job->inboxes[static_cast<size_t>(worker)]->Push(WakeMessage{});
    }
    if (epoch->pending.fetch_sub(1) == 1) job->control.Push(OutputsDurableEvent{worker, epoch->number});
  };
  if (delivery == Delivery::kExactlyOnce) {
    job_->transaction->Append(epoch_->number, std::move(append.partition), std::move(append.batches), std::move(done));
  } else {
    job_->port->Append({.partition = std::move(append.partition), .batches = std::move(append.batches)},
                       std::move(done));
  }
}

}  // namespace leat::run
