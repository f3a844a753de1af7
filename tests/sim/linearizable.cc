#include "tests/sim/linearizable.h"

#include <optional>
#include <set>
#include <utility>

#include "base/strings.h"

namespace leat::nodes {
namespace {

using Answer = TopicOperation::Answer;
using Kind = TopicOperation::Kind;

// The topic has this many partitions, 0: there is none. Returns what the operation answers, and changes the state.
Answer Apply(const TopicOperation& operation, int32_t* partitions) {
  switch (operation.kind) {
    case Kind::kCreate:
      if (*partitions > 0) return Answer::kExists;
      *partitions = operation.partitions;
      return Answer::kDone;
    case Kind::kDelete:
      if (*partitions == 0) return Answer::kMissing;
      *partitions = 0;
      return Answer::kDone;
    case Kind::kGrow:
      if (*partitions == 0) return Answer::kMissing;
      if (operation.partitions <= *partitions) return Answer::kNotMore;
      *partitions = operation.partitions;
      return Answer::kDone;
  }
  return Answer::kUnknown;
}

class Search {
 public:
  Search(const std::vector<TopicOperation>& history, size_t most_steps) : history_(history), left_(most_steps) {
    for (size_t i = 0; i < history.size(); ++i) {
      if (history[i].answer != Answer::kUnknown) answered_ |= Bit(i);
    }
  }
  Verdict Run() {
    if (Try(0, 0)) return Verdict::kPossible;
    return left_ == 0 ? Verdict::kGaveUp : Verdict::kImpossible;
  }

 private:
  static uint64_t Bit(size_t i) { return uint64_t{1} << i; }

  bool Try(uint64_t done, int32_t state) {
    if ((done & answered_) == answered_) return true;
    if (left_ == 0 || !tried_.emplace(done, state).second) return false;
    --left_;
    Instant earliest = Instant::Max();
    for (size_t i = 0; i < history_.size(); ++i) {
      if ((done & Bit(i)) == 0 && (answered_ & Bit(i)) != 0 && history_[i].answered < earliest) {
        earliest = history_[i].answered;
      }
    }
    for (size_t i = 0; i < history_.size(); ++i) {
      const TopicOperation& operation = history_[i];
      if ((done & Bit(i)) != 0 || operation.called > earliest) continue;
      int32_t next = state;
      const Answer answer = Apply(operation, &next);
      if (operation.answer != Answer::kUnknown && operation.answer != answer) continue;
      if (Try(done | Bit(i), next)) return true;
    }
    return false;
  }

  const std::vector<TopicOperation>& history_;
  size_t left_;
  uint64_t answered_ = 0;
  std::set<std::pair<uint64_t, int32_t>> tried_;
};

}  // namespace

Verdict CheckTopicHistory(const std::vector<TopicOperation>& history, size_t most_steps) {
  if (history.size() > kMostOperations) return Verdict::kGaveUp;
  return Search(history, most_steps).Run();
}

std::string Describe(const TopicOperation& operation) {
  static constexpr const char* kKinds[] = {"create", "delete", "grow"};
  static constexpr const char* kAnswers[] = {"done", "exists", "missing", "not more", "unknown"};
  return StrCat(kKinds[static_cast<int>(operation.kind)], " ", operation.partitions, " [",
                operation.called.nanos() / 1000, " us, ",
                operation.answered == Instant::Max() ? StrCat("..") : StrCat(operation.answered.nanos() / 1000, " us"),
                "] ", kAnswers[static_cast<int>(operation.answer)]);
}

}  // namespace leat::nodes
