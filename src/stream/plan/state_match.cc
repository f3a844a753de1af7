#include "stream/plan/state_match.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "base/strings.h"

namespace leat::plan {
namespace {

class Matcher {
 public:
  Matcher(const std::vector<StatefulOperator>& stored, const JobPlan& plan)
      : stored_(stored), plan_(plan), taken_(stored.size(), false) {
    for (const StatefulOperator& old : stored) used_.insert(old.id);
  }

  StateMatch Match() {
    const std::vector<StatefulOperator> wanted = OperatorsWithState(plan_);
    // Those that are the same in everything choose first, so that of two of one kind each finds its own.
    for (const bool exactly : {true, false}) {
      for (const StatefulOperator& one : wanted) {
        if (!one.identity.is_source() && !match_.ids.contains(one.id)) Find(one, exactly);
      }
    }
    FindSources(wanted);
    for (const StatefulOperator& one : wanted) {
      if (!match_.ids.contains(one.id)) {
        match_.ids[one.id] = Free(one.id);
        match_.added.push_back({.id = match_.ids[one.id], .identity = one.identity});
        added_.insert(one.id);
      }
      match_.now.push_back({.id = match_.ids[one.id], .identity = one.identity});
    }
    FindTwins(stored_);
    FindTwins(match_.now);
    NumberTheRest();
    FindPartial();
    for (size_t i = 0; i < stored_.size(); ++i) {
      if (!taken_[i]) match_.gone.push_back(stored_[i]);
    }
    return std::move(match_);
  }

 private:
  int Free(int wish) {
    if (!used_.contains(wish)) {
      used_.insert(wish);
      return wish;
    }
    while (used_.contains(next_)) ++next_;
    used_.insert(next_);
    return next_;
  }
  void Take(size_t index, const StatefulOperator& one) {
    taken_[index] = true;
    match_.ids[one.id] = stored_[index].id;
    match_.kept.push_back({.before = stored_[index], .after = {.id = stored_[index].id, .identity = one.identity}});
  }
  void Find(const StatefulOperator& one, bool exactly) {
    for (size_t i = 0; i < stored_.size(); ++i) {
      if (taken_[i] || !stored_[i].identity.SameState(one.identity)) continue;
      if (exactly && stored_[i].identity.reads != one.identity.reads) continue;
      return Take(i, one);
    }
  }

  // Those that differ in what they read found their own, unless it became another one in several of them.
  void FindTwins(const std::vector<StatefulOperator>& operators) {
    const auto reads_on = [&](const StatefulOperator& one) {
      return std::any_of(match_.kept.begin(), match_.kept.end(), [&](const StateMatch::Kept& kept) {
        return (kept.before.id == one.id || kept.after.id == one.id) &&
               kept.before.identity.reads == kept.after.identity.reads;
      });
    };
    const auto alike = [&](const StatefulOperator& a, const StatefulOperator& b) {
      if (a.identity.is_source() || b.identity.is_source()) return a.identity == b.identity;
      if (!a.identity.SameState(b.identity)) return false;
      return a.identity.reads == b.identity.reads || !(reads_on(a) || reads_on(b));
    };
    for (size_t i = 0; i < operators.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (!alike(operators[i], operators[j])) continue;
        match_.twins.push_back(operators[i]);
        break;
      }
    }
  }

