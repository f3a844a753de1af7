#include "tests/sim/jobs.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"
#include "stream/run/changelog.h"
#include "tests/sim/batches.h"

namespace leat::nodes {
namespace {

std::string ScriptOf(const JobShape& shape, const Plan& plan) {
  return StrCat("SET 'execution.checkpointing.interval' = '", absl::ToInt64Milliseconds(plan.job_interval), " ms';\n",
                shape.sql);
}

bool IsRunning(const std::optional<broker::JobDescription>& job) {
  return job && job->state == broker::JobState::kRunning;
}

}  // namespace

std::vector<const JobShape*> ShapesOf(const Plan& plan) {
  Random random = plan.Chance(6002);
  const std::vector<JobShape>& shapes = JobShapes();
  const size_t first = random.Below(shapes.size());
  const size_t second = first + 1 + random.Below(shapes.size() - 1);
  return {&shapes[first], &shapes[second % shapes.size()]};
}

Jobs::Jobs(Stage& stage) : stage_(stage), random_(stage.plan.Chance(6000)) {
  std::set<std::string> topics;
  for (const JobShape* shape : ShapesOf(stage.plan)) {
    jobs_.push_back({.shape = shape});
    topics.insert(shape->inputs.begin(), shape->inputs.end());
  }
  topics.erase(kData);
  for (const std::string& topic : topics) topics_.emplace_back(topic, topic == kStragglers ? 1 : stage.plan.partitions);
  feeder_ = std::make_unique<JobFeeder>(stage, topics_);
}

Jobs::~Jobs() { stage_.world.DropEvents(this); }

std::string Jobs::Describe() const {
  std::string out = "jobs";
  for (const Job& job : jobs_) StrAppend(&out, " ", job.shape->name);
  return out;
}

// ---- the work

void Jobs::CreateNext(size_t topic) {
  if (topic == topics_.size()) {
    if (!topics_.empty()) feeder_->Start();
    for (size_t job = 0; job < jobs_.size(); ++job) Submit(job);
    return Operate();
  }
  using Results = std::vector<broker::TopicResult>;
  stage_.link.Call<Results>(
      stage_.cluster.AnyServing(random_), absl::Seconds(5),
      [name = topics_[topic]](broker::BrokerImpl& broker, broker::Callback<Results> done) {
        broker.CreateTopics({{name.first, name.second, {}}}, std::move(done));
      },
      [this, topic](const std::optional<Results>& reply) {
        const bool there =
            reply && (reply->at(0).outcome.ok() || reply->at(0).outcome.code == model::ErrorCode::kTopicAlreadyExists);
        if (there) return CreateNext(topic + 1);
        stage_.Later(this, absl::Milliseconds(random_.Between(20, 400)), [this, topic] { CreateNext(topic); });
      });
}

void Jobs::Submit(size_t job) {
  const JobShape& shape = *jobs_[job].shape;
  using Reply = absl::StatusOr<broker::JobDescription>;
  stage_.link.Call<Reply>(
      stage_.cluster.AnyServing(random_), absl::Seconds(10),
      [name = shape.name, sql = ScriptOf(shape, stage_.plan)](broker::BrokerImpl& broker,
                                                              broker::Callback<Reply> done) {
        broker.SubmitJob({.name = name, .sql = sql}, std::move(done));
      },
      [this, job, &shape](const std::optional<Reply>& reply) {
        if (reply) stage_.trace(StrCat("submitted ", shape.name, ": ", reply->ok() ? "ok" : Message(reply->status())));
        if (reply && absl::IsInvalidArgument(reply->status())) {
          return stage_.history.Fail(StrCat("job ", shape.name, " was refused: ", Message(reply->status())));
        }
        if (reply && (reply->ok() || absl::IsAlreadyExists(reply->status()))) {
          jobs_[job].submitted = true;
          return Look(job);
        }
        stage_.Later(this, absl::Milliseconds(random_.Between(50, 500)), [this, job] { Submit(job); });
      });
}

void Jobs::Look(size_t job) {
  using Reply = absl::StatusOr<broker::JobDescription>;
  stage_.link.Call<Reply>(
      stage_.cluster.AnyServing(random_), absl::Seconds(3),
      [name = jobs_[job].shape->name](broker::BrokerImpl& broker, broker::Callback<Reply> done) {
        broker.DescribeJob(name, std::move(done));
      },
      [this, job](const std::optional<Reply>& reply) {
        Take(job, reply);
        stage_.Later(this, absl::Milliseconds(random_.Between(100, 500)), [this, job] { Look(job); });
      });
}

void Jobs::Take(size_t at, const std::optional<absl::StatusOr<broker::JobDescription>>& reply) {
  Job& job = jobs_[at];
  if (!reply || !reply->ok()) return;
  const broker::JobDescription& now = **reply;
  if (!job.last || job.last->state != now.state || job.last->error != now.error) {
    stage_.trace(StrCat("job ", now.name, " is ", broker::JobStateName(now.state), " on node ", now.node, " with ",
                        now.checkpoints, " checkpoints ", now.error));
  }
  if (now.state == broker::JobState::kFailed) {
    stage_.history.Fail(StrCat("job ", now.name, " has given up: ", now.error));
  }
  if (now.rows_dead > 0) stage_.history.Fail(StrCat("job ", now.name, " could not read ", now.rows_dead, " rows"));
  job.last = now;
}

// An operator stops and starts jobs; in the end all run.
void Jobs::Operate() {
  stage_.Later(this, absl::Milliseconds(random_.Between(500, 3000)), [this] {
    if (steady_) return;
    const size_t job = random_.Below(jobs_.size());
    if (jobs_[job].submitted && (!jobs_[job].wanted || random_.OneIn(3))) {
      jobs_[job].wanted = !jobs_[job].wanted;
      Ask(job);
    }
    Operate();
  });
}

void Jobs::Ask(size_t at) {
  const std::string name = jobs_[at].shape->name;
  const bool run = jobs_[at].wanted;
  stage_.trace(StrCat(run ? "start job " : "stop job ", name));
  stage_.link.Call<absl::Status>(
      stage_.cluster.AnyServing(random_), absl::Seconds(20),
      [name, run](broker::BrokerImpl& broker, broker::Callback<absl::Status> done) {
        if (run) return broker.StartJob(name, std::move(done));
        broker.StopJob(name, std::move(done));
      },
      [this, at, name, run](const std::optional<absl::Status>& reply) {
        stage_.trace(StrCat(run ? "started job " : "stopped job ", name, ": ",
                            !reply        ? "no answer"
                            : reply->ok() ? "ok"
                                          : Message(*reply)));
        // A stop that was under way when the start was asked for may be the later of the two.
        if (!run && jobs_[at].wanted) return Ask(at);
        if (reply && reply->ok()) return;
        if (run) stage_.Later(this, absl::Milliseconds(random_.Between(50, 500)), [this, at] { Ask(at); });
      });
}

void Jobs::Mark() {
  steady_ = true;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    jobs_[i].marked = jobs_[i].last ? jobs_[i].last->checkpoints : 0;
    if (std::exchange(jobs_[i].wanted, true)) continue;
    Ask(i);
  }
}

