// One watch: what it reads next, of which node, and what of it is ready. Lives on shard 0, held by its handle and by
// what is under way.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/view_desk.h"
#include "broker/watch.h"
#include "env/shard.h"
#include "view/partition_stream.h"

namespace leat::broker {

class ViewWatch : public std::enable_shared_from_this<ViewWatch> {
 public:
  ViewWatch(BrokerImpl& broker, ViewDesk& desk, WatchRequest request)
      : broker_(broker), desk_(desk), request_(std::move(request)) {}

  void Next(Callback<absl::StatusOr<WatchBatch>> done);
  // What waits is answered kCancelled; nothing is read any more.
  void End(const absl::Status& why);

 private:
  struct Partition {
    model::PartitionId id;
    view::PartitionStream stream;
    model::Offset sent{-1};  // what was handed over
    Instant asked_at;        // for records
    bool busy = false;       // read, or waits to be handed over
  };
  struct Ready {
    size_t partition;
    std::vector<view::Record> records;
    model::Offset position;
  };

  absl::Status Begin();
  void FindOffsets();
  void Go();
  void SendRows();
  void Follow();
  void ReadPage(size_t index, view::Range range);
  void ReadRecords(size_t index, model::Offset from, Duration max_wait);
  void TakeRecords(size_t index, absl::StatusOr<run::LogData> data);
  void Take(size_t index, std::vector<view::Record> records);
  void Later(Duration pause);
  void HandOver();
  absl::Status CheckTopic() const;
  ViewDesk::Needs Needs() const {
    return request_.begin == WatchRequest::Begin::kTable ? ViewDesk::Needs::kView : ViewDesk::Needs::kTopic;
  }

  BrokerImpl& broker_;
  ViewDesk& desk_;
  const WatchRequest request_;
  model::TopicId topic_;
  int32_t partition_count_ = 0;  // when this began
  std::vector<Partition> partitions_;
  size_t scanning_ = 0;  // the first partition whose rows have not been sent
  std::deque<Ready> ready_;
  Callback<absl::StatusOr<WatchBatch>> waiting_;
  Instant quiet_until_;                // then who waits hears that nothing is new
  std::unique_ptr<env::Timer> timer_;  // of that, or of another try
  bool begun_ = false, told_live_ = false;
  bool counted_ = false;
  absl::Status ended_;
};

}  // namespace leat::broker
