// Hosts the metadata state machine on its log, `__cluster_metadata-0`: a change is decided against the image, written
// as one batch, and applied once that is durable; only then is its asker answered. Lives on one shard.
//
// One append is under way at a time; the changes that come meanwhile go together into the next one, each decided
// against the image that the ones before it will have made. If the append fails, none of them happened.
#pragma once

#include <absl/functional/any_invocable.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "env/gate.h"
#include "env/shard.h"
#include "log/partition_log.h"
#include "meta/commands.h"
#include "meta/image.h"

namespace leat::coordinator {

class MetadataLog {
 public:
  // Decides a change; an error means that nothing is written for it.
  using Decide = absl::AnyInvocable<absl::StatusOr<meta::Records>(const meta::Image&)>;
  // Runs after `changed` has seen the change, or with the reason why it did not happen.
  using Done = absl::AnyInvocable<void(absl::Status)>;
  // Called with every new image and what is different in it, before the askers are answered.
  using Changed = std::function<void(const meta::ImagePtr&, const meta::Delta&)>;

  // Replays `log`, which lives on `shard` and outlives this. Errors: kDataLoss, kUnimplemented (a newer program's log).
  static absl::StatusOr<std::unique_ptr<MetadataLog>> Open(log::PartitionLog& log, env::Shard& shard, Changed changed);

  const meta::ImagePtr& image() const { return image_; }
  model::Offset end() const { return log_.high_watermark(); }
  void Submit(Decide decide, Done done);
  // Refuses new changes; `closed` once those under way are answered.
  void Close(env::Closure closed);

 private:
  struct Waiting {
    Decide decide;
    Done done;
    env::Gate::Hold hold;
  };
  struct Round;

  MetadataLog(log::PartitionLog& log, env::Shard& shard, Changed changed);
  absl::Status Replay();
  void StartRound();
  void FinishRound(Round round, const absl::Status& appended);

  log::PartitionLog& log_;
  env::Shard& shard_;
  Changed changed_;
  meta::ImagePtr image_;
  env::Gate gate_;  // before those who hold it
  std::deque<Waiting> waiting_;
  bool appending_ = false;
};

}  // namespace leat::coordinator
