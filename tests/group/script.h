// Runs a text script against the group core and prints what it writes and answers. A line is a command; what it caused
// stands indented below it. Member ids, which are random, are printed as @ and the request that first got them.
//
//   join ID group=G client=C protocols=name:metadata,.. [member=@ID] [instance=I] [session=10s] [rebalance=60s]
//        [type=consumer] [ask-for-id] [can-skip]
//   sync ID group=G member=@ID generation=N [assign=@ID:bytes,..]   heartbeat ID group=G member=@ID generation=N
//   leave ID group=G [member=@ID] [instance=I]                      commit ID group=G offsets=topic/partition:offset,..
//   commit-in-txn ID group=G producer=P offsets=..                  marker producer=P commit|abort
//   delete ID group=G    delete-offsets ID group=G offsets=..       forget-topic T    describe group=G    list
//   advance DURATION     (ticks at every deadline on the way)       durable | fail    (every write that waits)
//   restart              (a new core gets the durable records)      offsets group=G
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "group/core.h"

namespace leat::group {

class Script {
 public:
  explicit Script(const Options& options) : options_(options) { Restart(); }

  // The script again, with what it caused.
  std::string Run(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
      if (line.starts_with("  ")) continue;
      out_ += line + "\n";
      if (line.empty() || line[0] == '#') continue;
      Command(line);
      Drain();
    }
    return out_;
  }

 private:
  using Args = std::map<std::string, std::string>;
  struct Line {
    std::string verb, id;
    Args args;
    std::string Get(const std::string& key, std::string otherwise = "") const {
      const auto it = args.find(key);
      return it == args.end() ? otherwise : it->second;
    }
    std::optional<std::string> Maybe(const std::string& key) const {
      return args.contains(key) ? std::optional(args.at(key)) : std::nullopt;
    }
  };

