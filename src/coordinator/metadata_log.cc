#include "coordinator/metadata_log.h"

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/log_replay.h"
#include "coordinator/metadata_codec.h"
#include "model/record_batch.h"

namespace leat::coordinator {

// What one append carries, and who waits for it.
struct MetadataLog::Round {
  meta::Image image;
  meta::Delta delta;
  std::vector<Waiting> accepted;
  std::vector<std::pair<Waiting, absl::Status>> refused;  // answered at once; kept because they hold the gate
};

MetadataLog::MetadataLog(log::PartitionLog& log, env::Shard& shard, Changed changed)
    : log_(log), shard_(shard), changed_(std::move(changed)), image_(std::make_shared<const meta::Image>()) {}

absl::StatusOr<std::unique_ptr<MetadataLog>> MetadataLog::Open(log::PartitionLog& log, env::Shard& shard,
                                                               Changed changed) {
  std::unique_ptr<MetadataLog> metadata(new MetadataLog(log, shard, std::move(changed)));
  LEAT_RETURN_IF_ERROR(Annotate(metadata->Replay(), "replay of the metadata log"));
  return metadata;
}

absl::Status MetadataLog::Replay() {
  meta::Image image;
  LEAT_RETURN_IF_ERROR(ReplayLog(log_, [&](const model::RecordView& record) -> absl::Status {
    if (!record.value) return DataLoss("metadata: a record without a value");
    LEAT_ASSIGN_OR_RETURN(const meta::Record decoded, DecodeMetadata(*record.value));
    return image.Apply(decoded).status();
  }));
  image_ = std::make_shared<const meta::Image>(std::move(image));
  return absl::OkStatus();
}

void MetadataLog::Submit(Decide decide, Done done) {
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) {
    done(Unavailable("the broker is stopping: try again when it is back"));
    return;
  }
  waiting_.push_back({std::move(decide), std::move(done), std::move(hold)});
  if (!appending_) StartRound();
}

void MetadataLog::StartRound() {
  Round round{*image_, {}, {}, {}};
  model::BatchBuilder batch({});
  const int64_t now_ms = shard_.WallMillis();
  while (!waiting_.empty()) {
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    absl::StatusOr<meta::Records> records = waiting.decide(round.image);
    if (!records.ok()) {
      round.refused.emplace_back(std::move(waiting), records.status());
      continue;
    }
    for (const meta::Record& record : *records) {
      batch.Add(now_ms, std::nullopt, EncodeMetadata(record));
      absl::StatusOr<meta::Delta> delta = round.image.Apply(record);
      LEAT_CHECK(delta.ok()) << "a metadata change was decided that cannot be applied: " << delta.status().ToString();
      round.delta.Append(*std::move(delta));
    }
    round.accepted.push_back(std::move(waiting));
  }
  // Set before anybody is answered: an answer may submit the next change.
  appending_ = true;
  for (auto& [waiting, status] : round.refused) waiting.done(status);
  if (batch.record_count() == 0) {
    FinishRound(std::move(round), absl::OkStatus());
    return;
  }
  absl::StatusOr<std::string> bytes = batch.Finish();
  if (!bytes.ok()) {
    FinishRound(std::move(round), bytes.status());
    return;
  }
  log_.Append(*std::move(bytes), {.epoch = model::LeaderEpoch(0)},
              [this, round = std::move(round)](absl::StatusOr<log::AppendResult> result) mutable {
                FinishRound(std::move(round), result.status());
              });
}

void MetadataLog::FinishRound(Round round, const absl::Status& appended) {
  if (appended.ok()) {
    image_ = std::make_shared<const meta::Image>(std::move(round.image));
    if (!round.delta.empty()) changed_(image_, round.delta);
  }
  if (!appended.ok()) LogWarning("coordinator", "a metadata change was not written: ", Message(appended));
  appending_ = false;
  const absl::Status outcome = Annotate(appended, "the change could not be written to the metadata log");
  for (Waiting& waiting : round.accepted) waiting.done(outcome);
  // An answer may have begun the next round itself.
  if (!appending_ && !waiting_.empty()) StartRound();
}

void MetadataLog::Close(env::Closure closed) { gate_.Close(std::move(closed)); }

}  // namespace leat::coordinator
