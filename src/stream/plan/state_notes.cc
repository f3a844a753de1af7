#include "stream/plan/state_notes.h"

#include <algorithm>

#include "base/strings.h"

namespace leat::plan {

namespace {

std::string ForHowLong(int64_t ttl_ms) {
  return ttl_ms > 0 ? StrCat("for ", ttl_ms, " ms after they were last written") : std::string("for ever");
}

std::string UntilPassed(const Node& input, int time, int64_t keep_ms) {
  const std::string& name = input.schema->fields[static_cast<size_t>(time)].name;
  return StrCat("until the watermark is ", keep_ms, " ms past ", name);
}

std::string OfJoin(const Node& node) {
  const JoinSpec& join = node.join;
  const bool left_goes = join.left_time >= 0 && join.left_ttl_ms <= 0;
  const bool right_goes = join.right_time >= 0 && join.right_ttl_ms <= 0;
  const bool left = !left_goes && join.left_ttl_ms <= 0;
  const bool right = !right_goes && join.right_ttl_ms <= 0;
  if (left && right) return "this join keeps both sides for ever: set STATE_TTL or table.exec.state.ttl";
  std::string text =
      StrCat("keeps left rows ",
             left_goes ? UntilPassed(*node.inputs[0], join.left_time, -join.lower_ms) : ForHowLong(join.left_ttl_ms),
             " and right rows ",
             right_goes ? UntilPassed(*node.inputs[1], join.right_time, join.upper_ms) : ForHowLong(join.right_ttl_ms));
  if (left || right) text += ": set STATE_TTL for that side";
  return text;
}

}  // namespace

std::string StateNote(const Node& node) {
  switch (node.kind) {
    case NodeKind::kJoin:
      return OfJoin(node);
    case NodeKind::kIntervalJoin:
      return StrCat("keeps left rows for ", std::max<int64_t>(0, -node.join.lower_ms),
                    " ms of event time and right rows for ", std::max<int64_t>(0, node.join.upper_ms), " ms");
    case NodeKind::kWindowJoin:
      return "keeps the rows of windows that have not ended";
    case NodeKind::kTemporalJoin:
      return "keeps left rows until the watermark passes them, and the newest right row of each key for ever";
    case NodeKind::kLookupJoin:
      return "keeps the right row of each key for ever";
    case NodeKind::kMatch:
      return node.match->within_ms > 0
                 ? StrCat("keeps rows until the watermark passes them, and those of begun matches for ",
                          node.match->within_ms, " ms")
                 : std::string(
                       "keeps rows until the watermark passes them, and those of begun matches until these end or "
                       "fail, "
                       "which may be never: set WITHIN");
    case NodeKind::kNormalize:
      return StrCat("keeps the last row of each key ",
                    node.ttl_ms > 0 ? StrCat("for ", node.ttl_ms, " ms after it was last written")
                                    : std::string("for ever: set table.exec.state.ttl if keys go out of use"));
    case NodeKind::kGroupAggregate:
      return node.ttl_ms > 0 ? StrCat("keeps each group for ", node.ttl_ms, " ms after it was last written") : "";
    case NodeKind::kUpsertMaterialize:
      return StrCat("keeps the rows of each key ",
                    node.ttl_ms > 0 ? StrCat("for ", node.ttl_ms, " ms after they were last written")
                                    : std::string("for ever: set table.exec.state.ttl if keys go out of use"));
    default:
      return "";
  }
}

}  // namespace leat::plan