  static std::vector<std::string> Split(const std::string& text, char by) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    std::string part;
    while (std::getline(stream, part, by)) parts.push_back(part);
    return parts;
  }
  Line Parse(const std::string& text) const {
    Line line;
    for (const std::string& word : Split(text, ' ')) {
      const size_t equals = word.find('=');
      if (line.verb.empty()) {
        line.verb = word;
      } else if (equals != std::string::npos) {
        line.args[word.substr(0, equals)] = word.substr(equals + 1);
      } else if (line.id.empty()) {
        line.id = word;
      } else {
        line.args[word] = "";
      }
    }
    if (line.args.contains("member")) line.args["member"] = Real(line.args["member"]);
    return line;
  }
  std::string Real(const std::string& name) const {
    if (name.empty() || name[0] != '@') return name;
    const auto it = ids_.find(name.substr(1));
    return it == ids_.end() ? name : it->second;
  }
  std::string Pretty(std::string text) const {
    for (const auto& [name, real] : ids_) {
      for (size_t at = text.find(real); at != std::string::npos; at = text.find(real)) {
        text.replace(at, real.size(), "@" + name);
      }
    }
    return text;
  }
  static Duration Time(const std::string& text) {
    Duration duration;
    LEAT_CHECK(absl::ParseDuration(ToAbsl(text), &duration)) << "a duration: " << text;
    return duration;
  }
  Now At() const { return {now_, 1'000'000 + now_.nanos() / 1'000'000}; }
  RequestId NewRequest(const std::string& name) {
    names_[next_request_] = name;
    return RequestId(next_request_++);
  }
  void Print(const std::string& text) { out_ += "  " + Pretty(text) + "\n"; }

  void Restart() {
    core_ = std::make_unique<Core>(options_, random_);
    int64_t offset = 0;
    for (const auto& [producer, record] : log_) {
      if (record.key == "marker") {
        core_->CompleteTxn(producer, *record.value == "commit" ? TxnResult::kCommit : TxnResult::kAbort);
      } else {
        LEAT_CHECK_OK(core_->Replay({model::Offset(offset), producer}, record.key, record.value));
      }
      ++offset;
    }
    writes_.clear();
    core_->Load(At());
  }

  void Command(const std::string& text) {
    const Line line = Parse(text);
    if (line.verb == "join") {
      core_->Join(NewRequest(line.id), JoinOf(line), At());
    } else if (line.verb == "sync") {
      SyncRequest request{line.Get("group"),
                          line.Get("member"),
                          line.Maybe("instance"),
                          std::stoi(line.Get("generation", "-1")),
                          line.Maybe("type"),
                          line.Maybe("protocol"),
                          {}};
      for (const std::string& one : Split(line.Get("assign"), ',')) {
        const auto pair = Split(one, ':');
        request.assignments.push_back({Real(pair.at(0)), pair.at(1)});
      }
      core_->Sync(NewRequest(line.id), request, At());
    } else if (line.verb == "heartbeat") {
      core_->Heartbeat(
          NewRequest(line.id),
          {line.Get("group"), line.Get("member"), line.Maybe("instance"), std::stoi(line.Get("generation", "-1"))},
          At());
    } else if (line.verb == "leave") {
      core_->Leave(NewRequest(line.id), {line.Get("group"), {{line.Get("member"), line.Maybe("instance")}}}, At());
    } else if (line.verb == "commit") {
      core_->Commit(NewRequest(line.id), CommitOf(line), At());
    } else if (line.verb == "commit-in-txn") {
      core_->CommitInTxn(NewRequest(line.id), {CommitOf(line), Producer(line), 0}, At());
    } else if (line.verb == "delete") {
      core_->Delete(NewRequest(line.id), line.Get("group"), At());
    } else if (line.verb == "delete-offsets") {
      DeleteOffsetsRequest request{line.Get("group"), {}};
      for (const auto& item : CommitOf(line).items) request.partitions.push_back(item.partition);
      core_->DeleteOffsets(NewRequest(line.id), request);
    } else if (line.verb == "forget-topic") {
      core_->ForgetTopic(line.id);
    } else {
      World(line);
    }
  }

  void World(const Line& line) {
    if (line.verb == "advance") {
      const Instant end = now_ + Time(line.id);
      while (core_->NextDeadline() <= end) {
        now_ = core_->NextDeadline();
        core_->Tick(At());
        Drain();
      }
      now_ = end;
    } else if (line.verb == "marker") {
      const bool commit = line.id == "commit";
      log_.push_back({Producer(line), {"marker", commit ? "commit" : "abort"}});
      core_->CompleteTxn(Producer(line), commit ? TxnResult::kCommit : TxnResult::kAbort);
    } else if (line.verb == "durable" || line.verb == "fail") {
      for (auto writes = std::exchange(writes_, {}); !writes.empty(); writes.pop_front()) {
        if (line.verb == "durable") MakeDurable(writes.front());
        core_->OnWritten(writes.front().id, line.verb == "fail" ? Unavailable("stopping") : absl::OkStatus(), At());
        Drain();
      }
    } else if (line.verb == "restart") {
      Restart();
    } else if (line.verb == "describe") {
      PrintDescription(core_->Describe(line.Get("group")));
    } else if (line.verb == "list") {
      for (const GroupListing& one : core_->List()) {
        Print(StrCat(one.group, " '", one.protocol_type, "' ", StateName(one.state)));
      }
    } else if (line.verb == "offsets") {
      if (const auto* offsets = core_->offsets().Find(line.Get("group"))) {
        for (const auto& [partition, value] : *offsets) {
          Print(StrCat(partition.ToString(), " ", value.offset,
                       core_->offsets().IsPending(line.Get("group"), partition) ? " (another is pending)" : ""));
        }
      }
    } else {
      LEAT_CHECK(false) << "a command: " << line.verb;
    }
  }

  static model::ProducerId Producer(const Line& line) { return model::ProducerId(std::stoll(line.Get("producer"))); }
  static JoinRequest JoinOf(const Line& line) {
    JoinRequest request{line.Get("group"),
                        line.Get("member"),
                        line.Maybe("instance"),
                        line.Get("client", "c"),
                        "/h",
                        line.Get("type", "consumer"),
                        {},
                        Time(line.Get("session", "10s")),
                        Time(line.Get("rebalance", "60s")),
                        line.args.contains("ask-for-id") ? FirstJoin::kAskForId : FirstJoin::kAddAtOnce,
                        line.args.contains("can-skip") ? SkipAssignment::kSupported : SkipAssignment::kUnknown};
    for (const std::string& one : Split(line.Get("protocols", "range:s"), ',')) {
      const auto pair = Split(one, ':');
      request.protocols.push_back({pair.at(0), pair.size() > 1 ? pair[1] : ""});
    }
    return request;
  }
  static CommitCommand CommitOf(const Line& line) {
    CommitCommand command{
        line.Get("group"), {}, line.Get("member"), line.Maybe("instance"), std::stoi(line.Get("generation", "-1"))};
    for (const std::string& one : Split(line.Get("offsets"), ',')) {
      const size_t slash = one.find('/'), colon = one.find(':');
      const int64_t offset = colon == std::string::npos ? 0 : std::stoll(one.substr(colon + 1));
      command.items.push_back(
          {{one.substr(0, slash), model::PartitionId(std::stoi(one.substr(slash + 1)))}, model::Offset(offset), ""});
    }
    return command;
  }

  void MakeDurable(const Write& write) {
    const model::ProducerId producer = write.transaction ? write.transaction->producer : model::ProducerId(-1);
    for (const OffsetRecord& record : write.records) {
      LEAT_CHECK_OK(
          core_->Replay({model::Offset(static_cast<int64_t>(log_.size())), producer}, record.key, record.value));
      log_.push_back({producer, record});
    }
  }

  void Drain() {
    Effects effects = core_->TakeEffects();
    for (const Answer& answer : effects.answers) {
      const std::string& name = names_.at(answer.to.value());
      if (const auto* join = std::get_if<JoinReply>(&answer.reply)) {
        bool known = join->member.empty() || join->member.front() == '@';
        for (const auto& [other, real] : ids_) known |= real == join->member;
        if (!known) ids_[name] = join->member;
      }
    }
    for (Write& write : effects.writes) {
      std::string text = write.transaction ? StrCat("write in the transaction of ", write.transaction->producer, ":")
                                           : std::string("write:");
      for (const OffsetRecord& record : write.records) text += " " + Show(record);
      Print(text);
      writes_.push_back(std::move(write));
    }
    for (const Answer& answer : effects.answers) {
      Print(StrCat(names_.at(answer.to.value()), ": ",
                   std::visit([this](const auto& reply) { return Show(reply); }, answer.reply)));
    }
  }

  static std::string Show(const OffsetRecord& record) {
    if (const auto key = *DecodeOffsetKey(record.key)) {
      const std::string name = StrCat(key->group, "/", key->partition.ToString());
      if (!record.value) return StrCat("[", name, " gone]");
      return StrCat("[", name, " = ", DecodeOffsetValue(*record.value)->offset, "]");
    }
    const std::string group = **DecodeGroupKey(record.key);
    if (!record.value) return StrCat("[group ", group, " gone]");
    const GroupMetadata metadata = *DecodeGroupMetadata(*record.value);
    std::string text = StrCat("[group ", group, " generation ", metadata.generation);
    if (metadata.protocol) StrAppend(&text, " ", *metadata.protocol, " led by ", metadata.leader.value_or("nobody"));
    for (const auto& member : metadata.members) {
      StrAppend(&text, ", ", member.id, member.instance ? "(" + *member.instance + ")" : "", " has '",
                member.assignment, "'");
    }
    return text + "]";
  }
  static std::string Show(model::ErrorCode code) { return std::string(model::ErrorName(code)); }
  static std::string Show(const Outcome& outcome) {
    return StrCat(model::ErrorName(outcome.code), outcome.message.empty() ? "" : ": ", outcome.message);
  }
  static std::string Show(const JoinReply& reply) {
    std::string text = StrCat("join ", Show(reply.code), reply.member.empty() ? "" : " ", reply.member);
    if (reply.code != model::ErrorCode::kNone) return text;
    StrAppend(&text, " generation ", reply.generation, " ", reply.protocol.value_or("-"), " led by ", reply.leader);
    for (const JoinedMember& member : reply.members) {
      StrAppend(&text, ", ", member.member, member.instance ? "(" + *member.instance + ")" : "", " '", member.metadata,
                "'");
    }
    return text + (reply.skip_assignment == SkipAssignment::kSupported ? ", keep the assignment" : "");
  }
  static std::string Show(const SyncReply& reply) {
    if (reply.code != model::ErrorCode::kNone) return StrCat("sync ", Show(reply.code));
    return StrCat("sync NONE ", reply.protocol.value_or("-"), " '", reply.assignment, "'");
  }
  static std::string Show(const HeartbeatReply& reply) { return StrCat("heartbeat ", Show(reply.code)); }
  static std::string Show(const LeaveReply& reply) {
    std::string text = StrCat("leave ", Show(reply.code));
    for (const auto& member : reply.members) StrAppend(&text, " ", member.member, " ", Show(member.code));
    return text;
  }
  static std::string Show(const CommitReply& reply) {
    std::string text = "commit";
    for (const Outcome& outcome : reply.outcomes) StrAppend(&text, " ", Show(outcome));
    return text;
  }
  static std::string Show(const DeleteOffsetsReply& reply) {
    std::string text = StrCat("delete-offsets ", Show(reply.outcome));
    for (const Outcome& outcome : reply.outcomes) StrAppend(&text, "; ", Show(outcome));
    return text;
  }
  static std::string Show(const DeleteReply& reply) { return StrCat("delete ", Show(reply.outcome)); }
  void PrintDescription(const GroupDescription& group) {
    Print(StrCat(group.group, " ", StateName(group.state), " '", group.protocol_type, "' ", group.protocol,
                 " generation ", group.generation, " ", Show(group.outcome)));
    for (const DescribedMember& member : group.members) {
      Print(StrCat("member ", member.member, member.instance ? "(" + *member.instance + ")" : "", " of ",
                   member.client_id, " at ", member.client_host, ": '", member.metadata, "' has '", member.assignment,
                   "'"));
    }
  }

  const Options options_;
  Random random_{1};
  std::unique_ptr<Core> core_;
  Instant now_;
  std::string out_;
  std::map<std::string, std::string> ids_;  // the name of the request that got it -> member id
  std::map<uint64_t, std::string> names_;
  uint64_t next_request_ = 1;
  std::deque<Write> writes_;
  std::vector<std::pair<model::ProducerId, OffsetRecord>> log_;
};

}  // namespace leat::group
