#include "tests/sim/reader.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "tests/sim/batches.h"

namespace leat::nodes {

using model::ErrorCode;

Reader::Reader(Stage& stage, int number, model::Isolation isolation, model::TopicPartition partition)
    : stage_(stage),
      number_(number),
      isolation_(isolation),
      partition_(std::move(partition)),
      random_(stage.plan.Chance(2000 + static_cast<uint64_t>(number))) {}

Reader::~Reader() { stage_.world.DropEvents(this); }

void Reader::Fetch() {
  // As clients do, so that one that was deposed and does not know it is not believed.
  const Cluster::Leader told = stage_.cluster.LookUp(partition_, random_);
  if (told.epoch.value() >= leader_.epoch.value()) leader_ = told;
  broker::FetchRequest request;
  request.max_wait = absl::Milliseconds(random_.Between(0, 500));
  request.isolation = isolation_;
  request.partitions.push_back({.partition = partition_,
                                .offset = model::Offset(position_),
                                .max_bytes = static_cast<size_t>(random_.Between(1, 20'000)),
                                .current_epoch = leader_.epoch});
  stage_.link.Call<broker::FetchReply>(
      leader_.node, absl::Milliseconds(1500),
      [request = std::move(request)](broker::BrokerImpl& broker, broker::Callback<broker::FetchReply> done) mutable {
        broker.Fetch(std::move(request), std::move(done));
      },
      [this](const std::optional<broker::FetchReply>& reply) {
        if (reply) Take(reply->partitions.at(0));
        Rest();
      });
}

void Reader::Rest() {
  const Duration pause = absl::Milliseconds(random_.Between(5, 100));
  const bool asks = stage_.plan.has(Family::kProbes) && random_.OneIn(3);
  stage_.Later(this, pause, [this, asks] { asks ? AskForEnd() : Fetch(); });
}

void Reader::AskForEnd() {
  const Cluster::Leader told = stage_.cluster.LookUp(partition_, random_);
  if (told.epoch.value() >= leader_.epoch.value()) leader_ = told;
  using Results = std::vector<broker::ListOffsetsResult>;
  stage_.link.Call<Results>(
      leader_.node, absl::Milliseconds(1500),
      [ask =
           broker::ListOffsetsPartition{
               .partition = partition_, .isolation = isolation_, .current_epoch = leader_.epoch}](
          broker::BrokerImpl& broker, broker::Callback<Results> done) { broker.ListOffsets({ask}, std::move(done)); },
      [this](const std::optional<Results>& reply) {
        Rest();
        if (!reply || !reply->at(0).outcome.ok()) return;
        const int64_t end = reply->at(0).offset.value();
        // What it has read, or was told of before, lies below every later end (KIP-207).
        if (end < std::max(end_, position_)) {
          stage_.history.Fail(StrCat("reader ", number_, " of ", partition_.ToString(),
                                     " was told that the log ends at ", end, " in epoch ", leader_.epoch,
                                     ", it was at ", position_, " and knew of ", end_));
        }
        end_ = std::max(end_, end);
      });
}

void Reader::Take(const broker::FetchPartitionResult& result) {
  if (result.outcome.ok()) return TakeRecords(result);
  if (MayBeTriedAgain(result.outcome.code)) return;
  stage_.history.Fail(StrCat("reader ", number_, " of ", partition_.ToString(), " at ", position_,
                             " was refused with code ", static_cast<int>(result.outcome.code), ": ",
                             result.outcome.message));
}

void Reader::TakeRecords(const broker::FetchPartitionResult& result) {
  const std::string who = StrCat("reader ", number_, " of ", partition_.ToString(), " at ", position_);
  const Walked walked = Walk(result.batches, position_, result.aborted);
  if (!walked.failure.empty()) return stage_.history.Fail(StrCat(who, ": ", walked.failure));
  if (walked.next > position_ && walked.next > result.high_watermark.value()) {
    stage_.history.Fail(
        StrCat(who, " was shown records up to ", walked.next, " above the high watermark ", result.high_watermark));
  }
  if (result.last_stable_offset > result.high_watermark) {
    stage_.history.Fail(
        StrCat(who, ": stable up to ", result.last_stable_offset, ", high watermark ", result.high_watermark));
  }
  if (isolation_ == model::Isolation::kReadCommitted) {
    if (walked.next > position_ && walked.next > result.last_stable_offset.value()) {
      stage_.history.Fail(StrCat(who, " was shown records up to ", walked.next, " above the last stable offset ",
                                 result.last_stable_offset));
    }
    for (const auto& [offset, value] : walked.committed) stage_.history.SeenCommitted(partition_, offset, value);
  } else {
    for (const auto& [offset, value] : walked.all) stage_.history.Seen(partition_, offset, value);
  }
  position_ = walked.next;
}

}  // namespace leat::nodes
