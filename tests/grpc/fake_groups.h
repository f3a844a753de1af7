// The groups of the broker in memory: the real core, whose writes are durable at once and whose time moves by hand.
// Thread-safe; answers on the thread that completes what is waited for.
#pragma once

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "broker/groups.h"
#include "group/core.h"

namespace leat::rpc {

class FakeGroups final : public broker::Groups {
 public:
  FakeGroups() : core_(MakeOptions(), random_) { core_.Load(Now()); }

  void Advance(Duration duration) {
    Run([&] {
      now_ = now_ + duration;
      core_.Tick(Now());
    });
  }
  // True once the group is in this state with so many members; checked by tests that wait for a condition.
  bool IsStableWith(const std::string& group, size_t members) {
    const std::lock_guard lock(mutex_);
    const group::GroupDescription description = core_.Describe(group);
    return description.state == group::GroupState::kStable && description.members.size() == members;
  }

  void Join(group::JoinRequest request, broker::Callback<group::JoinReply> done) override {
    Ask(std::move(done), [&](group::RequestId id) { core_.Join(id, std::move(request), Now()); });
  }
  void Sync(group::SyncRequest request, broker::Callback<group::SyncReply> done) override {
    Ask(std::move(done), [&](group::RequestId id) { core_.Sync(id, request, Now()); });
  }
  void Heartbeat(group::HeartbeatRequest request, broker::Callback<group::HeartbeatReply> done) override {
    Ask(std::move(done), [&](group::RequestId id) { core_.Heartbeat(id, request, Now()); });
  }
  void Leave(group::LeaveRequest request, broker::Callback<group::LeaveReply> done) override {
    Ask(std::move(done), [&](group::RequestId id) { core_.Leave(id, request, Now()); });
  }
  void Commit(group::CommitCommand command, broker::Callback<std::vector<broker::Outcome>> done) override {
    Ask<group::CommitReply>(
        [done = std::move(done)](const group::CommitReply& reply) mutable { done(Outcomes(reply.outcomes)); },
        [&](group::RequestId id) { core_.Commit(id, command, Now()); });
  }
  void CommitInTxn(group::TxnCommitCommand command, broker::Callback<std::vector<broker::Outcome>> done) override {
    Ask<group::CommitReply>(
        [done = std::move(done)](const group::CommitReply& reply) mutable { done(Outcomes(reply.outcomes)); },
        [&](group::RequestId id) { core_.CommitInTxn(id, command, Now()); });
  }
  void FetchOffsets(std::vector<broker::FetchGroupOffsets> groups, broker::StableOffsets,
                    broker::Callback<std::vector<broker::GroupOffsets>> done) override {
    std::vector<broker::GroupOffsets> results;
    {
      const std::lock_guard lock(mutex_);
      for (const broker::FetchGroupOffsets& request : groups) {
        broker::GroupOffsets& result = results.emplace_back(broker::GroupOffsets{request.group, {}, {}});
        const group::OffsetStore::GroupOffsets* stored = core_.offsets().Find(request.group);
        if (stored == nullptr) continue;
        for (const auto& [partition, value] : *stored) {
          result.offsets.push_back({.partition = partition,
                                    .offset = value.offset,
                                    .metadata = value.metadata,
                                    .commit_time_ms = value.commit_time_ms});
        }
      }
    }
    done(std::move(results));
  }
  void DeleteOffsets(group::DeleteOffsetsRequest request, broker::Callback<group::DeleteOffsetsReply> done) override {
    Ask(std::move(done), [&](group::RequestId id) { core_.DeleteOffsets(id, request); });
  }
  void Describe(std::vector<std::string> groups, broker::Callback<std::vector<group::GroupDescription>> done) override {
    std::vector<group::GroupDescription> descriptions;
    {
      const std::lock_guard lock(mutex_);
      for (const std::string& name : groups) descriptions.push_back(core_.Describe(name));
    }
    done(std::move(descriptions));
  }
  void List(broker::Callback<absl::StatusOr<std::vector<group::GroupListing>>> done) override {
    std::vector<group::GroupListing> listings;
    {
      const std::lock_guard lock(mutex_);
      listings = core_.List();
    }
    done(std::move(listings));
  }
  void Delete(std::vector<std::string> groups, broker::Callback<std::vector<broker::Outcome>> done) override {
    std::vector<broker::Outcome> outcomes;
    for (const std::string& name : groups) {
      Ask<group::DeleteReply>(
          [&](const group::DeleteReply& reply) { outcomes.push_back(Outcomes({reply.outcome})[0]); },
          [&](group::RequestId id) { core_.Delete(id, name, Now()); });
    }
    done(std::move(outcomes));
  }

 private:
  static group::Options MakeOptions() {
    group::Options options;
    options.initial_rebalance_delay = absl::ZeroDuration();
    return options;
  }
  static std::vector<broker::Outcome> Outcomes(const std::vector<group::Outcome>& outcomes) {
    std::vector<broker::Outcome> result;
    for (const group::Outcome& outcome : outcomes) result.push_back({outcome.code, outcome.message});
    return result;
  }
  group::Now Now() const { return {now_, now_.nanos() / 1'000'000}; }

  template <typename Reply, typename Call>
  void Ask(broker::Callback<Reply> done, Call call) {
    Run([&] {
      const group::RequestId id(next_request_++);
      waiting_.emplace(id.value(), [done = std::move(done)](group::Reply reply) mutable {
        done(std::get<Reply>(std::move(reply)));
      });
      call(id);
    });
  }
  // Runs `change` on the core, makes its writes durable, and sends the answers without the lock.
  template <typename Change>
  void Run(Change change) {
    std::vector<std::pair<broker::Callback<group::Reply>, group::Reply>> answers;
    {
      const std::lock_guard lock(mutex_);
      change();
      for (group::Effects effects = core_.TakeEffects(); !effects.empty(); effects = core_.TakeEffects()) {
        for (const group::Write& write : effects.writes) {
          for (const group::OffsetRecord& record : write.records) {
            LEAT_CHECK_OK(core_.Replay({}, record.key, record.value));
          }
          core_.OnWritten(write.id, absl::OkStatus(), Now());
        }
        for (group::Answer& answer : effects.answers) {
          const auto it = waiting_.find(answer.to.value());
          LEAT_CHECK(it != waiting_.end()) << "two answers to request " << answer.to;
          answers.emplace_back(std::move(it->second), std::move(answer.reply));
          waiting_.erase(it);
        }
      }
    }
    for (auto& [done, reply] : answers) done(std::move(reply));
  }

  std::mutex mutex_;
  Random random_{1};
  group::Core core_;
  Instant now_ = Instant::FromNanos(1'000'000);
  uint64_t next_request_ = 1;
  std::map<uint64_t, broker::Callback<group::Reply>> waiting_;
};

}  // namespace leat::rpc
