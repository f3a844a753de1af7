// What the active controller does by itself when time passes.
#include <algorithm>

#include "base/logging.h"
#include "coordinator/controller.h"
#include "meta/brokers.h"
#include "meta/commands.h"
#include "meta/draft.h"
#include "model/error_status.h"

namespace leat::coordinator {
namespace {

constexpr Duration kShortestWatch = absl::Milliseconds(5);
constexpr size_t kElectedAtOnce = 1000;

// Partitions that are gone, or have another leader, need no memory of attempts.
template <typename Attempts>
void ForgetAttempts(const meta::Image& image, Attempts* attempts) {
  std::erase_if(*attempts, [&](const auto& attempt) {
    const meta::Partition* partition = image.FindPartition(attempt.first);
    return partition == nullptr || partition->leader_epoch > attempt.second.leader_epoch;
  });
}

}  // namespace

void Controller::BeginTerm() {
  LogInfo("coordinator", "node ", options_.self, " is the active controller, in epoch ", log_.epoch());
  const Instant now = shard_.Now();
  term_ =
      std::make_shared<Term>(Term{.epoch = log_.epoch(),
                                  .sessions = meta::BrokerSessions(options_.sessions, *log_.image(), log_.end(), now),
                                  .attempts = {},
                                  .memory = RequestMemory(),
                                  .fencing = {},
                                  .draining = false,
                                  .drain_complaint = {},
                                  .kept_up = nullptr,
                                  .next_rebalance = now + options_.rebalance_interval,
                                  .watch_due = {},
                                  .upkeep_due = {},
                                  .watch = nullptr,
                                  .upkeep = nullptr});
  Format();
  ScheduleWatch();
  ScheduleUpkeep();
}

// The records that a new cluster begins with, or that a newer program adds; none later.
void Controller::Format() {
  if (meta::FormatCluster(*log_.image(), options_.cluster_id).empty()) return;
  Submit(
      [cluster_id = options_.cluster_id](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        return meta::FormatCluster(image, cluster_id);
      },
      [](const absl::Status& status) {
        if (!status.ok()) LogError("coordinator", "the cluster could not be begun: ", Message(status));
      });
}

void Controller::ScheduleWatch() {
  const Instant now = shard_.Now();
  const Instant latest = now + options_.sessions.timeout / 4;
  term_->watch_due = std::clamp(term_->sessions.NextDeadline(*log_.image()), now + kShortestWatch, latest);
  term_->watch = shard_.RunAt(term_->watch_due, [this] { Watch(); });
}

void Controller::NoteGone(meta::NodeId node) {
  if (term_ == nullptr || node == options_.self) return;
  term_->sessions.NoteGone(node, shard_.Now());
  ScheduleWatch();
}

void Controller::Watch() {
  OnLeadership();
  if (term_ == nullptr) return;
  const Instant now = shard_.Now();
  if (now - term_->watch_due > options_.sessions.timeout / 2) {
    // It was this process that did not run: what the brokers sent meanwhile has not been looked at.
    LogWarning("coordinator", "the controller stood still for ", absl::FormatDuration(now - term_->watch_due),
               ": the brokers get a new session");
    term_->sessions = meta::BrokerSessions(options_.sessions, *log_.image(), log_.end(), now);
  }
  for (const meta::NodeId broker : term_->sessions.Expired(*log_.image(), now)) {
    // The controller's own broker lives as long as the controller does.
    if (broker != options_.self && term_->fencing.insert(broker).second) Fence(broker);
  }
  if (term_ != nullptr) ScheduleWatch();
}

void Controller::Fence(meta::NodeId broker) {
  Submit(
      [this, term = term_, broker](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        if (image.FindBroker(broker) == nullptr || term->sessions.IsAlive(image, broker, shard_.Now())) {
          return meta::Records();
        }
        return meta::FenceBroker(image, broker, options_.policy);
      },
      [term = term_, broker](const absl::Status& status) {
        term->fencing.erase(broker);
        if (status.ok()) {
          LogWarning("coordinator", "broker ", broker, " was not heard of for too long and is fenced");
        } else {
          LogError("coordinator", "broker ", broker, " is lost and could not be fenced: ", Message(status));
        }
      });
}

void Controller::ScheduleUpkeep() {
  term_->upkeep_due = shard_.Now() + options_.upkeep_interval;
  term_->upkeep = shard_.RunAt(term_->upkeep_due, [this] { Upkeep(); });
}

void Controller::Upkeep() {
  OnLeadership();
  if (term_ == nullptr) return;
  ForgetAttempts(*log_.image(), &term_->attempts);
  DrainSome();
  if (term_ != nullptr && shard_.Now() >= term_->next_rebalance) {
    term_->next_rebalance = shard_.Now() + options_.rebalance_interval;
    BalanceLeaders();
  }
  if (term_ != nullptr) ScheduleUpkeep();
}

absl::StatusOr<meta::Records> Controller::DecideDrains(Term& term, const meta::Image& image) {
  meta::Draft draft(image);
  std::string complaint;
  for (const meta::BrokerPtr& broker : image.Brokers()) {
    if (!broker->draining || image.partitions().HeldCount(broker->id()) == 0) continue;
    absl::StatusOr<meta::Drained> drained =
        meta::DrainBroker(draft.image(), broker->id(), meta::kDrainedAtOnce, options_.policy, random_);
    if (!drained.ok()) {
      StrAppend(&complaint, complaint.empty() ? "" : "; ", Message(drained.status()));
      continue;
    }
    LEAT_RETURN_IF_ERROR(draft.Add(std::move(drained->records)));
  }
  if (complaint != term.drain_complaint && !complaint.empty()) LogWarning("coordinator", complaint);
  term.drain_complaint = std::move(complaint);
  LEAT_RETURN_IF_ERROR(draft.Add(meta::ElectLeaderless(draft.image(), kElectedAtOnce, options_.policy)));
  return draft.Take();
}

// Copies of draining brokers are moved some at a time, and partitions that may have a leader since a config was changed
// get one.
void Controller::DrainSome() {
  if (term_->draining || term_->kept_up == log_.image()) return;
  absl::StatusOr<meta::Records> now = DecideDrains(*term_, *log_.image());
  if (!now.ok() || now->empty()) {
    if (term_->drain_complaint.empty()) term_->kept_up = log_.image();
    return;
  }
  term_->draining = true;
  Submit([this, term = term_](const meta::Image& image) { return DecideDrains(*term, image); },
         [term = term_](const absl::Status& status) {
           term->draining = false;
           if (!status.ok()) LogWarning("coordinator", "copies of draining brokers do not move: ", Message(status));
         });
}

void Controller::BalanceLeaders() {
  const auto decide = [this](const meta::Image& image) -> absl::StatusOr<meta::Records> {
    return meta::RebalanceLeaders(image, options_.imbalance, options_.policy);
  };
  const size_t moved = decide(*log_.image())->size();
  if (moved == 0) return;
  // The others come with the next upkeep.
  if (moved >= options_.imbalance.most) term_->next_rebalance = shard_.Now();
  Submit(decide, [moved](const absl::Status& status) {
    if (status.ok()) {
      LogInfo("coordinator", "the preferred leaders of ", moved, " partitions lead again");
    } else {
      LogWarning("coordinator", "the leaders could not be balanced: ", Message(status));
    }
  });
}

}  // namespace leat::coordinator
