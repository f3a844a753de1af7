#include "tests/replication/script.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/check.h"

namespace leat::replication {

using model::ErrorCode;
using model::LeaderEpoch;
using model::NodeId;
using model::Offset;

namespace {

int Number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  LEAT_CHECK(error == std::errc() && end == text.data() + text.size()) << "not a number: " << text;
  return value;
}

std::vector<NodeId> NodeList(const std::string& text) {
  std::vector<NodeId> nodes;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) nodes.push_back(NodeId(Number(word)));
  return nodes;
}

std::string Text(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) StrAppend(&text, text.empty() ? "" : ",", node);
  return text.empty() ? "none" : text;
}

ErrorCode ErrorOf(const std::string& name) {
  for (int code = -1; code < 134; ++code) {
    if (model::ErrorName(static_cast<ErrorCode>(code)) == name) return static_cast<ErrorCode>(code);
  }
  LEAT_CHECK(false) << "no such error: " << name;
  return ErrorCode::kNone;
}

}  // namespace

Script::Script() { options_.lag_time_max = absl::Seconds(10); }

std::optional<std::string> Script::Value(const Words& words, std::string_view name) {
  for (const std::string& word : words) {
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
      return word.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

std::string Script::Run(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  ")) continue;  // what an earlier run has said
    StrAppend(&out_, line, "\n");
    if (line.empty() || line[0] == '#') continue;
    std::istringstream stream(line);
    Words words;
    for (std::string word; stream >> word;) words.push_back(word);
    Command(words);
  }
  return out_;
}

void Script::Say(int id, const std::string& text) { StrAppend(&out_, "  ", id, ": ", text, "\n"); }

void Script::Command(const Words& words) {
  if (words[0] == "cluster") return Cluster(words);
  if (words[0] == "image") return Image(words);
  if (words[0] == "time") return Time(Number(words[1]));
  if (words[0] == "show") return Show();
  LEAT_CHECK(NodeCommand(words) || AskCommand(words)) << "no such command: " << words[0];
}

bool Script::NodeCommand(const Words& words) {
  const int id = Number(words[1]);
  Node& node = nodes_.at(id);
  const std::string& verb = words[0];
  if (verb == "start") {
    node.up = true;
    node.broker_epoch += 10;
    node.replica = std::make_unique<PartitionReplica>(Self{NodeId(id), BrokerEpoch(node.broker_epoch)}, options_,
                                                      node.log.Facts());
  } else if (verb == "crash") {
    node.log.high_watermark = node.replica->log().high_watermark.value();
    if (const auto lose = Value(words, "lose")) node.log.TruncateTo(node.log.end() - Number(*lose));
    node.log.durable = node.log.end();
    node.up = false;
    node.replica.reset();
    node.fetch.reset();
    node.proposal.reset();
  } else if (verb == "deliver") {
    Deliver(id);
  } else if (verb == "produce") {
    Produce(id, Number(words[2]), Value(words, "acks") != "1");
  } else if (verb == "fetch") {
    Fetch(id, words);
  } else if (verb == "again") {
    Arrive(id, node.last_fetch.value());
  } else if (verb == "propose") {
    Propose(id, words[2]);
  } else if (verb == "sync") {
    node.log.durable = node.log.end();
    node.replica->OnDurable(Offset(node.log.durable), now());
    Perform(id);
  } else if (verb == "trim") {
    node.log.start = Number(words[2]);
    node.replica->leader()->OnLogStart(Offset(node.log.start));
    Perform(id);
  } else if (verb == "damage") {
    node.replica->OnDamage({Offset(Number(words[2])), Offset(Number(words[3]))}, now());
    Perform(id);
  } else {
    return false;
  }
  return true;
}

bool Script::AskCommand(const Words& words) {
  const int id = Number(words[1]);
  const PartitionReplica& replica = *nodes_.at(id).replica;
  const LeaderEpoch epoch(Number(Value(words, "epoch").value_or("-1")));
  if (words[0] == "read") {
    const std::string rack = Value(words, "rack").value_or("");
    const ReadVerdict verdict =
        replica.CheckRead({.leader_epoch = epoch,
                           .offset = Offset(Number(words[2])),
                           .last_epoch = LeaderEpoch(Number(Value(words, "last").value_or("-1"))),
                           .rack = rack});
    std::string text = StrCat("read: ", model::ErrorName(verdict.error), " below ", verdict.high_watermark);
    if (verdict.diverging) StrAppend(&text, ", epoch ", verdict.diverging->epoch, " ends at ", verdict.diverging->end);
    if (verdict.preferred) StrAppend(&text, ", better from ", *verdict.preferred);
    Say(id, text);
  } else if (words[0] == "latest") {
    const OffsetVerdict verdict = replica.LatestOffset(epoch);
    Say(id, StrCat("latest offset: ", model::ErrorName(verdict.error), " ", verdict.offset));
  } else if (words[0] == "end-of") {
    const EpochVerdict verdict = replica.EndOfEpoch(epoch, LeaderEpoch(Number(words[2])));
    Say(id, StrCat("end of epoch: ", model::ErrorName(verdict.error), " epoch ", verdict.end.epoch, " ends at ",
                   verdict.end.end));
  } else {
    return false;
  }
  return true;
}

void Script::Cluster(const Words& words) {
  view_.min_insync = Number(Value(words, "min").value_or("1"));
  view_.durability = Value(words, "class") == "F" ? Durability::kFsync : Durability::kPageCache;
  for (const NodeId node : NodeList(words[1])) {
    nodes_[node.value()].broker_epoch = 90 + node.value();
    view_.replicas.push_back({.node = node, .rack = node.value() == 1 ? "a" : "b"});
  }
}

void Script::Image(const Words& words) {
  const NodeId leader(Number(Value(words, "leader").value_or(StrCat(view_.leader))));
  if (leader != view_.leader) view_.epoch = view_.epoch + 1;
  if (const auto epoch = Value(words, "epoch")) view_.epoch = LeaderEpoch(Number(*epoch));
  view_.leader = leader;
  ++view_.partition_epoch;
  if (const auto isr = Value(words, "isr")) view_.isr = NodeList(*isr);
  view_.elr = NodeList(Value(words, "elr").value_or(""));
  const auto fenced = NodeList(Value(words, "fenced").value_or(""));
  const auto shutdown = NodeList(Value(words, "shutdown").value_or(""));
  for (ReplicaView& replica : view_.replicas) {
    replica.broker_epoch = BrokerEpoch(nodes_.at(replica.node.value()).broker_epoch);
    replica.state = Contains(fenced, replica.node)     ? BrokerState::kFenced
                    : Contains(shutdown, replica.node) ? BrokerState::kShuttingDown
                                                       : BrokerState::kActive;
  }
  const auto to = Value(words, "to");
  for (const auto& [id, node] : nodes_) {
    if (node.up && (!to || Contains(NodeList(*to), NodeId(id)))) Deliver(id);
  }
}

void Script::Deliver(int id) {
  nodes_.at(id).replica->OnView(view_, now());
  Perform(id);
}

void Script::Produce(int id, int count, bool all) {
  Node& node = nodes_.at(id);
  LeaderCore* leader = node.replica->leader();
  if (leader == nullptr) return Say(id, "produce: does not lead");
  const ErrorCode error = leader->CheckAppend(all ? Acks::kAll : Acks::kLeader);
  if (error != ErrorCode::kNone) return Say(id, StrCat("produce: ", model::ErrorName(error)));
  const int64_t base = node.log.end();
  for (int i = 0; i < count; ++i) node.log.records.push_back({node.replica->epoch().value(), next_value_++});
  leader->OnAppended(Offset(base), Offset(node.log.end()), now());
  if (all) {
    Say(id, StrCat("waiter ", next_waiter_, " waits for ", node.log.end()));
    leader->AwaitCommit(WaiterId(next_waiter_++), Offset(node.log.end()), now() + absl::Seconds(30));
  }
  Perform(id);
}

FetchVerdict Script::Arrive(int id, const SendFetch& fetch) {
  const int leader = fetch.leader.value();
  FetchVerdict verdict = nodes_.at(leader).replica->OnFollowerFetch({.node = NodeId(id),
                                                                     .broker_epoch = fetch.broker_epoch,
                                                                     .leader_epoch = fetch.leader_epoch,
                                                                     .offset = fetch.offset,
                                                                     .last_epoch = fetch.last_epoch,
                                                                     .log_start = fetch.log_start,
                                                                     .purpose = fetch.purpose,
                                                                     .health = fetch.health},
                                                                    now());
  std::string text = StrCat("answers ", id, " ", model::ErrorName(verdict.error), " epoch ", verdict.leader_epoch,
                            " high watermark ", verdict.high_watermark);
  if (verdict.diverging) {
    StrAppend(&text, ", epoch ", verdict.diverging->epoch, " ends at ", verdict.diverging->end);
  }
  Say(leader, text);
  Perform(leader);
  return verdict;
}

void Script::Fetch(int id, const Words& words) {
  Node& node = nodes_.at(id);
  if (!node.fetch) return Say(id, "has no fetch to send");
  const SendFetch fetch = *node.fetch;
  node.last_fetch = fetch;
  if (!nodes_.at(fetch.leader.value()).up) {
    node.replica->follower()->OnFetchFailed(fetch.id, now());
    return Say(id, "the leader is down");
  }
  const FetchVerdict verdict = Arrive(id, fetch);
  if (std::find(words.begin(), words.end(), "lost") != words.end()) return;
  FetchAnswer answer{.error = verdict.error,
                     .diverging = verdict.diverging,
                     .leader_epoch = verdict.leader_epoch,
                     .high_watermark = verdict.high_watermark,
                     .log_start = verdict.log_start,
                     .log_end = verdict.log_end};
  node.fetched.clear();
  const sim::SimLog& log = nodes_.at(fetch.leader.value()).log;
  const int64_t max = Number(Value(words, "max").value_or("100"));
  for (int64_t at = fetch.offset.value(); verdict.error == ErrorCode::kNone && !verdict.diverging && at < log.end();
       ++at) {
    if (at - fetch.offset.value() >= max) break;
    node.fetched.push_back(log.At(at));
    answer.batches.push_back({Offset(at), Offset(at + 1), LeaderEpoch(log.At(at).epoch)});
  }
  node.fetch.reset();
  node.replica->follower()->OnFetchAnswer(fetch.id, answer, now());
  Perform(id);
}

void Script::Propose(int id, const std::string& outcome) {
  Node& node = nodes_.at(id);
  if (!node.proposal) return Say(id, "has no proposal");
  const ProposeIsr proposal = *node.proposal;
  node.proposal.reset();
  if (outcome == "lost") return;
  ProposalResult result;
  if (outcome == "accept") {
    view_.isr.clear();
    for (const IsrMember& member : proposal.isr) view_.isr.push_back(member.node);
    result = {.leader_epoch = view_.epoch, .partition_epoch = ++view_.partition_epoch, .isr = view_.isr};
  } else {
    result.error = ErrorOf(outcome);
  }
  node.replica->leader()->OnProposalResult(proposal.attempt, result, now());
  Perform(id);
}

void Script::Time(int ms) {
  const int64_t until = now_ms_ + ms;
  for (bool ticked = true; ticked;) {
    ticked = false;
    for (auto& [id, node] : nodes_) {
      if (!node.up || node.replica->NextDeadline() > Instant::FromNanos(until * 1'000'000)) continue;
      now_ms_ = std::max(now_ms_, node.replica->NextDeadline().nanos() / 1'000'000 + 1);
      if (now_ms_ > until) continue;
      node.replica->Tick(now());
      Perform(id);
      ticked = true;
    }
    if (now_ms_ >= until) break;
  }
  now_ms_ = until;
}

void Script::Show() {
  for (const auto& [id, node] : nodes_) {
    std::string epochs;
    for (const sim::Record& record : node.log.records) StrAppend(&epochs, epochs.empty() ? "" : " ", record.epoch);
    if (!node.up) {
      Say(id, StrCat("down, epochs of its records: ", epochs));
      continue;
    }
    const PartitionReplica& replica = *node.replica;
    std::string text = replica.leader() != nullptr ? "leader" : replica.follower() != nullptr ? "follower" : "no role";
    StrAppend(&text, " epoch ", replica.epoch(), ", log ", replica.log().start, "..", replica.log().end,
              " high watermark ", replica.log().high_watermark, ", epochs of its records: ", epochs);
    if (replica.leader() != nullptr) StrAppend(&text, "; in sync ", Text(replica.leader()->isr().committed()));
    Say(id, text);
    LEAT_CHECK(replica.log().end.value() == node.log.end() && replica.log().start.value() == node.log.start);
  }
}

void Script::Perform(int id) {
  for (const Effect& effect : nodes_.at(id).replica->TakeEffects()) {
    Say(id, Describe(effect));
    Carry(id, effect);
  }
  if (!nodes_.at(id).replica->TakeEffects().empty()) Say(id, "effects upon effects");
}

void Script::Carry(int id, const Effect& effect) {
  Node& node = nodes_.at(id);
  if (const auto* fetch = std::get_if<SendFetch>(&effect)) {
    node.fetch = *fetch;
  } else if (const auto* propose = std::get_if<ProposeIsr>(&effect)) {
    node.proposal = *propose;
  } else if (std::holds_alternative<AppendFetched>(effect)) {
    for (const sim::Record& record : node.fetched) node.log.records.push_back(record);
  } else if (const auto* truncate = std::get_if<TruncateLog>(&effect)) {
    node.log.TruncateTo(truncate->to.value());
  } else if (const auto* restart = std::get_if<RestartLog>(&effect)) {
    node.log.RestartAt(restart->at.value());
  } else if (const auto* start = std::get_if<SetLogStart>(&effect)) {
    node.log.start = start->to.value();
  } else if (const auto* mend = std::get_if<MendRange>(&effect)) {
    node.replica->OnMended({mend->from, mend->to}, now());
    for (const Effect& more : node.replica->TakeEffects()) {
      Say(id, Describe(more));
      Carry(id, more);
    }
  }
}

}  // namespace leat::replication
