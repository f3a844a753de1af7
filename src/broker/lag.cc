// DescribeLag and the gauges: how far groups are behind, in records and in seconds, and how large topics are.
#include <algorithm>
#include <numeric>
#include <set>

#include "broker/broker_impl.h"
#include "broker/group_host.h"
#include "broker/job_desk.h"
#include "broker/job_manager.h"
#include "broker/lag.h"
#include "broker/replication_gauges.h"
#include "broker/transaction_host.h"
#include "model/record_batch.h"

namespace leat::broker {
namespace {

constexpr size_t kMaxDecompressedBytes = size_t{64} << 20;
// Series of one gauge: beyond them, topics and partitions are summed under "other".
constexpr size_t kMaxSeries = 1000;

// The timestamp of the first record at or after `offset`, or nullopt if it cannot be read.
std::optional<int64_t> TimestampAt(log::PartitionLog& log, model::Offset offset) {
  const absl::StatusOr<log::ReadResult> read = log.Read(std::max(offset, log.log_start()), 1);
  if (!read.ok() || read->batches.empty()) return std::nullopt;
  std::string_view rest = read->batches;
  const absl::StatusOr<std::string_view> batch = model::TakeBatch(&rest);
  if (!batch.ok()) return std::nullopt;
  absl::StatusOr<model::RecordIterator> records = model::RecordIterator::Open(*batch, kMaxDecompressedBytes);
  model::RecordView record;
  while (records.ok()) {
    const absl::StatusOr<bool> more = records->Next(&record);
    if (!more.ok() || !*more) break;
    if (record.offset >= offset) return record.timestamp_ms;
  }
  return std::nullopt;
}

void LagHere(ShardState& shard, GroupLag lag, Callback<GroupLag> done) {
  if (log::PartitionLog* log = shard.Find(lag.partition).log) {
    lag.high_watermark = log->high_watermark();
    // Records that retention has removed are not lag: nobody can read them any more.
    const model::Offset next = std::max(lag.committed, log->log_start());
    lag.lag_records = std::max<int64_t>(0, lag.high_watermark - next);
    if (lag.lag_records > 0) {
      if (const std::optional<int64_t> timestamp_ms = TimestampAt(*log, next)) {
        lag.lag_seconds = std::max(0.0, static_cast<double>(shard.shard().WallMillis() - *timestamp_ms) / 1000);
      }
    }
  }
  done(std::move(lag));
}

}  // namespace

std::vector<GroupLag> CommittedHere(const BrokerImpl& broker, std::vector<std::string> groups) {
  if (groups.empty()) groups = broker.group_host().Groups();
  std::vector<GroupLag> items;
  for (const std::string& name : groups) {
    const group::OffsetStore::GroupOffsets* offsets = broker.group_host().Find(name);
    if (offsets == nullptr) continue;
    for (const auto& [partition, value] : *offsets) {
      items.push_back({.group = name, .partition = partition, .committed = value.offset});
    }
  }
  return items;
}

void MeasureLagHere(const BrokerImpl& broker, std::vector<GroupLag> items, Callback<std::vector<GroupLag>> done) {
  Scatter<GroupLag, GroupLag>(broker.shards(), 0, std::move(items), LagHere, std::move(done));
}

void BrokerImpl::DescribeLag(std::string group, Callback<std::vector<GroupLag>> done) {
  home().Post([this, group = std::move(group), done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) return done({});
    if (group.empty()) return ClusterLag(*this, {}, std::move(done));
    jobs_->desk().GroupsOf(group, [this, done = std::move(done)](std::vector<std::string> groups) mutable {
      ClusterLag(*this, std::move(groups), std::move(done));
    });
  });
}

