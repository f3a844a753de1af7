// Hosts the committed offsets of groups on `__consumer_offsets`: each group belongs to one partition of that topic, by
// Kafka's rule. A commit is answered once its records are durable. Lives on one shard.
//
// A partition that has grown far beyond what is alive is begun anew: the live offsets are appended once more and, when
// they are durable, everything before them is deleted. That is begun only while no other append is under way: a commit
// that lies before the copy but is not in it would be lost.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>
#include <vector>

#include "env/gate.h"
#include "env/shard.h"
#include "group/offset_store.h"
#include "log/partition_log.h"

namespace leat::coordinator {

class GroupCoordinator {
 public:
  struct Options {
    group::Limits limits;
    uint64_t rewrite_above_bytes = uint64_t{32} << 20;  // of one partition's log
    uint64_t rewrite_factor = 8;                        // and at least so many times what is alive
  };
  // `code` and `message` of every item, in the order of the command.
  using CommitDone = absl::AnyInvocable<void(std::vector<group::CommitDecision::Outcome>)>;

  // Replays the logs (the partitions of the topic, in order), which live on `shard` and outlive this.
  static absl::StatusOr<std::unique_ptr<GroupCoordinator>> Open(std::vector<log::PartitionLog*> logs, env::Shard& shard,
                                                                const Options& options);

  void CommitOffsets(const group::CommitCommand& command, CommitDone done);
  // Writes tombstones for the offsets of a topic that is gone.
  void ForgetTopic(std::string_view topic);
  void ForgetGroup(std::string_view group, absl::AnyInvocable<void(absl::Status)> done);

  const group::OffsetStore::GroupOffsets* Find(std::string_view group) const;  // null: none
  std::vector<std::string> Groups() const;                                     // by name
  // Refuses new commits; `closed` once those under way are answered.
  void Close(env::Closure closed);

 private:
  struct Partition {
    log::PartitionLog* log;
    group::OffsetStore store;
    int appends_under_way = 0;
    bool rewriting = false;
  };
  using Written = absl::AnyInvocable<void(absl::StatusOr<log::AppendResult>)>;

  GroupCoordinator(std::vector<log::PartitionLog*> logs, env::Shard& shard, const Options& options);
  size_t IndexOf(std::string_view group) const;
  // Appends, and replays once durable. REQUIRES: !records.empty().
  void Write(size_t index, std::vector<group::OffsetRecord> records, Written done);
  void MaybeRewrite(size_t index);

  env::Shard& shard_;
  const Options options_;
  std::vector<Partition> partitions_;
  env::Gate gate_;
};

}  // namespace leat::coordinator
