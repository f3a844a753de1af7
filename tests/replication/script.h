// The little language of tests/replication/golden: one partition, its replicas, and a hand that delivers or loses every
// message. Each line is echoed, followed by what it made the cores do. Nothing happens that no line asks for.
//
//   cluster 1,2,3 min=2 class=P          nodes, all stopped; class F syncs only when told to
//   start 2                              a new life, with a higher broker epoch
//   crash 2 [lose=1]                     its last records are lost
//   image leader=1 isr=1,2,3 [elr=] [fenced=] [shutdown=] [epoch=] [to=1,2]
//                                        the controller's next state; the leader epoch rises with the leader
//   deliver 2                            the latest image to node 2
//   produce 1 3 [acks=1]                 three records to node 1, acks=all
//   fetch 2 [lost] [max=2]               node 2's fetch reaches its leader, and the answer node 2 (or is lost)
//   again 2                              the last fetch that reached a leader arrives there once more, unanswered
//   propose 1 accept|lost|<ERROR>        the controller's answer to node 1's proposal
//   sync 1 | time 500 | trim 1 4 | damage 2 3 5 | read 2 7 [epoch=1] [rack=b] | latest 1 [epoch=1] | end-of 1 2
//   show
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replication/partition_replica.h"
#include "tests/replication/sim_log.h"

namespace leat::replication {

class Script {
 public:
  Script();
  std::string Run(const std::string& text);

 private:
  struct Node {
    bool up = false;
    int64_t broker_epoch = 0;
    sim::SimLog log;
    std::unique_ptr<PartitionReplica> replica;
    std::optional<SendFetch> fetch;       // not delivered yet
    std::optional<SendFetch> last_fetch;  // delivered last, in any life
    std::optional<ProposeIsr> proposal;
    std::vector<sim::Record> fetched;
  };
  using Words = std::vector<std::string>;

  void Command(const Words& words);
  bool NodeCommand(const Words& words);
  bool AskCommand(const Words& words);
  void Cluster(const Words& words);
  void Image(const Words& words);
  void Deliver(int id);
  void Produce(int id, int count, bool all);
  void Fetch(int id, const Words& words);
  FetchVerdict Arrive(int id, const SendFetch& fetch);
  void Propose(int id, const std::string& outcome);
  void Time(int ms);
  void Show();
  void Perform(int id);
  void Carry(int id, const Effect& effect);
  void Say(int id, const std::string& text);
  // The value of name=, or nullopt.
  static std::optional<std::string> Value(const Words& words, std::string_view name);
  Instant now() const { return Instant::FromNanos(now_ms_ * 1'000'000); }

  Options options_;
  PartitionView view_;
  std::map<int, Node> nodes_;
  int64_t now_ms_ = 0;
  uint64_t next_value_ = 1, next_waiter_ = 1;
  std::string out_;
};

}  // namespace leat::replication
