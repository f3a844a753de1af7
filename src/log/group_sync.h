// Syncs every partition of a log directory that has unsynced appends in one round on the disk thread; what is appended
// meanwhile waits for the next round. One shard.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "env/shard.h"
#include "model/ids.h"

namespace leat::log {

// What must reach the disk so that everything below `through` is durable. Executed on a disk thread.
struct SyncJob {
  std::vector<std::shared_ptr<env::File>> files;
  std::vector<std::string> directories;
  model::Offset through;
  uint64_t folder_version = 0;  // of the participant's names, for itself
};
absl::Status RunSyncJob(env::Disk& disk, const SyncJob& job);
// A failed sync of a file or a directory as kDataLoss, whatever the kernel called it: "no space" from a write can be
// answered to the client and tried again, from a sync it means that bytes were lost.
absl::Status FailedSyncIsFinal(absl::Status status);

class SyncParticipant {
 public:
  virtual ~SyncParticipant() = default;
  // What to sync now. nullopt: closing, or other disk work of this participant is under way and it will ask again.
  // Syncs of one file never overlap: the kernel reports a failed write-back to one of them only, and the other would
  // acknowledge.
  virtual std::optional<SyncJob> BeginSync() = 0;
  // Called for every job that was begun.
  virtual void EndSync(const SyncJob& job, const absl::Status& status) = 0;
};

class GroupSync {
 public:
  // `failed` is told of the first failed sync; no round starts after it.
  GroupSync(env::Disk& disk, env::Shard& shard, absl::AnyInvocable<void(absl::Status)> failed)
      : disk_(disk), shard_(shard), failed_(std::move(failed)) {}

  // Includes the participant in the next round. It must stay alive from BeginSync to EndSync.
  void Request(SyncParticipant* participant);
  // Leaves it out of the rounds that have not begun.
  void Forget(SyncParticipant* participant);

 private:
  struct Round;
  void StartRound();
  void FinishRound(Round& round, const absl::Status& status);

  env::Disk& disk_;
  env::Shard& shard_;
  absl::AnyInvocable<void(absl::Status)> failed_;
  std::vector<SyncParticipant*> dirty_;
  bool busy_ = false;  // a round is queued or runs
  bool stopped_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace leat::log
