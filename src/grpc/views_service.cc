#include <utility>

#include "broker/views.h"
#include "grpc/failure.h"
#include "grpc/services.h"
#include "leat/v1/views.grpc.pb.h"

namespace leat::rpc {
namespace {

using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

class ViewsService final : public v1::Views::CallbackService {
 public:
  explicit ViewsService(broker::Views& views) : views_(views) {}

  ServerUnaryReactor* Create(CallbackServerContext* call, const v1::ViewName* request,
                             v1::CreateViewResponse*) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    views_.Create(request->name(), AnswerStatus(call, reactor));
    return reactor;
  }
  ServerUnaryReactor* Delete(CallbackServerContext* call, const v1::ViewName* request,
                             v1::DeleteViewResponse*) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    views_.Delete(request->name(), AnswerStatus(call, reactor));
    return reactor;
  }
  ServerUnaryReactor* List(CallbackServerContext* call, const v1::ListViewsRequest*,
                           v1::ListViewsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    views_.List([reactor, response](std::vector<std::string> names) {
      for (std::string& name : names) response->add_names(std::move(name));
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }
  ServerUnaryReactor* Describe(CallbackServerContext* call, const v1::ViewName* request, v1::View* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    views_.Describe(request->name(), [call, reactor, response](absl::StatusOr<broker::ViewDescription> view) {
      if (!view.ok()) return reactor->Finish(Failure(call, view.status(), "name"));
      response->set_name(std::move(view->name));
      for (const broker::ViewPartition& from : view->partitions) {
        v1::ViewPartition* to = response->add_partitions();
        to->set_partition(from.partition.value());
        to->set_leader(from.leader.value());
        to->set_applied_offset(from.applied.value());
        to->set_end_offset(from.end.value());
        to->set_error(from.outcome.message);
      }
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* Scan(CallbackServerContext* call, const v1::ScanViewRequest* request,
                           v1::ScanViewResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    for (const auto& [field, value] : {std::pair<std::string_view, int64_t>("max_rows", request->max_rows()),
                                       std::pair<std::string_view, int64_t>("max_bytes", request->max_bytes())}) {
      if (value >= 0) continue;
      reactor->Finish(Failure(call, InvalidArgument(field, ": expected 0 or more, got ", value), field));
      return reactor;
    }
    broker::ViewScan scan{.view = request->name(), .range = {request->begin()}};
    if (request->has_end()) scan.range.end = request->end();
    if (request->has_partition()) scan.partition = model::PartitionId(request->partition());
    if (request->max_rows() > 0) scan.limit.rows = static_cast<size_t>(request->max_rows());
    if (request->max_bytes() > 0) scan.limit.bytes = static_cast<size_t>(request->max_bytes());
    views_.Scan(std::move(scan), [call, reactor, response](absl::StatusOr<view::MergedPage> page) {
      if (!page.ok()) return reactor->Finish(Failure(call, page.status(), "name"));
      FillPage(*std::move(page), response);
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

 private:
  static void FillPage(view::MergedPage page, v1::ScanViewResponse* response) {
    for (view::PartitionRow& from : page.rows) {
      v1::ViewRow* to = response->add_rows();
      to->set_partition(from.partition.value());
      to->set_offset(from.row.entry.offset.value());
      to->set_timestamp_ms(from.row.entry.timestamp_ms);
      to->set_key(std::move(from.row.key));
      to->set_value(std::move(from.row.entry.value));
    }
    if (page.next) response->set_next(*std::move(page.next));
    for (const view::PartitionOffset& from : page.applied) {
      v1::ViewOffset* to = response->add_offsets();
      to->set_partition(from.partition.value());
      to->set_applied_offset(from.applied.value());
    }
  }
  static broker::Callback<absl::Status> AnswerStatus(CallbackServerContext* call, ServerUnaryReactor* reactor) {
    return [call, reactor](const absl::Status& status) {
      reactor->Finish(status.ok() ? ::grpc::Status::OK : Failure(call, status, "name"));
    };
  }

  broker::Views& views_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeViewsService(const ServiceContext&, broker::Views& views) {
  return std::make_unique<ViewsService>(views);
}

}  // namespace leat::rpc