namespace {

struct Series {
  const char* name;
  const char* help;
};
constexpr Series kLagRecords{"leat_consumer_group_lag_records",
                             "Records of a topic that a group has not yet committed."};
constexpr Series kLagSeconds{"leat_consumer_group_lag_seconds",
                             "Age of the oldest record of a topic that a group has not yet committed."};
constexpr Series kTroubledRecords{"leat_consumer_troubled_lag_records",
                                  "Records not committed of a partition whose consumer is stopped, stalled or slow."};
constexpr Series kTroubledSeconds{
    "leat_consumer_troubled_lag_seconds",
    "Age of the oldest record not committed of a partition whose consumer is stopped, stalled or slow."};

void SetLag(env::Metrics& metrics, const std::pair<Series, Series>& series, const env::Labels& labels, int64_t records,
            double seconds) {
  metrics.GetGauge(series.first.name, series.first.help, labels).Set(static_cast<double>(records));
  metrics.GetGauge(series.second.name, series.second.help, labels).Set(seconds);
}

struct Behind {
  int64_t records = 0;
  double seconds = 0;
  bool known = true;
};

// By the labels of the series. Beyond kMaxSeries there are none.
std::map<env::Labels, Behind> LagOfGroups(const std::vector<GroupLag>& lags) {
  std::map<env::Labels, Behind> groups;
  for (const GroupLag& lag : lags) {
    env::Labels labels = {{"group", lag.group}, {"topic", lag.partition.topic}};
    if (groups.size() >= kMaxSeries && !groups.contains(labels)) continue;
    Behind& sum = groups[std::move(labels)];
    sum.known &= lag.lag_records >= 0;
    sum.records += lag.lag_records;
    sum.seconds = std::max(sum.seconds, lag.lag_seconds);
  }
  return groups;
}

// Of the partitions alone whose consumers are not ok: few, and gone when they are.
std::map<env::Labels, Behind> LagOfTroubled(const std::vector<GroupLag>& lags) {
  std::map<env::Labels, Behind> troubled;
  for (const GroupLag& lag : lags) {
    if (lag.status == ConsumerStatus::kOk || lag.lag_records <= 0 || troubled.size() >= kMaxSeries) continue;
    troubled[{{"group", lag.group},
              {"topic", lag.partition.topic},
              {"partition", StrCat(lag.partition.partition)},
              {"status", std::string(group::StatusName(lag.status))}}] = {lag.lag_records, lag.lag_seconds};
  }
  return troubled;
}

}  // namespace

void BrokerImpl::DeclareLagGauges() {
  for (const Series& series : {kLagRecords, kLagSeconds}) {
    metrics_.DeclareGauge(series.name, series.help, {"group", "topic"});
  }
  for (const Series& series : {kTroubledRecords, kTroubledSeconds}) {
    metrics_.DeclareGauge(series.name, series.help, {"group", "topic", "partition", "status"});
  }
}

void BrokerImpl::UpdateLagGauges(const std::vector<GroupLag>& lags) {
  const std::map<env::Labels, Behind> groups = LagOfGroups(lags);
  const std::map<env::Labels, Behind> troubled = LagOfTroubled(lags);
  std::set<env::Labels> shown;
  for (const auto* series : {&groups, &troubled}) {
    for (const auto& [labels, behind] : *series) shown.insert(labels);
  }
  // What a group no longer has (it was deleted, or its offsets of a topic were, or its partitions are well again) must
  // not stand still on a dashboard. Its other series come back below.
  std::set<std::string> changed;
  for (const env::Labels& labels : lag_series_) {
    if (!shown.contains(labels)) changed.insert(labels.at("group"));
  }
  for (const std::string& group : changed) metrics_.Forget("group", group);
  for (const auto& [labels, behind] : groups) {
    // A leader that does not answer just now does not take its part out of the sum.
    if (behind.known) SetLag(metrics_, {kLagRecords, kLagSeconds}, labels, behind.records, behind.seconds);
  }
  for (const auto& [labels, behind] : troubled) {
    SetLag(metrics_, {kTroubledRecords, kTroubledSeconds}, labels, behind.records, behind.seconds);
  }
  lag_series_ = std::move(shown);
}

