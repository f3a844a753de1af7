// Consumer groups: members come and go while records flow, and nothing is lost.
#include <algorithm>

#include "admin.h"
#include "client.h"
#include "group.h"
#include "tests.h"

namespace clients {
namespace {

constexpr int kPartitions = 6;
constexpr int kRounds = 10000;  // of some milliseconds

// A producer that never stops, and the members that read what it writes.
class Flow {
 public:
  explicit Flow(const std::string& stem)
      : topic_(Name(stem)), producer_(MakeProducer({{"enable.idempotence", "true"}}, &deliveries_)) {
    CreateTopic(topic_, kPartitions);
  }

  Member& Join(const std::string& name, const Settings& settings) {
    members_.push_back(std::make_unique<Member>(name, topic_, settings));
    return *members_.back();
  }

  // Records flow until `done` holds.
  void Run(const std::string& what, const std::function<bool()>& done) {
    for (int round = 0; round < kRounds; ++round) {
      if (done()) return;
      for (int i = 0; i < 5; ++i) {
        const std::string value = "value " + std::to_string(produced_++);
        Enqueue(producer_.get(), topic_, {.key = value, .value = value, .headers = {}});
      }
      PollAll();
    }
    Fail("expected " + what + " within " + std::to_string(kRounds) + " rounds");
  }

  // No more records; returns when every one of them has been read by somebody.
  void Drain() {
    Flush(producer_.get());
    Expect(deliveries_.acknowledged == produced_, "every record to be acknowledged");
    for (int round = 0; round < kRounds && static_cast<int>(Seen().size()) < produced_; ++round) PollAll();
    const size_t seen = Seen().size();
    Expect(static_cast<int>(seen) == produced_,
           std::to_string(produced_) + " records read, got " + std::to_string(seen));
    for (auto& member : members_) member->Close();
  }

  [[nodiscard]] std::set<std::string> Seen() const {
    std::set<std::string> seen;
    for (const auto& member : members_) seen.insert(member->values().begin(), member->values().end());
    return seen;
  }
  [[nodiscard]] int produced() const { return produced_; }
  [[nodiscard]] const std::string& topic() const { return topic_; }

 private:
  void PollAll() {
    for (auto& member : members_) {
      if (member->handle() == nullptr) continue;
      for (int i = 0; i < 50 && member->PollOnce(i == 0 ? 3 : 0); ++i) {
      }
      member->Commit();
    }
  }

  std::string topic_;
  Deliveries deliveries_;
  Handle producer_;
  std::vector<std::unique_ptr<Member>> members_;
  int produced_ = 0;
};

int64_t CommittedTotal(const std::string& group, const std::string& topic) {
  const Handle consumer = MakeConsumer({{"group.id", group}});
  const Partitions list = MakePartitions(topic, kPartitions, 0);
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_committed(consumer.get(), list.get(), 15000), "committed offsets");
  int64_t total = 0;
  for (int i = 0; i < kPartitions; ++i) total += std::max<int64_t>(list->elems[i].offset, 0);
  return total;
}

void RebalanceUnderLoad(const std::string& assignor) {
  const std::string group = Name("rebalance-" + assignor);
  const Settings settings = {{"group.id", group}, {"partition.assignment.strategy", assignor}};
  Flow flow("rebalance-" + assignor);
  Member& first = flow.Join("first", settings);
  flow.Run("the first member to read", [&] { return first.values().size() > 200; });
  Member& second = flow.Join("second", settings);
  flow.Run("two members to share the topic", [&] { return second.values().size() > 200 && first.assigned() == 3; });
  Member& third = flow.Join("third", settings);
  flow.Run("three members to share the topic",
           [&] { return third.values().size() > 200 && first.assigned() == 2 && second.assigned() == 2; });
  first.Close();
  flow.Run("the others to take over", [&] { return second.assigned() == 3 && third.assigned() == 3; });
  flow.Drain();
  const int64_t committed = CommittedTotal(group, flow.topic());
  Expect(committed == flow.produced(),
         "offsets committed up to the end, " + std::to_string(flow.produced()) + ", got " + std::to_string(committed));

  // Whoever comes later goes on where the group stopped.
  Produce(flow.topic(), Numbered(20, "late "));
  Member late("late", flow.topic(), settings);
  late.PollUntil([&] { return late.values().size() >= 20; });
  Expect(late.values().size() == 20 && late.values().begin()->starts_with("late "), "only the twenty new records");
}

void StaticMember() {
  const std::string group = Name("static");
  const Settings settings = {{"group.id", group}, {"group.instance.id", "box-1"}};
  Flow flow("static");
  auto& other = flow.Join("other", {{"group.id", group}, {"group.instance.id", "box-2"}});
  {
    Member member("box", flow.topic(), settings);
    flow.Run("both to have partitions", [&] {
      member.PollOnce(1);
      return member.assigned() == 3 && other.assigned() == 3;
    });
    member.Close();
  }
  // It comes back under its name before its session has ended: its partitions waited for it.
  Member back("box", flow.topic(), settings);
  flow.Run("the returned member to have its partitions", [&] {
    back.PollOnce(1);
    return back.assigned() == 3 && other.assigned() == 3;
  });
}

void PatternSubscription() {
  const std::string stem = Name("pattern");
  CreateTopic(stem + "-a", 1);
  CreateTopic(stem + "-b", 1);
  Produce(stem + "-a", Numbered(5));
  Produce(stem + "-b", Numbered(5));
  Member member("pattern", "^" + stem + "-.*", {{"group.id", Name("pattern")}});
  member.PollUntil([&] { return member.values().size() == 10; });
  Expect(member.assigned() == 2, "both topics of the pattern");
}

}  // namespace

std::vector<Test> GroupTests() {
  return {{"group_rebalance_under_load_range", [] { RebalanceUnderLoad("range"); }},
          {"group_rebalance_under_load_cooperative", [] { RebalanceUnderLoad("cooperative-sticky"); }},
          {"group_static_member", StaticMember},
          {"group_pattern_subscription", PatternSubscription}};
}

}  // namespace clients
