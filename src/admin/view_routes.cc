#include "admin/view_routes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "admin/params.h"
#include "admin/record_json.h"
#include "base/strings.h"
#include "broker/views.h"

namespace leat::admin {
namespace {

namespace json = boost::json;

constexpr int32_t kMaxRows = 10'000;

absl::StatusOr<broker::ViewScan> ScanOf(const Request& request) {
  LEAT_RETURN_IF_ERROR(CheckParams(request, "a view", {"key", "prefix", "from", "to", "partition", "limit"}));
  broker::ViewScan scan{.view = request.params.at("view")};
  LEAT_ASSIGN_OR_RETURN(std::optional<std::string> key, BytesParam(request, "key"));
  LEAT_ASSIGN_OR_RETURN(std::optional<std::string> prefix, BytesParam(request, "prefix"));
  LEAT_ASSIGN_OR_RETURN(std::optional<std::string> from, BytesParam(request, "from"));
  LEAT_ASSIGN_OR_RETURN(std::optional<std::string> to, BytesParam(request, "to"));
  if (key && (prefix || from || to)) return InvalidArgument("expected key alone, or prefix, from and to");
  if (key) scan.range = view::Range::Key(*std::move(key));
  if (prefix) scan.range = view::Range::Prefix(*std::move(prefix));
  // So that a prefix can be gone through page by page.
  if (from && *from > scan.range.begin) scan.range.begin = *std::move(from);
  if (to && (!scan.range.end || *to < *scan.range.end)) scan.range.end = std::move(to);
  LEAT_ASSIGN_OR_RETURN(const std::optional<int32_t> partition, NumberParam(request, "partition", 0, INT32_MAX));
  if (partition) scan.partition = model::PartitionId(*partition);
  LEAT_ASSIGN_OR_RETURN(const std::optional<int32_t> limit, NumberParam(request, "limit", 1, kMaxRows));
  if (limit) scan.limit.rows = static_cast<size_t>(*limit);
  return scan;
}

std::string PageJson(const std::string& view, const view::MergedPage& page) {
  std::string out = StrCat("{\"view\":", json::serialize(json::string_view(view)), ",\"offsets\":[");
  for (size_t i = 0; i < page.applied.size(); ++i) {
    StrAppend(&out, i > 0 ? "," : "", "{\"partition\":", page.applied[i].partition,
              ",\"offset\":", page.applied[i].applied, "}");
  }
  out += "],\"rows\":[";
  for (size_t i = 0; i < page.rows.size(); ++i) {
    const view::PartitionRow& row = page.rows[i];
    StrAppend(&out, i > 0 ? ",\n" : "\n", "{\"partition\":", row.partition, ",\"offset\":", row.row.entry.offset,
              ",\"timestamp_ms\":", row.row.entry.timestamp_ms, ",");
    AppendJsonKey(row.row.key, &out);
    out += ",";
    AppendJsonValue(row.row.entry.value, &out);
    out += "}";
  }
  out += page.rows.empty() ? "]," : "\n],";
  if (page.next) {
    AppendJsonText("next", *page.next, &out);
  } else {
    out += "\"next\":null";
  }
  return out + "}\n";
}

}  // namespace

void AddViewRoutes(Router& router, broker::Views& views) {
  router.Route(Method::kGet, "/v1/views", [&views](const Request&, Responder respond) {
    views.List([respond = std::move(respond)](const std::vector<std::string>& names) mutable {
      json::array list;
      for (const std::string& name : names) list.push_back(json::object{{"name", name}});
      respond({.body = json::serialize(json::object{{"views", std::move(list)}}) + "\n"});
    });
  });
  router.Route(Method::kGet, "/v1/views/{view}", [&views](const Request& request, Responder respond) {
    absl::StatusOr<broker::ViewScan> scan = ScanOf(request);
    if (!scan.ok()) return respond(FailureResponse(scan.status()));
    const std::string name = scan->view;
    views.Scan(*std::move(scan), [name, respond = std::move(respond)](absl::StatusOr<view::MergedPage> page) mutable {
      if (!page.ok()) return respond(FailureResponse(page.status()));
      respond({.body = PageJson(name, *page)});
    });
  });
}

}  // namespace leat::admin
