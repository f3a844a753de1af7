#include "tests/sim/topic_churn.h"

#include "base/strings.h"

namespace leat::nodes {
namespace {

constexpr uint64_t kNames = 3;
// Of one name; some are left for after healing.
constexpr size_t kMost = 40;

TopicOperation::Answer AnswerOf(model::ErrorCode code) {
  switch (code) {
    case model::ErrorCode::kNone:
      return TopicOperation::Answer::kDone;
    case model::ErrorCode::kTopicAlreadyExists:
      return TopicOperation::Answer::kExists;
    case model::ErrorCode::kUnknownTopicOrPartition:
      return TopicOperation::Answer::kMissing;
    case model::ErrorCode::kInvalidPartitions:
      return TopicOperation::Answer::kNotMore;
    default:
      return TopicOperation::Answer::kUnknown;
  }
}

}  // namespace

TopicChurn::TopicChurn(Stage& stage, int number, TopicHistories& histories)
    : stage_(stage),
      number_(number),
      histories_(histories),
      random_(stage.plan.Chance(3000 + static_cast<uint64_t>(number))) {}

TopicChurn::~TopicChurn() { stage_.world.DropEvents(this); }

void TopicChurn::Next() {
  waiting_ = stage_.working;
  if (!stage_.working) return;
  stage_.Later(this, absl::Milliseconds(random_.Between(50, 1000)), [this] { Ask(); });
}

void TopicChurn::Ask() {
  const std::string name = StrCat("churn", random_.Below(kNames));
  std::vector<TopicOperation>& history = histories_[name];
  const auto kind = static_cast<TopicOperation::Kind>(random_.Below(3));
  const auto partitions = static_cast<int32_t>(random_.Between(1, 4));
  if (history.size() >= kMost) {
    ++answered_;
    return Next();
  }
  const size_t at = history.size();
  history.push_back({.kind = kind, .partitions = partitions, .called = stage_.world.Now()});
  using Results = std::vector<broker::TopicResult>;
  stage_.link.Call<Results>(
      stage_.cluster.AnyServing(random_), absl::Seconds(8),
      [=](broker::BrokerImpl& broker, broker::Callback<Results> done) {
        switch (kind) {
          case TopicOperation::Kind::kCreate:
            return broker.CreateTopics({{name, partitions}}, std::move(done));
          case TopicOperation::Kind::kDelete:
            return broker.DeleteTopics({name}, std::move(done));
          case TopicOperation::Kind::kGrow:
            broker::AlterTopic alter;
            alter.name = name;
            alter.partitions = partitions;
            alter.must_grow = true;
            return broker.AlterTopics({alter}, std::move(done));
        }
      },
      [this, name, at](const std::optional<Results>& reply) { Take(name, at, reply); });
}

void TopicChurn::Take(const std::string& name, size_t at,
                      const std::optional<std::vector<broker::TopicResult>>& reply) {
  TopicOperation& operation = histories_[name][at];
  if (reply) operation.answer = AnswerOf(reply->at(0).outcome.code);
  if (operation.answer != TopicOperation::Answer::kUnknown) {
    operation.answered = stage_.world.Now();
    ++answered_;
  }
  stage_.trace(StrCat("topic ", name, ": ", Describe(operation), " ", reply ? reply->at(0).outcome.message : ""));
  Next();
}

std::string TopicChurn::WhyNotWorking() const {
  if (answered_ > marked_) return "";
  return StrCat("administrator ", number_, " gets no answer about topics");
}

std::string CheckTopics(const TopicHistories& histories) {
  for (const auto& [name, history] : histories) {
    if (CheckTopicHistory(history) != Verdict::kImpossible) continue;
    std::string out = StrCat("what was answered about topic ", name, " cannot have been:");
    for (const TopicOperation& operation : history) StrAppend(&out, "\n    ", Describe(operation));
    return out;
  }
  return "";
}

}  // namespace leat::nodes