  static bool FeedTheSame(const OperatorIdentity& a, const OperatorIdentity& b) {
    return std::any_of(a.feeds.begin(), a.feeds.end(), [&](const std::string& consumer) {
      return std::find(b.feeds.begin(), b.feeds.end(), consumer) != b.feeds.end();
    });
  }
  static std::set<std::string> ColumnsOf(const OperatorIdentity& source) {
    std::set<std::string> columns;
    for (size_t from = 0; from < source.reads.size();) {
      const size_t end = std::min(source.reads.find(", ", from), source.reads.size());
      columns.insert(source.reads.substr(from, end - from));
      from = end + 2;
    }
    return columns;
  }
  static bool AreColumnsOf(const OperatorIdentity& a, const OperatorIdentity& b) {
    const std::set<std::string> one = ColumnsOf(a);
    const std::set<std::string> other = ColumnsOf(b);
    return std::includes(one.begin(), one.end(), other.begin(), other.end()) ||
           std::includes(other.begin(), other.end(), one.begin(), one.end());
  }
  // A topic that the job reads is read on from where the job is, by whatever reads it. What an operator has seen of it
  // is what the source below it has read: that is the one whose place counts.
  void FindSources(const std::vector<StatefulOperator>& wanted) {
    std::vector<const StatefulOperator*> rest;
    for (const StatefulOperator& one : wanted) {
      if (one.identity.is_source() && !FindTheSameSource(one)) rest.push_back(&one);
    }
    for (const bool by_columns : {false, true}) {
      for (size_t i = 0; i < rest.size();) {
        if (TellApart(*rest[i], rest, by_columns)) {
          rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
          ++i;
        }
      }
    }
    std::vector<const StatefulOperator*> others;
    for (const StatefulOperator* one : rest) {
      if (!FindSourceBelow(*one, rest)) others.push_back(one);
    }
    for (const StatefulOperator* one : others) FindSourceOfTopic(*one);
  }
  bool FindTheSameSource(const StatefulOperator& one) {
    for (size_t i = 0; i < stored_.size(); ++i) {
      if (taken_[i] || stored_[i].identity != one.identity) continue;
      Take(i, one);
      return true;
    }
    return false;
  }
  // Sources that have fed something of what `one` feeds, and that nobody is known to be.
  std::vector<size_t> Below(const StatefulOperator& one) const {
    std::vector<size_t> below;
    for (size_t i = 0; i < stored_.size(); ++i) {
      const OperatorIdentity& old = stored_[i].identity;
      if (taken_[i] && !guessed_.contains(i)) continue;
      if (old.SameState(one.identity) && FeedTheSame(old, one.identity)) below.push_back(i);
    }
    return below;
  }
  // Sources of the plan that each could be any of these: fewer, and some have become one.
  size_t Readers(const std::vector<size_t>& below, const std::vector<const StatefulOperator*>& rest) const {
    return static_cast<size_t>(
        std::count_if(rest.begin(), rest.end(), [&](const StatefulOperator* one) { return Below(*one) == below; }));
  }
  bool FeedOneAnother(const std::vector<size_t>& below) const {
    return std::all_of(below.begin(), below.end(),
                       [&](size_t i) { return FeedTheSame(stored_[i].identity, stored_[below.front()].identity); });
  }
  // Several read one topic for one table: which of them is which is known by all that they feed, else by their columns
  // if one has all those of the other. True: `one` has found its own.
  bool TellApart(const StatefulOperator& one, const std::vector<const StatefulOperator*>& rest, bool by_columns) {
    const auto is = [&](const StatefulOperator& old, const StatefulOperator& now) {
      if (!old.identity.SameState(now.identity)) return false;
      return by_columns ? FeedTheSame(old.identity, now.identity) && AreColumnsOf(old.identity, now.identity)
                        : old.identity.feeds == now.identity.feeds;
    };
    const std::vector<size_t> below = Below(one);
    if (Readers(below, rest) < below.size() || !FeedOneAnother(below)) return false;
    std::optional<size_t> found;
    for (const size_t i : below) {
      if (!is(stored_[i], one)) continue;
      if (found) return false;
      found = i;
    }
    if (!found) return false;
    const auto claims = [&](const StatefulOperator* other) { return is(stored_[*found], *other); };
    if (std::count_if(rest.begin(), rest.end(), claims) != 1) return false;
    Take(*found, one);
    return true;
  }
  // The one that has fed the same operators and tables.
  bool FindSourceBelow(const StatefulOperator& one, const std::vector<const StatefulOperator*>& rest) {
    const std::vector<size_t> below = Below(one);
    if (below.size() > 1) {
      match_.merges.push_back({.now = one, .before = {}, .readers = Readers(below, rest)});
      for (const size_t i : below) match_.merges.back().before.push_back(stored_[i]);
    }
    const auto free = std::find_if(below.begin(), below.end(), [&](size_t i) { return !taken_[i]; });
    if (free != below.end()) {
      guessed_.insert(*free);
      Take(*free, one);
      return true;
    }
    for (size_t i = 0; i < stored_.size(); ++i) {
      const OperatorIdentity& old = stored_[i].identity;
      if (!old.SameState(one.identity) || !FeedTheSame(old, one.identity)) continue;
      Fork(i, one);
      return true;
    }
    return false;
  }
  void FindSourceOfTopic(const StatefulOperator& one) {
    // Who has not read such a source from the beginning does so now.
    if (IsReadWhole(one.identity)) return;
    std::optional<size_t> any;
    for (size_t i = 0; i < stored_.size(); ++i) {
      if (!stored_[i].identity.SameState(one.identity)) continue;
      if (!taken_[i]) return Take(i, one);
      if (!any) any = i;
    }
    if (any) Fork(*any, one);
  }
  void Fork(size_t index, const StatefulOperator& one) {
    match_.ids[one.id] = Free(one.id);
    match_.forks.push_back({.from = stored_[index].id, .to = match_.ids[one.id]});
  }

