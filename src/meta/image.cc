#include "meta/image.h"

#include <algorithm>

#include "base/check.h"
#include "base/murmur2.h"

namespace leat::meta {
namespace {

size_t BucketOf(std::string_view name, size_t buckets) { return Murmur2(name) % buckets; }
size_t BucketOf(const model::TopicId& id, size_t buckets) { return (id.high ^ id.low) % buckets; }

// Copies *map, changes the copy, and puts it in the place of the original, which other images may still share.
template <typename Map, typename Change>
void Replace(std::shared_ptr<const Map>* map, Change change) {
  auto copy = std::make_shared<Map>(**map);
  change(*copy);
  *map = std::move(copy);
}

// FNV-1a over a canonical text form.
class Hasher {
 public:
  void Add(std::string_view text) {
    AddNumber(text.size());
    for (const char c : text) Step(static_cast<uint8_t>(c));
  }
  void AddNumber(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) Step(static_cast<uint8_t>(number >> shift));
  }
  uint64_t value() const { return value_; }

 private:
  void Step(uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
  uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

void Delta::Append(Delta&& later) {
  for (TopicChange& change : later.topics) topics.push_back(std::move(change));
  for (JobChange& change : later.jobs) jobs.push_back(std::move(change));
}

Image::Image() : jobs_(std::make_shared<JobMap>()) {
  topics_.fill(std::make_shared<TopicMap>());
  names_by_id_.fill(std::make_shared<IdMap>());
}

TopicPtr Image::FindTopic(std::string_view name) const {
  const TopicMap& bucket = *topics_[BucketOf(name, kBuckets)];
  const auto it = bucket.find(name);
  return it == bucket.end() ? nullptr : it->second;
}

std::vector<TopicPtr> Image::Topics() const {
  std::vector<TopicPtr> all;
  all.reserve(topic_count_);
  for (const auto& bucket : topics_) {
    for (const auto& [name, topic] : *bucket) all.push_back(topic);
  }
  std::sort(all.begin(), all.end(), [](const TopicPtr& a, const TopicPtr& b) { return a->name < b->name; });
  return all;
}

JobPtr Image::FindJob(std::string_view name) const {
  const auto it = jobs_->find(name);
  return it == jobs_->end() ? nullptr : it->second;
}

std::vector<JobPtr> Image::Jobs() const {
  std::vector<JobPtr> all;
  for (const auto& [name, job] : *jobs_) all.push_back(job);
  return all;
}

bool Image::HasTopicId(const model::TopicId& id) const { return names_by_id_[BucketOf(id, kBuckets)]->contains(id); }

TopicPtr Image::FindTopic(const model::TopicId& id) const {
  const IdMap& bucket = *names_by_id_[BucketOf(id, kBuckets)];
  const auto it = bucket.find(id);
  return it == bucket.end() ? nullptr : FindTopic(it->second);
}

absl::StatusOr<TopicPtr> Image::TopicById(const model::TopicId& id) const {
  if (TopicPtr topic = FindTopic(id)) return topic;
  return DataLoss("metadata: a record names the topic id ", id.ToString(), ", which no earlier record made");
}

void Image::PutTopic(TopicPtr topic) {
  const std::string name = topic->name;
  const model::TopicId id = topic->id;
  if (FindTopic(name) == nullptr) {
    ++topic_count_;
    Replace(&names_by_id_[BucketOf(id, kBuckets)], [&](IdMap& map) { map[id] = name; });
  }
  Replace(&topics_[BucketOf(name, kBuckets)], [&](TopicMap& map) { map[name] = std::move(topic); });
}

void Image::RemoveTopic(const Topic& topic) {
  --topic_count_;
  Replace(&names_by_id_[BucketOf(topic.id, kBuckets)], [&](IdMap& map) { map.erase(topic.id); });
  Replace(&topics_[BucketOf(topic.name, kBuckets)], [&](TopicMap& map) { map.erase(topic.name); });
}

struct Image::Applier {
  Image& image;
  using Result = absl::StatusOr<Delta>;

  static Delta Changed(TopicPtr before, TopicPtr after) {
    Delta delta;
    delta.topics.push_back({std::move(before), std::move(after)});
    return delta;
  }
  static Delta Changed(JobPtr before, JobPtr after) {
    Delta delta;
    delta.jobs.push_back({std::move(before), std::move(after)});
    return delta;
  }

  Result operator()(const ClusterCreated& record) {
    if (!image.cluster_id_.empty()) {
      return DataLoss("metadata: the cluster was made twice: as ", image.cluster_id_, " and as ", record.cluster_id);
    }
    image.cluster_id_ = record.cluster_id;
    return Delta();
  }

  Result operator()(const FeatureLevel& record) {
    if (record.level > kFeatureLevel) {
      return Unimplemented("metadata: the log needs feature level ", record.level, ", this program knows levels up to ",
                           kFeatureLevel, ": start a newer version");
    }
    if (record.level < image.feature_level_) {
      return DataLoss("metadata: feature level went back from ", image.feature_level_, " to ", record.level);
    }
    image.feature_level_ = record.level;
    return Delta();
  }

  Result operator()(const TopicCreated& record) {
    if (image.FindTopic(record.name) != nullptr) {
      return DataLoss("metadata: topic '", record.name, "' was made while it was there");
    }
    if (record.partitions < 1) {
      return DataLoss("metadata: topic '", record.name, "' was made with ", record.partitions, " partitions");
    }
    if (image.HasTopicId(record.id)) {
      return DataLoss("metadata: topic '", record.name, "' was made with the id of another topic");
    }
    auto topic = std::make_shared<const Topic>(Topic{record.id, record.name, record.partitions, record.configs});
    image.PutTopic(topic);
    return Changed(nullptr, std::move(topic));
  }

  Result operator()(const TopicDeleted& record) {
    LEAT_ASSIGN_OR_RETURN(TopicPtr topic, image.TopicById(record.id));
    image.RemoveTopic(*topic);
    return Changed(std::move(topic), nullptr);
  }

  Result operator()(const TopicConfigsChanged& record) {
    LEAT_ASSIGN_OR_RETURN(TopicPtr before, image.TopicById(record.id));
    Topic after = *before;
    after.configs = record.configs;
    return Update(std::move(before), std::move(after));
  }

  Result operator()(const PartitionsAdded& record) {
    LEAT_ASSIGN_OR_RETURN(TopicPtr before, image.TopicById(record.id));
    if (record.total <= before->partitions) {
      return DataLoss("metadata: topic '", before->name, "' has ", before->partitions,
                      " partitions, a record that adds some says ", record.total);
    }
    Topic after = *before;
    after.partitions = record.total;
    return Update(std::move(before), std::move(after));
  }

  Result Update(TopicPtr before, Topic after) {
    auto topic = std::make_shared<const Topic>(std::move(after));
    image.PutTopic(topic);
    return Changed(std::move(before), std::move(topic));
  }

  Result operator()(const JobSubmitted& record) {
    if (image.FindJob(record.name) != nullptr) {
      return DataLoss("metadata: job '", record.name, "' was submitted while it was there");
    }
    return PutJob(nullptr, Job{record.name, record.sql, record.created_ms, DesiredState::kRunning});
  }

  Result operator()(const JobStateChanged& record) {
    JobPtr before = image.FindJob(record.name);
    if (before == nullptr) return DataLoss("metadata: a state record of job '", record.name, "', which is not there");
    Job after = *before;
    after.desired = record.desired;
    return PutJob(std::move(before), std::move(after));
  }

  Result operator()(const JobDeleted& record) {
    JobPtr before = image.FindJob(record.name);
    if (before == nullptr) return DataLoss("metadata: job '", record.name, "' was deleted, but is not there");
    Replace(&image.jobs_, [&](JobMap& map) { map.erase(record.name); });
    return Changed(std::move(before), JobPtr());
  }

  Result operator()(const ProducerIdsReserved& record) {
    if (record.end <= image.producer_ids_end_) {
      return DataLoss("metadata: producer ids up to ", record.end, " were reserved after those up to ",
                      image.producer_ids_end_);
    }
    image.producer_ids_end_ = record.end;
    return Delta();
  }

  Result PutJob(JobPtr before, Job after) {
    auto job = std::make_shared<const Job>(std::move(after));
    Replace(&image.jobs_, [&](JobMap& map) { map[job->name] = job; });
    return Changed(std::move(before), std::move(job));
  }
};

absl::StatusOr<Delta> Image::Apply(const Record& record) { return std::visit(Applier{*this}, record); }

uint64_t Image::Hash() const {
  Hasher hasher;
  hasher.Add(cluster_id_);
  hasher.AddNumber(static_cast<uint64_t>(feature_level_));
  hasher.AddNumber(topic_count_);
  for (const TopicPtr& topic : Topics()) {
    hasher.Add(topic->name);
    hasher.AddNumber(topic->id.high);
    hasher.AddNumber(topic->id.low);
    hasher.AddNumber(static_cast<uint64_t>(topic->partitions));
    hasher.AddNumber(topic->configs.size());
    for (const auto& [key, value] : topic->configs) {
      hasher.Add(key);
      hasher.Add(value);
    }
  }
  hasher.AddNumber(jobs_->size());
  for (const auto& [name, job] : *jobs_) {
    hasher.Add(name);
    hasher.Add(job->sql);
    hasher.AddNumber(static_cast<uint64_t>(job->created_ms));
    hasher.AddNumber(static_cast<uint64_t>(job->desired));
  }
  // A state without reserved ids keeps the hash that it had before there were any.
  if (producer_ids_end_ != Image().producer_ids_end_) hasher.AddNumber(static_cast<uint64_t>(producer_ids_end_));
  return hasher.value();
}

}  // namespace leat::meta
