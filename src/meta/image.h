// The metadata at one point of its log, immutable: a copy shares everything with its origin, so that it can be handed
// to every shard after each change. Only Apply makes a new state, and always the same one from the same records.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "meta/records.h"

namespace leat::meta {

struct Topic {
  model::TopicId id;
  std::string name;
  int32_t partitions = 1;
  Configs configs;
};
using TopicPtr = std::shared_ptr<const Topic>;

struct Job {
  std::string name;
  std::string sql;
  int64_t created_ms = 0;
  DesiredState desired = DesiredState::kRunning;
};
using JobPtr = std::shared_ptr<const Job>;

// What a record changed: null `before` is made, null `after` is gone.
struct Delta {
  struct TopicChange {
    TopicPtr before, after;
  };
  struct JobChange {
    JobPtr before, after;
  };
  std::vector<TopicChange> topics;
  std::vector<JobChange> jobs;
  void Append(Delta&& later);
};

class Image {
 public:
  Image();

  // The image after `record`. kDataLoss: the record does not follow from this state (the log is damaged, or was written
  // by something else): *this is unchanged. kUnimplemented: a feature level that this program does not know.
  absl::StatusOr<Delta> Apply(const Record& record);

  const std::string& cluster_id() const { return cluster_id_; }  // empty before ClusterCreated
  int32_t feature_level() const { return feature_level_; }
  TopicPtr FindTopic(std::string_view name) const;  // null if there is none
  TopicPtr FindTopic(const model::TopicId& id) const;
  bool HasTopicId(const model::TopicId& id) const;
  std::vector<TopicPtr> Topics() const;  // by name
  size_t topic_count() const { return topic_count_; }
  JobPtr FindJob(std::string_view name) const;
  std::vector<JobPtr> Jobs() const;  // by name

  int64_t producer_ids_end() const { return producer_ids_end_; }  // the first one that is not reserved

  // Equal for equal states, on every node and build: what two nodes compare after the same records.
  uint64_t Hash() const;

 private:
  // Topics are kept in buckets, so that a change copies one bucket and not the whole map.
  static constexpr size_t kBuckets = 64;
  using TopicMap = std::map<std::string, TopicPtr, std::less<>>;
  using IdMap = std::map<model::TopicId, std::string>;
  using JobMap = std::map<std::string, JobPtr, std::less<>>;

  struct Applier;
  absl::StatusOr<TopicPtr> TopicById(const model::TopicId& id) const;
  void PutTopic(TopicPtr topic);
  void RemoveTopic(const Topic& topic);

  std::string cluster_id_;
  int32_t feature_level_ = 0;
  size_t topic_count_ = 0;
  int64_t producer_ids_end_ = 1;  // some clients send 0 for "none"
  std::array<std::shared_ptr<const TopicMap>, kBuckets> topics_;
  std::array<std::shared_ptr<const IdMap>, kBuckets> names_by_id_;
  std::shared_ptr<const JobMap> jobs_;
};
using ImagePtr = std::shared_ptr<const Image>;

}  // namespace leat::meta
