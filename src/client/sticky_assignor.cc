#include "client/sticky_assignor.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace leat::client {
namespace {

struct Share {
  const AssignedMember* member = nullptr;
  std::map<std::string, std::set<int32_t>> topics;  // no empty sets
  size_t count = 0;

  void Give(const TopicPartition& partition) {
    topics[partition.topic].insert(partition.partition);
    ++count;
  }
  void Take(const TopicPartition& partition) {
    auto topic = topics.find(partition.topic);
    topic->second.erase(partition.partition);
    if (topic->second.empty()) topics.erase(topic);
    --count;
  }
};

class Sharing {
 public:
  Sharing(const std::vector<AssignedMember>& members, const std::map<std::string, int32_t>& partitions)
      : partitions_(partitions) {
    for (const AssignedMember* member : InOrder(members)) shares_.push_back({.member = member, .topics = {}});
    for (size_t i = 0; i < shares_.size(); ++i) {
      const std::set<std::string> topics(shares_[i].member->topics.begin(), shares_[i].member->topics.end());
      for (const std::string& topic : topics) {
        if (partitions.contains(topic)) readers_[topic].push_back(i);
      }
    }
  }

  Assignments Run() {
    KeepWhatIsOwned();
    GiveWhatIsFree();
    while (MoveOne()) {
    }
    return WithoutWhatOthersHold();
  }

 private:
  struct Claim {
    size_t share = 0;
    int32_t generation = -1;
    bool disputed = false;
  };

  bool CanHave(size_t share, const TopicPartition& partition) const {
    const auto readers = readers_.find(partition.topic);
    return readers != readers_.end() && partition.partition >= 0 &&
           partition.partition < partitions_.at(partition.topic) &&
           std::binary_search(readers->second.begin(), readers->second.end(), share);
  }

  void KeepWhatIsOwned() {
    std::map<TopicPartition, Claim> claims;
    for (size_t i = 0; i < shares_.size(); ++i) {
      const int32_t generation = shares_[i].member->generation;
      for (const TopicPartition& partition : shares_[i].member->owned) {
        owners_[partition].insert(i);
        if (!CanHave(i, partition)) continue;
        const auto [claim, first] = claims.try_emplace(partition, Claim{.share = i, .generation = generation});
        if (first || claim->second.share == i || generation < claim->second.generation) continue;
        if (generation == claim->second.generation) {
          claim->second.disputed = true;
        } else {
          claim->second = {.share = i, .generation = generation};
        }
      }
    }
    for (const auto& [partition, claim] : claims) {
      if (!claim.disputed) GiveTo(claim.share, partition);
    }
  }

  void GiveTo(size_t share, const TopicPartition& partition) {
    shares_[share].Give(partition);
    given_.insert(partition);
  }

  size_t LeastLoaded(const std::vector<size_t>& readers) const {
    return *std::min_element(readers.begin(), readers.end(),
                             [this](size_t a, size_t b) { return shares_[a].count < shares_[b].count; });
  }

  // Topics with few readers first: what only one can read leaves room at the others.
  void GiveWhatIsFree() {
    std::vector<std::pair<size_t, std::string>> order;
    for (const auto& [topic, readers] : readers_) order.emplace_back(readers.size(), topic);
    std::sort(order.begin(), order.end());
    for (const auto& [count, topic] : order) {
      for (int32_t i = 0; i < partitions_.at(topic); ++i) {
        if (!given_.contains({topic, i})) GiveTo(LeastLoaded(readers_.at(topic)), {topic, i});
      }
    }
  }

  // From one who has at least two more than another who could have it. Each move evens the shares out, so they end.
  bool MoveOne() {
    std::vector<size_t> by_load(shares_.size());
    for (size_t i = 0; i < by_load.size(); ++i) by_load[i] = i;
    std::stable_sort(by_load.begin(), by_load.end(),
                     [this](size_t a, size_t b) { return shares_[a].count > shares_[b].count; });
    for (const size_t giver : by_load) {
      for (const auto& [topic, numbers] : shares_[giver].topics) {
        const size_t taker = LeastLoaded(readers_.at(topic));
        if (shares_[taker].count + 1 >= shares_[giver].count) continue;
        const TopicPartition partition{topic, CheapestToMove(giver, topic, numbers)};
        shares_[giver].Take(partition);
        shares_[taker].Give(partition);
        return true;
      }
    }
    return false;
  }

  // One that it does not have yet, if there is one.
  int32_t CheapestToMove(size_t giver, const std::string& topic, const std::set<int32_t>& numbers) const {
    for (const int32_t number : numbers) {
      const auto owners = owners_.find({topic, number});
      if (owners == owners_.end() || !owners->second.contains(giver)) return number;
    }
    return *numbers.rbegin();
  }

  Assignments WithoutWhatOthersHold() const {
    Assignments out;
    for (size_t i = 0; i < shares_.size(); ++i) {
      std::vector<TopicPartition>& mine = out[shares_[i].member->id];
      for (const auto& [topic, numbers] : shares_[i].topics) {
        for (const int32_t number : numbers) {
          const auto owners = owners_.find({topic, number});
          if (owners == owners_.end() || owners->second.contains(i)) mine.push_back({topic, number});
        }
      }
    }
    return out;
  }

  const std::map<std::string, int32_t>& partitions_;
  std::vector<Share> shares_;                           // in the order of the members
  std::map<std::string, std::vector<size_t>> readers_;  // of each topic that exists, ascending
  std::map<TopicPartition, std::set<size_t>> owners_;   // who says that it has it, true or not
  std::set<TopicPartition> given_;
};

}  // namespace

Assignments AssignCooperativeSticky(const std::vector<AssignedMember>& members,
                                    const std::map<std::string, int32_t>& partitions) {
  return Sharing(members, partitions).Run();
}

}  // namespace leat::client