  void NumberTheRest() {
    std::set<const Node*> seen;
    const std::function<void(const Node&)> visit = [&](const Node& node) {
      if (!seen.insert(&node).second) return;
      for (const NodePtr& input : node.inputs) visit(*input);
      if (!match_.ids.contains(node.id)) match_.ids[node.id] = Free(node.id);
    };
    for (const NodePtr& sink : plan_.sinks) visit(*sink);
  }

  // The operator, of those that go on, whose changes `node` passes on.
  std::optional<StatefulOperator> ChangesThatGoOn(const Node& node) {
    if (const auto known = changes_.find(&node); known != changes_.end()) return known->second;
    return changes_[&node] = FindChangesThatGoOn(node);
  }
  std::optional<StatefulOperator> FindChangesThatGoOn(const Node& node) {
    const int id = match_.ids.at(node.id);
    const auto found =
        std::find_if(match_.now.begin(), match_.now.end(), [&](const StatefulOperator& one) { return one.id == id; });
    if (found != match_.now.end()) {
      const bool changes = node.produces_updates || IsReadWhole(found->identity);
      return changes && !added_.contains(node.id) ? std::optional(*found) : std::nullopt;
    }
    for (const NodePtr& input : node.inputs) {
      if (auto changes = ChangesThatGoOn(*input)) return changes;
    }
    return std::nullopt;
  }
  void FindPartial() {
    std::set<const Node*> seen;
    const std::function<void(const Node&)> visit = [&](const Node& node) {
      if (!seen.insert(&node).second) return;
      for (const NodePtr& input : node.inputs) visit(*input);
      if (!added_.contains(node.id) || node.kind == NodeKind::kSink) return;
      for (const NodePtr& input : node.inputs) {
        const auto over = ChangesThatGoOn(*input);
        if (!over) continue;
        const int id = match_.ids.at(node.id);
        const auto now = std::find_if(match_.added.begin(), match_.added.end(),
                                      [&](const StatefulOperator& one) { return one.id == id; });
        match_.partial.push_back({.now = *now, .over = *over});
        return;
      }
    };
    for (const NodePtr& sink : plan_.sinks) visit(*sink);
  }