std::string Jobs::WhyNotWorking() const {
  for (const Job& job : jobs_) {
    if (job.last && job.last->checkpoints > job.marked && IsRunning(job.last)) continue;
    if (!job.submitted) return StrCat("job ", job.shape->name, " could not be submitted");
    return StrCat("job ", job.shape->name, " commits nothing", !job.last ? ", and nothing is heard of it" : "",
                  job.last ? StrCat(": ", broker::JobStateName(job.last->state), " on node ", job.last->node, " ",
                                    job.last->error)
                           : "");
  }
  return "";
}

bool Jobs::settled() const {
  if (!topics_.empty() && !feeder_->done()) return false;
  for (const Job& job : jobs_) {
    if (!IsRunning(job.last) || !job.wanted || job.last->inputs.empty()) return false;
    for (const broker::PartitionProgress& input : job.last->inputs) {
      const meta::ImagePtr image = stage_.cluster.NewestImage();
      const meta::TopicPtr topic = image->FindTopic(input.partition.topic);
      const int leader = topic == nullptr ? 0 : image->LeaderOf({topic->id, input.partition.partition}).value();
      log::PartitionLog* log = leader < 1 ? nullptr : stage_.cluster.CopyOf(leader, input.partition);
      if (log == nullptr || input.offset < log->log_end()) return false;
    }
  }
  return true;
}

// ---- the check

absl::StatusOr<JobPartition> Jobs::ReadPartition(const model::TopicPartition& name, int leader) {
  JobPartition records;
  std::set<std::pair<model::ProducerId, int16_t>> begun;
  for (int64_t at = 0, before = -1; at != before;) {
    before = at;
    broker::FetchRequest request;
    request.max_wait = absl::ZeroDuration();
    request.isolation = model::Isolation::kReadCommitted;
    request.partitions.push_back({.partition = name, .offset = model::Offset(at)});
    std::optional<broker::FetchReply> reply;
    stage_.cluster.node(leader).broker->Fetch(std::move(request),
                                              [&](broker::FetchReply answer) { reply = std::move(answer); });
    stage_.world.RunUntil([&] { return reply.has_value(); }, absl::Seconds(30));
    if (!reply) return Unavailable("no answer");
    const broker::FetchPartitionResult& result = reply->partitions[0];
    if (!result.outcome.ok()) return Unavailable(result.outcome.message);
    Walked walked = Walk(result.batches, at, result.aborted);
    if (!walked.failure.empty()) return DataLoss(walked.failure);
    at = walked.next;
    for (const Walked::Stamp& stamp : walked.stamps) {
      if (!begun.emplace(stamp.producer, stamp.epoch).second || stamp.sequence == 0) continue;
      return DataLoss("producer ", stamp.producer, " begins its epoch ", stamp.epoch, " with the sequence number ",
                      stamp.sequence);
    }
    for (JobRecord& record : walked.keyed) records.push_back(std::move(record));
  }
  return records;
}

