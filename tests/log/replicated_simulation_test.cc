// LEAT_SEEDS=n runs n seeds, LEAT_SEED=s replays one; both together run n seeds from s on.
#include "tests/log/replicated_simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/logging.h"
#include "log/log_directory.h"
#include "tests/log/plain_indexes.h"
#include "tests/support/seeds.h"

namespace leat::log {
namespace {

constexpr int kSteps = 70;
const model::TopicPartition kCopy{"copy", model::PartitionId(0)};
constexpr char kCopyFolder[] = "data/log/copy-0";

}  // namespace

void ReplicatedSimulation::Content::CutTo(int64_t to) {
  while (!batches.empty() && batches.back().next > to) batches.pop_back();
}

ReplicatedSimulation::ReplicatedSimulation(uint64_t seed, ForgetfulDisk::Bug bug, sim::DiskFaults::Lie lie)
    : random_(seed),
      deaths_(seed + 1'000'003),
      world_(random_.Next()),
      sim_disk_(random_.Next()),
      disk_(sim_disk_, bug) {
  const auto family = [this] { return !random_.OneIn(4); };
  options_.durability = random_.OneIn(2) ? Durability::kFsync : Durability::kPageCache;
  options_.segment_bytes = random_.Between(400, 6'000);
  options_.index_interval_bytes = random_.Between(0, 800);
  options_.retention_age = absl::InfiniteDuration();
  power_family_ = family();
  if (random_.OneIn(3)) rates_.write_eio_one_in = static_cast<uint64_t>(random_.Between(200, 3000));
  if (random_.OneIn(3)) rates_.sync_eio_one_in = static_cast<uint64_t>(random_.Between(100, 2000));
  if (random_.OneIn(3)) rates_.no_space_one_in = static_cast<uint64_t>(random_.Between(10, 300));
  // Without room for a snapshot what only deleted records knew of producers may be lost.
  delete_family_ = rates_.no_space_one_in == 0 && family();
  rates_.lie = lie;
  sim_disk_.faults().lie = lie;
  RebuildTransactions();
}

ReplicatedSimulation::~ReplicatedSimulation() {
  if (shard_) shard_->Kill();
  directory_.reset();
}

void ReplicatedSimulation::Fail(std::string what) {
  if (!failure_) failure_ = std::move(what);
}

// For a replay.
void ReplicatedSimulation::Say(std::string what) const { LogWarning("log", "simulation: ", what); }

std::optional<std::string> ReplicatedSimulation::Run() {
  if (!Open(Ending::kClose, false)) return failure_;
  sim_disk_.faults() = rates_;
  for (int i = 0; i < kSteps && !failure_; ++i) Step();
  if (failure_) return failure_;
  EndProcess(Ending::kKill);
  rates_ = {.lie = rates_.lie};
  sim_disk_.LosePowerAfter(UINT64_MAX);
  sim_disk_.faults() = rates_;
  if (!failure_) CheckContent();
  if (!failure_) EndProcess(Ending::kClose);
  if (!failure_) CheckDerived();
  return failure_;
}

void ReplicatedSimulation::Step() {
  const uint64_t dice = random_.Below(100);
  if (dice < 40) {
    AppendSome();
  } else if (dice < 55) {
    world_.RunFor(absl::Microseconds(random_.Between(0, 3000)));
  } else if (dice < 59) {
    world_.RunFor(absl::Seconds(random_.Between(1, 100)));
  } else if (dice < 69) {
    MarkSome();
  } else if (dice < 76) {
    ReadSome();
  } else if (dice < 87) {
    CutSome();
  } else if (dice < 89) {
    RestartSome();
  } else if (dice < 92) {
    DeleteSome();
  } else if (dice < 97) {
    const uint64_t how = random_.Below(3);
    EndProcess(how == 0 ? Ending::kClose : how == 1 || !power_family_ ? Ending::kKill : Ending::kPowerCut);
  } else if (power_family_) {
    sim_disk_.LosePowerAfter(static_cast<uint64_t>(random_.Between(1, 40)));
  }
  if (failure_) return;
  if (sim_disk_.dark() || !directory_->online()) {
    stats_.offline += !sim_disk_.dark();
    EndProcess(Ending::kPowerCut);
  }
  if (!failure_) Check();
}

std::string ReplicatedSimulation::NextBatch(int64_t base) {
  const auto kind = random_.Below(10);
  const auto producer_epoch = static_cast<int16_t>(written_ / 60);
  ++written_;
  std::string bytes;
  if (kind == 9) {
    const auto end = random_.OneIn(2) ? model::TransactionEnd::kAbort : model::TransactionEnd::kCommit;
    bytes = model::EncodeMarkerBatch({.producer_id = model::ProducerId(random_.Between(11, 13)),
                                      .producer_epoch = producer_epoch,
                                      .marker = {end, static_cast<int32_t>(random_.Below(3))},
                                      .timestamp_ms = static_cast<int64_t>(written_)});
  } else {
    model::BatchBuilder::Options options;
    if (kind >= 5) {
      options.transactional = kind >= 7;
      options.producer_id = model::ProducerId(kind >= 7 ? random_.Between(11, 13) : random_.Between(1, 3));
      options.producer_epoch = producer_epoch;
      options.base_sequence = sequence_;
    }
    model::BatchBuilder builder(options);
    for (uint64_t k = 1 + random_.Below(3); k > 0; --k) {
      builder.Add(random_.Between(0, 100'000), std::nullopt,
                  StrCat(written_, ":", std::string(random_.Below(random_.OneIn(6) ? 900 : 80), 'x')));
      ++sequence_;
    }
    bytes = builder.Finish().value();
  }
  if (random_.OneIn(15)) ++epoch_;
  model::SetBaseOffset(bytes.data(), model::Offset(base));
  model::SetLeaderEpoch(bytes.data(), model::LeaderEpoch(epoch_));
  return bytes;
}

void ReplicatedSimulation::AppendSome() {
  Follow();
  int64_t base = offered_.empty() ? mine_.end() : offered_.back().next;
  const int64_t first = base;
  std::string all;
  for (uint64_t i = 1 + random_.Below(4); i > 0; --i) {
    if (random_.OneIn(40)) base += random_.Between(1, 5), ++stats_.gaps;
    const std::string bytes = NextBatch(base);
    const int64_t next = model::ParseBatchHeader(bytes)->next_offset().value();
    offered_.push_back({base, next, epoch_, bytes});
    all += bytes;
    base = next;
  }
  Say(StrCat("appending ", first, " to ", base));
  ++stats_.appends;
  stats_.held += changes_under_way_ > 0;
  log_->AppendReplicated(all, [this, life = life_, first, end = base](const absl::StatusOr<AppendResult>& result) {
    if (life != life_) return;
    if (result.ok()) {
      const bool disk = options_.durability == Durability::kFsync;
      if (result->last_offset.value() != end - 1 || log_->log_end().value() < end ||
          (disk && log_->durable_end().value() < end)) {
        Fail(StrCat("an append up to ", end, " was acknowledged too early, or with the end ", result->last_offset));
      }
      return;
    }
    Follow();
    std::erase_if(offered_, [&](const Batch& batch) {
      if (batch.base < first || batch.next > end) return false;
      failed_[batch.base].insert(batch.bytes);
      return true;
    });
    if (!absl::IsAborted(result.status()) && !absl::IsUnavailable(result.status()) &&
        !absl::IsResourceExhausted(result.status())) {
      Fail(StrCat("an append failed with ", result.status().ToString()));
    }
  });
}

void ReplicatedSimulation::Follow() {
  while (!offered_.empty() && log_->log_end().value() >= offered_.front().next) {
    const Batch& taken = offered_.front();
    transactions_->Wrote(taken.bytes, model::Offset(taken.base));
    mine_.batches.push_back(taken);
    offered_.pop_front();
  }
}

void ReplicatedSimulation::RememberBefore(bool emptied) {
  before_.push_back({mine_, durable_, start_, most_start_, watermark_, emptied});
  // A full disk may have made the log shorter before it could say that it begins again.
  if (emptied && rates_.no_space_one_in > 0) before_.back().least_end = start_;
  ++changes_under_way_;
}

void ReplicatedSimulation::Settle() {
  if (--changes_under_way_ == 0) before_.clear();
}

void ReplicatedSimulation::CutSome() {
  Follow();
  std::vector<int64_t> places;
  int64_t end_before = mine_.begin;
  for (const Batch& batch : mine_.batches) {
    if (end_before >= most_start_) places.push_back(batch.base);
    end_before = batch.next;
  }
  if (places.empty()) return;
  // Mostly near the end.
  const size_t back =
      random_.OneIn(4) ? random_.Below(places.size()) : random_.Below(std::min<size_t>(places.size(), 6));
  const int64_t to = places[places.size() - 1 - back];
  const Content whole = mine_;
  const int64_t durable = durable_;
  const int64_t watermark = watermark_;
  RememberBefore(false);
  mine_.CutTo(to);
  const int64_t end = mine_.end();
  for (Before& one : before_) {
    if (!one.emptied) one.least_end = std::min(one.least_end, end);
  }
  durable_ = std::min(durable_, end);
  watermark_ = std::min(watermark_, end);
  Say(StrCat("cutting at ", to));
  ++stats_.cuts;
  log_->TruncateTo(model::Offset(to), [this, life = life_](const absl::Status& status) {
    if (life == life_ && status.ok()) Settle();
  });
  if (sim_disk_.dark() && log_->log_end().value() == whole.end()) {  // the place could not be read
    mine_ = whole;
    durable_ = durable;
    watermark_ = watermark;
    return;
  }
  if (log_->log_end().value() != end) {
    return Fail(StrCat("a cut at ", to, " of a log that ended at ", whole.end(), " left the end ", log_->log_end(),
                       ", should be ", end));
  }
  RebuildTransactions();
  if (random_.OneIn(2)) CheckContent();
}

void ReplicatedSimulation::RestartSome() {
  Follow();
  RememberBefore(true);
  const int64_t at = random_.OneIn(2) ? mine_.end() + random_.Between(0, 20) : random_.Between(0, mine_.end());
  mine_ = {.begin = at, .batches = {}};
  start_ = most_start_ = watermark_ = durable_ = at;
  ++stats_.restarts;
  Say(StrCat("beginning again at ", at));
  offered_.clear();
  log_->RestartAt(model::Offset(at), [this, life = life_](const absl::Status& status) {
    if (life == life_ && status.ok()) Settle();
  });
  RebuildTransactions();
}

void ReplicatedSimulation::MarkSome() {
  Follow();
  std::vector<int64_t> ends;
  for (const Batch& batch : mine_.batches) {
    if (batch.next > watermark_) ends.push_back(batch.next);
  }
  if (ends.empty()) return;
  const int64_t to = ends[random_.Below(ends.size())];
  log_->SetHighWatermark(model::Offset(to));
  watermark_ = std::max(watermark_, to);
}

void ReplicatedSimulation::DeleteSome() {
  if (!delete_family_) return;
  const int64_t to = random_.Between(start_, log_->log_end().value());
  Say(StrCat("deleting before ", to));
  most_start_ = std::max(most_start_, to);
  log_->DeleteRecordsBefore(model::Offset(to), [](const absl::Status&) {});
}

void ReplicatedSimulation::ReadSome() {
  Follow();
  const model::Offset from(random_.Between(log_->log_start().value(), log_->log_end().value()));
  const auto max_bytes = static_cast<size_t>(random_.Between(1, 4000));
  if (random_.OneIn(2)) {
    const auto read = log_->Read(from, max_bytes, model::Isolation::kReadCommitted);
    if (read.ok()) return transactions_->Read(from, *read);
    if (!absl::IsOutOfRange(read.status()) && !sim_disk_.dark())
      Fail(StrCat("a read at ", from, ": ", read.status().ToString()));
    return;
  }
  const auto read = log_->ReadReplicated(from, max_bytes);
  if (absl::IsOutOfRange(read.status()) || sim_disk_.dark()) return;  // being deleted
  if (!read.ok()) return Fail(StrCat("a replica's read at ", from, ": ", read.status().ToString()));
  size_t i = 0;
  while (i < mine_.batches.size() && mine_.batches[i].next <= from.value()) ++i;
  for (std::string_view rest = read->batches; !rest.empty(); ++i) {
    const auto batch = model::TakeBatch(&rest);
    if (!batch.ok() || i >= mine_.batches.size() || *batch != mine_.batches[i].bytes) {
      return Fail(StrCat("a replica's read at ", from, " got other batches than were appended"));
    }
  }
}

void ReplicatedSimulation::EndProcess(Ending ending) {
  Say(StrCat("the process ends, ", static_cast<int>(ending)));
  if (ending == Ending::kClose) {
    bool closed = false;
    directory_->Close([&](const absl::Status&) { closed = true; });
    if (!world_.RunUntil([&] { return closed; }, absl::Seconds(60))) return Fail("close was never answered");
    if (!failure_) Follow();
  }
  // Where all calls fail it was the power, or the process alone.
  if (sim_disk_.dark()) ending = deaths_.OneIn(2) ? Ending::kKill : Ending::kPowerCut;
  if (sim_disk_.sync_failed()) ending = Ending::kPowerCut;
  Follow();
  for (const Batch& batch : offered_) failed_[batch.base].insert(batch.bytes);
  shard_->Kill();
  directory_.reset();
  ++life_;
  offered_.clear();
  if (ending == Ending::kPowerCut) {
    sim_disk_.PowerCut();
    ++stats_.power_cuts;
  } else {
    if (sim_disk_.dark()) sim_disk_.LosePowerAfter(UINT64_MAX);
    ++stats_.kills;
  }
  if (failure_ || Open(ending, true) || failure_) return;
  // A fault of the moment; without faults it must open.
  sim_disk_.faults() = {.lie = rates_.lie};
  if (!sim_disk_.dark()) sim_disk_.LosePowerAfter(UINT64_MAX);
  if (sim_disk_.dark() || sim_disk_.sync_failed()) {
    shard_->Kill();
    directory_.reset();
    ending = Ending::kPowerCut;
    sim_disk_.PowerCut();
  }
  Open(ending, false);
  sim_disk_.faults() = rates_;
}

bool ReplicatedSimulation::Open(Ending ending, bool faults_may_hinder) {
  if (shard_) shard_->Kill();
  directory_.reset();
  shard_ = std::make_unique<sim::SimShard>(world_);
  const PageCache page_cache = ending == Ending::kPowerCut ? PageCache::kUnknown : PageCache::kWhole;
  auto directory = OpenLogDirectory(disk_, *shard_, {.path = "data/log"}, page_cache);
  absl::Status status = directory.status();
  if (status.ok()) {
    directory_ = *std::move(directory);
    const auto log = directory_->OpenPartition(kCopy, options_);
    status = log.status();
    if (status.ok()) log_ = *log;
  }
  const bool faults = rates_.write_eio_one_in + rates_.sync_eio_one_in + rates_.no_space_one_in > 0 ||
                      sim_disk_.dark() || power_family_;
  if (!status.ok()) {
    if (!faults_may_hinder || !faults) Fail(StrCat("the log does not open: ", status.ToString()));
    return false;
  }
  log_->SetWatermarkBy(WatermarkBy::kOwner);
  log_->OnDurable([this](model::Offset end) {
    if (end != log_->durable_end()) Fail(StrCat("the watcher was told of ", end, " at ", log_->durable_end()));
  });
  Adopt(ending);
  return !failure_;
}

// Which of the logs that may be on the disk it is.
void ReplicatedSimulation::Adopt(Ending ending) {
  const bool may_lose = ending == Ending::kPowerCut;
  std::vector<Before> candidates = before_;
  candidates.push_back({mine_, may_lose ? durable_ : mine_.end(), start_, most_start_, watermark_, false});
  const int64_t start = log_->log_start().value(), end = log_->log_end().value();
  before_.clear();
  changes_under_way_ = 0;
  // The last one first: it is the likeliest, and the strictest.
  for (size_t i = candidates.size(); i > 0; --i) {
    Before& one = candidates[i - 1];
    if (start < one.start || start > one.most_start || end < std::max(one.least_end, start)) continue;
    Content content = one.content;
    content.CutTo(end);
    TakeFailed(&content);
    if (content.end() != end && !(content.batches.empty() && start == end)) continue;
    Say(StrCat("opened ", start, " to ", end, ", as of change ", i, " of ", candidates.size()));
    mine_ = content;
    start_ = most_start_ = start;
    const int64_t mark = log_->high_watermark().value();
    if (mark > std::max(one.most_watermark, start) || mark > end || mark < start) {
      return Fail(StrCat("the log of ", start, " to ", end, " begins with the high watermark ", mark, ", it was ",
                         one.most_watermark));
    }
    watermark_ = mark;
    durable_ = log_->durable_end().value();
    stats_.revived += i < candidates.size();
    failed_.clear();
    if (mine_.batches.empty()) mine_.begin = end;
    RebuildTransactions();
    CheckContent();
    if (failure_ && i > 1) {
      failure_.reset();
      continue;
    }
    return;
  }
  Fail(StrCat("the log holds ", start, " to ", end, " after ", may_lose ? "a power cut" : "a restart", ", it held ",
              candidates.back().start, " to ", candidates.back().content.end(), " and was durable to ",
              candidates.back().least_end, ", with ", candidates.size() - 1, " changes under way"));
}

// Batches whose append failed may have been written all the same.
void ReplicatedSimulation::TakeFailed(Content* content) {
  while (content->end() < log_->log_end().value() && content->end() >= log_->log_start().value()) {
    const auto read = log_->ReadReplicated(model::Offset(content->end()), 1);
    if (!read.ok() || read->batches.empty()) return;
    const model::BatchHeader header = model::ParseBatchHeader(read->batches).value();
    const int64_t base = header.base_offset.value();
    if (base < content->end() || !failed_[base].contains(read->batches)) return;
    content->batches.push_back({base, header.next_offset().value(), header.leader_epoch.value(), read->batches});
  }
}

void ReplicatedSimulation::RebuildTransactions() {
  transactions_ = std::make_unique<TransactionOracle>();
  for (const Batch& batch : mine_.batches) transactions_->Wrote(batch.bytes, model::Offset(batch.base));
}

void ReplicatedSimulation::Check() {
  Follow();
  const int64_t start = log_->log_start().value();
  if (start < start_ || start > most_start_) return Fail(StrCat("log start ", start, ", was ", start_));
  start_ = start;
  watermark_ = std::max(watermark_, start);
  // What a mark says that moved during a cut is true of the log before it as well.
  for (size_t i = before_.size(); i > 0 && !before_[i - 1].emptied; --i) {
    before_[i - 1].most_watermark = std::max(before_[i - 1].most_watermark, watermark_);
  }
  if (log_->log_end().value() != mine_.end()) {
    std::string waiting;
    for (const Batch& batch : offered_) StrAppend(&waiting, " ", batch.base, "-", batch.next);
    return Fail(StrCat("the log ends at ", log_->log_end(), ", should end at ", mine_.end(), "; there wait", waiting));
  }
  if (log_->high_watermark().value() != watermark_) {
    return Fail(StrCat("the high watermark is ", log_->high_watermark(), ", should be ", watermark_));
  }
  const int64_t durable = log_->durable_end().value();
  if (durable < durable_ || durable > mine_.end()) {
    return Fail(StrCat("durable up to ", durable, ", was ", durable_, ", the log ends at ", mine_.end()));
  }
  durable_ = durable;
  transactions_->Watch(*log_);
  if (transactions_->complaint()) return Fail(*transactions_->complaint());
  if (random_.OneIn(8)) CheckContent();
}

// The batches, and what is a function of them.
void ReplicatedSimulation::CheckContent() {
  if (failure_) return;
  Follow();
  size_t i = 0;
  while (i < mine_.batches.size() && mine_.batches[i].next <= start_) ++i;
  for (model::Offset at = log_->log_start(); at < log_->log_end();) {
    const auto read = log_->ReadReplicated(at, 1 << 20);
    if (absl::IsOutOfRange(read.status())) break;  // being deleted
    if (!read.ok()) {
      if (sim_disk_.dark()) return;
      return Fail(StrCat("a read at ", at, " failed with ", read.status().ToString()));
    }
    if (read->batches.empty()) return Fail(StrCat("nothing was served at offset ", at));
    for (std::string_view rest = read->batches; !rest.empty(); ++i) {
      const auto batch = model::TakeBatch(&rest).value();
      if (i >= mine_.batches.size() || batch != mine_.batches[i].bytes) {
        return Fail(StrCat("the batch at offset ", at, " is not the one that was appended"));
      }
      at = model::Offset(mine_.batches[i].next);
    }
  }
  LeaderEpochs epochs;
  std::map<int64_t, ProducerDescription> producers;
  for (const Batch& batch : mine_.batches) {
    epochs.Note(model::LeaderEpoch(batch.epoch), model::Offset(batch.base));
    const model::BatchHeader header = model::ParseBatchHeader(batch.bytes).value();
    if (header.producer_id.value() < 0) continue;
    ProducerDescription& producer = producers[header.producer_id.value()];
    if (producer.epoch != header.producer_epoch) producer.last_sequence = -1;
    producer.epoch = header.producer_epoch;
    if (header.control()) {
      producer.coordinator_epoch = (*model::DecodeMarkerBatch(batch.bytes))->coordinator_epoch;
      producer.open_since = model::Offset(-1);
      continue;
    }
    producer.last_sequence = header.base_sequence + header.last_offset_delta;
    if (header.transactional() && producer.open_since.value() < 0) producer.open_since = header.base_offset;
  }
  if (log_->epochs().Encode() != epochs.Encode()) {
    return Fail(StrCat("the epochs are ", log_->epochs().Encode(), " should be ", epochs.Encode()));
  }
  const std::vector<ProducerDescription> known = log_->DescribeProducers();
  if (known.size() != producers.size()) {
    return Fail(StrCat("the log knows ", known.size(), " producers, should know ", producers.size()));
  }
  for (const ProducerDescription& one : known) {
    const ProducerDescription& other = producers[one.producer_id.value()];
    if (one.epoch != other.epoch || one.last_sequence != other.last_sequence || one.open_since != other.open_since ||
        one.coordinator_epoch != other.coordinator_epoch) {
      return Fail(StrCat("producer ", one.producer_id, ": epoch ", one.epoch, ", sequence ", one.last_sequence,
                         ", open since ", one.open_since, ", should be ", other.epoch, ", ", other.last_sequence, ", ",
                         other.open_since));
    }
  }
}

// The log was closed and opened again: its files say what its batches do.
void ReplicatedSimulation::CheckDerived() {
  std::vector<model::Offset> bases;
  for (const std::string& path : sim_disk_.Files()) {
    if (!path.starts_with(kCopyFolder)) continue;
    const std::string name = path.substr(sizeof(kCopyFolder));
    if (const auto base = ParseSegmentName(name, kLogSuffix)) bases.push_back(*base);
    const auto snapshot = ParseSegmentName(name, kSnapshotSuffix);
    if (snapshot && *snapshot > log_->log_end()) return Fail(StrCat(path, " is left behind the log's end"));
  }
  const auto content = [&](model::Offset base, std::string_view suffix) {
    const std::string path = SegmentPath(kCopyFolder, base, suffix);
    return sim_disk_.Exists(path).value() ? sim_disk_.Content(path) : "";
  };
  for (size_t i = 0; i < bases.size(); ++i) {
    const bool sealed = i + 1 < bases.size();
    const PlainIndexes plain =
        IndexesOf(content(bases[i], kLogSuffix), bases[i].value(), options_.index_interval_bytes, sealed);
    const model::Offset end = sealed ? bases[i + 1] : model::Offset(INT64_MAX);
    if (content(bases[i], kOffsetIndexSuffix) != plain.offsets || content(bases[i], kTimeIndexSuffix) != plain.times) {
      return Fail(StrCat("the indexes of segment ", bases[i], sealed ? " (complete)" : " (active)",
                         " are not what its batches say: ", content(bases[i], kOffsetIndexSuffix).size(), " and ",
                         content(bases[i], kTimeIndexSuffix).size(), " bytes, should be ", plain.offsets.size(),
                         " and ", plain.times.size()));
    }
    if (content(bases[i], kAbortedIndexSuffix) != transactions_->IndexFile(bases[i], end)) {
      return Fail(StrCat("the aborted index of segment ", bases[i], " is not what its batches say"));
    }
  }
}

namespace {

std::optional<uint64_t> FirstFailure(uint64_t first, uint64_t seeds, ForgetfulDisk::Bug bug, sim::DiskFaults::Lie lie,
                                     ReplicatedSimulation::Stats* stats, std::string* what) {
  testing::internal::CaptureStderr();
  std::optional<uint64_t> failed;
  for (uint64_t seed = first; seed < first + seeds && !failed; ++seed) {
    ReplicatedSimulation simulation(seed, bug, lie);
    if (std::optional<std::string> failure = simulation.Run()) {
      failed = seed;
      *what = *failure;
    }
    stats->Add(simulation.stats());
  }
  const std::string warnings = testing::internal::GetCapturedStderr();
  if (std::getenv("LEAT_SEED") != nullptr) *what += "\n" + warnings;
  return failed;
}

TEST(ReplicatedSimulation, IsAlwaysWhatWasAppendedAndNotCut) {
  const sim::Seeds seeds = sim::SeedsToRun(2000);
  ReplicatedSimulation::Stats stats;
  std::string what;
  const auto failed =
      FirstFailure(seeds.first, seeds.count, ForgetfulDisk::Bug::kNone, sim::DiskFaults::Lie::kNone, &stats, &what);
  if (failed) ADD_FAILURE() << "seed " << *failed << ": " << what << "\nreplay with LEAT_SEED=" << *failed;
  std::printf(
      "%d appends, %d of them behind a cut under way, %d gaps, %d cuts, %d restarts, %d power cuts, %d kills, %d times "
      "offline, %d cuts that a crash undid\n",
      stats.appends, stats.held, stats.gaps, stats.cuts, stats.restarts, stats.power_cuts, stats.kills, stats.offline,
      stats.revived);
  if (failed || seeds.replay) return;
  EXPECT_GT(stats.held, 0);
  EXPECT_GT(stats.gaps, 0);
  EXPECT_GT(stats.cuts, 0);
  EXPECT_GT(stats.restarts, 0);
  EXPECT_GT(stats.offline, 0);
  EXPECT_GT(stats.revived, 0);
}

struct Planted {
  const char* name;
  ForgetfulDisk::Bug bug = ForgetfulDisk::Bug::kNone;
  sim::DiskFaults::Lie lie = sim::DiskFaults::Lie::kNone;
};
class PlantedInACut : public testing::TestWithParam<Planted> {};

TEST_P(PlantedInACut, IsNoticed) {
  ReplicatedSimulation::Stats stats;
  std::string what;
  const auto failed = FirstFailure(1, 2000, GetParam().bug, GetParam().lie, &stats, &what);
  ASSERT_TRUE(failed.has_value()) << "2000 seeds did not notice it";
  std::printf("%s: seed %d: %s\n", GetParam().name, static_cast<int>(*failed), what.c_str());
}

INSTANTIATE_TEST_SUITE_P(ReplicatedSimulation, PlantedInACut,
                         testing::Values(Planted{"SnapshotsStay", ForgetfulDisk::Bug::kKeepsSnapshots},
                                         Planted{"TheRecoveryPointStays", ForgetfulDisk::Bug::kKeepsRecoveryPoint},
                                         Planted{"TheWatermarkStays", ForgetfulDisk::Bug::kKeepsWatermark},
                                         Planted{"SegmentsStay", ForgetfulDisk::Bug::kKeepsSegments},
                                         Planted{"TheSegmentIsNotTruncated", ForgetfulDisk::Bug::kDoesNotTruncate},
                                         Planted{"TheCutIsNotSynced", ForgetfulDisk::Bug::kNone,
                                                 sim::DiskFaults::Lie::kSyncDoesNothing}),
                         [](const auto& planted) { return std::string(planted.param.name); });

}  // namespace
}  // namespace leat::log
