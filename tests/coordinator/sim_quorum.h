// A quorum of controllers in the simulated world, without its messages: one sequence of committed changes, which every
// node applies in order and a little later than the one before it, and one leader an epoch, which decides. What is
// under way when the leader changes is committed all the same or lost, by chance.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "coordinator/controlled_log.h"
#include "env/shard.h"
#include "meta/draft.h"
#include "model/error_status.h"
#include "tests/support/sim_world.h"

namespace leat::coordinator {

class SimQuorum {
 public:
  // A voter is told of a new leader. Who has no vote gets nothing more until it finds the leader, in up to `deaf`.
  enum class Part : uint8_t { kVotes, kObserves };

  class Log final : public ControlledLog {
   public:
    Log(SimQuorum& quorum, meta::NodeId self, env::Shard& shard, Part part = Part::kVotes)
        : quorum_(quorum), self_(self), shard_(shard), part_(part) {
      quorum_.logs_[self_] = this;
      ApplySoon();
    }
    ~Log() override { quorum_.logs_.erase(self_); }

    const meta::ImagePtr& image() const override { return image_; }
    model::Offset end() const override { return model::Offset(static_cast<int64_t>(applied_)); }
    bool active() const override { return leader_ == self_ && applied_ >= term_start_; }
    meta::NodeId leader() const override { return leader_; }
    int32_t epoch() const override { return epoch_; }

    void Submit(Decide decide, Done done) override {
      if (!active()) return done(NotController());
      waiting_.push_back({std::move(decide), std::move(done)});
      if (!under_way_) StartRound();
    }

    // Called with every change of who leads, and of the image.
    std::function<void()> on_leader = [] {};
    std::function<void()> on_image = [] {};

   private:
    friend class SimQuorum;
    struct Waiting {
      Decide decide;
      Done done;
    };
    static absl::Status NotController() {
      return model::WithCode(Unavailable("not the active controller"), model::ErrorCode::kNotController);
    }

    void StartRound() {
      meta::Draft draft(*image_);
      auto accepted = std::make_shared<std::vector<Waiting>>();
      std::vector<std::pair<Waiting, absl::Status>> refused;
      while (!waiting_.empty()) {
        Waiting waiting = std::move(waiting_.front());
        waiting_.pop_front();
        const absl::Status status = draft.Add(waiting.decide(draft.image()));
        if (status.ok()) {
          accepted->push_back(std::move(waiting));
        } else {
          refused.emplace_back(std::move(waiting), status);
        }
      }
      under_way_ = true;
      for (auto& [waiting, status] : refused) waiting.done(status);
      auto records = std::make_shared<meta::Records>(draft.Take());
      const Duration takes = absl::Microseconds(quorum_.world_.random().Between(100, 5000));
      timer_ = shard_.RunAt(shard_.Now() + takes, [this, epoch = epoch_, accepted, records] {
        // A leader that was replaced meanwhile does not know: its entry may have been committed with its last breath.
        const bool leads = quorum_.leader_ == self_ && quorum_.epoch_ == epoch;
        if (leads && !records->empty()) quorum_.Commit(*records);
        if (leads) Apply();
        under_way_ = false;
        absl::Status outcome;
        if (!leads) {
          outcome = model::WithCode(Unavailable("the leader changed"), model::ErrorCode::kRequestTimedOut);
        }
        for (Waiting& waiting : *accepted) waiting.done(outcome);
        if (!leads) {
          for (Waiting& waiting : std::exchange(waiting_, {})) waiting.done(NotController());
        } else if (!under_way_ && !waiting_.empty()) {
          StartRound();
        }
      });
      pending_ = records;
    }

    void Apply() {
      const size_t before = applied_;
      meta::Image next = *image_;
      while (applied_ < quorum_.committed_.size()) {
        for (const meta::Record& record : quorum_.committed_[applied_]) LEAT_CHECK_OK(next.Apply(record).status());
        ++applied_;
      }
      if (applied_ == before) return;
      image_ = std::make_shared<const meta::Image>(std::move(next));
      on_image();
    }

    void LoseLeader() {
      if (part_ == Part::kVotes) return ApplySoon();
      hears_at_ = shard_.Now() + quorum_.deaf * quorum_.world_.random().Unit();
      find_timer_ = shard_.RunAt(hears_at_, [this] { ApplySoon(); });
    }

    void ApplySoon() {
      const Duration later = absl::Microseconds(quorum_.world_.random().Between(50, 20'000));
      apply_timers_.push_back(shard_.RunAt(shard_.Now() + later, [this] {
        apply_timers_.pop_front();
        if (shard_.Now() < hears_at_) return;
        epoch_ = quorum_.epoch_;
        leader_ = quorum_.leader_;
        term_start_ = quorum_.term_start_;
        Apply();
        on_leader();
      }));
    }

    SimQuorum& quorum_;
    const meta::NodeId self_;
    env::Shard& shard_;
    const Part part_;
    Instant hears_at_;
    meta::ImagePtr image_ = std::make_shared<const meta::Image>();
    size_t applied_ = 0;
    // As far as it has heard: a leader that was replaced goes on for a while.
    int32_t epoch_ = 0;
    meta::NodeId leader_ = meta::kNobody;
    size_t term_start_ = 0;
    std::deque<Waiting> waiting_;
    bool under_way_ = false;
    std::shared_ptr<meta::Records> pending_;
    std::unique_ptr<env::Timer> timer_;
    std::deque<std::unique_ptr<env::Timer>> apply_timers_;
    std::unique_ptr<env::Timer> find_timer_;
  };

  explicit SimQuorum(sim::SimWorld& world) : world_(world) {}

  // Another leader, in a new epoch. kNobody: none for now.
  void SetLeader(meta::NodeId node) {
    const auto old = logs_.find(leader_);
    if (old != logs_.end() && old->second->under_way_ && world_.random().OneIn(2)) {
      if (!old->second->pending_->empty()) Commit(*old->second->pending_);
      old->second->pending_->clear();
    }
    leader_ = node;
    ++epoch_;
    term_start_ = committed_.size();
    for (const auto& [id, log] : logs_) log->LoseLeader();
  }
  meta::NodeId leader() const { return leader_; }
  int32_t epoch() const { return epoch_; }
  const std::vector<meta::Records>& committed() const { return committed_; }
  meta::Image Replay() const {
    meta::Image image;
    for (const meta::Records& records : committed_) {
      for (const meta::Record& record : records) LEAT_CHECK_OK(image.Apply(record).status());
    }
    return image;
  }
  Duration deaf = absl::Seconds(2);  // see Part
  // Called with the image before and the records of everything that is committed.
  std::function<void(const meta::Image&, const meta::Records&)> on_commit = [](const auto&, const auto&) {};

 private:
  void Commit(const meta::Records& records) {
    on_commit(image_, records);
    for (const meta::Record& record : records) LEAT_CHECK_OK(image_.Apply(record).status());
    committed_.push_back(records);
    for (const auto& [id, log] : logs_) log->ApplySoon();
  }

  sim::SimWorld& world_;
  std::map<meta::NodeId, Log*> logs_;
  std::vector<meta::Records> committed_;
  meta::Image image_;  // of all that is committed
  meta::NodeId leader_ = meta::kNobody;
  int32_t epoch_ = 0;
  size_t term_start_ = 0;
};

}  // namespace leat::coordinator
