#include "leat/client/views.h"

#include <utility>

#include "client/connection.h"
#include "leat/v1/views.grpc.pb.h"

namespace leat::client {
namespace {

template <typename Request, typename Response>
absl::StatusOr<Response> Ask(Connection& connection, Repeat repeat, const Request& request,
                             ::grpc::Status (v1::Views::Stub::*method)(::grpc::ClientContext*, const Request&,
                                                                       Response*)) {
  Response response;
  LEAT_RETURN_IF_ERROR(connection.impl().Invoke(repeat, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
    response.Clear();
    return (v1::Views::NewStub(channel).get()->*method)(context, request, &response);
  }));
  return response;
}

v1::ViewName Named(const std::string& name) {
  v1::ViewName request;
  request.set_name(name);
  return request;
}

}  // namespace

ViewRange ViewRange::Key(std::string key) {
  std::string end = key;
  end.push_back('\0');
  return {std::move(key), std::move(end)};
}

ViewRange ViewRange::Prefix(std::string prefix) {
  std::string end = prefix;
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return {std::move(prefix), std::nullopt};
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {std::move(prefix), std::move(end)};
}

absl::Status Views::Create(const std::string& topic) {
  return Ask(*connection_, Repeat::kSafe, Named(topic), &v1::Views::Stub::Create).status();
}
absl::Status Views::Delete(const std::string& topic) {
  return Ask(*connection_, Repeat::kUnsafe, Named(topic), &v1::Views::Stub::Delete).status();
}

absl::StatusOr<std::vector<std::string>> Views::List() {
  LEAT_ASSIGN_OR_RETURN(const v1::ListViewsResponse response,
                        Ask(*connection_, Repeat::kSafe, v1::ListViewsRequest(), &v1::Views::Stub::List));
  return std::vector<std::string>(response.names().begin(), response.names().end());
}

absl::StatusOr<ViewInfo> Views::Describe(const std::string& view) {
  LEAT_ASSIGN_OR_RETURN(const v1::View response,
                        Ask(*connection_, Repeat::kSafe, Named(view), &v1::Views::Stub::Describe));
  ViewInfo info{.name = response.name()};
  for (const v1::ViewPartition& from : response.partitions()) {
    info.partitions.push_back(
        {from.partition(), from.leader(), from.applied_offset(), from.end_offset(), from.error()});
  }
  return info;
}

absl::StatusOr<ViewPage> Views::Scan(const std::string& view, const ViewScan& scan) {
  v1::ScanViewRequest request;
  request.set_name(view);
  request.set_begin(scan.range.begin);
  if (scan.range.end) request.set_end(*scan.range.end);
  if (scan.partition) request.set_partition(*scan.partition);
  request.set_max_rows(scan.max_rows);
  request.set_max_bytes(scan.max_bytes);
  LEAT_ASSIGN_OR_RETURN(v1::ScanViewResponse response,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Views::Stub::Scan));
  ViewPage page;
  for (v1::ViewRow& from : *response.mutable_rows()) {
    page.rows.push_back({from.partition(), from.offset(), from.timestamp_ms(), std::move(*from.mutable_key()),
                         std::move(*from.mutable_value())});
  }
  if (response.has_next()) page.next = std::move(*response.mutable_next());
  for (const v1::ViewOffset& from : response.offsets()) page.applied_offsets[from.partition()] = from.applied_offset();
  return page;
}

}  // namespace leat::client
