#include "replication/effects.h"

namespace leat::replication {
namespace {

std::string Text(const SendFetch& fetch) {
  std::string text = StrCat("fetch #", fetch.id, " from ", fetch.leader, " epoch ", fetch.leader_epoch, " at ",
                            fetch.offset, " last epoch ", fetch.last_epoch);
  if (fetch.purpose == FetchPurpose::kRepair) StrAppend(&text, " repair to ", fetch.limit);
  if (fetch.log_start.value() != 0) StrAppend(&text, " log start ", fetch.log_start);
  if (fetch.health == Health::kDamaged) StrAppend(&text, " damaged");
  return StrCat(text, " (broker epoch ", fetch.broker_epoch, ")");
}
std::string Text(const AppendFetched& append) {
  return StrCat("append ", append.base, "..", append.end, " of #", append.id);
}
std::string Text(const TruncateLog& truncate) {
  std::string text = StrCat("truncate to ", truncate.to);
  if (truncate.below_high_watermark != 0) StrAppend(&text, ", ", truncate.below_high_watermark, " committed");
  return text;
}
std::string Text(const RestartLog& restart) {
  return StrCat("restart the log at ", restart.at, ", ", restart.skipped, " skipped");
}
std::string Text(const SetHighWatermark& set) { return StrCat("high watermark ", set.to); }
std::string Text(const SetLogStart& set) { return StrCat("log start ", set.to); }
std::string Text(const MendRange& mend) { return StrCat("mend ", mend.from, "..", mend.to, " of #", mend.id); }
std::string Text(const ProposeIsr& propose) {
  std::string text = StrCat("propose #", propose.attempt, " epoch ", propose.leader_epoch, " partition epoch ",
                            propose.partition_epoch, " isr");
  for (const IsrMember& member : propose.isr) StrAppend(&text, " ", member.node, "/", member.broker_epoch);
  return text;
}
std::string Text(const Answer& answer) { return StrCat("answer ", answer.waiter, " ", model::ErrorName(answer.error)); }
std::string Text(const Refuse& refuse) { return StrCat("refuse: ", refuse.reason); }

}  // namespace

std::string Describe(const Effect& effect) {
  return std::visit([](const auto& value) { return Text(value); }, effect);
}

}  // namespace leat::replication
