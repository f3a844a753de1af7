// Thousands of short lives of a log on a disk that fails. LEAT_SEEDS=n runs n seeds, LEAT_SEED=s replays
// one; both together run n seeds from s on.
#include "tests/log/log_simulation.h"
#include "tests/log/plain_indexes.h"
#include "tests/support/seeds.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include "base/logging.h"
#include "log/checkpoint_file.h"
#include "log/file_names.h"

namespace leat::log {
namespace {

constexpr int kSteps = 60;

}  // namespace

LogSimulation::LogSimulation(uint64_t seed, const Mutation& mutation)
    : random_(seed), deaths_(seed + 1'000'003), mutation_(mutation), world_(random_.Next()), disk_(random_.Next()) {
  const auto family = [this] { return !random_.OneIn(5); };
  options_.durability = random_.Below(10) < 7 ? Durability::kFsync : Durability::kPageCache;
  options_.segment_bytes = random_.Between(600, 12'000);
  options_.index_interval_bytes = random_.Between(0, 1500);
  options_.retention_age = absl::InfiniteDuration();
  if (random_.OneIn(3)) options_.retention_bytes = random_.Between(5'000, 30'000);
  power_family_ = family();
  flip_family_ = family() && random_.OneIn(2);
  if (family()) rates_.read_eio_one_in = static_cast<uint64_t>(random_.Between(50, 1000));
  if (family()) rates_.write_eio_one_in = static_cast<uint64_t>(random_.Between(100, 2000));
  if (family()) rates_.sync_eio_one_in = static_cast<uint64_t>(random_.Between(50, 1000));
  if (family()) rates_.no_space_one_in = static_cast<uint64_t>(random_.Between(10, 300));
  rates_.lie = mutation.lie;
  disk_.faults().lie = mutation.lie;
  producers_family_ = family();
  if (mutation.producers == Mutation::Producers::kForgottenAtOnce) options_.producer_expiration = absl::Milliseconds(1);
  partitions_.reserve(2);
  for (const char* topic : {"a", "b"}) {
    partitions_.push_back({.tp = {topic, model::PartitionId(0)}, .oracle = nullptr});
    ForgetHistory(partitions_.back());
  }
}

LogSimulation::~LogSimulation() {
  if (shard_) shard_->Kill();
  directory_.reset();
}

void LogSimulation::Fail(std::string what) {
  if (!failure_) failure_ = std::move(what);
}

std::optional<std::string> LogSimulation::Run() {
  if (!OpenAll(Ending::kClose)) return failure_;
  disk_.faults() = rates_;
  for (int i = 0; i < kSteps && !failure_ && !over_; ++i) Step();
  if (!failure_ && !over_) {
    Restart(Ending::kKill);
    Quiet();
  }
  if (!failure_ && !over_) CheckEverything();
  return failure_;
}

void LogSimulation::Step() {
  const uint64_t dice = random_.Below(100);
  if (dice < 45) {
    AppendSome();
  } else if (dice < 65) {
    ReadSome();
  } else if (dice < 80) {
    world_.RunFor(absl::Microseconds(random_.Between(0, 5000)));
  } else if (dice < 83) {
    world_.RunFor(absl::Seconds(random_.Between(1, 100)));
  } else if (dice < 87) {
    DeleteSome();
  } else if (dice < 93) {
    const uint64_t how = random_.Below(4);
    Restart(how == 0 ? Ending::kClose : how == 1 || !power_family_ ? Ending::kKill : Ending::kPowerCut);
  } else if (dice < 96 && power_family_) {
    disk_.LosePowerAfter(static_cast<uint64_t>(random_.Between(1, 40)));
  } else if (dice < 99 && flip_family_) {
    FlipSome();
  } else if (dice == 99) {
    DeletePartition();
  }
  if (failure_ || over_) return;
  if (disk_.dark()) {
    // It was the power, or the process alone.
    Restart(deaths_.OneIn(2) ? Ending::kKill : Ending::kPowerCut);
  } else if (!directory_->online()) {
    ++stats_.offline;
    Restart(Ending::kPowerCut);
  }
  for (const Partition& partition : partitions_) {
    if (PartitionLog* log = Log(partition); log != nullptr && !failure_ && !over_) {
      partition.oracle->Watch(*log);
      if (partition.oracle->complaint()) Fail(StrCat(partition.tp.ToString(), ": ", *partition.oracle->complaint()));
      if (flipped_ || !partition.producers_known) continue;
      partition.transactions->Watch(*log);
      if (const auto& wrong = partition.transactions->complaint()) Fail(StrCat(partition.tp.ToString(), ": ", *wrong));
    }
  }
}

std::string LogSimulation::RandomBatch(const model::BatchBuilder::Options& options) {
  model::BatchBuilder builder(options);
  for (uint64_t k = 1 + random_.Below(4); k > 0; --k) {
    std::string value = StrCat(++written_, ":");
    for (uint64_t n = random_.OneIn(8) ? random_.Below(2500) : random_.Below(120); n > 0; --n) {
      value.push_back(static_cast<char>(random_.Between(1, 255)));
    }
    builder.Add(random_.Between(0, 100'000), std::nullopt, value);
  }
  return builder.Finish().value();
}

void LogSimulation::AppendSome() {
  for (uint64_t i = 1 + random_.Below(4); i > 0; --i) {
    Partition& partition = partitions_[random_.Below(partitions_.size())];
    PartitionLog* log = Log(partition);
    if (log == nullptr) continue;
    if (random_.OneIn(20)) ++partition.epoch;
    ++stats_.appends;
    if (producers_family_ && !random_.OneIn(3)) {
      LetProducerAct(partition, *log);
    } else {
      random_.OneIn(3) ? AppendTogether(partition, *log) : AppendPlain(partition, *log);
    }
  }
}

void LogSimulation::AppendPlain(Partition& partition, PartitionLog& log) {
  const model::LeaderEpoch epoch(partition.epoch);
  std::string batches;
  for (uint64_t i = 1 + random_.Below(3); i > 0; --i) batches += RandomBatch({});
  const model::Offset end = log.log_end();
  partition.oracle->Offered(batches, end, epoch);
  log.Append(batches, {.epoch = epoch}, [this, oracle = partition.oracle.get(), batches, epoch](auto result) {
    if (!result.ok()) {
      if (!absl::IsResourceExhausted(result.status()) && !absl::IsUnavailable(result.status())) {
        Fail(StrCat("an append failed with ", result.status().ToString()));
      }
      return;
    }
    ++stats_.acknowledged;
    oracle->Acknowledged(*result, batches, epoch);
  });
  if (log.log_end() > end) partition.transactions->Wrote(batches, end);
}

// Several appends that are written in one turn. What was written of them is a prefix; it may be none, or a part where
// the segment ends in between.
void LogSimulation::AppendTogether(Partition& partition, PartitionLog& log) {
  const model::LeaderEpoch epoch(partition.epoch);
  std::vector<std::pair<std::string, model::Offset>> offered;
  model::Offset next = log.log_end();
  for (uint64_t i = 2 + random_.Below(4); i > 0; --i) {
    const std::string batch = RandomBatch({});
    partition.oracle->Offered(batch, next, epoch);
    log.Append(batch, {.epoch = epoch, .when = WriteTime::kThisTurn},
               [this, oracle = partition.oracle.get(), batch, epoch](auto result) {
                 if (result.ok()) {
                   ++stats_.acknowledged;
                   oracle->Acknowledged(*result, batch, epoch);
                 } else if (!absl::IsResourceExhausted(result.status()) && !absl::IsUnavailable(result.status())) {
                   Fail(StrCat("an append failed with ", result.status().ToString()));
                 }
               });
    offered.emplace_back(batch, next);
    next = next + model::ParseBatchHeader(batch).value().record_count;
  }
  if (random_.OneIn(20)) return Restart(power_family_ ? Ending::kPowerCut : Ending::kKill);  // before it is written
  world_.RunFor(absl::ZeroDuration());
  for (const auto& [batch, at] : offered) {
    if (log.log_end() > at) partition.transactions->Wrote(batch, at);
  }
}

void LogSimulation::LetProducerAct(Partition& partition, PartitionLog& log) {
  auto& producers = partition.producers;
  std::erase_if(producers, [](const auto& producer) { return producer->gone(); });
  if (producers.size() < 4) {
    using Kind = SimulatedProducer::Kind;
    const Kind kinds[] = {Kind::kIdempotent, Kind::kTransactional, Kind::kTransactionalWithRisingEpochs};
    producers.push_back(
        std::make_unique<SimulatedProducer>(partition.world.get(), next_producer_++, kinds[random_.Below(3)]));
  }
  producers[random_.Below(producers.size())]->Act(log, model::LeaderEpoch(partition.epoch));
}

void LogSimulation::ForgetHistory(Partition& partition) {
  partition.producers.clear();
  partition.producers_known = true;
  partition.oracle = std::make_unique<LogOracle>(options_.durability);
  partition.transactions = std::make_unique<TransactionOracle>();
  partition.world = std::make_unique<ProducerWorld>(
      ProducerWorld{.random = random_,
                    .oracle = *partition.oracle,
                    .transactions = *partition.transactions,
                    .make_batch = [this](const model::BatchBuilder::Options& options) { return RandomBatch(options); },
                    .wall_ms = [this] { return world_.WallMillis(); },
                    .fail =
                        [this, &partition](std::string what) {
                          // Producers whose batches are damaged cannot be known.
                          if (!flipped_ && partition.producers_known) Fail(std::move(what));
                        },
                    .repeats = &stats_.repeats});
}

void LogSimulation::WatchProducers(Partition& partition, const PartitionLog& log, Ending ending) {
  partition.transactions->TrimTo(log.log_end());
  const bool may_have_lost = ending == Ending::kPowerCut && options_.durability == Durability::kPageCache;
  for (const auto& producer : partition.producers) {
    producer->ConnectionLost();
    if (may_have_lost) producer->GiveUp();
  }
}

void LogSimulation::ReadSome() {
  Partition& partition = partitions_[random_.Below(partitions_.size())];
  PartitionLog* log = Log(partition);
  if (log == nullptr) return;
  const model::Offset from(random_.Between(log->log_start().value(), log->log_end().value()));
  const auto max_bytes = static_cast<size_t>(random_.Between(1, 8000));
  const bool committed = random_.OneIn(2);
  const bool wrong = mutation_.producers == Mutation::Producers::kCommittedReadsSeeAll;
  const auto read = log->Read(
      from, max_bytes, committed && !wrong ? model::Isolation::kReadCommitted : model::Isolation::kReadUncommitted);
  if (read.ok()) {
    const model::Offset end = committed ? log->last_stable_offset() : log->high_watermark();
    if (read->batches.empty() && from < end) Fail(StrCat("nothing was served at offset ", from));
    stats_.committed_reads += committed;
    stats_.aborted_told += !read->aborted.empty();
    if (committed && !flipped_ && partition.producers_known) partition.transactions->Read(from, *read);
    return partition.oracle->Served(from, read->batches);
  }
  if (absl::IsDataLoss(read.status())) {
    stats_.fenced += flipped_;
    if (flipped_ || disk_.dark() || Message(read.status()).find("simulated") != std::string_view::npos) return;
  }
  // Records that are being deleted at this moment.
  if (absl::IsOutOfRange(read.status()) && Message(read.status()).find("is not in the log") != std::string_view::npos) {
    return;
  }
  Fail(StrCat("a read at ", from, " failed with ", read.status().ToString()));
}

void LogSimulation::DeleteSome() {
  Partition& partition = partitions_[random_.Below(partitions_.size())];
  PartitionLog* log = Log(partition);
  if (log == nullptr) return;
  if (random_.OneIn(2)) return log->EnforceRetention(world_.WallMillis());
  const model::Offset to(random_.Between(log->log_start().value(), log->high_watermark().value()));
  log->DeleteRecordsBefore(to, [this, log, to](const absl::Status& status) {
    if (status.ok() && log->log_start() < to) Fail("delete records was answered before the log start moved");
  });
}

// Anywhere but in leader epochs, which no checksum covers.
void LogSimulation::FlipSome() {
  std::vector<std::string> files;
  for (const std::string& path : disk_.Files()) {
    if ((path.ends_with(".log") || path.ends_with(".index")) && !disk_.Content(path).empty()) files.push_back(path);
  }
  if (files.empty()) return;
  const std::string& path = files[random_.Below(files.size())];
  const std::string content = disk_.Content(path);
  const uint64_t at = random_.Below(content.size());
  if (path.ends_with(".log")) {
    size_t batch = 0;
    for (std::string_view rest = content; !rest.empty();) {
      const auto taken = model::TakeBatch(&rest);
      if (!taken.ok() || batch + taken->size() > at) break;
      batch += taken->size();
    }
    if (at - batch >= 12 && at - batch < 16) return;
    flipped_ = true;
  } else {
    index_flipped_ = true;
  }
  disk_.FlipBit(path, at, static_cast<int>(random_.Below(8)));
}

void LogSimulation::DeletePartition() {
  Partition& partition = partitions_[random_.Below(partitions_.size())];
  if (Log(partition) == nullptr || disk_.dark()) return;
  std::optional<absl::Status> deleted;
  directory_->DeletePartition(partition.tp, [&](absl::Status status) { deleted = std::move(status); });
  world_.RunUntil([&] { return deleted.has_value(); }, absl::Seconds(10));
  if (!deleted) return Fail("a deletion was never answered");
  if (!deleted->ok()) {
    partition.half_deleted = true;
    return Restart(Ending::kPowerCut);
  }
  ForgetHistory(partition);
  const auto again = directory_->OpenPartition(partition.tp, options_);
  if (!again.ok()) Restart(Ending::kKill);
}

void LogSimulation::Restart(Ending ending) {
  if (ending == Ending::kClose) {
    bool closed = false;
    directory_->Close([&](const absl::Status&) { closed = true; });
    if (!world_.RunUntil([&] { return closed; }, absl::Seconds(60))) return Fail("close was never answered");
  }
  // After a failed sync the machine is restarted: see LogDirectory's message.
  if (disk_.sync_failed()) ending = Ending::kPowerCut;
  if (shard_) shard_->Kill();
  directory_.reset();
  if (ending == Ending::kPowerCut) {
    disk_.PowerCut();
    ++stats_.power_cuts;
  } else {
    if (disk_.dark()) disk_.LosePowerAfter(UINT64_MAX);
    ending = Ending::kKill;
    ++stats_.kills;
  }
  if (OpenAll(ending) || failure_ || over_) return;
  // A fault of the moment kept it from opening; without faults it must open.
  Quiet();
  if (disk_.dark() || disk_.sync_failed()) {
    shard_->Kill();
    directory_.reset();
    ending = Ending::kPowerCut;
    disk_.PowerCut();
    ++stats_.power_cuts;
  }
  if (!OpenAll(ending) && !failure_ && !over_) return Fail("the log did not open on a sound disk");
  disk_.faults() = rates_;
}

bool LogSimulation::OpenAll(Ending ending) {
  const bool sound = disk_.faults().read_eio_one_in == 0 && disk_.faults().write_eio_one_in == 0 &&
                     disk_.faults().sync_eio_one_in == 0 && disk_.faults().no_space_one_in == 0;
  if (shard_) shard_->Kill();
  directory_.reset();
  shard_ = std::make_unique<sim::SimShard>(world_);
  if (mutation_.producers == Mutation::Producers::kForgottenAtRestart) {
    for (const std::string& path : disk_.Files()) {
      if (path.ends_with(kSnapshotSuffix) || path.ends_with(kAbortedIndexSuffix)) disk_.Remove(path).IgnoreError();
    }
  }
  const PageCache page_cache = ending == Ending::kPowerCut ? PageCache::kUnknown : PageCache::kWhole;
  auto directory = OpenLogDirectory(disk_, *shard_, {.path = "data/log"}, page_cache, mutation_.tail_rule);
  if (!directory.ok()) return false;
  directory_ = *std::move(directory);
  for (Partition& partition : partitions_) {
    const std::string point_path =
        env::JoinPath(env::JoinPath("data/log", partition.tp.ToString()), kRecoveryPointFile);
    const auto point = ReadOffsetCheckpoint(disk_, point_path, partition.tp);
    const auto log = directory_->OpenPartition(partition.tp, options_);
    if (!log.ok()) {
      if (flipped_ && absl::IsDataLoss(log.status())) {
        over_ = true;
        ++stats_.refused;
      } else if (sound && !disk_.dark()) {
        Fail(StrCat("opening failed with ", log.status().ToString()));
      }
      return false;
    }
    if (partition.half_deleted && (*log)->log_end() == model::Offset(0)) ForgetHistory(partition);
    partition.half_deleted = false;
    stats_.cut_tails += (*log)->recovery().cut_bytes > 0;
    LogWarning("log", "simulation: ", partition.tp.ToString(), " opened with end ", (*log)->log_end());
    if (ending == Ending::kPowerCut) partition.oracle->PowerWasCut(**log);
    // Retention on a full disk may have had to remove segments before there was room for a snapshot.
    const bool had_room = point.ok() && point->value_or(model::Offset(0)) >= (*log)->log_start();
    if (!had_room) partition.producers_known = false;
    WatchProducers(partition, **log, ending);
    partition.oracle->Watch(**log);
    if (partition.oracle->complaint()) {
      Fail(StrCat(
          partition.tp.ToString(), options_.durability == Durability::kFsync ? " (class F)" : " (class P)",
          ending == Ending::kPowerCut ? " after a power cut: " : " after a restart: ", *partition.oracle->complaint()));
      return false;
    }
  }
  return true;
}

void LogSimulation::Quiet() {
  disk_.faults() = sim::DiskFaults();
  if (!disk_.dark()) disk_.LosePowerAfter(UINT64_MAX);
  disk_.faults().lie = mutation_.lie;
}

// On a sound disk everything can be read, and a clean close leaves nothing to do.
void LogSimulation::CheckEverything() {
  for (Partition& partition : partitions_) {
    PartitionLog& log = *Log(partition);
    for (model::Offset at = log.log_start(); at < log.high_watermark();) {
      const auto read = log.Read(at, 4000);
      if (!read.ok()) {
        if (flipped_ && absl::IsDataLoss(read.status())) return;
        return Fail(StrCat("a read at ", at, " failed with ", read.status().ToString()));
      }
      partition.oracle->Served(at, read->batches);
      if (partition.oracle->complaint()) return Fail(*partition.oracle->complaint());
      std::string_view rest = read->batches;
      if (rest.empty()) return Fail(StrCat("nothing was served at offset ", at));
      while (!rest.empty()) at = model::ParseBatchHeader(model::TakeBatch(&rest).value())->next_offset();
    }
  }
  Restart(Ending::kClose);
  for (Partition& partition : partitions_) {
    if (failure_ || over_) return;
    const PartitionLog& log = *Log(partition);
    if (log.recovery().scanned_bytes != 0 || log.recovery().cut_bytes != 0) Fail("a clean close left work to recovery");
  }
  if (!failure_ && !over_ && !flipped_ && !index_flipped_) CheckDerivedFiles();
}

void LogSimulation::CheckDerivedFiles() {
  std::vector<std::string> logs;
  for (const std::string& path : disk_.Files()) {
    if (path.ends_with(".log")) logs.push_back(path);
  }
  for (size_t i = 0; i < logs.size(); ++i) {
    const std::string folder = env::ParentPath(logs[i]);
    const model::Offset base = *ParseSegmentName(logs[i].substr(folder.size() + 1), kLogSuffix);
    const bool sealed = i + 1 < logs.size() && env::ParentPath(logs[i + 1]) == folder;
    const PlainIndexes plain = IndexesOf(disk_.Content(logs[i]), base.value(), options_.index_interval_bytes, sealed);
    // Nothing is written of a log that nobody has written to.
    const bool unwritten = disk_.Content(logs[i]).empty() && base == model::Offset(0);
    if (unwritten && !disk_.Exists(SegmentPath(folder, base, kOffsetIndexSuffix)).value()) continue;
    const std::string offsets = disk_.Content(SegmentPath(folder, base, kOffsetIndexSuffix));
    const std::string times = disk_.Content(SegmentPath(folder, base, kTimeIndexSuffix));
    for (const Partition& partition : partitions_) {
      if (!folder.ends_with("/" + partition.tp.ToString())) continue;
      const model::Offset end =
          sealed ? *ParseSegmentName(logs[i + 1].substr(folder.size() + 1), kLogSuffix) : model::Offset(INT64_MAX);
      const std::string aborted_path = SegmentPath(folder, base, kAbortedIndexSuffix);
      const std::string aborted = disk_.Exists(aborted_path).value() ? disk_.Content(aborted_path) : "";
      if (partition.producers_known && aborted != partition.transactions->IndexFile(base, end)) {
        return Fail(StrCat("the aborted index of ", logs[i], " is not what its batches say: ", aborted.size(),
                           " bytes, should be ", partition.transactions->IndexFile(base, end).size()));
      }
    }
    if (offsets != plain.offsets || times != plain.times) {
      return Fail(StrCat("the indexes of ", logs[i], " (", sealed ? "complete" : "active",
                         ") are not what its batches say: ", offsets.size(), " and ", times.size(),
                         " bytes, should be ", plain.offsets.size(), " and ", plain.times.size()));
    }
  }
}

namespace {

// Runs seeds until one fails; returns it.
std::optional<uint64_t> FirstFailure(uint64_t first, uint64_t seeds, const LogSimulation::Mutation& mutation,
                                     SimulationStats* stats, std::string* what) {
  testing::internal::CaptureStderr();  // the log's own warnings
  std::optional<uint64_t> failed;
  for (uint64_t seed = first; seed < first + seeds && !failed; ++seed) {
    LogSimulation simulation(seed, mutation);
    if (std::optional<std::string> failure = simulation.Run()) {
      failed = seed;
      *what = *failure;
    }
    const SimulationStats& one = simulation.stats();
    stats->appends += one.appends;
    stats->acknowledged += one.acknowledged;
    stats->power_cuts += one.power_cuts;
    stats->kills += one.kills;
    stats->cut_tails += one.cut_tails;
    stats->offline += one.offline;
    stats->refused += one.refused;
    stats->fenced += one.fenced;
    stats->repeats += one.repeats;
    stats->committed_reads += one.committed_reads;
    stats->aborted_told += one.aborted_told;
  }
  const std::string warnings = testing::internal::GetCapturedStderr();
  if (std::getenv("LEAT_SEED") != nullptr) *what += "\n" + warnings;
  return failed;
}

TEST(LogSimulation, KeepsItsPromisesOnADiskThatFails) {
  const sim::Seeds seeds = sim::SeedsToRun(2000);
  SimulationStats stats;
  std::string what;
  const std::optional<uint64_t> failed = FirstFailure(seeds.first, seeds.count, {}, &stats, &what);
  if (failed) ADD_FAILURE() << "seed " << *failed << ": " << what << "\nreplay with LEAT_SEED=" << *failed;
  std::printf(
      "%d appends, %d acknowledged, %d power cuts, %d kills, %d tails cut, %d times offline, %d damaged logs "
      "refused, %d reads fenced, %d repeats known, %d reads of committed records, %d with aborted ones\n",
      stats.appends, stats.acknowledged, stats.power_cuts, stats.kills, stats.cut_tails, stats.offline, stats.refused,
      stats.fenced, stats.repeats, stats.committed_reads, stats.aborted_told);
  if (failed || seeds.replay) return;
  // The faults did happen.
  EXPECT_GT(stats.cut_tails, 0);
  EXPECT_GT(stats.offline, 0);
  EXPECT_GT(stats.refused, 0);
  EXPECT_GT(stats.fenced, 0);
  EXPECT_GT(stats.repeats, 0);
  EXPECT_GT(stats.aborted_told, 0);
}

// Seeds that once failed. 2841: recovery removed segments, died before it synced that, and a later power cut brought
// one back. 6080: an index below the recovery point was written again, and a power cut left its beginning. 90236: a
// damaged batch header made an index entry that the next append could not follow. 106552, 114486: a full disk kept an
// index from being written, but not the log start behind it.
TEST(LogSimulation, KeepsItsPromisesForSeedsThatFailedOnce) {
  for (const uint64_t seed : {2841, 6080, 90236, 106552, 114486}) {
    SimulationStats stats;
    std::string what;
    EXPECT_EQ(FirstFailure(seed, 1, {}, &stats, &what), std::nullopt) << seed << ": " << what;
  }
}

class PlantedBug : public testing::TestWithParam<std::pair<const char*, LogSimulation::Mutation>> {};

TEST_P(PlantedBug, IsNoticed) {
  SimulationStats stats;
  std::string what;
  const std::optional<uint64_t> failed = FirstFailure(1, 2000, GetParam().second, &stats, &what);
  ASSERT_TRUE(failed.has_value()) << "2000 seeds did not notice that " << GetParam().first;
  std::printf("%s: seed %d: %s\n", GetParam().first, static_cast<int>(*failed), what.c_str());
}

using Bugs = LogSimulation::Mutation::Producers;

INSTANTIATE_TEST_SUITE_P(
    LogSimulation, PlantedBug,
    testing::Values(
        std::pair{"AcknowledgesBeforeSync", LogSimulation::Mutation{.lie = sim::DiskFaults::Lie::kSyncDoesNothing}},
        std::pair{"ForgetsDirectorySync",
                  LogSimulation::Mutation{.lie = sim::DiskFaults::Lie::kSyncDirectoryDoesNothing}},
        std::pair{"TakesDamageForTheEnd", LogSimulation::Mutation{.tail_rule = TailRule::kAlwaysCut}},
        std::pair{"LosesProducersAtRestart", LogSimulation::Mutation{.producers = Bugs::kForgottenAtRestart}},
        std::pair{"ForgetsProducersTooEarly", LogSimulation::Mutation{.producers = Bugs::kForgottenAtOnce}},
        std::pair{"ShowsOpenTransactions", LogSimulation::Mutation{.producers = Bugs::kCommittedReadsSeeAll}}),
    [](const auto& planted) { return std::string(planted.param.first); });

}  // namespace
}  // namespace leat::log
