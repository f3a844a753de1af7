#include "tools/leat/sender.h"

#include <unistd.h>

#include <atomic>
#include <boost/json/object.hpp>
#include <cstdio>
#include <mutex>

#include "base/status.h"

namespace leat::tool {

namespace {

constexpr absl::Duration kProgressInterval = absl::Milliseconds(500);
constexpr absl::Duration kWarningInterval = absl::Seconds(5);
// To look at the clock for every record would cost more than the record.
constexpr uint64_t kRecordsBetweenLooks = 256;

}  // namespace

// The library's threads report here; the callbacks share it, so that it outlives a sender that ends early.
struct Sender::Outcomes {
  std::atomic<uint64_t> acknowledged = 0;
  std::atomic<uint64_t> failed = 0;
  std::mutex mutex;
  absl::Status first_failure;  // guarded by mutex
  absl::Time next_warning;     // guarded by mutex

  // A producer goes on trying for minutes; the user should not have to wait as long to hear why.
  void WarnOfRetry(const absl::Status& why) {
    const std::lock_guard lock(mutex);
    if (absl::Now() < next_warning) return;
    next_warning = absl::Now() + kWarningInterval;
    std::fprintf(stderr, "leat: not taken yet, still trying: %s\n", std::string(Message(why)).c_str());
  }
};

absl::StatusOr<std::unique_ptr<Sender>> Sender::Create(Context* context, const SenderOptions& options) {
  auto outcomes = std::make_shared<Outcomes>();
  client::ProducerOptions producer_options = options.producer;
  producer_options.on_retry = [outcomes](const absl::Status& why) { outcomes->WarnOfRetry(why); };
  LEAT_ASSIGN_OR_RETURN(std::unique_ptr<client::Producer> producer,
                        client::Producer::Create(context->connection(), producer_options));
  return std::unique_ptr<Sender>(new Sender(options, std::move(outcomes), std::move(producer)));
}

Sender::Sender(const SenderOptions& options, std::shared_ptr<Outcomes> outcomes,
               std::unique_ptr<client::Producer> producer)
    : options_(options),
      outcomes_(std::move(outcomes)),
      producer_(std::move(producer)),
      start_(absl::Now()),
      end_(start_),
      next_progress_(start_ + kProgressInterval),
      terminal_(isatty(STDERR_FILENO) != 0) {}

Sender::~Sender() = default;

void Sender::Pace() {
  if (options_.records_per_second <= 0) return;
  // Against the time the record was meant for: what one record is late, the next ones are not.
  const absl::Time intended = start_ + absl::Seconds(static_cast<double>(sent_) / options_.records_per_second);
  for (absl::Time now = absl::Now(); now < intended && !Interrupted(); now = absl::Now()) {
    ShowProgress();
    absl::SleepFor(std::min(intended - now, kProgressInterval));
  }
}

absl::Status Sender::Send(client::Record record, uint64_t place) {
  if (outcomes_->failed > 0) return Finish();
  Pace();
  record.topic = options_.topic;
  auto report = [outcomes = outcomes_, place](const absl::StatusOr<client::Delivery>& delivery) {
    if (delivery.ok()) {
      ++outcomes->acknowledged;
      return;
    }
    const std::lock_guard lock(outcomes->mutex);
    if (outcomes->first_failure.ok())
      outcomes->first_failure = Annotate(delivery.status(), StrCat("record of line ", place));
    ++outcomes->failed;
  };
  LEAT_RETURN_IF_ERROR(
      Annotate(producer_->Send(std::move(record), std::move(report)), StrCat("record of line ", place)));
  ++sent_;
  if (options_.records_per_second > 0 || sent_ % kRecordsBetweenLooks == 0) ShowProgress();
  return absl::OkStatus();
}

absl::Status Sender::Finish() {
  const absl::Status flushed = producer_->Flush();
  end_ = absl::Now();
  ClearProgress();
  const std::lock_guard lock(outcomes_->mutex);
  return outcomes_->first_failure.ok() ? flushed : outcomes_->first_failure;
}

SenderSummary Sender::summary() const {
  return {.sent = sent_,
          .acknowledged = outcomes_->acknowledged,
          .failed = sent_ - outcomes_->acknowledged,
          .skipped = 0,
          .elapsed = end_ - start_};
}

void Sender::ShowProgress() {
  if (!terminal_ || absl::Now() < next_progress_) return;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - (next_progress_ - kProgressInterval));
  const double rate = static_cast<double>(sent_ - shown_) / seconds;
  std::fprintf(stderr, "\r%llu records, %.0f/s\033[K", static_cast<unsigned long long>(sent_), rate);
  shown_ = sent_;
  next_progress_ = absl::Now() + kProgressInterval;
}

void Sender::ClearProgress() {
  if (terminal_ && shown_ > 0) std::fputs("\r\033[K", stderr);
  shown_ = 0;
}

void PrintSummary(const Context& context, const std::string& topic, const SenderSummary& summary) {
  const double seconds = absl::ToDoubleSeconds(summary.elapsed);
  if (context.json()) {
    PrintJson(boost::json::object{{"topic", topic},
                                  {"records", summary.acknowledged},
                                  {"failed", summary.failed},
                                  {"skipped", summary.skipped},
                                  {"seconds", seconds}});
    return;
  }
  char time[32];
  std::snprintf(time, sizeof(time), "%.2f s", seconds);
  std::string text = StrCat("produced ", summary.acknowledged, " records to ", topic, " in ", time);
  if (summary.failed > 0) StrAppend(&text, "; ", summary.failed, " were not acknowledged");
  if (summary.skipped > 0) StrAppend(&text, "; ", summary.skipped, " bad lines were skipped");
  std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace leat::tool
