// Somebody who runs jobs on the cluster: two of the shapes, submitted through any node, stopped and started now and
// then while their input flows. In the end what they have written must be what a plain recomputation over the committed
// input gives, and their changelogs must be the work of one owner after the other (I15 to I17 of docs/reliability.md).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/job_feeder.h"
#include "tests/sim/stage.h"

namespace leat::nodes {

// Those of a seed.
std::vector<const JobShape*> ShapesOf(const Plan& plan);

class Jobs final : public Actor {
 public:
  explicit Jobs(Stage& stage);
  ~Jobs() override;
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  void Start() override { CreateNext(0); }
  // Nothing comes any more, and the jobs have committed everything that they can read.
  bool settled() const override;
  void Mark() override;
  // Every job has committed something.
  std::string WhyNotWorking() const override;
  std::string Describe() const;

  // Empty: all is as it must be. Runs the world for its reads. REQUIRES: settled, the cluster level.
  std::string Check();

 private:
  struct Job {
    const JobShape* shape;
    bool submitted = false;
    bool wanted = true;                          // to run
    std::optional<broker::JobDescription> last;  // that was heard of it
    uint64_t marked = 0;
  };
  bool steady_ = false;  // nothing goes wrong any more, and nobody stops jobs
  void CreateNext(size_t topic);
  void Submit(size_t job);
  void Look(size_t job);
  void Take(size_t job, const std::optional<absl::StatusOr<broker::JobDescription>>& reply);
  void Operate();
  void Ask(size_t job);

  absl::StatusOr<std::vector<JobPartition>> ReadTopic(const std::string& name);
  absl::StatusOr<JobPartition> ReadPartition(const model::TopicPartition& name, int leader);
  std::string CheckOutputs(const JobShape& shape);
  std::string CheckChangelog(const JobShape& shape);

  Stage& stage_;
  Random random_;
  std::vector<Job> jobs_;
  std::vector<std::pair<std::string, int>> topics_;  // made for them, with their partitions
  std::unique_ptr<JobFeeder> feeder_;
};

}  // namespace leat::nodes
