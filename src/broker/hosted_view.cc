#include "broker/hosted_view.h"

#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/outcomes.h"
#include "broker/views.h"

namespace leat::broker {
namespace {

constexpr Duration kFetchWait = absl::Seconds(30);
constexpr Duration kPause = absl::Milliseconds(200);

// What became of a fetched piece on the disk thread.
struct Folded {
  FetchPartitionResult fetched;
  absl::Status unreadable;  // the records themselves
  model::Offset applied;
  size_t keyless = 0;
};

}  // namespace

void HostedView::Begin() { MakeAnew(model::Offset(0)); }

// ---- the disk's work

void HostedView::Enqueue(Step step) {
  steps_.push_back(std::move(step));
  RunNext();
}

void HostedView::RunNext() {
  if (working_ || steps_.empty()) return MaybeClosed();
  working_ = true;
  config_.turns->Take([this, step = std::move(steps_.front())]() mutable {
    config_.broker->home().RunBlocking(std::move(step.work),
                                       [this, done = std::move(step.done)](const absl::Status& status) mutable {
                                         config_.turns->GiveBack();
                                         working_ = false;
                                         done(status);
                                         RunNext();
                                       });
  });
  steps_.pop_front();
}

// ---- following the log

void HostedView::MakeAnew(model::Offset from) {
  ready_ = false;
  ++generation_;
  retry_timer_.reset();
  if (fetching_) config_.broker->CancelFetch(ticket_);
  next_ = from;
  log_start_.reset();
  Enqueue({[index = index_, stores = config_.stores, folder = config_.folder] {
             index->reset();
             LEAT_RETURN_IF_ERROR(stores->Remove(folder));
             LEAT_ASSIGN_OR_RETURN(std::unique_ptr<state::CommittedStore> store, stores->Open(folder));
             *index = std::make_unique<view::PartitionIndex>(std::move(store));
             return absl::OkStatus();
           },
           [this, from](const absl::Status& opened) {
             if (closing_) return;
             if (opened.ok()) {
               ready_ = true;
               Advance(from);  // nothing below counts
               return FetchNext();
             }
             trouble_ = opened;
             LogError("views", config_.name.ToString(), ": no table can be made: ", Message(opened));
             retry_timer_ = config_.broker->home().RunAt(config_.broker->home().Now() + absl::Seconds(5),
                                                         [this, from] { MakeAnew(from); });
           }});
}

void HostedView::FetchNext() {
  if (closing_ || fetching_ || !ready_) return;
  retry_timer_.reset();
  fetching_ = true;
  asked_at_ = config_.broker->home().Now();
  FetchRequest request;
  request.max_wait = kFetchWait;
  request.max_bytes = config_.options->fetch_bytes;
  request.isolation = model::Isolation::kReadCommitted;
  request.partitions.push_back({config_.name, next_, request.max_bytes});
  ticket_ = config_.broker->Fetch(std::move(request), [this, generation = generation_](FetchReply reply) {
    config_.broker->home().Post([this, generation, result = std::move(reply.partitions.at(0))]() mutable {
      fetching_ = false;
      if (closing_) return MaybeClosed();
      if (generation == generation_) return TakeFetched(std::move(result));
      if (ready_) FetchNext();
    });
  });
}

void HostedView::TakeFetched(FetchPartitionResult result) {
  const bool other_start = log_start_ && result.log_start.value() >= 0 && result.log_start != *log_start_;
  if (result.outcome.code == model::ErrorCode::kOffsetOutOfRange || (result.outcome.ok() && other_start)) {
    const model::Offset from(std::max<int64_t>(result.log_start.value(), 0));
    // A log that does not begin at 0 is asked for its start first.
    if (log_start_) {
      LogWarning("views", config_.name.ToString(), ": the log is not the one that the table at offset ", applied_,
                 " was made from: it is made anew from offset ", from);
    }
    if (from == next_) return Retry(ToStatus(result.outcome));
    return MakeAnew(from);
  }
  if (!result.outcome.ok()) return Retry(ToStatus(result.outcome));
  trouble_ = absl::OkStatus();
  log_start_ = result.log_start;
  end_ = std::max(end_, result.last_stable_offset);
  if (result.batches.empty()) {
    // Nothing is left of what was there: compaction took it.
    if (result.last_stable_offset > next_) {
      next_ = result.last_stable_offset;
      Advance(next_);
      return FetchNext();
    }
    // A node that does not let this fetch wait (limits.fetch_max_wait, limits.parked_fetches) is not asked without end.
    const Instant now = config_.broker->home().Now();
    if (now - asked_at_ >= kPause) return FetchNext();
    retry_timer_ = config_.broker->home().RunAt(now + kPause, [this] { FetchNext(); });
    return;
  }
  auto folded = std::make_shared<Folded>();
  folded->fetched = std::move(result);
  Enqueue({[index = index_, folded, from = next_] {
             auto records = view::ReadCommitted(folded->fetched.batches, from, std::move(folded->fetched.aborted));
             folded->unreadable = records.status();
             if (!records.ok()) return absl::OkStatus();
             folded->applied = records->next;
             LEAT_ASSIGN_OR_RETURN(folded->keyless, (*index)->Apply(*records));
             return absl::OkStatus();
           },
           [this, folded, generation = generation_](const absl::Status& applied) {
             if (closing_ || generation != generation_) return;
             if (!folded->unreadable.ok()) return Retry(folded->unreadable);
             if (absl::IsDataLoss(applied)) {
               LogWarning("views", config_.name.ToString(), ": the table is made anew: ", Message(applied));
               return MakeAnew(model::Offset(0));
             }
             if (!applied.ok()) return Retry(applied);
             if (folded->keyless > 0) {
               LogWarning("views", config_.name.ToString(), ": ", folded->keyless, " records below offset ",
                          folded->applied, " have no key, so that they are in no table");
             }
             next_ = folded->applied;
             Advance(next_);
             FetchNext();
           }});
}

void HostedView::Retry(absl::Status why) {
  // Another leader, none for a moment, or a topic that has just gone is nothing to tell of.
  if (trouble_.code() != why.code() && !absl::IsUnavailable(why) && !absl::IsNotFound(why)) {
    LogWarning("views", config_.name.ToString(), ": the table stays at offset ", applied_, " for now: ", Message(why));
  }
  trouble_ = std::move(why);
  retry_timer_ = config_.broker->home().RunAt(config_.broker->home().Now() + kPause, [this] { FetchNext(); });
}

void HostedView::Advance(model::Offset applied) {
  applied_ = applied;
  end_ = std::max(end_, applied);
  while (!waiting_.empty() && waiting_.begin()->first <= applied_) {
    ReadNow(std::move(waiting_.extract(waiting_.begin()).mapped()));
  }
}

// ---- reading

void HostedView::Read(view::Range range, view::PageLimit limit, Callback<absl::StatusOr<view::Page>> done) {
  const ViewOptions& options = *config_.options;
  if (closing_) return done(Unavailable(config_.name.ToString(), ": this node does not lead it any more: try again"));
  if (waiting_.size() + asking_ >= options.max_waiting) {
    return done(ResourceExhausted("view ", config_.name.ToString(), ": ", options.max_waiting,
                                  " reads wait for its table already: try again later"));
  }
  ++asking_;
  Waiting waiting{std::move(range), limit, std::move(done), config_.broker->home().Now() + options.patience};
  std::vector<ListOffsetsPartition> wanted;
  wanted.push_back({.partition = config_.name, .isolation = model::Isolation::kReadCommitted});
  config_.broker->ListOffsets(
      std::move(wanted), [this, waiting = std::move(waiting)](std::vector<ListOffsetsResult> results) mutable {
        config_.broker->home().Post([this, result = std::move(results.at(0)), waiting = std::move(waiting)]() mutable {
          --asking_;
          if (!result.outcome.ok()) {
            waiting.done(Unavailable("view ", config_.name.ToString(), ": ", Message(ToStatus(result.outcome))));
            return MaybeClosed();
          }
          ReadWhenApplied(result.offset, std::move(waiting));
        });
      });
}

void HostedView::ReadWhenApplied(model::Offset end, Waiting waiting) {
  end_ = std::max(end_, end);
  if (closing_) {
    waiting.done(NotYet(end));
    return MaybeClosed();
  }
  if (ready_ && applied_ >= end) return ReadNow(std::move(waiting));
  const Instant until = waiting.until;
  waiting_.emplace(end, std::move(waiting));
  if (patience_timer_ == nullptr) {
    patience_timer_ = config_.broker->home().RunAt(until, [this] { GiveUpWaiting(); });
  }
}

void HostedView::ReadNow(Waiting waiting) {
  struct Answer {
    Callback<absl::StatusOr<view::Page>> done;
    absl::StatusOr<view::Page> page = Unavailable("not read");
  };
  auto answer = std::make_shared<Answer>();
  answer->done = std::move(waiting.done);
  Enqueue({[index = index_, answer, range = std::move(waiting.range), limit = waiting.limit] {
             if (*index == nullptr) {
               answer->page = Unavailable("the table is being made anew: try again");
             } else {
               answer->page = (*index)->Read(range, limit);
             }
             return absl::OkStatus();
           },
           [this, answer, applied = applied_, generation = generation_](const absl::Status&) {
             // What compaction left nothing of is applied all the same.
             if (answer->page.ok()) answer->page->applied = std::max(answer->page->applied, applied);
             if (absl::IsDataLoss(answer->page.status())) {
               const std::string what(Message(answer->page.status()));
               if (!closing_ && generation == generation_) {
                 LogWarning("views", config_.name.ToString(), ": the table cannot be read and is made anew: ", what);
                 MakeAnew(model::Offset(0));
               }
               answer->page = Unavailable("view ", config_.name.ToString(),
                                          ": its table is damaged and is made anew: try again: ", what);
             }
             answer->done(std::move(answer->page));
           }});
}

void HostedView::GiveUpWaiting() {
  patience_timer_.reset();
  const Instant now = config_.broker->home().Now();
  std::optional<Instant> next;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second.until > now) {
      next = next ? std::min(*next, it->second.until) : it->second.until;
      ++it;
      continue;
    }
    Waiting waiting = std::move(it->second);
    const model::Offset end = it->first;
    it = waiting_.erase(it);
    waiting.done(NotYet(end));
  }
  if (next) patience_timer_ = config_.broker->home().RunAt(*next, [this] { GiveUpWaiting(); });
}

