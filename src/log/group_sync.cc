#include "log/group_sync.h"

#include <algorithm>
#include <set>
#include <utility>

namespace leat::log {

absl::Status FailedSyncIsFinal(absl::Status status) {
  if (status.ok() || absl::IsDataLoss(status)) return status;
  return DataLoss(Message(status));
}

absl::Status RunSyncJob(env::Disk& disk, const SyncJob& job) {
  for (const std::shared_ptr<env::File>& file : job.files) LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(file->Sync()));
  for (const std::string& directory : job.directories) {
    LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(directory)));
  }
  return absl::OkStatus();
}

struct GroupSync::Round {
  struct Member {
    SyncParticipant* participant;
    SyncJob job;
  };
  std::vector<Member> members;

  // New partitions have one parent: it is synced once.
  absl::Status Run(env::Disk& disk) const {
    std::set<std::string> directories;
    for (const Member& member : members) {
      for (const std::shared_ptr<env::File>& file : member.job.files) {
        LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(file->Sync()));
      }
      directories.insert(member.job.directories.begin(), member.job.directories.end());
    }
    for (const std::string& directory : directories) {
      LEAT_RETURN_IF_ERROR(FailedSyncIsFinal(disk.SyncDirectory(directory)));
    }
    return absl::OkStatus();
  }
};

void GroupSync::Request(SyncParticipant* participant) {
  if (stopped_) return;
  if (std::find(dirty_.begin(), dirty_.end(), participant) == dirty_.end()) dirty_.push_back(participant);
  if (busy_) return;
  busy_ = true;
  // Posted, so that the appends of this turn of the loop share the round.
  shard_.Post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) StartRound();
  });
}

void GroupSync::Forget(SyncParticipant* participant) { std::erase(dirty_, participant); }

void GroupSync::StartRound() {
  auto round = std::make_shared<Round>();
  if (stopped_) dirty_.clear();
  for (SyncParticipant* participant : std::exchange(dirty_, {})) {
    if (std::optional<SyncJob> job = participant->BeginSync()) round->members.push_back({participant, *std::move(job)});
  }
  if (round->members.empty()) {
    busy_ = false;
    return;
  }
  shard_.RunBlocking([&disk = disk_, round] { return round->Run(disk); },
                     [this, round, alive = std::weak_ptr<int>(alive_)](const absl::Status& status) {
                       if (!alive.expired()) FinishRound(*round, status);
                     });
}

void GroupSync::FinishRound(Round& round, const absl::Status& status) {
  busy_ = false;
  if (!status.ok()) {
    stopped_ = true;
    failed_(status);
  }
  for (const Round::Member& member : round.members) member.participant->EndSync(member.job, status);
  if (!dirty_.empty() && !stopped_ && !busy_) {
    busy_ = true;
    StartRound();
  }
}

}  // namespace leat::log
