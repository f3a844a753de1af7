// Views.Watch: one batch of a watch after the other, each sent before the next is asked for, so that a slow client
// costs one message of memory.
#include <utility>

#include "broker/views.h"
#include "broker/watch.h"
#include "grpc/admission.h"
#include "grpc/failure.h"
#include "grpc/watch_stream.h"
#include "leat/v1/views.pb.h"

namespace leat::rpc {
namespace {

broker::WatchRequest RequestOf(const v1::WatchViewRequest& from) {
  broker::WatchRequest request{.topic = from.name()};
  request.range = view::Range{from.begin()};
  if (from.has_end()) request.range->end = from.end();
  if (from.has_partition()) request.partition = model::PartitionId(from.partition());
  for (const v1::ViewOffset& offset : from.from()) {
    request.from[model::PartitionId(offset.partition())] = model::Offset(offset.applied_offset());
  }
  return request;
}

void FillBatch(broker::WatchBatch batch, v1::WatchViewResponse* out) {
  for (broker::WatchedRecord& from : batch.records) {
    v1::ViewChange* to = out->add_changes();
    to->set_partition(from.partition.value());
    to->set_offset(from.record.offset.value());
    to->set_timestamp_ms(from.record.timestamp_ms);
    to->set_key(std::move(from.record.key).value_or(""));
    if (from.record.value) to->set_value(*std::move(from.record.value));
  }
  out->set_live(batch.live);
  for (const view::PartitionOffset& from : batch.positions) {
    v1::ViewOffset* to = out->add_offsets();
    to->set_partition(from.partition.value());
    to->set_applied_offset(from.applied.value());
  }
}

class WatchStream final : public ::grpc::ServerWriteReactor<v1::WatchViewResponse>, public Stream {
 public:
  WatchStream(const ServiceContext& context, broker::Views& views, ::grpc::CallbackServerContext* call)
      : context_(context), views_(views), call_(call) {}

  void Open(std::shared_ptr<WatchStream> self, const v1::WatchViewRequest& request) {
    self_ = std::move(self);
    for (const v1::ViewOffset& offset : request.from()) {
      if (offset.applied_offset() >= 0) continue;
      return End(InvalidArgument("from: expected an offset of 0 or more, got ", offset.applied_offset()), "from");
    }
    if (const absl::Status status = AdmissionStatus(context_.streams.Add(self_)); !status.ok()) return End(status, "");
    {
      const Lock lock(mutex_);
      watch_ = views_.NewWatch(RequestOf(request));
    }
    AskNext();
  }

  void Drain() override { Stop(Stopping()); }
  void OnCancel() override { Stop(Cancelled("the client is gone")); }
  void OnWriteDone(bool ok) override {
    response_.Clear();
    if (!ok) return End(Cancelled("the client is gone"), "");
    AskNext();
  }
  void OnDone() override {
    context_.streams.Remove(this);
    const std::shared_ptr<WatchStream> last = std::move(self_);
  }

 private:
  void End(const absl::Status& status, std::string_view field) {
    Finish(status.ok() ? ::grpc::Status::OK : Failure(call_, status, field));
  }

  // Whoever waits for a batch is answered by the end of the watch.
  void Stop(const absl::Status& status) {
    std::shared_ptr<broker::Watch> ended;
    const Lock lock(mutex_);
    if (stopped_.ok()) stopped_ = status;
    ended = std::exchange(watch_, nullptr);
  }

  void AskNext() {
    std::shared_ptr<broker::Watch> watch;
    absl::Status stopped;
    {
      const Lock lock(mutex_);
      watch = watch_;
      stopped = stopped_;
    }
    if (watch == nullptr) return End(stopped, "");
    watch->Next([self = self_](absl::StatusOr<broker::WatchBatch> batch) { self->OnBatch(std::move(batch)); });
  }

  void OnBatch(absl::StatusOr<broker::WatchBatch> batch) {
    absl::Status stopped;
    {
      const Lock lock(mutex_);
      stopped = stopped_;
    }
    if (!stopped.ok()) return End(stopped, "");
    if (!batch.ok()) return End(batch.status(), "name");
    FillBatch(*std::move(batch), &response_);
    StartWrite(&response_);
  }

  const ServiceContext context_;
  broker::Views& views_;
  ::grpc::CallbackServerContext* const call_;
  std::shared_ptr<WatchStream> self_;  // until OnDone
  v1::WatchViewResponse response_;

  Mutex mutex_;
  absl::Status stopped_;  // why to end
  std::shared_ptr<broker::Watch> watch_;
};

}  // namespace

::grpc::ServerWriteReactor<v1::WatchViewResponse>* OpenWatchStream(const ServiceContext& context, broker::Views& views,
                                                                   ::grpc::CallbackServerContext* call,
                                                                   const v1::WatchViewRequest* request) {
  auto stream = std::make_shared<WatchStream>(context, views, call);
  WatchStream* const reactor = stream.get();
  reactor->Open(std::move(stream), *request);
  return reactor;
}

}  // namespace leat::rpc
