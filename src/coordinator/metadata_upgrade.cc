#include "coordinator/metadata_upgrade.h"

#include "base/logging.h"
#include "base/random.h"
#include "coordinator/log_replay.h"
#include "coordinator/metadata_codec.h"
#include "meta/snapshot.h"

namespace leat::coordinator {
namespace {

constexpr raft::Term kTerm{1};  // that the old log is taken to be of

bool IsOld(const log::PartitionLog& log) {
  return log.log_end() > log.log_start() && log.epochs().latest() < raft::Term{1};
}

absl::StatusOr<meta::Image> Replay(log::PartitionLog& log) {
  meta::Image image;
  LEAT_RETURN_IF_ERROR(ReplayLog(log, [&](const model::RecordView& record) -> absl::Status {
    if (!record.value) return DataLoss("metadata: a record without a value");
    LEAT_ASSIGN_OR_RETURN(const meta::Record decoded, DecodeMetadata(*record.value));
    return image.Apply(decoded).status();
  }));
  return image;
}

}  // namespace

absl::Status UpgradeMetadataLog(const RaftHost::Options& options, const RaftHost::Ports& ports) {
  if (!IsOld(*ports.log)) return absl::OkStatus();
  LEAT_ASSIGN_OR_RETURN(const meta::Image image, Replay(*ports.log));
  Random random(options.random_seed ^ static_cast<uint64_t>(ports.shard->WallMillis()));
  LEAT_ASSIGN_OR_RETURN(OpenedQuorumState opened,
                        OpenQuorumState(*ports.disk, options.folder, options.raft.cluster, options.raft.self, random));
  const raft::Peer self = opened.state.self;
  StateRecords records;
  for (const meta::Record& record : meta::SnapshotOf(image)) records.push_back(EncodeMetadata(record));
  const raft::LogPoint point{ports.log->log_end(), kTerm};
  const SnapshotFolder snapshots(*ports.disk, options.folder);
  // The node was alone, and so is the quorum that goes on.
  LEAT_RETURN_IF_ERROR(snapshots.Write(point, raft::VoterSet({self}), records).status());
  if (opened.fresh) {
    opened.state.vote = {kTerm, self, true};
    LEAT_RETURN_IF_ERROR(WriteQuorumState(*ports.disk, options.folder, opened.state));
  }
  LogInfo("coordinator", "the metadata log up to ", point.end, " was converted for the controller quorum");
  return absl::OkStatus();
}

}  // namespace leat::coordinator
