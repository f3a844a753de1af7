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

void BrokerImpl::UpdateLagGauges(const std::vector<GroupLag>& lags) {
  struct Behind {
    int64_t records = 0;
    double seconds = 0;
  };
  std::map<std::pair<std::string, std::string>, Behind> behind;
  for (const GroupLag& lag : lags) {
    Behind& sum = behind[{lag.group, lag.partition.topic}];
    sum.records += lag.lag_records;
    sum.seconds = std::max(sum.seconds, lag.lag_seconds);
  }
  std::set<std::pair<std::string, std::string>> shown;
  for (const auto& [key, sum] : behind) {
    if (shown.size() >= kMaxSeries) break;
    shown.insert(key);
  }
  // What a group no longer has (it was deleted, or its offsets of a topic were) must not stand still on a dashboard.
  for (const auto& [group, topic] : lag_series_) {
    if (shown.contains({group, topic})) continue;
    metrics_.Forget("group", group);  // its other topics come back below
  }
  for (const auto& key : shown) {
    const env::Labels labels = {{"group", key.first}, {"topic", key.second}};
    const Behind& sum = behind.at(key);
    metrics_
        .GetGauge("leat_consumer_group_lag_records", "Records of a topic that a group has not yet committed.", labels)
        .Set(static_cast<double>(sum.records));
    metrics_
        .GetGauge("leat_consumer_group_lag_seconds",
                  "Age of the oldest record of a topic that a group has not yet committed.", labels)
        .Set(sum.seconds);
  }
  lag_series_ = std::move(shown);
}

void BrokerImpl::UpdateGauges() {
  double partitions = 0;
  for (const meta::TopicPtr& topic : image()->Topics()) partitions += topic->partitions;
  broker_metrics_.topics.Set(static_cast<double>(image()->topic_count()));
  broker_metrics_.partitions.Set(partitions);
  broker_metrics_.jobs_running.Set(static_cast<double>(jobs_->running()));
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
        MeasureLagHere(*this, CommittedHere(*this, {}), [this](const std::vector<GroupLag>& lags) {
          UpdateLagGauges(lags);
          if (shards_[0]->phase == Phase::kServing) ScheduleGauges();
        });
      });
}

}  // namespace leat::broker
