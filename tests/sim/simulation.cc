#include "tests/sim/simulation.h"

#include <cstdio>
#include <utility>

#include "base/crc32c.h"
#include "base/strings.h"
#include "tests/sim/batches.h"
#include "tests/sim/consumer_group.h"
#include "tests/sim/producer.h"
#include "tests/sim/transactor.h"

namespace leat::nodes {
namespace {

constexpr Duration kLook = absl::Milliseconds(20);
constexpr Duration kHealing = absl::Seconds(90);
constexpr Duration kWorking = absl::Seconds(60);

// What a log holds from its start to its high watermark; `failure` if it cannot be read.
Walked ReadLog(log::PartitionLog& log) {
  std::string bytes;
  model::Offset at = log.log_start();
  Walked walked;
  while (at < log.high_watermark()) {
    const absl::StatusOr<log::ReadResult> read = log.ReadReplicated(at, size_t{1} << 20);
    if (!read.ok() || read->batches.empty()) {
      walked.failure = StrCat("cannot be read at ", at, ": ", Message(read.status()));
      return walked;
    }
    std::string_view rest = read->batches;
    while (!rest.empty()) {
      const absl::StatusOr<std::string_view> batch = model::TakeBatch(&rest);
      if (!batch.ok()) break;
      at = model::ParseBatchHeader(*batch)->next_offset();
    }
    bytes += std::string_view(read->batches);
  }
  return Walk(bytes, log.log_start().value(), {});
}

}  // namespace

Simulation::Simulation(uint64_t seed, const std::set<Family>& without, Tracing tracing)
    : plan_(MakePlan(seed, without)),
      tracing_(tracing),
      world_(seed),
      cluster_(world_, plan_, [this](const std::string& what) { Trace(what); }),
      copies_(cluster_, history_),
      link_(world_, cluster_, plan_.Chance(4)),
      stage_{world_, plan_, cluster_, link_, history_, [this](const std::string& what) { Trace(what); }},
      faults_(stage_) {
  cluster_.network().Trace([this](const sim::NetworkEvent& event) {
    const bool asks = event.service == env::Service::kController && event.kind == sim::NetworkEvent::Kind::kRequest;
    if (asks && event.what == sim::NetworkEvent::What::kSent) faults_.NoteAsking(event.from, event.to);
    Hash(static_cast<uint64_t>(event.at.nanos()));
    Hash(static_cast<uint64_t>(event.what) << 16 | static_cast<uint64_t>(event.kind) << 8 |
         static_cast<uint64_t>(event.service));
    Hash(static_cast<uint64_t>(event.from) << 32 | static_cast<uint64_t>(event.to));
    Hash(event.bytes.size());
    // A job writes the rows of one window in the order of a hash table, which is that of addresses, not the seed's.
    // What arrives was sent.
    if (event.what == sim::NetworkEvent::What::kSent && !plan_.has(Family::kJobs)) Hash(Crc32c(event.bytes));
  });
}

Simulation::~Simulation() {
  actors_.clear();
  readers_.clear();
}

void Simulation::Hash(uint64_t number) {
  hash_ = (hash_ ^ number) * 0x100000001b3ULL;
  hash_ ^= hash_ >> 29;
}

void Simulation::Trace(const std::string& what) {
  Hash(static_cast<uint64_t>(world_.Now().nanos()));
  Hash(Crc32c(what));
  if (tracing_ == Tracing::kPrint) {
    std::fprintf(stderr, "%10.6f %s\n", static_cast<double>(world_.Now().nanos()) / 1e9, what.c_str());
  }
}

bool Simulation::RunUntil(const std::function<bool()>& condition, Duration limit) {
  const Instant end = world_.Now() + limit;
  while (!failed()) {
    if (condition()) return true;
    if (world_.Now() >= end) return false;
    const Instant look = world_.Now() + kLook;
    world_.RunUntil(
        [this] {
          copies_.AfterEvent();
          return failed();
        },
        kLook);
    if (failed()) return false;
    world_.RunFor(look - world_.Now());
    copies_.Look();
    cluster_.Supervise(&history_);
    faults_.NoteInSync();
    if (world_.Now() >= check_at_) {
      check_at_ = world_.Now() + 3 * kLook;
      cluster_.CheckInvariants(&history_);
    }
  }
  return false;
}

void Simulation::RunFor(Duration span) {
  RunUntil([] { return false; }, span);
}

void Simulation::CreateTopic(const std::string& name, const broker::Configs& configs) {
  Random random = plan_.Chance(5);
  bool there = false;
  for (int i = 0; i < 50 && !there && !failed(); ++i) {
    bool answered = false;
    link_.Call<std::vector<broker::TopicResult>>(
        cluster_.AnyServing(random), absl::Seconds(5),
        [name, configs, partitions = plan_.partitions](broker::BrokerImpl& broker,
                                                       broker::Callback<std::vector<broker::TopicResult>> done) {
          broker.CreateTopics({{name, partitions, configs}}, std::move(done));
        },
        [&](const std::optional<std::vector<broker::TopicResult>>& reply) {
          answered = true;
          if (!reply) return;
          const model::ErrorCode code = reply->at(0).outcome.code;
          there = code == model::ErrorCode::kNone || code == model::ErrorCode::kTopicAlreadyExists;
          if (!there) Trace(StrCat("no topic ", name, ": ", reply->at(0).outcome.message));
        });
    RunUntil([&] { return answered; }, absl::Seconds(10));
    if (!there) RunFor(absl::Milliseconds(100));
  }
  if (!there) history_.Fail(StrCat("topic ", name, " could not be made"));
}

// A cluster that serves, before anything goes wrong.
bool Simulation::Begin() {
  for (int id = 1; id <= cluster_.size(); ++id) cluster_.Start(id);
  const auto serves = [&] {
    for (int id = 1; id <= cluster_.size(); ++id) {
      if (!cluster_.node(id).serves()) return false;
    }
    return true;
  };
  if (!RunUntil(serves, absl::Seconds(60))) history_.Fail("the cluster did not start");
  if (failed()) return false;
  topics_.push_back("data");
  CreateTopic("data", {});
  if (plan_.has(Family::kPageCache)) {
    topics_.push_back("paged");
    CreateTopic("paged", {{"leat.durability", "page-cache"}});
  }
  return !failed();
}

void Simulation::Populate() {
  std::vector<model::TopicPartition> partitions;
  for (const std::string& topic : topics_) {
    for (int p = 0; p < plan_.partitions; ++p) partitions.push_back(PartitionOf(topic, p));
  }
  int64_t number = 0;
  for (int i = 0; i < plan_.producers; ++i) {
    actors_.push_back(std::make_unique<Producer>(stage_, ++number, Producer::Kind::kIdempotent, partitions));
  }
  if (plan_.has(Family::kLeaderAcks)) {
    actors_.push_back(std::make_unique<Producer>(stage_, ++number, Producer::Kind::kLeaderAcks, partitions));
  }
  if (plan_.has(Family::kTransactions)) {
    for (int i = 1; i <= 2; ++i) {
      actors_.push_back(std::make_unique<Transactor>(
          stage_, i, std::vector(partitions.begin(), partitions.begin() + plan_.partitions)));
    }
  }
  if (plan_.has(Family::kTopicChurn)) {
    for (int i = 1; i <= 2; ++i) actors_.push_back(std::make_unique<TopicChurn>(stage_, i, topic_histories_));
  }
  if (plan_.has(Family::kGroups)) actors_.push_back(std::make_unique<ConsumerGroup>(stage_, "readers", 3));
  if (plan_.has(Family::kJobs)) {
    auto jobs = std::make_unique<Jobs>(stage_);
    jobs_ = jobs.get();
    Trace(jobs_->Describe());
    actors_.push_back(std::move(jobs));
  }
  int reader = 0;
  for (const model::TopicPartition& partition : partitions) {
    readers_.push_back(std::make_unique<Reader>(stage_, ++reader, model::Isolation::kReadUncommitted, partition));
    readers_.push_back(std::make_unique<Reader>(stage_, ++reader, model::Isolation::kReadCommitted, partition));
  }
  stage_.partitions = partitions;
  for (const model::TopicPartition& partition : partitions) copies_.Watch(partition);
  copies_.OnMoment([this](const ReplicaChecks::Moment& moment) { faults_.Aim(moment); });
  for (const auto& actor : actors_) actor->Start();
  for (const auto& each : readers_) each->Start();
}

// After healing everything works again within a bounded time, everybody ends what was begun, and all copies are level.
void Simulation::Settle() {
  faults_.Heal();
  for (const auto& actor : actors_) actor->Mark();
  std::string why;
  const auto works = [&] {
    for (const auto& actor : actors_) {
      why = actor->WhyNotWorking();
      if (!why.empty()) return false;
    }
    return true;
  };
  if (!RunUntil(works, kWorking)) {
    return history_.Fail(StrCat("a minute after healing: ", why, "; the cluster: ", cluster_.WhyNotLevel()));
  }
  stage_.working = false;
  const auto settled = [&] {
    for (const auto& actor : actors_) {
      if (!actor->settled()) return false;
    }
    return true;
  };
  if (!RunUntil(settled, kWorking)) return history_.Fail("after healing, some work has no end");
  if (!RunUntil([&] { return (why = cluster_.WhyNotLevel()).empty(); }, kHealing)) {
    return history_.Fail(StrCat("long after healing: ", why));
  }
}

// All copies hold the same, and it is what clients were told.
void Simulation::CheckCopies(const model::TopicPartition& name, const meta::Partition& partition) {
  std::map<int64_t, std::pair<int, std::string>> known;
  for (const model::NodeId replica : partition.replicas) {
    log::PartitionLog* log = cluster_.CopyOf(replica.value(), name);
    if (log == nullptr) return history_.Fail(StrCat("node ", replica, " has no copy of ", name.ToString()));
    const Walked walked = ReadLog(*log);
    if (!walked.failure.empty()) {
      return history_.Fail(StrCat("node ", replica, "'s copy of ", name.ToString(), ": ", walked.failure));
    }
    const bool first = replica == partition.replicas.front();
    for (const auto& [offset, value] : walked.all) {
      const auto [at, fresh] = known.emplace(offset, std::pair(replica.value(), value));
      if (fresh != first || at->second.second != value) {
        return history_.Fail(StrCat(name.ToString(), " at ", offset, ": node ", replica, " has ", value, ", node ",
                                    at->second.first, " has ", fresh ? "nothing" : at->second.second));
      }
    }
    if (walked.all.size() != known.size()) {
      return history_.Fail(
          StrCat(name.ToString(), ": node ", replica, " has ", walked.all.size(), " records, another ", known.size()));
    }
  }
}

void Simulation::CheckLogs() {
  const meta::ImagePtr image = cluster_.NewestImage();
  for (const std::string& topic : topics_) {
    const meta::TopicPtr found = image->FindTopic(topic);
    if (found == nullptr) return history_.Fail(StrCat("topic ", topic, " is gone"));
    for (int32_t p = 0; p < found->partitions; ++p) {
      const model::TopicPartition name = PartitionOf(topic, p);
      const meta::Partition* partition = image->FindPartition({found->id, name.partition});
      if (partition == nullptr) return history_.Fail(StrCat(name.ToString(), " is gone"));
      CheckCopies(name, *partition);
      if (failed()) return;
      // Read once more as a consumer does, for the records of aborted transactions.
      std::vector<History::Record> all, committed;
      for (int64_t at = 0, before = -1; at != before;) {
        before = at;
        broker::FetchRequest request;
        request.max_wait = absl::ZeroDuration();
        request.isolation = model::Isolation::kReadCommitted;
        request.partitions.push_back({.partition = name, .offset = model::Offset(at)});
        std::optional<broker::FetchReply> reply;
        cluster_.node(partition->leader.value()).broker->Fetch(std::move(request), [&](broker::FetchReply answer) {
          reply = std::move(answer);
        });
        world_.RunUntil([&] { return reply.has_value(); }, absl::Seconds(30));
        if (!reply || !reply->partitions[0].outcome.ok()) {
          return history_.Fail(StrCat(name.ToString(), " cannot be read at ", at, ": ",
                                      reply ? reply->partitions[0].outcome.message : "no answer"));
        }
        Walked walked = Walk(reply->partitions[0].batches, at, reply->partitions[0].aborted);
        if (!walked.failure.empty()) return history_.Fail(StrCat(name.ToString(), ": ", walked.failure));
        at = walked.next;
        std::move(walked.all.begin(), walked.all.end(), std::back_inserter(all));
        std::move(walked.committed.begin(), walked.committed.end(), std::back_inserter(committed));
      }
      history_.CheckLog(name, all, committed);
    }
  }
  history_.CheckTransactions();
  if (std::string wrong = CheckTopics(topic_histories_); !wrong.empty()) history_.Fail(wrong);
  if (jobs_ == nullptr || failed()) return;
  if (std::string wrong = jobs_->Check(); !wrong.empty()) history_.Fail(wrong);
}

Result Simulation::Run() {
  if (tracing_ == Tracing::kPrint) std::fprintf(stderr, "%s\n", Describe(plan_).c_str());
  if (Begin()) {
    Populate();
    faults_.Start();
    RunFor(plan_.chaos);
    if (!failed()) Settle();
    if (!failed()) CheckLogs();
  }
  Result result;
  result.failure = history_.failure();
  if (!result.failure.empty()) {
    result.failure = StrCat(static_cast<double>(world_.Now().nanos()) / 1e9, " s: ", result.failure);
  }
  Hash(history_.acknowledged());
  result.trace_hash = hash_;
  result.virtual_seconds = static_cast<double>(world_.Now().nanos()) / 1e9 - 1;
  result.acknowledged = history_.acknowledged();
  result.seen = history_.seen();
  result.faults = faults_.count();
  result.transactions = history_.committed_transactions();
  return result;
}

}  // namespace leat::nodes
