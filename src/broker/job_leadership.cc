#include "broker/job_leadership.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <utility>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/broker_log_port.h"
#include "broker/outcomes.h"
#include "env/disk.h"
#include "stream/run/changelog.h"

namespace leat::broker {
namespace {

constexpr int kFileVersion = 1;
constexpr Duration kCommitTimeout = absl::Seconds(10);  // of a checkpoint, for the other copies

struct Noted {
  model::TopicId topic;
  model::LeaderEpoch epoch;
};

// One line: version, topic id in two numbers, epoch.
std::string Encode(const LeadershipFence& fence) {
  return StrCat(kFileVersion, " ", fence.topic.high, " ", fence.topic.low, " ", fence.epoch.value(), "\n");
}

// A file that cannot be read is as good as none.
std::optional<Noted> Decode(const std::string& text) {
  const std::vector<std::string> words = absl::StrSplit(text, absl::ByAnyChar(" \n"));
  Noted noted;
  int32_t epoch = -1;
  const bool good = words.size() == 5 && words[0] == StrCat(kFileVersion) && words[4].empty() &&
                    absl::SimpleAtoi(words[1], &noted.topic.high) && absl::SimpleAtoi(words[2], &noted.topic.low) &&
                    absl::SimpleAtoi(words[3], &epoch);
  noted.epoch = model::LeaderEpoch(epoch);
  return good ? std::optional<Noted>(noted) : std::nullopt;
}

const meta::Partition* StateOf(const meta::Image& image, const meta::Topic& topic) {
  return image.FindPartition({topic.id, model::PartitionId(0)});
}

// The leader's log knows which epochs it has.
void CompareWithLog(BrokerImpl& broker, const std::string& job, const Noted& noted,
                    Callback<absl::StatusOr<StateOnDisk>> done) {
  std::vector<ListOffsetsPartition> wanted;
  wanted.push_back(
      {.partition = ChangelogOf(job), .spec = ListOffsetsPartition::Spec::kEndOfEpoch, .epoch = noted.epoch});
  broker.ListOffsets(std::move(wanted),
                     [epoch = noted.epoch, done = std::move(done)](std::vector<ListOffsetsResult> results) mutable {
                       const ListOffsetsResult& result = results.at(0);
                       if (!result.outcome.ok()) return done(ToStatus(result.outcome));
                       if (result.leader_epoch != epoch) return done(StateOnDisk{.drop = true});
                       done(StateOnDisk{.usable_until = result.offset.value()});
                     });
}

}  // namespace

model::TopicPartition ChangelogOf(const std::string& job) { return {run::ChangelogTopic(job), model::PartitionId(0)}; }

absl::StatusOr<model::NodeId> JobOwner(const meta::Image& image, const std::string& job, model::NodeId self) {
  const meta::TopicPtr topic = image.FindTopic(run::ChangelogTopic(job));
  if (topic == nullptr) return NotFound("the changelog of job '", job, "' is not there yet");
  if (LeadershipHere(image, job, self)) return self;
  const meta::Partition* state = StateOf(image, *topic);
  if (state == nullptr || state->leader == meta::kNobody) {
    return Unavailable("no node leads the changelog of job '", job, "' now, so that none runs it");
  }
  return state->leader;
}

std::optional<JobLeadership> LeadershipHere(const meta::Image& image, const std::string& job, model::NodeId self) {
  const meta::TopicPtr topic = image.FindTopic(run::ChangelogTopic(job));
  if (topic == nullptr) return std::nullopt;
  const meta::Partition* state = StateOf(image, *topic);
  // A copy without others belongs to its node also while the controller has fenced it or cannot be reached.
  const bool only = state == nullptr || (state->replicas.size() == 1 && state->replicas[0] == self);
  if (only) return JobLeadership{.fence = {topic->id}};
  if (state->leader != self) return std::nullopt;
  return JobLeadership{.fence = {topic->id, state->leader_epoch}, .replicated = true};
}

std::string LeadershipFile(const run::Options& options, const std::string& job) {
  // No job's name has a tilde.
  return env::JoinPath(options.state_dir, job + "~leadership");
}

void JudgeState(BrokerImpl& broker, const run::Options& options, const std::string& job, const JobLeadership& leads,
                Callback<absl::StatusOr<StateOnDisk>> done) {
  auto noted = std::make_shared<std::optional<Noted>>();
  auto there = std::make_shared<bool>(false);
  broker.home().RunBlocking(
      [&disk = broker.disk(), path = LeadershipFile(options, job), noted, there] {
        LEAT_ASSIGN_OR_RETURN(*there, disk.Exists(path));
        if (!*there) return absl::OkStatus();
        LEAT_ASSIGN_OR_RETURN(const std::string bytes, env::ReadWholeFile(disk, path));
        *noted = Decode(bytes);
        return absl::OkStatus();
      },
      [&broker, job, leads, noted, there, done = std::move(done)](const absl::Status& read) mutable {
        if (!read.ok()) return done(Annotate(read, "the leadership beside the state"));
        // Nobody else could have written to a log of which this node has the one copy.
        if (!leads.replicated && !*there) return done(StateOnDisk{});
        if (!*noted || (*noted)->topic != leads.fence.topic) return done(StateOnDisk{.drop = true});
        if (!leads.replicated) return done(StateOnDisk{});
        CompareWithLog(broker, job, **noted, std::move(done));
      });
}

namespace {

class FencedPort final : public run::LogPort {
 public:
  FencedPort(BrokerImpl& broker, run::LogPort& base, std::string file, const std::string& job,
             const JobLeadership& leads)
      : broker_(broker),
        base_(base),
        file_(std::move(file)),
        topic_(run::ChangelogTopic(job)),
        fence_(std::make_shared<const LeadershipFence>(leads.fence)) {}