// The groups that this node coordinates: how far they are behind, and whether they get on.
void BrokerImpl::WatchLag() {
  std::map<LagWatch::Key, int64_t> commit_times_ms;
  for (const std::string& name : group_host().Groups()) {
    const group::OffsetStore::GroupOffsets* offsets = group_host().Find(name);
    if (offsets == nullptr) continue;
    for (const auto& [partition, value] : *offsets) commit_times_ms[{name, partition}] = value.commit_time_ms;
  }
  MeasureLag(*this, CommittedHere(*this, {}), Unanswered::kSilent,
             [this, commit_times_ms = std::move(commit_times_ms)](std::vector<GroupLag> lags) {
               const int64_t now_ms = home().WallMillis();
               lag_watch_.Observe(lags, commit_times_ms, now_ms);
               std::map<LagWatch::Key, ConsumerStatus> troubled;
               for (const GroupStatus& one : lag_watch_.Troubled({}, now_ms)) {
                 troubled[{one.group, one.partition}] = one.status;
               }
               for (GroupLag& lag : lags) {
                 const auto it = troubled.find({lag.group, lag.partition});
                 if (it != troubled.end()) lag.status = it->second;
               }
               UpdateLagGauges(lags);
               if (shards_[0]->phase == Phase::kServing) ScheduleGauges();
             });
}

void BrokerImpl::UpdateGauges() {
  double partitions = 0;
  for (const meta::TopicPtr& topic : image()->Topics()) partitions += topic->partitions;
  broker_metrics_.topics.Set(static_cast<double>(image()->topic_count()));
  broker_metrics_.partitions.Set(partitions);
  broker_metrics_.jobs_running.Set(static_cast<double>(jobs_->running()));
  jobs_->PublishMetrics();
  const bool active = client_ != nullptr && client_->controller() == options_.node_id;
  ShowReplication(CountReplication(*image(), options_.node_id, options_.log_defaults),
                  active ? Controller::kActive : Controller::kOther, metrics_);
  transactions_->UpdateGauges();
  OnEveryShard<size_t>(
      shards_, 0, [](ShardState& shard, auto answer) { answer(shard.producer_count()); },
      [this](const std::vector<size_t>& counts) {
        broker_metrics_.producers.Set(static_cast<double>(std::accumulate(counts.begin(), counts.end(), size_t{0})));
      });
  using Compaction = log::LogDirectory::CompactionStats;
  OnEveryShard<Compaction>(
      shards_, 0, [](ShardState& shard, auto answer) { answer(shard.ReportCompaction()); },
      [this](const std::vector<Compaction>& parts) {
        double ratio = 0;
        int uncleanable = 0;
        int64_t last_run_ms = 0;
        for (const Compaction& part : parts) {
          last_run_ms = std::max(last_run_ms, part.last_run_wall_ms);
          ratio = std::max(ratio, part.max_dirty_ratio);
          uncleanable += part.uncleanable;
        }
        broker_metrics_.compaction_max_dirty_ratio.Set(ratio);
        broker_metrics_.compaction_uncleanable.Set(uncleanable);
        broker_metrics_.compaction_last_run.Set(static_cast<double>(last_run_ms) / 1000);
      });
  OnEveryShard<std::pair<absl::Status, std::map<std::string, uint64_t>>>(
      shards_, 0,
      [](ShardState& shard, auto answer) {
        answer({shard.Health(), shard.BytesByTopic()});
      },
      [this](const std::vector<std::pair<absl::Status, std::map<std::string, uint64_t>>>& parts) {
        std::map<std::string, uint64_t> bytes;
        bool online = true;
        for (const auto& [health, sizes] : parts) {
          online &= health.code() != absl::StatusCode::kUnavailable;
          for (const auto& [topic, size] : sizes) bytes[topic] += size;
        }
        broker_metrics_.directory_online.Set(online ? 1 : 0);
        uint64_t other = 0;
        size_t series = 0;
        for (const auto& [topic, size] : bytes) {
          if (image()->FindTopic(topic) == nullptr) continue;
          if (++series > kMaxSeries) {
            other += size;
            continue;
          }
          metrics_.GetGauge("leat_log_size_bytes", "Bytes of a topic's logs on this node.", {{"topic", topic}})
              .Set(static_cast<double>(size));
        }
        if (other > 0) {
          metrics_.GetGauge("leat_log_size_bytes", "Bytes of a topic's logs on this node.", {{"topic", "other"}})
              .Set(static_cast<double>(other));
        }
        if (shards_[0]->phase != Phase::kServing) return;
        WatchLag();
      });
}

}  // namespace leat::broker
