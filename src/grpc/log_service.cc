#include <optional>
#include <utility>

#include "grpc/failure.h"
#include "grpc/isolation.h"
#include "grpc/services.h"
#include "leat/v1/log.grpc.pb.h"

namespace leat::rpc {
namespace {

using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

std::optional<broker::ListOffsetsPartition::Spec> SpecOf(v1::ListOffsetsRequest::Spec spec) {
  using Spec = broker::ListOffsetsPartition::Spec;
  switch (spec) {
    case v1::ListOffsetsRequest::LATEST:
      return Spec::kLatest;
    case v1::ListOffsetsRequest::EARLIEST:
      return Spec::kEarliest;
    case v1::ListOffsetsRequest::TIMESTAMP:
      return Spec::kTimestamp;
    case v1::ListOffsetsRequest::MAX_TIMESTAMP:
      return Spec::kMaxTimestamp;
    default:
      return std::nullopt;
  }
}

class LogService final : public v1::Log::CallbackService {
 public:
  explicit LogService(const ServiceContext& context) : context_(context) {}

  ::grpc::ServerBidiReactor<v1::ProduceRequest, v1::ProduceResponse>* Produce(CallbackServerContext* call) override {
    return OpenProduceStream(context_, call);
  }
  ::grpc::ServerWriteReactor<v1::FetchResponse>* Fetch(CallbackServerContext* call,
                                                       const v1::FetchRequest* request) override {
    return OpenFetchStream(context_, call, request);
  }

  ServerUnaryReactor* ListOffsets(CallbackServerContext* call, const v1::ListOffsetsRequest* request,
                                  v1::ListOffsetsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    std::vector<broker::ListOffsetsPartition> partitions;
    const auto isolation = IsolationOf(request->isolation());
    for (int i = 0; i < request->partitions_size(); ++i) {
      const auto& from = request->partitions(i);
      const auto spec = SpecOf(from.spec());
      if (!spec) {
        reactor->Finish(Failure(
            call, InvalidArgument("list offsets: expected a spec from 0 to 3, got ", static_cast<int>(from.spec())),
            StrCat("partitions[", i, "].spec")));
        return reactor;
      }
      partitions.push_back({.partition = {from.topic(), model::PartitionId(from.partition())},
                            .spec = *spec,
                            .timestamp_ms = from.timestamp_ms(),
                            .isolation = isolation});
    }
    context_.broker.ListOffsets(std::move(partitions),
                                [reactor, response](std::vector<broker::ListOffsetsResult> results) {
                                  for (broker::ListOffsetsResult& from : results) {
                                    auto* to = response->add_partitions();
                                    to->set_topic(std::move(from.partition.topic));
                                    to->set_partition(from.partition.partition.value());
                                    FillOutcome(from.outcome, to->mutable_outcome());
                                    to->set_offset(from.offset.value());
                                    to->set_timestamp_ms(from.timestamp_ms);
                                  }
                                  reactor->Finish(::grpc::Status::OK);
                                });
    return reactor;
  }

  ServerUnaryReactor* DeleteRecords(CallbackServerContext* call, const v1::DeleteRecordsRequest* request,
                                    v1::DeleteRecordsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    std::vector<broker::DeleteRecordsPartition> partitions;
    for (const auto& from : request->partitions()) {
      partitions.push_back({.partition = {from.topic(), model::PartitionId(from.partition())},
                            .before = model::Offset(from.before_offset())});
    }
    context_.broker.DeleteRecords(std::move(partitions),
                                  [reactor, response](std::vector<broker::DeleteRecordsResult> results) {
                                    for (broker::DeleteRecordsResult& from : results) {
                                      auto* to = response->add_partitions();
                                      to->set_topic(std::move(from.partition.topic));
                                      to->set_partition(from.partition.partition.value());
                                      FillOutcome(from.outcome, to->mutable_outcome());
                                      to->set_log_start_offset(from.log_start.value());
                                    }
                                    reactor->Finish(::grpc::Status::OK);
                                  });
    return reactor;
  }

 private:
  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeLogService(const ServiceContext& context) {
  return std::make_unique<LogService>(context);
}

}  // namespace leat::rpc
