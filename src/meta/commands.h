// What somebody wants to change, checked against the image: command in, records out. Nothing changes here; the caller
// writes the records and applies them once they are durable. Errors say what was expected and what to do:
//   kInvalidArgument  a name, number or config is wrong    kNotFound  no such topic or job
//   kAlreadyExists    the name is taken                    kResourceExhausted  a limit of the cluster
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "meta/image.h"
#include "meta/policy.h"
#include "meta/records.h"

namespace leat::meta {

// Who asks: clients may not touch the names that the broker and its jobs keep for themselves.
enum class Origin { kClient, kInternal };
// Names kept for the broker: __consumer_offsets, __transaction_state, __cluster_metadata, and all of __leat_.
bool IsReservedTopic(std::string_view name);
inline constexpr std::string_view kMetadataTopic = "__cluster_metadata";
inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";
inline constexpr std::string_view kTransactionsTopic = "__transaction_state";

struct CreateTopic {
  std::string name;
  int32_t partitions = 1;
  Configs configs;
  Origin origin = Origin::kClient;
  int32_t replication_factor = -1;      // -1: the policy's
  std::vector<NodeList> assignments{};  // the replicas of each partition; empty: the placement chooses
  friend bool operator==(const CreateTopic&, const CreateTopic&) = default;
};
struct DeleteTopic {
  std::string name;
  Origin origin = Origin::kClient;
  friend bool operator==(const DeleteTopic&, const DeleteTopic&) = default;
};
struct AlterTopic {
  std::string name;
  Configs set;
  std::vector<std::string> remove;  // back to the default
  int32_t partitions = -1;          // -1: unchanged
  Origin origin = Origin::kClient;
  bool must_grow = false;               // `partitions` equal to what there is is an error too
  int32_t added_partitions = -1;        // >= 0: the caller's count of new partitions, checked
  Configs append, subtract;             // of configs that are lists: adds and takes away their comma-separated items
  bool replace_all = false;             // configs that are not in `set` go back to the default
  std::vector<NodeList> assignments{};  // the replicas of each new partition; empty: the placement chooses
  friend bool operator==(const AlterTopic&, const AlterTopic&) = default;
};
struct SubmitJob {
  std::string name;
  std::string sql;
  int64_t now_ms = 0;
  friend bool operator==(const SubmitJob&, const SubmitJob&) = default;
};

// Other SQL for a job that is there. `revision`: of the SQL that the asker knows; the job may have been upgraded since.
struct UpgradeJob {
  std::string name;
  std::string sql;
  int64_t revision = 0;
  std::vector<std::string> dropped{};  // names of the operators whose state goes
  friend bool operator==(const UpgradeJob&, const UpgradeJob&) = default;
};

// Where brokers are registered, the topic's partitions get replicas; before that (one node that knows of none) they
// have none, and AdoptPartitions gives them some later.
absl::StatusOr<Records> Decide(const Image& image, const CreateTopic& command, const Policy& policy, Random& random);
absl::StatusOr<Records> Decide(const Image& image, const CreateTopic& command, const Limits& limits, Random& random);
absl::StatusOr<Records> Decide(const Image& image, const DeleteTopic& command);
absl::StatusOr<Records> Decide(const Image& image, const AlterTopic& command, const Policy& policy, Random& random);
// `defaults`: the broker's own, to which lists are appended where the topic says nothing.
absl::StatusOr<Records> Decide(const Image& image, const AlterTopic& command, const Limits& limits,
                               const Configs& defaults = {});
absl::StatusOr<Records> Decide(const Image& image, const SubmitJob& command, const Limits& limits);
// Raises the feature level if every broker knows it; else the error names one that does not.
absl::StatusOr<Records> Decide(const Image& image, const UpgradeJob& command, const Limits& limits);
absl::StatusOr<Records> SetJobState(const Image& image, std::string_view job, DesiredState desired);
absl::StatusOr<Records> DeleteJob(const Image& image, std::string_view job);

// Takes the next `count` producer ids: those from image.producer_ids_end() on.
Records ReserveProducerIds(const Image& image, int64_t count);

// The first records of a cluster, which begins at this program's feature level; empty if the image has them. From one
// of before there were brokers to kClusterFeatureLevel; later levels are raised by what first needs them.
Records FormatCluster(const Image& image, const std::string& cluster_id);
model::TopicId NewTopicId(const Image& image, Random& random);  // not taken in the image
absl::Status CheckJobName(std::string_view name);

}  // namespace leat::meta
