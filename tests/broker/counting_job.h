// A job for the simulated world, without threads: it counts, and every checkpoint is one record of its changelog with
// the next number. It goes on from the last number that the changelog holds, so that the changelog of a job that is
// never run twice at once, and never loses a checkpoint, is 1, 2, 3 and so on.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stream/run/changelog.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {

// What the runs of all nodes have done; outlives them.
struct CountedRuns {
  struct Start {
    int32_t node = 0;
    run::Purpose purpose = run::Purpose::kRun;
    int64_t usable_state_until = 0;
  };
  struct Checkpoint {
    int32_t node = 0;
    int64_t count = 0;
    Instant at;
  };
  std::vector<Start> starts;
  std::vector<Checkpoint> checkpoints;  // that were acknowledged
  std::map<int32_t, int> running;       // by node
  std::map<int32_t, int> dropped;       // copies of the state, by node
};

class CountingRunner final : public run::JobRunner {
 public:
  CountingRunner(CountedRuns& runs, int32_t node, env::Shard& shard, Spec spec, run::LogPort& port)
      : self_(std::make_shared<Self>(Self{runs, node, shard, port, std::move(spec)})) {
    runs.starts.push_back({node, self_->spec.purpose, self_->spec.usable_state_until});
    if (self_->spec.purpose == run::Purpose::kLook) {
      self_->ended = true;
      return;
    }
    ++runs.running[node];
    Restore(self_);
  }
  ~CountingRunner() override { End(*self_); }

  run::JobStatus Status() const override {
    run::JobStatus status;
    status.state = self_->ended ? run::State::kStopped : self_->state;
    status.rows_in = static_cast<uint64_t>(self_->count);
    status.state_known = true;
    status.log.emplace_back(1, StrCat("on node ", self_->node));
    return status;
  }
  void Stop(absl::AnyInvocable<void(absl::Status)> done) override {
    End(*self_);
    if (self_->writing) {
      self_->on_written = [done = std::move(done)]() mutable { done(absl::OkStatus()); };
    } else {
      done(absl::OkStatus());
    }
  }

 private:
  struct Self {
    CountedRuns& runs;
    int32_t node;
    env::Shard& shard;
    run::LogPort& port;
    Spec spec;
    run::State state = run::State::kStarting;
    int64_t count = 0;
    bool writing = false, ended = false;
    env::Closure on_written{};
    std::unique_ptr<env::Timer> timer{};
  };
  using Ptr = std::shared_ptr<Self>;
  static constexpr Duration kInterval = absl::Milliseconds(50);

  static void End(Self& self) {
    if (!self.ended) --self.runs.running[self.node];
    self.ended = true;
    self.timer.reset();
  }
  static void Later(const Ptr& self, void (*next)(const Ptr&)) {
    self->shard.Post([self, next] {
      if (self->ended) return;
      self->timer = self->shard.RunAt(self->shard.Now() + kInterval, [weak = std::weak_ptr<Self>(self), next] {
        if (const Ptr alive = weak.lock(); alive != nullptr && !alive->ended) next(alive);
      });
    });
  }
  static void Fail(const Ptr& self) {
    self->state = run::State::kRestarting;
    Later(self, Restore);
  }
  static void Restore(const Ptr& self) {
    self->port.DescribeTopic(run::ChangelogTopic(self->spec.name),
                             [self](const absl::StatusOr<std::vector<run::PartitionOffsets>>& ends) {
                               if (self->ended) return;
                               if (!ends.ok()) return Fail(self);
                               self->count = 0;
                               Read(self, model::Offset(0), ends->at(0).latest);
                             });
  }
  static void Read(const Ptr& self, model::Offset from, model::Offset end) {
    if (from >= end) {
      self->state = run::State::kRunning;
      return Later(self, Write);
    }
    self->port.Fetch({.partition = {run::ChangelogTopic(self->spec.name), model::PartitionId(0)},
                      .offset = from,
                      .max_wait = absl::ZeroDuration()},
                     [self, from, end](const absl::StatusOr<run::LogData>& data) {
                       if (self->ended) return;
                       if (!data.ok() || data->batches.empty()) return Fail(self);
                       const std::vector<std::string> values = Values(data->batches, from);
                       self->count = std::stoll(values.back());
                       Read(self, from + static_cast<int64_t>(values.size()), end);
                     });
  }
  static void Write(const Ptr& self) {
    self->writing = true;
    self->port.Append({.partition = {run::ChangelogTopic(self->spec.name), model::PartitionId(0)},
                       .batches = Batch({StrCat(self->count + 1)})},
                      [self](const absl::StatusOr<model::Offset>& base) {
                        self->writing = false;
                        if (base.ok()) {
                          ++self->count;
                          self->runs.checkpoints.push_back({self->node, self->count, self->shard.Now()});
                        }
                        if (self->on_written) return self->on_written();
                        if (self->ended) return;
                        if (!base.ok()) return Fail(self);
                        Later(self, Write);
                      });
  }

  Ptr self_;
};

class CountingJobFactory final : public JobFactory {
 public:
  CountingJobFactory(CountedRuns* runs, int32_t node, env::Shard* shard) : runs_(runs), node_(node), shard_(shard) {}
  absl::StatusOr<CompiledJob> Compile(const std::string& sql) const override {
    CompiledJob job;
    job.explain = StrCat("Sink <- ", sql);
    job.has_inserts = true;
    return job;
  }
  std::unique_ptr<run::JobRunner> Start(run::JobRunner::Spec spec, run::LogPort& port, env::Metrics&) const override {
    return std::make_unique<CountingRunner>(*runs_, node_, *shard_, std::move(spec), port);
  }
  absl::Status DropState(const std::string&, const run::Options&) const override {
    ++runs_->dropped[node_];
    return absl::OkStatus();
  }

 private:
  CountedRuns* runs_;
  int32_t node_;
  env::Shard* shard_;
};

}  // namespace leat::broker