  const std::vector<StatefulOperator>& stored_;
  const JobPlan& plan_;
  std::vector<bool> taken_;
  std::set<size_t> guessed_;  // of stored_, taken by one of those that it could have been
  std::set<int> added_;       // by the plan's own numbers
  std::map<const Node*, std::optional<StatefulOperator>> changes_;
  std::set<int> used_;
  int next_ = 1;
  StateMatch match_;
};

std::string TopicOf(const OperatorIdentity& source) {
  return source.parts.empty() ? std::string() : StrCat(source.parts.back().first, " ", source.parts.back().second);
}

// How far two operators are from each other: parts that differ.
size_t Distance(const OperatorIdentity& a, const OperatorIdentity& b) {
  size_t different = 0;
  for (const auto& part : a.parts) different += std::find(b.parts.begin(), b.parts.end(), part) == b.parts.end();
  for (const auto& part : b.parts) different += std::find(a.parts.begin(), a.parts.end(), part) == a.parts.end();
  return different;
}

std::string PartOf(const OperatorIdentity& identity, const std::string& name) {
  const auto found =
      std::find_if(identity.parts.begin(), identity.parts.end(), [&](const auto& part) { return part.first == name; });
  return found == identity.parts.end() || found->second.empty() ? std::string("nothing") : found->second;
}

// The operator that most probably is meant to be the same: of the same kind, with the fewest differences.
const StatefulOperator* Nearest(const StatefulOperator& gone, const std::vector<StatefulOperator>& added) {
  const StatefulOperator* nearest = nullptr;
  for (const StatefulOperator& one : added) {
    if (one.identity.kind != gone.identity.kind) continue;
    if (nearest == nullptr || Distance(gone.identity, one.identity) < Distance(gone.identity, nearest->identity)) {
      nearest = &one;
    }
  }
  return nearest;
}

std::string WhyGone(const StatefulOperator& gone, const std::vector<StatefulOperator>& added) {
  const StatefulOperator* const nearest = Nearest(gone, added);
  if (nearest == nullptr) {
    return StrCat(gone.Name(), " (", Describe(gone.identity), "): the new SQL has no ", gone.identity.kind, " for it");
  }
  std::string text = StrCat(gone.Name(), ":");
  std::set<std::string> names;
  for (const auto& [name, value] : gone.identity.parts) names.insert(name);
  for (const auto& [name, value] : nearest->identity.parts) names.insert(name);
  const char* separator = " ";
  for (const std::string& name : names) {
    const std::string before = PartOf(gone.identity, name);
    const std::string after = PartOf(nearest->identity, name);
    if (before == after) continue;
    StrAppend(&text, separator, name, " was [", before, "], in the new SQL it is [", after, "]");
    separator = "; ";
  }
  return text;
}

// A source keeps nothing but its place, and what a sink has written stays.
bool LosesState(const StatefulOperator& gone) { return !gone.identity.is_source() && gone.identity.kind != kFilesKind; }

bool MayDrop(const StatefulOperator& gone, const std::vector<std::string>& drop) {
  return std::any_of(drop.begin(), drop.end(),
                     [&](const std::string& name) { return name == kDropAll || name == gone.Name(); });
}

absl::Status CheckDropped(const StateMatch& match, const std::vector<std::string>& drop) {
  for (const std::string& name : drop) {
    const auto is = [&](const StatefulOperator& one) { return one.Name() == name; };
    if (name == kDropAll || std::any_of(match.gone.begin(), match.gone.end(), is)) continue;
    const bool kept =
        std::any_of(match.kept.begin(), match.kept.end(), [&](const StateMatch::Kept& one) { return is(one.before); });
    if (kept)
      return InvalidArgument("--drop-state ", name, ": the new SQL has this operator too, and it keeps its state");
    return InvalidArgument("--drop-state ", name, ": the job has no such operator");
  }
  return absl::OkStatus();
}

}  // namespace

std::string Describe(const OperatorIdentity& identity) {
  if (identity.is_source()) return TopicOf(identity);
  std::string text;
  for (const char* name : {"keys", "on", "window", "aggregates", "path"}) {
    const auto found = std::find_if(identity.parts.begin(), identity.parts.end(),
                                    [&](const auto& part) { return part.first == name; });
    if (found != identity.parts.end() && !found->second.empty()) {
      StrAppend(&text, text.empty() ? "" : "; ", name, " ", found->second);
    }
  }
  return text;
}

StateMatch MatchState(const std::vector<StatefulOperator>& stored, const JobPlan& plan) {
  return Matcher(stored, plan).Match();
}

JobPlan WithIds(const JobPlan& plan, const std::map<int, int>& ids) {
  std::map<const Node*, NodePtr> made;
  const std::function<NodePtr(const NodePtr&)> copy = [&](const NodePtr& node) -> NodePtr {
    if (const auto known = made.find(node.get()); known != made.end()) return known->second;
    auto renumbered = std::make_shared<Node>(*node);
    for (NodePtr& input : renumbered->inputs) input = copy(input);
    renumbered->id = ids.at(node->id);
    return made[node.get()] = renumbered;
  };
  JobPlan result = plan;
  for (NodePtr& sink : result.sinks) sink = copy(sink);
  return result;
}

