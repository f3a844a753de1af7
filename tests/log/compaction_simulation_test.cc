// Thousands of short lives of a compacted log on a disk that fails. LEAT_SEEDS=n runs n seeds, LEAT_SEED=s replays one;
// both together run n seeds from s on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>

#include "base/logging.h"
#include "log/file_names.h"
#include "log/log_directory.h"
#include "model/error_status.h"
#include "tests/log/compaction_oracle.h"
#include "tests/support/seeds.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::log {
namespace {

constexpr int kSteps = 60;
const model::TopicPartition kPartition{"a", model::PartitionId(0)};

struct CompactionSimulationStats {
  int appends = 0, power_cuts = 0, kills = 0, offline = 0, cleanings = 0, given_up = 0, swaps_finished = 0;
  int transactions = 0, looked_up = 0;
  size_t gone = 0, dropped = 0;
};

// What is done wrong on purpose.
enum class Bug {
  kNone,
  kSyncDoesNothing,
  kDirectorySyncDoesNothing,
  kTombstonesGoAtOnce,
  kSwapIsForgotten,           // recovery throws a committed swap away
  kUnfinishedCleaningIsTaken  // recovery takes files that were not finished
};

struct SimProducer {
  int64_t id = 0;
  int16_t epoch = 0;
  int32_t sequence = 0;
  int64_t transaction = 0;                      // the open one; 0: none
  std::optional<model::TransactionEnd> ending;  // how it is to end
  bool waiting = false;                         // for the marker's answer
  bool failed = false;                          // an append did: the transaction must be aborted
};

class CompactionSimulation {
 public:
  CompactionSimulation(uint64_t seed, Bug bug)
      : random_(seed), deaths_(seed + 1'000'003), bug_(bug), world_(random_.Next()), disk_(random_.Next()) {
    const auto family = [this] { return !random_.OneIn(5); };
    options_.durability = random_.OneIn(4) ? Durability::kPageCache : Durability::kFsync;
    options_.segment_bytes = random_.Between(600, 5000);
    options_.index_interval_bytes = random_.Between(0, 800);
    options_.retention_age = absl::InfiniteDuration();
    options_.compact = true;
    options_.delete_old = random_.OneIn(4);
    if (options_.delete_old && random_.OneIn(2)) options_.retention_bytes = random_.Between(4'000, 20'000);
    options_.min_dirty_ratio = random_.OneIn(3) ? 0 : random_.Unit() * 0.6;
    options_.delete_retention = absl::Minutes(random_.Between(0, 60));
    if (random_.OneIn(4)) options_.min_compaction_lag = absl::Seconds(random_.Between(1, 600));
    if (random_.OneIn(4)) options_.max_compaction_lag = absl::Seconds(random_.Between(1, 600));
    oracle_ = std::make_unique<CompactionOracle>(absl::ToInt64Milliseconds(options_.delete_retention));
    if (bug == Bug::kTombstonesGoAtOnce) options_.delete_retention = absl::ZeroDuration();
    directory_options_ = {.path = "data/log"};
    directory_options_.compaction_check_interval = absl::Seconds(random_.Between(1, 60));
    directory_options_.compaction_memory_bytes =
        static_cast<size_t>(random_.OneIn(8) ? random_.Between(24, 240) : random_.Between(240, 4000));
    directory_options_.compaction_slice_bytes = static_cast<size_t>(random_.Between(random_.OneIn(10) ? 1 : 500, 8000));
    directory_options_.compaction_bytes_per_second =
        random_.OneIn(3) ? 0 : static_cast<uint64_t>(random_.Between(1'000, 10'000'000));
    keys_ = random_.Between(2, 25);
    compressed_ = random_.OneIn(4);
    options_.producer_expiration = absl::InfiniteDuration();
    if (random_.OneIn(2)) {
      for (int64_t id = 1; id <= 3; ++id) producers_.push_back({.id = id});
    }
    power_family_ = family();
    if (family()) rates_.read_eio_one_in = static_cast<uint64_t>(random_.Between(100, 2000));
    if (family()) rates_.write_eio_one_in = static_cast<uint64_t>(random_.Between(200, 3000));
    if (family()) rates_.sync_eio_one_in = static_cast<uint64_t>(random_.Between(100, 2000));
    if (family()) rates_.no_space_one_in = static_cast<uint64_t>(random_.Between(20, 600));
    if (bug == Bug::kSyncDoesNothing) rates_.lie = sim::DiskFaults::Lie::kSyncDoesNothing;
    if (bug == Bug::kDirectorySyncDoesNothing) rates_.lie = sim::DiskFaults::Lie::kSyncDirectoryDoesNothing;
  }
  ~CompactionSimulation() {
    if (shard_) shard_->Kill();
    directory_.reset();
  }

  std::optional<std::string> Run() {
    if (!Open(Ending::kClose)) return failure_;
    disk_.faults() = rates_;
    for (int i = 0; i < kSteps && !failure_; ++i) Step();
    if (!failure_) {
      Restart(Ending::kKill);
      Quiet();
    }
    if (!failure_) CheckEverything();
    stats_.gone = oracle_->gone();
    return failure_;
  }
  const CompactionSimulationStats& stats() const { return stats_; }

 private:
  enum class Ending { kClose, kKill, kPowerCut };

  PartitionLog* log() { return directory_ ? directory_->Find(kPartition) : nullptr; }
  void Fail(std::string what) {
    if (!failure_) failure_ = std::move(what);
  }

  void Step() {
    const uint64_t dice = random_.Below(100);
    if (dice < 45) {
      producers_.empty() || random_.OneIn(3) ? AppendSome() : ProduceSome();
    } else if (dice < 55) {
      ReadSome();
    } else if (dice < 60) {
      ReadAll();
    } else if (dice < 75) {
      world_.RunFor(absl::Microseconds(random_.Between(0, 8000)));
    } else if (dice < 82) {
      world_.RunFor(absl::Seconds(random_.Between(1, 100)));
    } else if (dice < 85) {
      world_.JumpWallClock(random_.Between(0, 40 * 60'000));
    } else if (dice < 90) {
      CompactNow();
    } else if (dice < 92) {
      DeleteSome();
    } else if (dice < 94) {
      Restart(random_.OneIn(2) ? Ending::kClose : Ending::kKill);
    } else if (power_family_) {
      disk_.LosePowerAfter(static_cast<uint64_t>(random_.Between(1, 60)));
    }
    if (failure_) return;
    if (disk_.dark() || !directory_->online()) {
      stats_.offline += !disk_.dark();
      Restart(Ending::kPowerCut);
    }
    if (failure_ || log() == nullptr) return;
    oracle_->Watch(*log());
    if (oracle_->complaint()) Fail(*oracle_->complaint());
  }

  std::string RandomBatch(model::BatchBuilder::Options options, int64_t transaction) {
    if (compressed_ && random_.OneIn(2)) options.compression = static_cast<model::Compression>(1 + random_.Below(4));
    model::BatchBuilder builder(options);
    for (uint64_t k = 1 + random_.Below(4); k > 0; --k) {
      const std::string key = StrCat("key", random_.Below(static_cast<uint64_t>(keys_)));
      const int64_t timestamp_ms = world_.WallMillis() - random_.Between(0, 100'000);
      const std::string mark = StrCat(++written_), of = StrCat(transaction);
      std::optional<std::string> value;
      if (!random_.OneIn(5)) value.emplace(random_.OneIn(10) ? random_.Below(1500) : random_.Below(60), 'x');
      builder.Add(timestamp_ms, key, value ? std::optional<std::string_view>(*value) : std::nullopt,
                  MarkHeaders(mark, of));
    }
    return builder.Finish().value();
  }
  std::string RandomBatches() {
    std::string batches;
    for (uint64_t i = 1 + random_.Below(3); i > 0; --i) batches += RandomBatch({}, 0);
    return batches;
  }

  void AppendSome() {
    for (uint64_t i = 1 + random_.Below(5); i > 0; --i) {
      const std::string batches = RandomBatches();
      ++stats_.appends;
      oracle_->Offered(batches, log()->log_end(), world_.WallMillis());
      log()->Append(batches, {}, [this, batches](absl::StatusOr<AppendResult> result) {
        if (result.ok()) return oracle_->Acknowledged(batches, result->base_offset);
        if (!absl::IsResourceExhausted(result.status()) && !absl::IsUnavailable(result.status())) {
          Fail(StrCat("an append failed with ", result.status().ToString()));
        }
      });
    }
  }

  void ProduceSome() {
    for (uint64_t i = 1 + random_.Below(4); i > 0; --i) {
      SimProducer& producer = producers_[random_.Below(producers_.size())];
      if (producer.ending || producer.failed) {
        EndTransaction(producer);
      } else if (producer.transaction != 0 && random_.OneIn(3)) {
        producer.ending = random_.OneIn(2) ? model::TransactionEnd::kCommit : model::TransactionEnd::kAbort;
        EndTransaction(producer);
      } else {
        SendBatch(producer);
      }
    }
  }
  void SendBatch(SimProducer& producer) {
    if (producer.transaction == 0) {
      producer.transaction = ++transactions_;
      ++stats_.transactions;
    }
    const std::string batch = RandomBatch({.producer_id = model::ProducerId(producer.id),
                                           .producer_epoch = producer.epoch,
                                           .base_sequence = producer.sequence,
                                           .transactional = true},
                                          producer.transaction);
    oracle_->Offered(batch, log()->log_end(), world_.WallMillis());
    const auto ticket = log()->StartVerification(model::ProducerId(producer.id), producer.epoch);
    producer.sequence += model::ParseBatchHeader(batch)->record_count;
    log()->Append(batch, {.verification = ticket}, [this, &producer, batch](absl::StatusOr<AppendResult> result) {
      if (result.ok()) return oracle_->Acknowledged(batch, result->base_offset);
      producer.failed = true;
      // Behind one that found the disk full, the next is out of sequence.
      const auto code = model::CodeOf(result.status());
      const bool fair = absl::IsResourceExhausted(result.status()) || absl::IsUnavailable(result.status()) ||
                        code == model::ErrorCode::kOutOfOrderSequenceNumber;
      if (!fair) Fail(StrCat("a transactional append failed with ", result.status().ToString()));
    });
  }
  void EndTransaction(SimProducer& producer) {
    if (producer.waiting) return;
    if (!producer.ending) producer.ending = model::TransactionEnd::kAbort;
    producer.waiting = true;
    log()->AppendMarker({.producer_id = model::ProducerId(producer.id),
                         .producer_epoch = producer.epoch,
                         .marker = {.end = *producer.ending, .coordinator_epoch = 0}},
                        model::LeaderEpoch(0), [this, &producer](absl::StatusOr<AppendResult> result) {
                          producer.waiting = false;
                          if (result.ok()) return HasEnded(producer);
                          if (absl::IsResourceExhausted(result.status()) || absl::IsUnavailable(result.status()))
                            return;
                          Fail(StrCat("a marker failed with ", result.status().ToString()));
                        });
  }
  void HasEnded(SimProducer& producer) {
    if (producer.transaction != 0) {
      ends_[producer.transaction] = *producer.ending;
      oracle_->Ended(producer.transaction, *producer.ending);
    }
    if (producer.failed) {
      ++producer.epoch;
      producer.sequence = 0;
    }
    producer = {.id = producer.id, .epoch = producer.epoch, .sequence = producer.sequence};
  }

  // After a restart every transaction is ended that the log shows open: as it was to end, else it is aborted. The
  // producers go on with a new epoch.
  void SettleTransactions() {
    if (producers_.empty() || failure_) return;
    const sim::DiskFaults faults = disk_.faults();
    Quiet();
    const std::vector<ProducerDescription> described = log()->DescribeProducers();
    for (SimProducer& producer : producers_) {
      const auto found = std::find_if(described.begin(), described.end(),
                                      [&](const auto& d) { return d.producer_id.value() == producer.id; });
      const bool open = found != described.end() && found->open_since.value() >= 0;
      if (!open) {
        if (producer.ending && producer.transaction != 0) HasEnded(producer);
        producer = {.id = producer.id, .epoch = static_cast<int16_t>(producer.epoch + 1)};
        continue;
      }
      int64_t transaction = producer.transaction;
      // Its beginning may have been deleted with other old records.
      if (found->open_since >= log()->log_start()) {
        const auto read = log()->Read(found->open_since, 1);
        if (!read.ok() || Records(read->batches).empty()) {
          return Fail(StrCat("the beginning of an open transaction at ", found->open_since,
                             " cannot be read: ", read.status().ToString()));
        }
        transaction = Records(read->batches)[0].transaction;
      }
      if (transaction != producer.transaction) producer.ending.reset();
      producer.transaction = transaction;
      producer.waiting = false;
      producer.failed = true;
      producer.epoch = found->epoch;
      if (const auto end = ends_.find(transaction); end != ends_.end()) producer.ending = end->second;
      EndTransaction(producer);
    }
    world_.RunUntil([&] {
      return std::none_of(producers_.begin(), producers_.end(), [](const SimProducer& p) { return p.waiting; });
    });
    for (SimProducer& producer : producers_)
      producer.epoch = static_cast<int16_t>(producer.epoch + 1), producer.sequence = 0;
    disk_.faults() = faults;
  }

  // As a client does it: batches of transactions that the answer calls aborted are left out up to their marker.
  std::optional<std::vector<PlainRecord>> ReadCommitted() {
    std::vector<PlainRecord> visible;
    for (model::Offset at = log()->log_start(); at < log()->last_stable_offset();) {
      const auto read = log()->Read(at, 1 << 20, model::Isolation::kReadCommitted);
      if (!read.ok() || read->batches.empty()) {
        if (read.ok() || !FairReadFailure(read.status())) Fail(StrCat("a committed read at ", at, " failed"));
        return std::nullopt;
      }
      std::vector<model::AbortedTransaction> aborted = read->aborted;
      std::sort(aborted.begin(), aborted.end(),
                [](const auto& x, const auto& y) { return x.first_offset > y.first_offset; });
      std::set<int64_t> skipped;
      for (std::string_view rest = read->batches; !rest.empty();) {
        const std::string_view batch = model::TakeBatch(&rest).value();
        const model::BatchHeader header = model::ParseBatchHeader(batch).value();
        at = header.next_offset();
        for (; !aborted.empty() && aborted.back().first_offset <= header.last_offset(); aborted.pop_back()) {
          skipped.insert(aborted.back().producer_id.value());
        }
        if (header.control()) {
          skipped.erase(header.producer_id.value());
        } else if (!header.transactional() || !skipped.contains(header.producer_id.value())) {
          for (PlainRecord& record : Records(batch)) visible.push_back(std::move(record));
        }
      }
    }
    return visible;
  }

  static std::string OffsetsOf(const std::vector<PlainRecord>& records) {
    std::string text;
    for (const PlainRecord& record : records) text += StrCat(" ", record.offset, "/", record.transaction);
    return text;
  }

  bool FairReadFailure(const absl::Status& status) {
    const std::string_view text = Message(status);
    return disk_.dark() || text.find("simulated") != std::string_view::npos ||
           (absl::IsOutOfRange(status) && text.find("is not in the log") != std::string_view::npos);
  }

  void ReadSome() {
    const model::Offset from(random_.Between(log()->log_start().value(), log()->log_end().value()));
    const auto read = log()->Read(from, static_cast<size_t>(random_.Between(1, 6000)));
    if (!read.ok()) {
      if (!FairReadFailure(read.status())) Fail(StrCat("a read at ", from, ": ", read.status().ToString()));
      return;
    }
    if (read->batches.empty() && from < log()->high_watermark()) Fail(StrCat("nothing was served at offset ", from));
    oracle_->Served(from, read->batches);
  }

  // The whole log, at one moment: nothing runs between the reads.
  std::optional<std::vector<PlainRecord>> ReadAll() {
    std::vector<PlainRecord> all;
    for (model::Offset at = log()->log_start(); at < log()->high_watermark();) {
      const auto read = log()->Read(at, static_cast<size_t>(random_.Between(1, 20'000)));
      if (!read.ok()) {
        if (!FairReadFailure(read.status())) Fail(StrCat("a read at ", at, ": ", read.status().ToString()));
        return std::nullopt;
      }
      if (read->batches.empty()) {
        Fail(StrCat("nothing was served at offset ", at));
        return std::nullopt;
      }
      oracle_->Served(at, read->batches);
      for (PlainRecord& record : Records(read->batches)) all.push_back(std::move(record));
      std::string_view rest = read->batches;
      while (!rest.empty()) at = model::ParseBatchHeader(model::TakeBatch(&rest).value())->next_offset();
    }
    oracle_->ServedAll(all, *log(), world_.WallMillis());
    if (producers_.empty()) return all;
    if (auto committed = ReadCommitted(); committed && !failure_) {
      ++stats_.looked_up;
      std::vector<PlainRecord> expected = oracle_->Committed(all, log()->last_stable_offset());
      // The log may start within a batch, which is served whole or, if nothing behind the start is stable, not at all.
      const auto deleted = [&](const PlainRecord& record) { return record.offset < log()->log_start().value(); };
      std::erase_if(*committed, deleted);
      std::erase_if(expected, deleted);
      if (*committed != expected) {
        Fail(StrCat("a reader of committed records sees something else than the committed records; log start ",
                    log()->log_start(), ", last stable offset ", log()->last_stable_offset(),
                    ", seen:", OffsetsOf(*committed), ", expected:", OffsetsOf(expected)));
      }
    }
    return all;
  }

  void CompactNow() {
    log()->Compact(world_.WallMillis(), [this](const absl::StatusOr<CompactionReport>& report) { Note(report); });
    if (!power_family_ || !random_.OneIn(3)) return;
    disk_.LosePowerAfter(static_cast<uint64_t>(random_.Between(1, 60)));
    world_.RunFor(absl::Seconds(1));
  }
  void Note(const absl::StatusOr<CompactionReport>& report) {
    if (!report.ok()) {
      ++stats_.given_up;
      const absl::Status& status = report.status();
      const bool fair = disk_.dark() || absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
                        absl::IsAborted(status) || absl::IsFailedPrecondition(status) || absl::IsNotFound(status) ||
                        Message(status).find("simulated") != std::string_view::npos;
      if (!fair) Fail(StrCat("compaction failed with ", status.ToString()));
      return;
    }
    stats_.cleanings += report->ran;
    stats_.dropped += report->dropped_records;
  }

  void DeleteSome() {
    if (!options_.delete_old || random_.OneIn(2)) return log()->EnforceRetention(world_.WallMillis());
    const model::Offset to(random_.Between(log()->log_start().value(), log()->high_watermark().value()));
    log()->DeleteRecordsBefore(to, [](const absl::Status&) {});
  }

  void PlantAtRestart() {
    for (const std::string& path : disk_.Files()) {
      if (bug_ == Bug::kSwapIsForgotten && path.ends_with(kSwapSuffix)) static_cast<void>(disk_.Remove(path));
      if (bug_ == Bug::kUnfinishedCleaningIsTaken && path.ends_with(StrCat(kLogSuffix, kCleanedSuffix))) {
        static_cast<void>(disk_.Rename(path, StrCat(path.substr(0, path.size() - kCleanedSuffix.size()), kSwapSuffix)));
      }
    }
  }

  void Restart(Ending ending) {
    if (ending == Ending::kClose) {
      bool closed = false;
      directory_->Close([&](const absl::Status&) { closed = true; });
      if (!world_.RunUntil([&] { return closed; }, absl::Seconds(600))) return Fail("close was never answered");
    }
    // Where all calls fail it was the power, or the process alone.
    if (disk_.dark()) ending = deaths_.OneIn(2) ? Ending::kKill : Ending::kPowerCut;
    if (disk_.sync_failed()) ending = Ending::kPowerCut;
    Stop(ending);
    if (Open(ending) || failure_) return;
    // A fault of the moment kept it from opening; without faults it must open.
    Quiet();
    if (disk_.dark() || disk_.sync_failed()) Stop(ending = Ending::kPowerCut);
    if (!Open(ending) && !failure_) return Fail("the log did not open on a sound disk");
    disk_.faults() = rates_;
  }
  void Stop(Ending ending) {
    if (shard_) shard_->Kill();
    directory_.reset();
    if (ending == Ending::kPowerCut) {
      disk_.PowerCut();
    } else if (disk_.dark()) {
      disk_.LosePowerAfter(UINT64_MAX);
    }
    ++(ending == Ending::kPowerCut ? stats_.power_cuts : stats_.kills);
  }

  bool Open(Ending ending) {
    const bool sound = disk_.faults().read_eio_one_in == 0 && disk_.faults().write_eio_one_in == 0 &&
                       disk_.faults().sync_eio_one_in == 0 && disk_.faults().no_space_one_in == 0;
    if (shard_) shard_->Kill();
    directory_.reset();
    PlantAtRestart();
    for (const std::string& path : disk_.Files()) stats_.swaps_finished += path.ends_with(".log.swap");
    shard_ = std::make_unique<sim::SimShard>(world_);
    const PageCache page_cache = ending == Ending::kPowerCut ? PageCache::kUnknown : PageCache::kWhole;
    auto directory = OpenLogDirectory(disk_, *shard_, directory_options_, page_cache);
    if (!directory.ok()) return false;
    directory_ = *std::move(directory);
    const auto opened = directory_->OpenPartition(kPartition, options_);
    if (!opened.ok() || disk_.dark()) {
      if (sound && !disk_.dark()) Fail(StrCat("opening failed with ", opened.status().ToString()));
      return false;
    }
    if (ending == Ending::kPowerCut && options_.durability == Durability::kPageCache) oracle_->PowerWasCut(**opened);
    SettleTransactions();
    oracle_->Watch(**opened);
    if (oracle_->complaint()) {
      Fail(StrCat(ending == Ending::kPowerCut ? "after a power cut: " : "after a restart: ", *oracle_->complaint()));
      return false;
    }
    return !failure_;
  }

  void Quiet() {
    const sim::DiskFaults::Lie lie = disk_.faults().lie;
    disk_.faults() = sim::DiskFaults();
    disk_.faults().lie = lie;
    if (!disk_.dark()) disk_.LosePowerAfter(UINT64_MAX);
  }

  // On a sound disk everything can be read from anywhere, look-ups by time are right, and a log that is compacted to
  // its end holds each key once.
  void CheckEverything() {
    ReadAll();
    if (!failure_ && !oracle_->complaint()) CompactToTheEnd();
    if (failure_) return;
    if (oracle_->complaint()) return Fail(*oracle_->complaint());
    Restart(Ending::kClose);
    if (failure_) return;
    if (log()->recovery().scanned_bytes != 0 || log()->recovery().cut_bytes != 0) {
      return Fail("a clean close left work to recovery");
    }
    const auto all = ReadAll();
    if (failure_) return;
    if (oracle_->complaint()) return Fail(*oracle_->complaint());
    CheckReadsFromAnywhere(*all);
    if (producers_.empty()) CheckTimes(*all);  // markers have times too
    if (!failure_) CheckProducersAreFoundAgain();
    for (const std::string& path : disk_.Files()) {
      if (path.ends_with(kCleanedSuffix) || path.ends_with(kSwapSuffix)) Fail(StrCat(path, " was left behind"));
    }
  }

  void CompactToTheEnd() {
    options_.min_dirty_ratio = 0;
    options_.min_compaction_lag = absl::ZeroDuration();
    options_.max_compaction_lag = absl::InfiniteDuration();
    options_.segment_age = absl::Seconds(1);
    log()->SetOptions(options_);
    world_.JumpWallClock(3600'000);
    log()->EnforceRetention(world_.WallMillis());
    world_.RunFor(absl::Minutes(20));
    const auto all = ReadAll();
    if (failure_ || log()->segment_count() < 2) return;
    std::set<std::string> seen;
    for (const PlainRecord& record : *all) {
      if (!seen.insert(record.key).second) return Fail(StrCat("key ", record.key, " is there twice after compaction"));
    }
  }

  // Without snapshots, in what compaction left.
  void CheckProducersAreFoundAgain() {
    if (producers_.empty() || log()->log_start() > model::Offset(0)) return;
    const std::vector<ProducerDescription> before = log()->DescribeProducers();
    Stop(Ending::kKill);
    for (const std::string& path : disk_.Files()) {
      if (path.ends_with(kSnapshotSuffix)) disk_.FlipBit(path, 3, 0);
    }
    if (!Open(Ending::kKill)) return Fail("the log did not open without snapshots");
    const std::vector<ProducerDescription> after = log()->DescribeProducers();
    if (before.size() != after.size()) return Fail(StrCat(before.size(), " producers became ", after.size()));
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i].epoch != after[i].epoch || before[i].last_sequence != after[i].last_sequence ||
          before[i].open_since != after[i].open_since) {
        Fail(StrCat("producer ", before[i].producer_id, " was at epoch ", before[i].epoch, ", sequence ",
                    before[i].last_sequence, ", open ", before[i].open_since, ", and is found again at ",
                    after[i].epoch, ", ", after[i].last_sequence, ", ", after[i].open_since));
      }
    }
  }

  void CheckReadsFromAnywhere(const std::vector<PlainRecord>& all) {
    for (int i = 0; i < 20 && !failure_ && log()->log_start() < log()->high_watermark(); ++i) {
      const int64_t from = random_.Between(log()->log_start().value(), log()->high_watermark().value() - 1);
      const auto read = log()->Read(model::Offset(from), 1);
      if (!read.ok()) return Fail(StrCat("a read at ", from, ": ", read.status().ToString()));
      std::string_view rest = read->batches;
      const auto header = model::ParseBatchHeader(rest).value();
      if (header.last_offset().value() < from) return Fail(StrCat("a read at ", from, " began before"));
      std::vector<PlainRecord> expected;
      for (const PlainRecord& record : all) {
        if (record.offset >= from && record.offset <= header.last_offset().value()) expected.push_back(record);
      }
      std::vector<PlainRecord> found = Records(model::TakeBatch(&rest).value());
      std::erase_if(found, [from](const PlainRecord& record) { return record.offset < from; });
      if (found != expected) Fail(StrCat("a read at ", from, " left out records"));
    }
  }

  void CheckTimes(const std::vector<PlainRecord>& all) {
    const int64_t start = log()->log_start().value();
    std::optional<int64_t> largest;
    for (const PlainRecord& record : all) {
      if (record.offset >= start) largest = std::max(largest.value_or(-1), record.timestamp_ms);
    }
    const auto max = log()->MaxTimestamp();
    if (!max.ok() || max->has_value() != largest.has_value() || (largest && (*max)->timestamp_ms != *largest)) {
      return Fail(StrCat("the largest timestamp is ", largest.value_or(-1), ", but the log says ",
                         max.ok() && *max ? (*max)->timestamp_ms : -1));
    }
    for (int i = 0; i < 10 && !failure_ && !all.empty(); ++i) {
      const int64_t asked = all[random_.Below(all.size())].timestamp_ms - random_.Between(0, 1);
      const auto first = std::find_if(all.begin(), all.end(), [&](const PlainRecord& record) {
        return record.offset >= start && record.timestamp_ms >= asked;
      });
      const auto found = log()->FindTimestamp(asked);
      if (!found.ok()) return Fail(StrCat("looking for time ", asked, ": ", found.status().ToString()));
      const int64_t expected = first == all.end() ? -1 : first->offset;
      const int64_t got = *found ? (*found)->offset.value() : -1;
      if (got != expected) Fail(StrCat("time ", asked, " is at offset ", expected, ", but the log says ", got));
    }
  }

  Random random_;
  Random deaths_;  // what is dead when all calls fail
  const Bug bug_;
  sim::SimWorld world_;
  sim::SimDisk disk_;
  std::unique_ptr<sim::SimShard> shard_;
  std::unique_ptr<LogDirectory> directory_;
  LogDirectory::Options directory_options_;
  LogOptions options_;
  std::unique_ptr<CompactionOracle> oracle_;
  sim::DiskFaults rates_;  // while faults are on
  int64_t keys_ = 0;
  bool compressed_ = false;
  bool power_family_ = false;
  int64_t written_ = 0;
  std::vector<SimProducer> producers_;
  int64_t transactions_ = 0;
  std::map<int64_t, model::TransactionEnd> ends_;  // of transactions whose end was answered
  std::optional<std::string> failure_;
  CompactionSimulationStats stats_;
};

// Runs seeds until one fails; returns it.
std::optional<uint64_t> FirstFailure(uint64_t first, uint64_t seeds, Bug bug, CompactionSimulationStats* stats,
                                     std::string* what) {
  testing::internal::CaptureStderr();  // the log's own warnings
  std::optional<uint64_t> failed;
  for (uint64_t seed = first; seed < first + seeds && !failed; ++seed) {
    CompactionSimulation simulation(seed, bug);
    if (std::optional<std::string> failure = simulation.Run()) {
      failed = seed;
      *what = *failure;
    }
    const CompactionSimulationStats& one = simulation.stats();
    stats->appends += one.appends;
    stats->power_cuts += one.power_cuts;
    stats->kills += one.kills;
    stats->offline += one.offline;
    stats->cleanings += one.cleanings;
    stats->given_up += one.given_up;
    stats->swaps_finished += one.swaps_finished;
    stats->gone += one.gone;
    stats->dropped += one.dropped;
    stats->transactions += one.transactions;
    stats->looked_up += one.looked_up;
  }
  const std::string warnings = testing::internal::GetCapturedStderr();
  if (std::getenv("LEAT_SEED") != nullptr) *what += "\n" + warnings;
  return failed;
}

TEST(CompactionSimulation, KeepsLastValuesAndOffsetsOnADiskThatFails) {
  const sim::Seeds seeds = sim::SeedsToRun(1000);
  CompactionSimulationStats stats;
  std::string what;
  const std::optional<uint64_t> failed = FirstFailure(seeds.first, seeds.count, Bug::kNone, &stats, &what);
  if (failed) ADD_FAILURE() << "seed " << *failed << ": " << what << "\nreplay with LEAT_SEED=" << *failed;
  std::printf(
      "%d appends, %d power cuts, %d kills, %d times offline, %d cleanings asked for that ran, %d given up, %d swaps "
      "finished by recovery, %zu records seen to be gone, %d transactions, %d reads of what is committed\n",
      stats.appends, stats.power_cuts, stats.kills, stats.offline, stats.cleanings, stats.given_up,
      stats.swaps_finished, stats.gone, stats.transactions, stats.looked_up);
  if (failed || seeds.replay) return;
  // The faults did happen, and so did compaction.
  EXPECT_GT(stats.power_cuts, 0);
  EXPECT_GT(stats.offline, 0);
  EXPECT_GT(stats.cleanings, 0);
  EXPECT_GT(stats.given_up, 0);
  EXPECT_GT(stats.swaps_finished, 0);
  EXPECT_GT(stats.gone, 0u);
  EXPECT_GT(stats.transactions, 0);
  EXPECT_GT(stats.looked_up, 0);
}

// Seeds that found something once.
TEST(CompactionSimulation, SeedsThatFailedBeforePass) {
  for (const uint64_t seed : {uint64_t{5970}}) {
    CompactionSimulationStats stats;
    std::string what;
    EXPECT_FALSE(FirstFailure(seed, 1, Bug::kNone, &stats, &what).has_value()) << "seed " << seed << ": " << what;
  }
}

class PlantedCompactionBug : public testing::TestWithParam<std::pair<const char*, Bug>> {};

TEST_P(PlantedCompactionBug, IsNoticed) {
  CompactionSimulationStats stats;
  std::string what;
  const std::optional<uint64_t> failed = FirstFailure(1, 2000, GetParam().second, &stats, &what);
  ASSERT_TRUE(failed.has_value()) << "2000 seeds did not notice that " << GetParam().first;
  std::printf("%s: seed %d: %s\n", GetParam().first, static_cast<int>(*failed), what.c_str());
}

INSTANTIATE_TEST_SUITE_P(CompactionSimulation, PlantedCompactionBug,
                         testing::Values(std::pair{"SyncDoesNothing", Bug::kSyncDoesNothing},
                                         std::pair{"DirectorySyncDoesNothing", Bug::kDirectorySyncDoesNothing},
                                         std::pair{"TombstonesGoAtOnce", Bug::kTombstonesGoAtOnce},
                                         std::pair{"SwapIsForgotten", Bug::kSwapIsForgotten},
                                         std::pair{"UnfinishedCleaningIsTaken", Bug::kUnfinishedCleaningIsTaken}),
                         [](const auto& planted) { return std::string(planted.param.first); });

}  // namespace
}  // namespace leat::log
