#include "coordinator/raft_vote_file.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/crc32c.h"
#include "log/group_sync.h"

namespace leat::coordinator {
namespace {

constexpr std::string_view kFile = "quorum-state";
constexpr std::string_view kChecksum = "checksum=";

std::string Checksum(std::string_view lines) { return absl::StrFormat("%08x", Crc32c(lines)); }

absl::Status Damaged(std::string_view why) {
  return DataLoss(kFile, ": ", why,
                  ": what this disk has promised in elections is lost. Remove this voter from the quorum, empty its "
                  "metadata folder, and add it again; on a single node restore the folder from a backup");
}

using Fields = std::map<std::string, std::string, std::less<>>;

absl::StatusOr<int32_t> NumberOf(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  int32_t value = 0;
  if (found == fields.end() || !absl::SimpleAtoi(found->second, &value)) {
    return Damaged(StrCat("expected a line ", name, "=<number>"));
  }
  return value;
}

absl::StatusOr<model::Uuid> IdOf(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return Damaged(StrCat("expected a line ", name, "=<id>"));
  if (found->second.empty()) return model::Uuid{};
  absl::StatusOr<model::Uuid> id = model::Uuid::Parse(found->second);
  if (!id.ok()) return Damaged(StrCat(name, ": ", Message(id.status())));
  return id;
}

std::string Text(const model::Uuid& id) { return id.is_zero() ? "" : id.ToString(); }

}  // namespace

std::string EncodeQuorumState(const QuorumState& state) {
  std::string text = "version=1\n";
  StrAppend(&text, "cluster.id=", Text(state.cluster), "\n");
  StrAppend(&text, "node.id=", state.self.id, "\n", "directory.id=", Text(state.self.directory), "\n");
  StrAppend(&text, "term=", state.vote.term, "\n", "voted.id=", state.vote.voted_for.id, "\n");
  StrAppend(&text, "voted.directory=", Text(state.vote.voted_for.directory), "\n");
  StrAppend(&text, "joined=", state.vote.joined ? 1 : 0, "\n");
  StrAppend(&text, kChecksum, Checksum(text), "\n");
  return text;
}

absl::StatusOr<QuorumState> DecodeQuorumState(std::string_view text) {
  const size_t last = text.rfind(kChecksum);
  if (last == std::string_view::npos || text.substr(last) != StrCat(kChecksum, Checksum(text.substr(0, last)), "\n")) {
    return Damaged("the checksum in the last line does not fit");
  }
  Fields fields;
  std::string_view rest = text.substr(0, last);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return Damaged(StrCat("expected name=value, got '", line, "'"));
    fields.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  LEAT_ASSIGN_OR_RETURN(const int32_t version, NumberOf(fields, "version"));
  if (version != 1) {
    return Unimplemented(kFile, ": version ", version, " was written by a newer program; start that one");
  }
  QuorumState state;
  LEAT_ASSIGN_OR_RETURN(state.cluster, IdOf(fields, "cluster.id"));
  LEAT_ASSIGN_OR_RETURN(const int32_t self, NumberOf(fields, "node.id"));
  LEAT_ASSIGN_OR_RETURN(const model::Uuid directory, IdOf(fields, "directory.id"));
  state.self = {raft::NodeId{self}, directory};
  LEAT_ASSIGN_OR_RETURN(const int32_t term, NumberOf(fields, "term"));
  LEAT_ASSIGN_OR_RETURN(const int32_t voted, NumberOf(fields, "voted.id"));
  LEAT_ASSIGN_OR_RETURN(const model::Uuid voted_directory, IdOf(fields, "voted.directory"));
  LEAT_ASSIGN_OR_RETURN(const int32_t joined, NumberOf(fields, "joined"));
  if (term < 0 || voted < -1) return Damaged(StrCat("term ", term, " and vote for ", voted, " are out of range"));
  state.vote = {raft::Term{term}, {raft::NodeId{voted}, voted_directory}, joined != 0};
  return state;
}

absl::StatusOr<OpenedQuorumState> OpenQuorumState(env::Disk& disk, const std::string& folder,
                                                  const model::Uuid& cluster, const raft::Peer& self, Random& random) {
  const std::string path = env::JoinPath(folder, kFile);
  // A vote must not go with the name of its folder, which the log makes without a sync.
  LEAT_RETURN_IF_ERROR(Annotate(log::FailedSyncIsFinal(disk.SyncDirectory(env::ParentPath(folder))), folder));
  LEAT_ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  if (!exists) {
    OpenedQuorumState opened{{cluster, self, {}}, true};
    if (self.directory.is_zero()) opened.state.self.directory = model::Uuid::New(random);
    return opened;
  }
  // Nor may it go because the process that gave it died before it was synced.
  LEAT_RETURN_IF_ERROR(Annotate(log::FailedSyncIsFinal(disk.SyncDirectory(folder)), folder));
  LEAT_ASSIGN_OR_RETURN(const std::string text, env::ReadWholeFile(disk, path));
  absl::StatusOr<QuorumState> state = DecodeQuorumState(text);
  if (!state.ok()) return Annotate(state.status(), folder);
  if (state->cluster != cluster) {
    return FailedPrecondition(path, ": this directory belongs to the cluster ", state->cluster.ToString(),
                              ", this node to ", cluster.ToString(), ": the directory mixes two clusters' files");
  }
  const bool other_disk = !self.directory.is_zero() && self.directory != state->self.directory;
  if (state->self.id != self.id || other_disk) {
    return FailedPrecondition(path, ": this directory belongs to node ", state->self.id, " with directory ",
                              state->self.directory.ToString(), ", this is node ", self.id, " with directory ",
                              self.directory.ToString(), ": set node_id or data_dir right; never copy a directory");
  }
  return OpenedQuorumState{*std::move(state), false};
}

absl::Status ReplaceFile(env::Disk& disk, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  {
    LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(temporary, env::OpenMode::kCreate));
    LEAT_RETURN_IF_ERROR(file->Truncate(0));
    LEAT_RETURN_IF_ERROR(file->WriteAt(0, bytes));
    LEAT_RETURN_IF_ERROR(log::FailedSyncIsFinal(file->Sync()));
  }
  LEAT_RETURN_IF_ERROR(disk.Rename(temporary, path));
  return log::FailedSyncIsFinal(disk.SyncDirectory(env::ParentPath(path)));
}

absl::Status WriteQuorumState(env::Disk& disk, const std::string& folder, const QuorumState& state) {
  return Annotate(ReplaceFile(disk, env::JoinPath(folder, kFile), EncodeQuorumState(state)), "writing quorum-state");
}

}  // namespace leat::coordinator