absl::Status CheckMatch(const StateMatch& match, const std::vector<std::string>& drop) {
  LEAT_RETURN_IF_ERROR(CheckDropped(match, drop));
  for (const auto& [before, after] : match.ids) {
    if (after > kMaxOperatorId) return ResourceExhausted("the plan has more than ", kMaxOperatorId, " operators");
  }
  std::string reasons;
  std::string names;
  for (const StatefulOperator& gone : match.gone) {
    if (!LosesState(gone) || MayDrop(gone, drop)) continue;
    StrAppend(&reasons, "\n  ", WhyGone(gone, match.added));
    StrAppend(&names, " --drop-state ", gone.Name());
  }
  if (!reasons.empty()) {
    return FailedPrecondition("the new SQL does not fit the job's state:", reasons,
                              "\nWhat has state must be there with the same keys, windows, aggregates and kept "
                              "columns. Change the SQL so that "
                              "it is; or give up the state of these operators, which then begin empty, with",
                              names, "; or begin anew with leat job submit --replace");
  }
  for (const StateMatch::Partial& partial : match.partial) {
    return FailedPrecondition("the new SQL has ", partial.now.Name(), " (", Describe(partial.now.identity), ") over ",
                              partial.over.Name(), " (", Describe(partial.over.identity),
                              "), which the job goes on with: it would get what changes from now on, but not ",
                              "the rows that are there, and its result would be wrong for good. Give it a job of its "
                              "own, which reads all of ",
                              "them; or begin anew with leat job submit --replace");
  }
  for (const StateMatch::Merge& merge : match.merges) {
    if (merge.readers >= merge.before.size()) {
      return FailedPrecondition(
          "the job reads ", TopicOf(merge.now.identity), " ", merge.before.size(),
          " times for the same tables and operators, and the new SQL reads other columns each time: which of them "
          "goes ",
          "on from which place is not known, and a row would be missing or there twice. Change one of them in an "
          "upgrade, and the next one in another; or begin anew with leat job submit --replace");
    }
    return FailedPrecondition(
        "the new SQL reads ", TopicOf(merge.now.identity), " once where the job has read it ", merge.before.size(),
        " times, which may have come to different places: a row would be missing or there twice. Keep them apart with "
        "a hint behind the table in one of the queries, such as /*+ OPTIONS('scan.startup.mode' = "
        "'earliest-offset') */, which changes nothing else; or begin anew with leat job submit --replace");
  }
  return absl::OkStatus();
}

absl::Status CheckTwins(const StateMatch& match) {
  if (match.twins.empty()) return absl::OkStatus();
  const StatefulOperator& twin = match.twins.front();
  return FailedPrecondition("the job has ", twin.identity.kind, "s that nothing tells apart (", Describe(twin.identity),
                            "), as where two INSERTs have the same join or the same Top-N: which of them would go on ",
                            "with which state is not known. Let one of them write a topic that the other reads, and "
                            "begin anew with leat job submit --replace");
}

std::vector<std::string> Dropped(const StateMatch& match) {
  std::vector<std::string> names;
  for (const StatefulOperator& gone : match.gone) {
    if (LosesState(gone)) names.push_back(gone.Name());
  }
  return names;
}

std::vector<std::string> Explain(const StateMatch& match) {
  std::vector<std::string> lines;
  for (const StateMatch::Kept& kept : match.kept) {
    if (kept.after.identity.is_source()) {
      lines.push_back(StrCat("reads on: ", TopicOf(kept.after.identity), ", from where the job is"));
      continue;
    }
    lines.push_back(StrCat("keeps its state: ", kept.after.Name(), " (", Describe(kept.after.identity), ")"));
    const std::string& before = kept.before.identity.reads;
    const std::string& after = kept.after.identity.reads;
    if (before != after) {
      lines.back() += StrCat("; it gets other rows from now on: ", after.empty() ? "all of them" : after, ", so far ",
                             before.empty() ? "all of them" : before);
    }
  }
  for (const StateMatch::Fork& fork : match.forks) {
    const auto is = [&](const StatefulOperator& one) { return one.id == fork.to; };
    const auto found = std::find_if(match.now.begin(), match.now.end(), is);
    if (found == match.now.end()) continue;
    lines.push_back(StrCat("reads too: ", TopicOf(found->identity), ", from where the job is"));
  }
  for (const StatefulOperator& added : match.added) {
    lines.push_back(added.identity.is_source()
                        ? StrCat("reads newly: ", TopicOf(added.identity), ", from where its table says")
                        : StrCat("begins empty: ", added.Name(), " (", Describe(added.identity), ")"));
  }
  for (const StatefulOperator& gone : match.gone) {
    // A table that is read anew from its beginning is told above.
    const bool anew = std::any_of(match.added.begin(), match.added.end(), [&](const StatefulOperator& one) {
      return gone.identity.is_source() && one.identity.SameState(gone.identity);
    });
    if (anew) continue;
    if (gone.identity.kind == kFilesKind) {
      lines.push_back(StrCat("is not written any more: ", Describe(gone.identity), "; what is there gets its name"));
      continue;
    }
    lines.push_back(gone.identity.is_source()
                        ? StrCat("is not read any more: ", TopicOf(gone.identity))
                        : StrCat("loses its state: ", gone.Name(), " (", Describe(gone.identity), ")"));
  }
  return lines;
}

}  // namespace leat::plan