absl::StatusOr<std::vector<JobPartition>> Jobs::ReadTopic(const std::string& name) {
  const meta::ImagePtr image = stage_.cluster.NewestImage();
  const meta::TopicPtr topic = image->FindTopic(name);
  if (topic == nullptr) return NotFound("topic ", name, " is not there");
  std::vector<JobPartition> partitions;
  for (int32_t p = 0; p < topic->partitions; ++p) {
    const model::TopicPartition partition = PartitionOf(name, p);
    const int leader = image->LeaderOf({topic->id, partition.partition}).value();
    absl::StatusOr<JobPartition> records = ReadPartition(partition, leader);
    if (!records.ok()) return Annotate(records.status(), StrCat("reading ", partition.ToString()));
    partitions.push_back(*std::move(records));
  }
  return partitions;
}

std::string Jobs::CheckOutputs(const JobShape& shape) {
  JobTopics inputs;
  for (const std::string& name : shape.inputs) {
    absl::StatusOr<std::vector<JobPartition>> topic = ReadTopic(name);
    if (!topic.ok()) return std::string(Message(topic.status()));
    inputs[name] = *std::move(topic);
  }
  JobOutputs expected = shape.recompute(inputs);
  for (const auto* names : {&shape.appended, &shape.upserted, &shape.counted}) {
    for (const std::string& name : *names) {
      const absl::StatusOr<std::vector<JobPartition>> topic = ReadTopic(name);
      if (!topic.ok()) return std::string(Message(topic.status()));
      std::string wrong;
      if (names == &shape.upserted) {
        wrong = Difference(name, expected.upserted[name], UpsertedOf(*topic));
      } else {
        Bag found = BagOf(*topic);
        if (names == &shape.counted) {
          Bag count;
          for (const auto& [value, n] : found) count[""] += n;
          found = std::move(count);
        }
        wrong = Difference(name, expected.appended[name], found);
      }
      if (!wrong.empty()) return StrCat("job ", shape.name, ": ", wrong);
    }
  }
  return "";
}

// Each committed epoch counts its checkpoint on from the one before, whichever node and life wrote it: another owner's
// epoch between them would be seen. Positions and watermarks do not go back.
std::string Jobs::CheckChangelog(const JobShape& shape) {
  const model::TopicPartition name = PartitionOf(run::ChangelogTopic(shape.name), 0);
  const meta::ImagePtr image = stage_.cluster.NewestImage();
  const meta::TopicPtr topic = image->FindTopic(name.topic);
  if (topic == nullptr) return StrCat("job ", shape.name, " has no changelog");
  log::PartitionLog* log = stage_.cluster.CopyOf(image->LeaderOf({topic->id, name.partition}).value(), name);
  if (log == nullptr) return StrCat("nobody has ", name.ToString());
  std::map<std::pair<int, model::TopicPartition>, run::SourcePosition> positions;
  uint64_t checkpoints = 0;
  const auto apply = [&](run::ChangelogReplay::Epoch& epoch) -> absl::Status {
    for (const state::Change& change : epoch.changes) {
      if (change.key < run::PositionKeysBegin() || change.key >= run::PositionKeysEnd() || !change.value) continue;
      LEAT_ASSIGN_OR_RETURN(const run::SourcePosition position, run::DecodePosition(change.key, *change.value));
      if (position.node_id == run::kTotalsNode) {
        LEAT_ASSIGN_OR_RETURN(const run::Totals totals, run::DecodeTotals(*change.value));
        if (totals.checkpoints != checkpoints + 1) {
          return DataLoss("checkpoint ", totals.checkpoints, " is committed behind ", checkpoints);
        }
        checkpoints = totals.checkpoints;
      } else if (position.node_id >= 0) {
        const auto [at, fresh] = positions.emplace(std::pair(position.node_id, position.partition), position);
        if (position.next < at->second.next || position.watermark_ms < at->second.watermark_ms) {
          return DataLoss(position.partition.ToString(), " goes back from ", at->second.next, " with watermark ",
                          at->second.watermark_ms, " to ", position.next, " with ", position.watermark_ms);
        }
        at->second = position;
      }
    }
    return absl::OkStatus();
  };
  run::ChangelogReplay replay;
  for (model::Offset at = log->log_start(); at < log->high_watermark(); at = replay.next_offset()) {
    const absl::StatusOr<log::ReadResult> read = log->ReadReplicated(at, size_t{1} << 20);
    absl::Status status = read.status();
    if (read.ok()) {
      const std::string bytes(std::string_view(read->batches));
      status = replay.Feed(bytes, at, apply);
    }
    if (status.ok() && replay.next_offset() <= at) status = DataLoss("nothing is there at ", at.value());
    if (!status.ok()) return StrCat("the changelog of job ", shape.name, ": ", Message(status));
  }
  return checkpoints > 0 ? "" : StrCat("job ", shape.name, " has committed nothing");
}

std::string Jobs::Check() {
  for (const Job& job : jobs_) {
    if (std::string wrong = CheckOutputs(*job.shape); !wrong.empty()) return wrong;
    if (std::string wrong = CheckChangelog(*job.shape); !wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace leat::nodes
