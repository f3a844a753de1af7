#include "broker/view_watch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

constexpr Duration kFetchWait = absl::Seconds(5);
constexpr Duration kQuiet = absl::Seconds(10);  // then the reader hears that nothing is new
constexpr Duration kPause = absl::Milliseconds(100);
constexpr size_t kMaxWatches = 256;               // of this node
constexpr size_t kPieceBytes = size_t{64} << 10;  // of one partition, read ahead

}  // namespace

void ViewWatch::Next(Callback<absl::StatusOr<WatchBatch>> done) {
  LEAT_CHECK(!waiting_) << "a watch was asked twice at a time";
  if (!ended_.ok()) return done(ended_);
  waiting_ = std::move(done);
  quiet_until_ = broker_.home().Now() + kQuiet;
  if (begun_) return Go();
  begun_ = true;
  if (const absl::Status status = Begin(); !status.ok()) return End(status);
  if (request_.begin == WatchRequest::Begin::kTable || partitions_.size() == request_.from.size()) return Go();
  FindOffsets();
}

void ViewWatch::End(const absl::Status& why) {
  if (!ended_.ok()) return;
  ended_ = why;
  if (std::exchange(counted_, false)) --desk_.watches;
  timer_.reset();
  ready_.clear();
  if (waiting_) std::exchange(waiting_, nullptr)(why);
}

absl::Status ViewWatch::Begin() {
  const bool table = request_.begin == WatchRequest::Begin::kTable;
  if (desk_.watches >= kMaxWatches) {
    return ResourceExhausted("there are ", kMaxWatches, " watches already, the most that there may be: end ",
                             "some, or try again later");
  }
  LEAT_ASSIGN_OR_RETURN(const meta::TopicPtr topic, desk_.Find(request_.topic, Needs()));
  ++desk_.watches;
  counted_ = true;
  topic_ = topic->id;
  const int32_t count = partition_count_ = topic->partitions;
  const auto check = [&](model::PartitionId id) {
    if (id.value() >= 0 && id.value() < count) return absl::OkStatus();
    return NotFound("'", request_.topic, "' has the partitions 0 to ", count - 1, ", not ", id);
  };
  if (request_.partition) LEAT_RETURN_IF_ERROR(check(*request_.partition));
  for (const auto& [id, offset] : request_.from) LEAT_RETURN_IF_ERROR(check(id));
  const view::Range range = request_.range.value_or(view::Range::All());
  const auto keyless =
      table || request_.range ? view::PartitionStream::Keyless::kLeaveOut : view::PartitionStream::Keyless::kAll;
  for (int32_t i = 0; i < count; ++i) {
    const model::PartitionId id(i);
    if (request_.partition && *request_.partition != id) continue;
    const auto from = request_.from.find(id);
    if (from != request_.from.end()) {
      partitions_.push_back({id, view::PartitionStream(range, from->second, keyless), from->second});
    } else if (table) {
      partitions_.push_back({id, view::PartitionStream(range)});
    } else {
      partitions_.push_back({id, view::PartitionStream(range, model::Offset(0), keyless)});
    }
  }
  return absl::OkStatus();
}

void ViewWatch::FindOffsets() {
  broker_.job_log().DescribeTopic(
      request_.topic, [self = shared_from_this()](absl::StatusOr<std::vector<run::PartitionOffsets>> found) {
        self->broker_.home().Post([self, found = std::move(found)] {
          if (!self->ended_.ok()) return;
          if (!found.ok()) return self->End(found.status());
          const view::Range range = self->request_.range.value_or(view::Range::All());
          const auto keyless =
              self->request_.range ? view::PartitionStream::Keyless::kLeaveOut : view::PartitionStream::Keyless::kAll;
          for (const run::PartitionOffsets& offsets : *found) {
            for (Partition& partition : self->partitions_) {
              if (partition.id != offsets.partition || self->request_.from.contains(partition.id)) continue;
              // One that an earlier watch had not was made since.
              const bool earliest =
                  self->request_.begin == WatchRequest::Begin::kEarliest || !self->request_.from.empty();
              const model::Offset from = earliest ? offsets.earliest : offsets.latest;
              partition.stream = view::PartitionStream(range, from, keyless);
              partition.sent = from;
            }
          }
          self->Go();
        });
      });
}

// The topic of the name may be another one by now, or have partitions that this watch does not read.
absl::Status ViewWatch::CheckTopic() const {
  const absl::StatusOr<meta::TopicPtr> topic = desk_.Find(request_.topic, Needs());
  if (!topic.ok() || (*topic)->id != topic_) {
    return NotFound("'", request_.topic, "' is not there any more, or has no view");
  }
  if (request_.partition || (*topic)->partitions == partition_count_) return absl::OkStatus();
  return Unavailable("'", request_.topic, "' has ", (*topic)->partitions, " partitions now, it had ", partition_count_,
                     ": begin again where this ends, with all of them");
}

