// A group under stress: clients that join, sync, beat, crash, leave and come back, a log that is slow and sometimes
// refuses, and a coordinator that restarts. Every answer is checked as it comes. One seed decides the run.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "group/core.h"

namespace leat::group {

class SimulatedGroup {
 public:
  explicit SimulatedGroup(uint64_t seed) : random_(seed) {
    for (size_t i = 0; i < 2 + random_.Below(5); ++i) {
      Client& client = clients_.emplace_back();
      client.is_static = random_.OneIn(3);
      client.asks_for_id = random_.OneIn(2);
      client.alive = random_.OneIn(2);
    }
    Restart();
  }

  // `steps` of half a second each with everything going wrong, then calm until all agree.
  void Run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      Step();
      Disturb();
    }
    calm_ = true;
    for (int i = 0; i < 1000 && !::testing::Test::HasFailure(); ++i) Step();
    CheckAgreement();
    CheckReplay();
  }

 private:
  enum class Phase { kOut, kJoining, kSyncing, kMember };
  struct Client {
    bool is_static = false;
    bool asks_for_id = false;
    bool alive = true;
    Phase phase = Phase::kOut;
    std::string member;  // its id; empty: none
    int32_t generation = -1;
    std::string assignment;
    Instant next_action;
    uint64_t request = 0;  // unanswered
    int32_t newest = -1;   // generation that it was ever told of in this life of the coordinator
  };
  struct Waiting {
    size_t client;
    Instant asked;
    Duration limit;
  };

  static constexpr Duration kRebalance = absl::Seconds(40);
  Now At() const { return {now_, now_.nanos() / 1'000'000}; }
  std::string NameOf(size_t client) const { return StrCat("client", client); }
  std::optional<std::string> InstanceOf(size_t client) const {
    return clients_[client].is_static ? std::optional(NameOf(client)) : std::nullopt;
  }

  void Restart() {
    core_ = std::make_unique<Core>(Options{}, random_);
    int64_t offset = 0;
    for (const OffsetRecord& record : log_) {
      ASSERT_TRUE(core_->Replay({model::Offset(offset++), model::ProducerId(-1)}, record.key, record.value).ok());
    }
    core_->Load(At());
    writes_.clear();
    waiting_.clear();
    for (Client& client : clients_) {
      client.newest = -1;
      if (client.request == 0) continue;
      client.request = 0;  // the connection broke; the client tries again as who it is
      client.phase = Phase::kOut;
    }
    const GroupDescription group = core_->Describe("g");
    EXPECT_TRUE(group.state == GroupState::kStable || group.state == GroupState::kEmpty ||
                group.state == GroupState::kDead);
    CheckReplay();
  }

  void Step() {
    const Instant end = now_ + absl::Milliseconds(500);
    while (core_->NextDeadline() <= end) {
      now_ = std::max(now_, core_->NextDeadline());
      core_->Tick(At());
      Drain();
    }
    now_ = end;
    for (size_t i = 0; i < clients_.size(); ++i) Act(i);
    while (!writes_.empty() && (calm_ || random_.OneIn(2))) FinishWrite();
    for (const auto& [id, waiting] : waiting_) {
      EXPECT_LE(now_ - waiting.asked, waiting.limit) << "request " << id << " of client " << waiting.client;
    }
  }

  void Disturb() {
    Client& client = clients_[random_.Below(clients_.size())];
    const auto index = static_cast<size_t>(&client - clients_.data());
    switch (random_.Below(40)) {
      case 0:  // crashes: what it knew is gone
        Reset(client, index);
        client.alive = false;
        break;
      case 1:
        if (!client.alive) client.alive = true;
        break;
      case 2:
        if (client.alive && client.phase == Phase::kMember) {
          core_->Leave(NewRequest(index, absl::ZeroDuration()), {"g", {{client.member, InstanceOf(index)}}}, At());
          Reset(client, index);
          client.alive = random_.OneIn(2);
          Drain();
        }
        break;
      case 3:
        if (random_.OneIn(4)) Restart();
        break;
      case 4:  // a client comes back at once under the same instance, or as somebody else
        Reset(client, index);
        break;
      case 5:
        now_ = now_ + absl::Seconds(static_cast<int64_t>(random_.Below(8)));
        core_->Tick(At());
        Drain();
        for (auto& [id, waiting] : waiting_) waiting.limit += absl::Seconds(8);
        break;
      default:
        break;
    }
  }

  void Reset(Client& client, size_t index) {
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second.client == index; });
    client.request = 0;
    client.phase = Phase::kOut;
    client.member.clear();
    client.generation = -1;
    client.newest = -1;
  }

  RequestId NewRequest(size_t client, Duration limit) {
    const uint64_t id = next_request_++;
    if (limit > absl::ZeroDuration()) {
      waiting_[id] = {client, now_, limit};
      clients_[client].request = id;
    }
    return RequestId(id);
  }

  void Act(size_t index) {
    Client& client = clients_[index];
    if (!client.alive || client.request != 0 || now_ < client.next_action) return;
    if (client.phase == Phase::kOut) {
      client.next_action = now_ + absl::Milliseconds(random_.Between(0, 2000));
      client.phase = Phase::kJoining;
      JoinRequest request{"g",
                          client.member,
                          InstanceOf(index),
                          NameOf(index),
                          "/h",
                          "consumer",
                          {{"range", NameOf(index)}},
                          absl::Seconds(10),
                          kRebalance,
                          client.asks_for_id ? FirstJoin::kAskForId : FirstJoin::kAddAtOnce,
                          SkipAssignment::kSupported};
      core_->Join(NewRequest(index, kRebalance + absl::Seconds(2)), std::move(request), At());
    } else if (client.phase == Phase::kMember) {
      client.next_action = now_ + absl::Seconds(3);
      core_->Heartbeat(NewRequest(index, absl::Seconds(1)), {"g", client.member, InstanceOf(index), client.generation},
                       At());
    }
    Drain();
  }

  void Drain() {
    for (Effects effects = core_->TakeEffects(); !effects.empty(); effects = core_->TakeEffects()) {
      for (Write& write : effects.writes) writes_.push_back(std::move(write));
      for (const Answer& answer : effects.answers) {
        const auto it = waiting_.find(answer.to.value());
        if (it == waiting_.end()) continue;  // nobody listens any more
        const size_t index = it->second.client;
        waiting_.erase(it);
        clients_[index].request = 0;
        if (const auto* join = std::get_if<JoinReply>(&answer.reply)) OnJoin(index, *join);
        if (const auto* sync = std::get_if<SyncReply>(&answer.reply)) OnSync(index, *sync);
        if (const auto* beat = std::get_if<HeartbeatReply>(&answer.reply)) OnError(index, beat->code);
      }
    }
  }

  void OnError(size_t index, model::ErrorCode code) {
    Client& client = clients_[index];
    if (code == model::ErrorCode::kNone) return;
    if (code == model::ErrorCode::kUnknownMemberId || code == model::ErrorCode::kFencedInstanceId) {
      client.member.clear();
    }
    client.phase = Phase::kOut;
  }

  void OnJoin(size_t index, const JoinReply& reply) {
    Client& client = clients_[index];
    client.phase = Phase::kOut;
    if (reply.code == model::ErrorCode::kMemberIdRequired) client.member = reply.member;
    if (reply.code != model::ErrorCode::kNone) {
      return OnError(index, reply.code == model::ErrorCode::kMemberIdRequired ? model::ErrorCode::kNone : reply.code);
    }
    EXPECT_GE(reply.generation, client.newest) << "an answer of an older generation for client " << index;
    client.newest = client.generation = reply.generation;
    client.member = reply.member;
    SyncRequest request{"g", client.member, InstanceOf(index), client.generation, "consumer", "range", {}};
    const bool leads = reply.leader == reply.member;
    EXPECT_EQ(leads, !reply.members.empty()) << "the members are for the leader, all of them";
    if (leads && reply.skip_assignment != SkipAssignment::kSupported) {
      for (const JoinedMember& member : reply.members) {
        request.assignments.push_back({member.member, StrCat(reply.generation, "/", member.metadata)});
      }
    }
    client.phase = Phase::kSyncing;
    core_->Sync(NewRequest(index, kRebalance + absl::Seconds(8)), request, At());
  }

  void OnSync(size_t index, const SyncReply& reply) {
    Client& client = clients_[index];
    if (reply.code != model::ErrorCode::kNone) return OnError(index, reply.code);
    // The leader of the generation gave every member its own name: whatever else arrives is another one's partition.
    EXPECT_EQ(reply.assignment, StrCat(client.generation, "/", NameOf(index)));
    client.assignment = reply.assignment;
    client.phase = Phase::kMember;
  }

  void FinishWrite() {
    const Write write = std::move(writes_.front());
    writes_.pop_front();
    const bool fails = !calm_ && random_.OneIn(15);
    if (!fails) {
      for (const OffsetRecord& record : write.records) {
        log_.push_back(record);
        ASSERT_TRUE(core_
                        ->Replay({model::Offset(static_cast<int64_t>(log_.size()) - 1), model::ProducerId(-1)},
                                 record.key, record.value)
                        .ok());
      }
    }
    core_->OnWritten(write.id, fails ? ResourceExhausted("disk full") : absl::OkStatus(), At());
    Drain();
  }

  // What was replayed while it ran is what a restart would have.
  void CheckReplay() {
    Core copy(Options{}, random_);
    for (const OffsetRecord& record : log_) ASSERT_TRUE(copy.Replay({}, record.key, record.value).ok());
    EXPECT_EQ(copy.Snapshot(), core_->Snapshot());
  }

  void CheckAgreement() {
    const GroupDescription group = core_->Describe("g");
    size_t alive = 0;
    for (size_t i = 0; i < clients_.size(); ++i) {
      if (!clients_[i].alive) continue;
      ++alive;
      EXPECT_EQ(clients_[i].phase, Phase::kMember) << "client " << i << " is not in the group after a calm";
      EXPECT_EQ(clients_[i].generation, group.generation) << "client " << i;
    }
    EXPECT_EQ(group.members.size(), alive);
    EXPECT_EQ(group.state, alive > 0 ? GroupState::kStable : group.state);
  }

  Random random_;
  std::unique_ptr<Core> core_;
  Instant now_;
  bool calm_ = false;
  std::vector<Client> clients_;
  std::deque<Write> writes_;
  std::vector<OffsetRecord> log_;
  std::map<uint64_t, Waiting> waiting_;
  uint64_t next_request_ = 1;
};

}  // namespace leat::group
