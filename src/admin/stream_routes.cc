#include "admin/stream_routes.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "admin/params.h"
#include "admin/record_json.h"
#include "base/strings.h"
#include "broker/views.h"
#include "broker/watch.h"

namespace leat::admin {
namespace {

using Begin = broker::WatchRequest::Begin;

// "0:12,3:7": where each partition goes on.
absl::StatusOr<std::map<model::PartitionId, model::Offset>> ParsePositions(std::string_view text) {
  std::map<model::PartitionId, model::Offset> positions;
  if (text.empty()) return positions;
  for (const absl::string_view part : absl::StrSplit(ToAbsl(text), ',')) {
    const std::pair<absl::string_view, absl::string_view> split = absl::StrSplit(part, absl::MaxSplits(':', 1));
    int32_t partition = -1;
    int64_t offset = -1;
    const bool good = absl::SimpleAtoi(split.first, &partition) && absl::SimpleAtoi(split.second, &offset) &&
                      partition >= 0 && offset >= 0;
    if (!good || !positions.emplace(model::PartitionId(partition), model::Offset(offset)).second) {
      return InvalidArgument("Last-Event-ID: expected PARTITION:OFFSET,.. as in the events' ids, got '", text, "'");
    }
  }
  return positions;
}

std::string PositionsText(const std::vector<view::PartitionOffset>& positions) {
  std::string text;
  for (const view::PartitionOffset& at : positions) {
    StrAppend(&text, text.empty() ? "" : ",", at.partition, ":", at.applied);
  }
  return text;
}

absl::StatusOr<broker::WatchRequest> RequestOf(const Request& request, Begin begin) {
  LEAT_RETURN_IF_ERROR(CheckParams(
      request, begin == Begin::kTable ? "a view's stream" : "a topic's stream",
      begin == Begin::kTable ? std::set<std::string_view>{"key", "prefix", "partition", "last_event_id"}
                             : std::set<std::string_view>{"key", "prefix", "partition", "last_event_id", "from"}));
  broker::WatchRequest watch{.topic = request.params.at(begin == Begin::kTable ? "view" : "topic"), .begin = begin};
  LEAT_ASSIGN_OR_RETURN(std::optional<std::string> key, BytesParam(request, "key"));
  LEAT_ASSIGN_OR_RETURN(std::optional<std::string> prefix, BytesParam(request, "prefix"));
  if (key && prefix) return InvalidArgument("expected key or prefix, got both");
  if (key) watch.range = view::Range::Key(*std::move(key));
  if (prefix) watch.range = view::Range::Prefix(*std::move(prefix));
  LEAT_ASSIGN_OR_RETURN(const std::optional<int32_t> partition, NumberParam(request, "partition", 0, INT32_MAX));
  if (partition) watch.partition = model::PartitionId(*partition);
  if (const auto from = request.query.find("from"); from != request.query.end()) {
    if (from->second != "earliest" && from->second != "latest") {
      return InvalidArgument("from: expected earliest or latest, got '", from->second, "'");
    }
    watch.begin = from->second == "earliest" ? Begin::kEarliest : Begin::kLatest;
  }
  // A browser that connects again sends the header by itself.
  const auto asked = request.query.find("last_event_id");
  const std::string& last =
      request.last_event_id.empty() && asked != request.query.end() ? asked->second : request.last_event_id;
  LEAT_ASSIGN_OR_RETURN(watch.from, ParsePositions(last));
  return watch;
}

std::string EventOf(const broker::WatchedRecord& from, Begin begin) {
  const view::Record& record = from.record;
  std::string out = begin != Begin::kTable ? "event: record\n" : record.value ? "event: put\n" : "event: delete\n";
  StrAppend(&out, "data: {\"partition\":", from.partition, ",\"offset\":", record.offset,
            ",\"timestamp_ms\":", record.timestamp_ms, ",");
  if (record.key) {
    AppendJsonKey(*record.key, &out);
  } else {
    out += "\"key\":null";
  }
  if (record.value) {
    out += ",";
    AppendJsonValue(*record.value, &out);
  } else if (begin != Begin::kTable) {
    out += ",\"value\":null";
  }
  out += "}\n\n";
  return out;
}

// The watch of one client.
class EventStream final : public BodyStream, public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(std::unique_ptr<broker::Watch> watch, Begin begin) : watch_(std::move(watch)), begin_(begin) {}

  // The first batch decides whether there is a stream at all.
  void Open(Responder respond) {
    watch_->Next(
        [self = shared_from_this(), respond = std::move(respond)](absl::StatusOr<broker::WatchBatch> batch) mutable {
          if (!batch.ok()) return respond(FailureResponse(batch.status()));
          self->first_ = self->Text(*batch);
          respond({.content_type = "text/event-stream; charset=utf-8", .stream = self});
        });
  }

  void Next(absl::AnyInvocable<void(std::string)> piece) override {
    if (!first_.empty()) return piece(std::exchange(first_, ""));
    if (ended_) return piece("");
    watch_->Next([self = shared_from_this(), piece = std::move(piece)](
                     absl::StatusOr<broker::WatchBatch> batch) mutable { piece(self->Piece(std::move(batch))); });
  }

 private:
  std::string Piece(const absl::StatusOr<broker::WatchBatch>& batch) {
    if (batch.ok()) return Text(*batch);
    ended_ = true;
    std::string out = "event: error\ndata: {";
    AppendJsonText("message", Message(batch.status()), &out);
    return out + "}\n\n";
  }

  // Never empty. An id is an event's last line, and stands for all up to it: it comes with the last event of a batch.
  std::string Text(const broker::WatchBatch& batch) {
    std::string out;
    const std::string id = batch.live ? StrCat("id: ", PositionsText(batch.positions), "\n") : "";
    const bool becomes_live = batch.live && !live_ && begin_ == Begin::kTable;
    for (size_t i = 0; i < batch.records.size(); ++i) {
      if (i + 1 == batch.records.size() && !becomes_live) out += id;
      out += EventOf(batch.records[i], begin_);
    }
    live_ = batch.live;
    if (becomes_live)
      StrAppend(&out, id, "event: live\ndata: {\"positions\":\"", PositionsText(batch.positions), "\"}\n\n");
    return out.empty() ? ": nothing new\n\n" : out;
  }

  const std::unique_ptr<broker::Watch> watch_;
  const Begin begin_;
  std::string first_;
  bool live_ = false;
  bool ended_ = false;
};

void AddStream(Router& router, broker::Views& views, std::string_view pattern, Begin begin) {
  router.Route(Method::kGet, pattern, [&views, begin](const Request& request, Responder respond) {
    absl::StatusOr<broker::WatchRequest> watch = RequestOf(request, begin);
    if (!watch.ok()) return respond(FailureResponse(watch.status()));
    const Begin asked = watch->begin;
    std::make_shared<EventStream>(views.NewWatch(*std::move(watch)), asked)->Open(std::move(respond));
  });
}

}  // namespace

void AddStreamRoutes(Router& router, broker::Views& views) {
  AddStream(router, views, "/v1/topics/{topic}/stream", Begin::kLatest);
  AddStream(router, views, "/v1/views/{view}/stream", Begin::kTable);
}

}  // namespace leat::admin
