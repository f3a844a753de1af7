// The partitions of a coordinators' topic that this node leads, each with a coordinator of its own. Leadership comes
// with the image: who gets a partition replays it and serves, who loses it answers what waits and forgets. A replay is
// complete only if it reaches everything that former leaders have written, so it begins once the high watermark has
// passed the end that the log had when this node became its leader. Lives on the shard of the partitions, shard 0.
//
// Coordinator: Close(env::Closure closed, model::ErrorCode why), after which it is destroyed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/logging.h"
#include "broker/outcomes.h"
#include "broker/shard_state.h"
#include "meta/partition.h"

namespace leat::broker {

// A partition, and in which epoch it is led. The log is this copy's.
struct LedPartition {
  model::TopicPartition name;
  log::PartitionLog* log = nullptr;
  model::LeaderEpoch epoch{-1};
  // There are other copies: only in this epoch may be written. Else the log is this node's whatever the epoch is.
  bool replicated = false;
};

// Whether this node leads the partition; without a log if not. A copy without others belongs to this node also while
// the controller has fenced it or cannot be reached: there is nobody else who could be asked.
LedPartition FindLedPartition(ShardState& shard, const model::TopicPartition& name);

template <typename Coordinator>
class LedCoordinators {
 public:
  using Load = std::function<absl::StatusOr<std::unique_ptr<Coordinator>>(const LedPartition&)>;
  // `shard` outlives this.
  LedCoordinators(ShardState& shard, std::string topic, Load load)
      : shard_(shard), topic_(std::move(topic)), load_(std::move(load)) {}

  // Brings the coordinators in line with who leads now, and again by itself while something is to be waited for. An
  // error of a replay is returned; the partition is tried again later.
  absl::Status Follow() {
    timer_.reset();
    const meta::TopicPtr topic = shard_.image()->FindTopic(topic_);
    if (closed_ || topic == nullptr) return absl::OkStatus();
    slots_.resize(static_cast<size_t>(topic->partitions));
    absl::Status status;
    bool again = false;
    for (int32_t i = 0; i < topic->partitions; ++i) {
      Slot& slot = slots_[static_cast<size_t>(i)];
      const LedPartition led = FindLedPartition(shard_, {topic_, model::PartitionId(i)});
      if (led.log == nullptr) {
        Unload(slot);
        // The image may name this node before its replica is ready to lead.
        again = again || IsNamed(*topic, i);
        continue;
      }
      if (slot.epoch.value() < 0 || (led.replicated && slot.epoch != led.epoch)) {
        Unload(slot);
        slot.epoch = led.epoch;
        slot.must_reach = led.log->log_end();
      }
      if (slot.coordinator == nullptr) status.Update(TryLoad(slot, led));
      again = again || slot.coordinator == nullptr;
    }
    if (again) {
      timer_ = shard_.shard().RunAt(shard_.shard().Now() + (status.ok() ? kLookAgain : kTryAgain), [this] {
        if (const absl::Status followed = Follow(); !followed.ok()) LogError("broker", Message(followed));
      });
    }
    return status;
  }

  // Null: not served here now, Refusal says why.
  Coordinator* Find(model::PartitionId partition) const {
    const auto index = static_cast<size_t>(partition.value());
    return index < slots_.size() ? slots_[index].coordinator.get() : nullptr;
  }
  Outcome Refusal(model::PartitionId partition) const {
    const auto index = static_cast<size_t>(partition.value());
    if (index < slots_.size() && slots_[index].epoch.value() >= 0) {
      return Failed(model::ErrorCode::kCoordinatorLoadInProgress,
                    StrCat(topic_, "-", partition, " is being read: try again"));
    }
    return Failed(model::ErrorCode::kNotCoordinator,
                  StrCat(topic_, "-", partition, " is led by another node: look for the coordinator again"));
  }
  // Into how many partitions names fall; 0: the topic is not known yet.
  int32_t partitions() const { return static_cast<int32_t>(slots_.size()); }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.coordinator != nullptr) visit(*slot.coordinator);
    }
  }

  // Serves nothing any more; `closed` once nothing is under way, in a turn of its own.
  void Close(env::Closure closed) {
    LEAT_CHECK(!closed_) << "closed twice";
    closed_ = true;
    timer_.reset();
    when_closed_ = std::move(closed);
    for (Slot& slot : slots_) Unload(slot, model::ErrorCode::kCoordinatorNotAvailable);
    MaybeClosed();
  }

 private:
  static constexpr Duration kLookAgain = absl::Milliseconds(10);
  static constexpr Duration kTryAgain = absl::Seconds(1);
  struct Slot {
    model::LeaderEpoch epoch{-1};  // in which this node leads; -1: it does not
    model::Offset must_reach{0};
    std::unique_ptr<Coordinator> coordinator;
  };

  bool IsNamed(const meta::Topic& topic, int32_t i) const {
    const meta::Partition* partition = shard_.image()->FindPartition({topic.id, model::PartitionId(i)});
    return partition != nullptr && partition->leader == shard_.options().node_id;
  }

  absl::Status TryLoad(Slot& slot, const LedPartition& led) {
    if (led.log->high_watermark() < slot.must_reach) return absl::OkStatus();
    absl::StatusOr<std::unique_ptr<Coordinator>> loaded = load_(led);
    if (!loaded.ok()) return Annotate(loaded.status(), StrCat("replay of ", led.name.ToString()));
    slot.coordinator = *std::move(loaded);
    if (led.replicated) {
      LogInfo("broker", "coordinates what falls on ", led.name.ToString(), ", in epoch ", led.epoch);
    }
    return absl::OkStatus();
  }

  void Unload(Slot& slot, model::ErrorCode why = model::ErrorCode::kNotCoordinator) {
    slot.epoch = model::LeaderEpoch(-1);
    if (slot.coordinator == nullptr) return;
    closing_.push_back(std::move(slot.coordinator));
    Coordinator* const closing = closing_.back().get();
    // What has closed may still be on the stack.
    const auto gone = [this, closing] {
      std::erase_if(closing_, [closing](const auto& one) { return one.get() == closing; });
      MaybeClosed();
    };
    closing->Close([this, gone] { shard_.shard().Post(gone); }, why);
  }

  void MaybeClosed() {
    if (closed_ && closing_.empty() && when_closed_) shard_.shard().Post(std::exchange(when_closed_, nullptr));
  }

  ShardState& shard_;
  const std::string topic_;
  const Load load_;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Coordinator>> closing_;
  std::unique_ptr<env::Timer> timer_;
  bool closed_ = false;
  env::Closure when_closed_;
};

}  // namespace leat::broker