absl::Status HostedView::NotYet(model::Offset end) const {
  if (closing_)
    return Unavailable("view ", config_.name.ToString(), ": this node does not lead it any more: try again");
  return Unavailable("view ", config_.name.ToString(), ": its table holds the records below offset ", applied_,
                     " and not yet those up to ", end, ": try again",
                     trouble_.ok() ? "" : StrCat("; it does not grow now: ", Message(trouble_)));
}

ViewPartition HostedView::Describe() const {
  ViewPartition out{.partition = config_.name.partition, .applied = applied_, .end = end_};
  if (!trouble_.ok()) out.outcome = ReadOutcome(trouble_);
  return out;
}

// ---- the end

void HostedView::Close(env::Closure closed) {
  LEAT_CHECK(!closing_) << "closed twice";
  closing_ = true;
  closed_ = std::move(closed);
  retry_timer_.reset();
  patience_timer_.reset();
  for (auto& [end, waiting] : std::exchange(waiting_, {})) waiting.done(NotYet(end));
  if (fetching_) config_.broker->CancelFetch(ticket_);
  // Closing a table waits for its threads, which the shard must not.
  Enqueue({[index = index_, stores = config_.stores, folder = config_.folder] {
             index->reset();
             return stores->Remove(folder);
           },
           [this](const absl::Status& removed) {
             if (!removed.ok()) LogWarning("views", config_.name.ToString(), ": ", Message(removed));
           }});
}

void HostedView::MaybeClosed() {
  if (!closing_ || working_ || !steps_.empty() || fetching_ || asking_ > 0 || !closed_) return;
  config_.broker->home().Post(std::exchange(closed_, nullptr));
}

}  // namespace leat::broker