  void Append(run::LogAppend append, run::Callback<absl::StatusOr<model::Offset>> done) override {
    if (append.partition.topic != topic_) return base_.Append(std::move(append), std::move(done));
    broker_.local_log().AppendFenced(
        std::move(append), fence_, kCommitTimeout,
        [note = Noter(), done = std::move(done)](absl::StatusOr<model::Offset> base) mutable {
          const bool written = base.ok();
          done(std::move(base));
          if (written) note();
        });
  }
  void OpenProducer(std::string transactional_id, Duration timeout,
                    run::Callback<absl::StatusOr<run::TransactionalProducer>> done) override {
    base_.OpenProducer(std::move(transactional_id), timeout, std::move(done));
  }
  void AddToTransaction(std::string transactional_id, run::TransactionalProducer producer,
                        std::vector<model::TopicPartition> partitions, run::Callback<absl::Status> done) override {
    base_.AddToTransaction(std::move(transactional_id), producer, std::move(partitions), std::move(done));
  }
  void EndTransaction(std::string transactional_id, run::TransactionalProducer producer, model::TransactionEnd end,
                      run::Callback<absl::StatusOr<run::TransactionalProducer>> done) override {
    base_.EndTransaction(std::move(transactional_id), producer, end, std::move(done));
  }

  void DescribeTopic(std::string topic,
                     run::Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done) override {
    base_.DescribeTopic(std::move(topic), std::move(done));
  }
  void OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                     run::Callback<absl::StatusOr<model::Offset>> done) override {
    base_.OffsetForTime(std::move(partition), timestamp_ms, std::move(done));
  }
  void EnsureTopic(std::string topic, int32_t partitions, std::vector<std::pair<std::string, std::string>> configs,
                   run::Callback<absl::Status> done) override {
    base_.EnsureTopic(std::move(topic), partitions, std::move(configs), std::move(done));
  }
  void Fetch(run::LogFetch fetch, run::Callback<absl::StatusOr<run::LogData>> done) override {
    base_.Fetch(std::move(fetch), std::move(done));
  }
  void DeleteTopic(std::string topic, run::Callback<absl::Status> done) override {
    base_.DeleteTopic(std::move(topic), std::move(done));
  }
  void CommitOffsets(std::string group, std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                     run::Callback<absl::Status> done) override {
    base_.CommitOffsets(std::move(group), std::move(offsets), std::move(done));
  }
  void CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                        run::Callback<absl::StatusOr<std::vector<model::Offset>>> done) override {
    base_.CommittedOffsets(std::move(group), std::move(partitions), std::move(done));
  }
  int64_t WallMillis() override { return base_.WallMillis(); }
  Instant Now() override { return base_.Now(); }

 private:
  // Does not need the port, which may be gone when the answer comes.
  std::function<void()> Noter() {
    return [&broker = broker_, file = file_, fence = fence_, noted = noted_] {
      broker.home().Post([&broker, file, fence, noted] {
        if (std::exchange(*noted, true)) return;
        broker.home().RunBlocking(
            [&disk = broker.disk(), file, bytes = Encode(*fence)] {
              LEAT_RETURN_IF_ERROR(disk.CreateDirectories(env::ParentPath(file)));
              return env::WriteFileAtomically(disk, file, bytes);
            },
            [file, noted](const absl::Status& written) {
              if (written.ok()) return;
              *noted = false;  // the next checkpoint tries again; until then the copy counts for less
              LogWarning("jobs", file, ": ", Message(written));
            });
      });
    };
  }

  BrokerImpl& broker_;
  run::LogPort& base_;
  const std::string file_;
  const std::string topic_;
  const std::shared_ptr<const LeadershipFence> fence_;
  const std::shared_ptr<bool> noted_ = std::make_shared<bool>(false);  // on shard 0
};

}  // namespace

std::unique_ptr<run::LogPort> MakeFencedPort(BrokerImpl& broker, run::LogPort& base, const run::Options& options,
                                             const std::string& job, const JobLeadership& leads) {
  return std::make_unique<FencedPort>(broker, base, LeadershipFile(options, job), job, leads);
}

}  // namespace leat::broker
