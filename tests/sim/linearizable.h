// Was what clients heard about topics possible? A history of operations on one topic name is linearizable if each can
// be given one instant between its call and its answer, so that in the order of these instants a topic that is made,
// grown and deleted by one hand gives the same answers. An operation without an answer, or with one that does not say
// whether it happened, may have happened at any time after its call, or never.
//
// The search is that of Wing and Gong with Lowe's memory of what was tried: take any operation that was called before
// the earliest answer among those that are left, apply it to the model, go on with the rest, and come back if that
// leads nowhere. A set of operations done and the state that it led to is tried once. Names do not influence each
// other, so that each is checked alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace leat::nodes {

struct TopicOperation {
  enum class Kind : uint8_t { kCreate, kDelete, kGrow };
  enum class Answer : uint8_t { kDone, kExists, kMissing, kNotMore, kUnknown };
  Kind kind = Kind::kCreate;
  int32_t partitions = 0;  // kCreate and kGrow: how many there are to be
  Answer answer = Answer::kUnknown;
  Instant called;
  Instant answered = Instant::Max();
};

enum class Verdict : uint8_t { kPossible, kImpossible, kGaveUp };
// kGaveUp: more operations than kMostOperations, or more than `most_steps` were tried.
inline constexpr size_t kMostOperations = 64;
Verdict CheckTopicHistory(const std::vector<TopicOperation>& history, size_t most_steps = 2'000'000);
std::string Describe(const TopicOperation& operation);

}  // namespace leat::nodes
