#include "client/assignors.h"

#include <algorithm>
#include <tuple>

#include "client/sticky_assignor.h"

namespace leat::client {
namespace {

constexpr std::string_view kRange = "range";
constexpr std::string_view kRoundRobin = "roundrobin";
constexpr std::string_view kCooperativeSticky = "cooperative-sticky";

bool Reads(const AssignedMember& member, const std::string& topic) {
  return std::find(member.topics.begin(), member.topics.end(), topic) != member.topics.end();
}

void AssignRange(const std::vector<const AssignedMember*>& order, const std::map<std::string, int32_t>& partitions,
                 Assignments* out) {
  for (const auto& [topic, count] : partitions) {
    std::vector<const AssignedMember*> readers;
    for (const AssignedMember* member : order) {
      if (Reads(*member, topic)) readers.push_back(member);
    }
    if (readers.empty()) continue;
    const auto n = static_cast<int32_t>(readers.size());
    int32_t next = 0;
    for (int32_t i = 0; i < n; ++i) {
      const int32_t share = count / n + (i < count % n ? 1 : 0);
      for (int32_t k = 0; k < share; ++k) (*out)[readers[static_cast<size_t>(i)]->id].push_back({topic, next++});
    }
  }
}

void AssignRoundRobin(const std::vector<const AssignedMember*>& order, const std::map<std::string, int32_t>& partitions,
                      Assignments* out) {
  size_t turn = 0;
  for (const auto& [topic, count] : partitions) {
    const bool read =
        std::any_of(order.begin(), order.end(), [&](const AssignedMember* member) { return Reads(*member, topic); });
    for (int32_t partition = 0; read && partition < count; ++partition) {
      while (!Reads(*order[turn % order.size()], topic)) ++turn;
      (*out)[order[turn++ % order.size()]->id].push_back({topic, partition});
    }
  }
}

}  // namespace

std::vector<const AssignedMember*> InOrder(const std::vector<AssignedMember>& members) {
  std::vector<const AssignedMember*> order;
  for (const AssignedMember& member : members) order.push_back(&member);
  std::sort(order.begin(), order.end(), [](const AssignedMember* a, const AssignedMember* b) {
    return std::make_tuple(a->instance.empty(), std::string_view(a->instance), std::string_view(a->id)) <
           std::make_tuple(b->instance.empty(), std::string_view(b->instance), std::string_view(b->id));
  });
  return order;
}

std::string_view AssignorName(ConsumerOptions::Assignor assignor) {
  switch (assignor) {
    case ConsumerOptions::Assignor::kRange:
      return kRange;
    case ConsumerOptions::Assignor::kRoundRobin:
      return kRoundRobin;
    case ConsumerOptions::Assignor::kCooperativeSticky:
      return kCooperativeSticky;
  }
  return {};
}

absl::StatusOr<Assignments> AssignPartitions(std::string_view assignor, const std::vector<AssignedMember>& members,
                                             const std::map<std::string, int32_t>& partitions) {
  if (assignor == kCooperativeSticky) return AssignCooperativeSticky(members, partitions);
  Assignments assignments;
  for (const AssignedMember& member : members) assignments[member.id];
  if (assignor == kRange) {
    AssignRange(InOrder(members), partitions, &assignments);
  } else if (assignor == kRoundRobin) {
    AssignRoundRobin(InOrder(members), partitions, &assignments);
  } else {
    return InvalidArgument("the group chose the assignor ", assignor,
                           ", expected range, roundrobin or cooperative-sticky");
  }
  return assignments;
}

}  // namespace leat::client