void ViewWatch::Go() {
  timer_.reset();
  if (!ended_.ok() || !waiting_) return;
  if (const absl::Status there = CheckTopic(); !there.ok()) return End(there);
  while (scanning_ < partitions_.size() && partitions_[scanning_].stream.live()) ++scanning_;
  scanning_ < partitions_.size() ? SendRows() : Follow();
}

// One partition after the other, so that no more than a page is held.
void ViewWatch::SendRows() {
  if (!ready_.empty()) return HandOver();
  Partition& partition = partitions_[scanning_];
  if (partition.busy) return;
  partition.busy = true;
  const auto next = partition.stream.next();
  if (const auto* page = std::get_if<view::PartitionStream::WantsPage>(&next)) return ReadPage(scanning_, page->range);
  ReadRecords(scanning_, std::get<view::PartitionStream::WantsRecords>(next).from, absl::ZeroDuration());
}

void ViewWatch::Follow() {
  for (size_t i = 0; i < partitions_.size(); ++i) {
    if (std::exchange(partitions_[i].busy, true)) continue;
    ReadRecords(i, partitions_[i].stream.position(), kFetchWait);
  }
  if (!ready_.empty() || !told_live_) return HandOver();
  timer_ = broker_.home().RunAt(quiet_until_, [self = shared_from_this()] {
    if (self->waiting_) self->HandOver();
  });
}

void ViewWatch::ReadPage(size_t index, view::Range range) {
  desk_.Ask({.partition = {request_.topic, partitions_[index].id},
             .begin = std::move(range.begin),
             .has_end = range.end.has_value(),
             .end = range.end.value_or(""),
             .max_rows = desk_.options().max_rows,
             .max_bytes = kPieceBytes},
            [self = shared_from_this(), index](absl::StatusOr<AskView::Reply> reply) {
              if (!self->ended_.ok()) return;
              if (!reply.ok()) return self->End(reply.status());
              self->Take(index, self->partitions_[index].stream.TakePage(PageOf(*std::move(reply))));
            });
}

void ViewWatch::ReadRecords(size_t index, model::Offset from, Duration max_wait) {
  partitions_[index].asked_at = broker_.home().Now();
  broker_.job_log().Fetch({.partition = {request_.topic, partitions_[index].id},
                           .offset = from,
                           .max_bytes = kPieceBytes,
                           .max_wait = max_wait,
                           .isolation = model::Isolation::kReadCommitted},
                          [self = shared_from_this(), index](absl::StatusOr<run::LogData> data) {
                            self->broker_.home().Post([self, index, data = std::move(data)]() mutable {
                              if (self->ended_.ok()) self->TakeRecords(index, std::move(data));
                            });
                          });
}

void ViewWatch::TakeRecords(size_t index, absl::StatusOr<run::LogData> data) {
  if (!data.ok()) return End(data.status());
  view::PartitionStream& stream = partitions_[index].stream;
  auto read = view::ReadCommitted(data->batches, stream.position(), std::move(data->aborted));
  if (!read.ok()) return End(read.status());
  // Nothing is left of what was there: compaction took it.
  if (data->batches.empty()) read->next = std::max(read->next, data->end);
  Take(index, stream.TakeRecords(*std::move(read)));
}

void ViewWatch::Take(size_t index, std::vector<view::Record> records) {
  Partition& partition = partitions_[index];
  const bool quiet = records.empty() && partition.stream.position() == partition.sent;
  if (!records.empty()) {
    ready_.push_back({index, std::move(records), partition.stream.position()});
    return Go();
  }
  partition.busy = false;
  partition.sent = partition.stream.position();
  // A leader that has just changed may answer at once, and again, and so does a node that lets no fetch wait.
  const bool pause = quiet && broker_.home().Now() - partition.asked_at < kPause;
  pause ? Later(kPause) : Go();
}

void ViewWatch::Later(Duration pause) {
  timer_ = broker_.home().RunAt(broker_.home().Now() + pause, [self = shared_from_this()] { self->Go(); });
}

void ViewWatch::HandOver() {
  timer_.reset();
  WatchBatch batch;
  for (Ready& ready : ready_) {
    Partition& partition = partitions_[ready.partition];
    for (view::Record& record : ready.records) batch.records.push_back({partition.id, std::move(record)});
    partition.sent = ready.position;
    partition.busy = false;
  }
  ready_.clear();
  // The last page has been handed over with this, or was before.
  batch.live = std::all_of(partitions_.begin(), partitions_.end(), [](const Partition& p) { return p.stream.live(); });
  told_live_ = batch.live;
  if (batch.live) {
    for (const Partition& partition : partitions_) batch.positions.push_back({partition.id, partition.sent});
  }
  std::exchange(waiting_, nullptr)(std::move(batch));
}

}  // namespace leat::broker
