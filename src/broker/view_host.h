// The tables of this node: those of the partitions that it leads of topics with a view. Which topics have one is
// metadata (the topic config leat.view); a table begins with the leadership and ends with it. Whether there is other
// metadata than before is looked at from time to time, and by whoever misses a table. Lives on shard 0. See
// docs/internals/views.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/hosted_view.h"
#include "broker/job_messages.h"
#include "meta/image.h"

namespace leat::broker {

class ViewHost {
 public:
  // `broker` outlives this.
  ViewHost(BrokerImpl& broker, const ViewOptions& options, std::unique_ptr<ViewStores> stores);

  // Whether the topic has a view.
  static bool HasView(const meta::Topic& topic);

  // Follows the metadata from now on. What an earlier process left of its tables is removed first.
  void Start();
  // Ends every table; nothing begins afterwards.
  void Close(env::Closure closed);

  // kUnavailable: this node does not lead the partition, or has no table of it yet; kResourceExhausted: it has as many
  // tables as it may.
  void Answer(const AskView& asked, Callback<absl::StatusOr<AskView::Reply>> done);

 private:
  static constexpr size_t kDiskTurns = 2;  // of the four disk threads
  // In which leadership a table was begun.
  struct Leadership {
    model::TopicId topic;
    model::LeaderEpoch epoch{-1};  // -1: of the one copy, whatever its epoch is
    friend bool operator==(const Leadership&, const Leadership&) = default;
  };
  struct Entry {
    Leadership leads;
    std::unique_ptr<HostedView> view;
  };

  void Follow();
  void FollowLater();
  std::optional<Leadership> LeadsHere(const meta::Topic& topic, model::PartitionId partition) const;
  void Begin(const model::TopicPartition& name, const Leadership& leads);
  void End(std::unique_ptr<HostedView> view);
  void MaybeClosed();
  std::string Folder() const;

  BrokerImpl& broker_;
  const ViewOptions options_;
  const std::unique_ptr<ViewStores> stores_;
  DiskTurns turns_{kDiskTurns};
  meta::ImagePtr followed_;  // the metadata as it was looked at last
  std::unique_ptr<env::Timer> timer_;
  std::map<model::TopicPartition, Entry> entries_;
  std::vector<std::unique_ptr<HostedView>> ending_;
  uint64_t next_folder_ = 0;
  bool following_ = false;
  bool cleaning_ = false;
  bool closing_ = false;
  env::Closure closed_;
};

}  // namespace leat::broker
