#include "broker/cluster_log_port.h"

#include <algorithm>
#include <cstdlib>

#include "broker/broker_impl.h"
#include "broker/coordinators.h"
#include "broker/log_config.h"
#include "model/record_batch.h"

namespace leat::broker {
namespace {

constexpr Duration kPatience = absl::Seconds(10);
constexpr Duration kAnswerTimeout = absl::Seconds(5);
// A long poll at another node is short enough that a leader that has gone silent is noticed.
constexpr Duration kFetchWait = absl::Seconds(5);
constexpr Duration kAppendTimeout = absl::Seconds(15);

Callback<absl::StatusOr<Nothing>> StatusOnly(run::Callback<absl::Status> done) {
  return [done = std::move(done)](const absl::StatusOr<Nothing>& answer) mutable { done(answer.status()); };
}
run::Callback<absl::Status> WithNothing(Callback<absl::StatusOr<Nothing>> done) {
  return [done = std::move(done)](const absl::Status& status) mutable {
    done(status.ok() ? absl::StatusOr<Nothing>(Nothing()) : status);
  };
}

bool IsNumbered(std::string_view batches) {
  const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(batches);
  return header.ok() && header->producer_id.value() >= 0;
}

}  // namespace

absl::StatusOr<model::NodeId> ClusterLogPort::LeaderOf(const model::TopicPartition& partition) const {
  const meta::Image& image = *broker_.image();
  const meta::TopicPtr topic = image.FindTopic(partition.topic);
  if (topic == nullptr || partition.partition.value() >= topic->partitions) {
    return NotFound(partition.ToString(), " does not exist");
  }
  const meta::Partition* state = image.FindPartition({topic->id, partition.partition});
  if (state == nullptr) return broker_.node_id();
  if (state->leader == meta::kNobody) return Unavailable(partition.ToString(), " has no leader now");
  return state->leader;
}

absl::StatusOr<model::NodeId> ClusterLogPort::CoordinatorFor(CoordinatorKind kind, const std::string& name) const {
  const model::NodeId node = CoordinatorOf(*broker_.image(), kind, name, broker_.node_id());
  if (node == meta::kNobody) return Unavailable("nobody coordinates '", name, "' now");
  return node;
}

// ---- calls that may be repeated

template <typename Message>
void ClusterLogPort::AskOne(const absl::StatusOr<model::NodeId>& node, const Message& message, Duration timeout,
                            const std::function<void(Message, Callback<absl::StatusOr<typename Message::Reply>>)>& here,
                            Callback<absl::StatusOr<typename Message::Reply>> done) {
  using Answer = absl::StatusOr<typename Message::Reply>;
  if (!node.ok()) return done(node.status());
  if (*node == broker_.node_id()) return here(message, std::move(done));
  peers_.Ask(*node, message, timeout, [node = *node, done = std::move(done)](Answer answer) mutable {
    // This node's image has it, the other's is older.
    if (absl::IsNotFound(answer.status())) answer = Unavailable("node ", node, ": ", leat::Message(answer.status()));
    done(std::move(answer));
  });
}

void ClusterLogPort::DescribeTopic(std::string topic,
                                   run::Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done) {
  retries_.Insist<std::vector<run::PartitionOffsets>>(
      kPatience, [this, topic = std::move(topic)](auto answer) { DescribeOnce(topic, std::move(answer)); },
      std::move(done));
}

// What each leader says of its partitions, put together.
void ClusterLogPort::DescribeOnce(const std::string& name,
                                  Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done) {
  const meta::TopicPtr topic = broker_.image()->FindTopic(name);
  if (topic == nullptr) return done(NotFound("topic '", name, "' does not exist"));
  struct Gather {
    std::vector<run::PartitionOffsets> partitions;
    absl::Status status;
    size_t waiting = 0;
    Callback<absl::StatusOr<std::vector<run::PartitionOffsets>>> done;
  };
  auto gather = std::make_shared<Gather>();
  std::map<model::NodeId, AskEnds> by_leader;
  for (int32_t i = 0; i < topic->partitions; ++i) {
    const model::TopicPartition partition{name, model::PartitionId(i)};
    const absl::StatusOr<model::NodeId> leader = LeaderOf(partition);
    if (!leader.ok()) return done(leader.status());
    by_leader[*leader].partitions.push_back(partition);
  }
  gather->partitions.resize(static_cast<size_t>(topic->partitions));
  size_t max_batch_bytes = run::PartitionOffsets{}.max_batch_bytes;
  for (const ConfigEntry& config : TopicConfigEntries(topic->configs, broker_.options().log_defaults)) {
    if (config.name == "max.message.bytes") max_batch_bytes = std::strtoull(config.value.c_str(), nullptr, 10);
  }
  gather->waiting = by_leader.size();
  gather->done = std::move(done);
  for (const auto& [leader, message] : by_leader) {
    AskOne<AskEnds>(
        leader, message, kAnswerTimeout,
        [this](AskEnds ask, auto answer) { local_.Ends(std::move(ask.partitions), std::move(answer)); },
        [this, gather, max_batch_bytes](absl::StatusOr<std::vector<run::PartitionOffsets>> ends) {
          broker_.home().Post([gather, max_batch_bytes, ends = std::move(ends)] {
            gather->status.Update(ends.status());
            if (ends.ok()) {
              for (run::PartitionOffsets end : *ends) {
                end.max_batch_bytes = max_batch_bytes;
                const auto index = static_cast<size_t>(end.partition.value());
                if (index < gather->partitions.size()) gather->partitions[index] = end;
              }
            }
            if (--gather->waiting > 0) return;
            if (!gather->status.ok()) return gather->done(gather->status);
            gather->done(std::move(gather->partitions));
          });
        });
  }
}

void ClusterLogPort::OffsetForTime(model::TopicPartition partition, int64_t timestamp_ms,
                                   run::Callback<absl::StatusOr<model::Offset>> done) {
  retries_.Insist<model::Offset>(
      kPatience,
      [this, message = AskOffsetForTime{std::move(partition), timestamp_ms}](auto answer) {
        AskOne<AskOffsetForTime>(
            LeaderOf(message.partition), message, kAnswerTimeout,
            [this](AskOffsetForTime ask, auto here) {
              local_.OffsetForTime(std::move(ask.partition), ask.timestamp_ms, std::move(here));
            },
            std::move(answer));
      },
      std::move(done));
}

void ClusterLogPort::EnsureTopic(std::string topic, int32_t partitions,
                                 std::vector<std::pair<std::string, std::string>> configs,
                                 run::Callback<absl::Status> done) {
  retries_.Insist<Nothing>(
      kPatience,
      [this, topic = std::move(topic), partitions, configs = std::move(configs)](auto answer) {
        if (broker_.image()->FindTopic(topic) != nullptr) return answer(Nothing());
        local_.EnsureTopic(topic, partitions, configs, WithNothing(std::move(answer)));
      },
      StatusOnly(std::move(done)));
}

void ClusterLogPort::DeleteTopic(std::string topic, run::Callback<absl::Status> done) {
  retries_.Insist<Nothing>(
      kPatience,
      [this, topic = std::move(topic)](auto answer) { local_.DeleteTopic(topic, WithNothing(std::move(answer))); },
      StatusOnly(std::move(done)));
}

void ClusterLogPort::Fetch(run::LogFetch fetch, run::Callback<absl::StatusOr<run::LogData>> done) {
  fetch.max_wait = std::min(fetch.max_wait, kFetchWait);
  retries_.Insist<run::LogData>(
      kPatience,
      [this, message = AskFetch{std::move(fetch)}](auto answer) {
        AskOne<AskFetch>(
            LeaderOf(message.fetch.partition), message, message.fetch.max_wait + kAnswerTimeout,
            [this](AskFetch ask, auto here) { local_.Fetch(std::move(ask.fetch), std::move(here)); },
            std::move(answer));
      },
      std::move(done));
}

void ClusterLogPort::CommitOffsets(std::string group,
                                   std::vector<std::pair<model::TopicPartition, model::Offset>> offsets,
                                   run::Callback<absl::Status> done) {
  retries_.Insist<Nothing>(
      kPatience,
      [this, message = AskCommit{std::move(group), std::move(offsets)}](auto answer) {
        AskOne<AskCommit>(
            CoordinatorFor(CoordinatorKind::kGroup, message.group), message, kAnswerTimeout,
            [this](AskCommit ask, auto here) {
              local_.CommitOffsets(std::move(ask.group), std::move(ask.offsets), WithNothing(std::move(here)));
            },
            std::move(answer));
      },
      StatusOnly(std::move(done)));
}

void ClusterLogPort::CommittedOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                                      run::Callback<absl::StatusOr<std::vector<model::Offset>>> done) {
  if (partitions.empty()) return done(std::vector<model::Offset>());
  retries_.Insist<std::vector<model::Offset>>(
      kPatience,
      [this, message = AskCommitted{std::move(group), std::move(partitions)}](auto answer) {
        AskOne<AskCommitted>(
            CoordinatorFor(CoordinatorKind::kGroup, message.group), message, kAnswerTimeout,
            [this](AskCommitted ask, auto here) {
              local_.CommittedOffsets(std::move(ask.group), std::move(ask.partitions), std::move(here));
            },
            std::move(answer));
      },
      std::move(done));
}

// ---- transactions

void ClusterLogPort::OpenProducer(std::string transactional_id, Duration timeout,
                                  run::Callback<absl::StatusOr<run::TransactionalProducer>> done) {
  retries_.Insist<run::TransactionalProducer>(
      kPatience,
      [this, message = AskOpenProducer{std::move(transactional_id), timeout}](auto answer) {
        AskOne<AskOpenProducer>(
            CoordinatorFor(CoordinatorKind::kTransaction, message.transactional_id), message, kAppendTimeout,
            [this](AskOpenProducer ask, auto here) {
              local_.OpenProducer(std::move(ask.transactional_id), ask.timeout, std::move(here));
            },
            std::move(answer));
      },
      std::move(done));
}

void ClusterLogPort::AddToTransaction(std::string transactional_id, run::TransactionalProducer producer,
                                      std::vector<model::TopicPartition> partitions, run::Callback<absl::Status> done) {
  retries_.Insist<Nothing>(
      kPatience,
      [this, message = AskAddToTransaction{std::move(transactional_id), producer, std::move(partitions)}](auto answer) {
        AskOne<AskAddToTransaction>(
            CoordinatorFor(CoordinatorKind::kTransaction, message.transactional_id), message, kAppendTimeout,
            [this](AskAddToTransaction ask, auto here) {
              local_.AddToTransaction(std::move(ask.transactional_id), ask.producer, std::move(ask.partitions),
                                      WithNothing(std::move(here)));
            },
            std::move(answer));
      },
      StatusOnly(std::move(done)));
}

// Asked once: whether it has happened after a lost answer is settled by the next OpenProducer.
void ClusterLogPort::EndTransaction(std::string transactional_id, run::TransactionalProducer producer,
                                    model::TransactionEnd end,
                                    run::Callback<absl::StatusOr<run::TransactionalProducer>> done) {
  broker_.home().Post([this, message = AskEndTransaction{std::move(transactional_id), producer, end},
                       done = std::move(done)]() mutable {
    AskOne<AskEndTransaction>(
        CoordinatorFor(CoordinatorKind::kTransaction, message.transactional_id), message, kAppendTimeout,
        [this](AskEndTransaction ask, auto here) {
          local_.EndTransaction(std::move(ask.transactional_id), ask.producer, ask.end, std::move(here));
        },
        std::move(done));
  });
}

// ---- appends, in the order in which they came

void ClusterLogPort::Append(run::LogAppend append, run::Callback<absl::StatusOr<model::Offset>> done) {
  auto write = std::make_shared<Write>();
  write->numbered = IsNumbered(append.batches);
  write->batches = std::move(append.batches);
  write->transactional_id = std::move(append.transactional_id);
  write->done = std::move(done);
  broker_.home().Post([this, partition = std::move(append.partition), write = std::move(write)] {
    write->until = broker_.home().Now() + kPatience;
    write->pause = Retries::kFirstPause;
    lanes_[partition].waiting.push_back(write);
    Pump(partition);
  });
}

void ClusterLogPort::Pump(const model::TopicPartition& partition) {
  const auto it = lanes_.find(partition);
  if (it == lanes_.end()) return;
  Lane& lane = it->second;
  while (!lane.waiting.empty() && !lane.paused) {
    if (lane.under_way > 0 && lane.away) return;
    const absl::StatusOr<model::NodeId> leader = LeaderOf(partition);
    const bool here = leader.ok() && *leader == broker_.node_id();
    if (lane.under_way > 0 && !here) return;  // where to is looked at when that is answered
    if (absl::IsNotFound(leader.status())) return FailLane(partition, leader.status());
    if (!leader.ok()) return PumpLater(partition, leader.status());
    const std::shared_ptr<Write> write = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    ++lane.under_way;
    lane.away = !here;
    Send(partition, *leader, write);
  }
  if (lane.waiting.empty() && lane.under_way == 0) lanes_.erase(it);
}

// Answers come in turns of their own.
void ClusterLogPort::Send(const model::TopicPartition& partition, model::NodeId node,
                          const std::shared_ptr<Write>& write) {
  if (node == broker_.node_id()) {
    // What may have to be sent again is kept.
    std::string batches = write->numbered ? write->batches : std::move(write->batches);
    return local_.Append({partition, std::move(batches), write->transactional_id},
                         [this, partition, write](absl::StatusOr<model::Offset> base) {
                           broker_.home().Post([this, partition, write, base = std::move(base)] {
                             Written(partition, write, base, Reached::kPerhaps);
                           });
                         });
  }
  peers_.Call(node, EncodeJobMessage(AskAppend{{partition, write->batches, write->transactional_id}}), kAppendTimeout,
              [this, partition, write](const JobPeers::Answer& answer) {
                absl::StatusOr<model::Offset> base = answer.bytes.ok()
                                                         ? DecodeJobAnswer<model::Offset>(answer.bytes->view())
                                                         : absl::StatusOr<model::Offset>(answer.bytes.status());
                broker_.home().Post([this, partition, write, base = std::move(base), sent = answer.sent] {
                  Written(partition, write, base, sent ? Reached::kPerhaps : Reached::kNo);
                });
              });
}

void ClusterLogPort::Written(const model::TopicPartition& partition, const std::shared_ptr<Write>& write,
                             const absl::StatusOr<model::Offset>& base, Reached reached) {
  const auto it = lanes_.find(partition);
  LEAT_CHECK(it != lanes_.end()) << "an append of a lane that is gone";
  Lane& lane = it->second;
  --lane.under_way;
  if (base.ok()) {
    write->done(base);
    return Pump(partition);
  }
  const bool repeat = Retries::MayRepeat(base.status()) && (reached == Reached::kNo || write->numbered);
  if (repeat && lane.under_way == 0) {
    lane.waiting.push_front(write);
    return PumpLater(partition, base.status());
  }
  write->done(base.status());
  FailLane(partition, base.status());
}

void ClusterLogPort::PumpLater(const model::TopicPartition& partition, const absl::Status& why) {
  Lane& lane = lanes_.at(partition);
  Write& first = *lane.waiting.front();
  if (broker_.home().Now() + first.pause >= first.until) return FailLane(partition, why);
  const Duration pause = first.pause;
  first.pause = std::min(pause * 2, Retries::kLongestPause);
  lane.paused = true;
  retries_.After(pause, [this, partition, why](const absl::Status& open) {
    const auto it = lanes_.find(partition);
    if (it == lanes_.end()) return;
    it->second.paused = false;
    if (!open.ok()) return FailLane(partition, why);
    Pump(partition);
  });
}

// Whatever waits comes after something that failed.
void ClusterLogPort::FailLane(const model::TopicPartition& partition, const absl::Status& why) {
  const auto it = lanes_.find(partition);
  if (it == lanes_.end()) return;
  const std::deque<std::shared_ptr<Write>> waiting = std::exchange(it->second.waiting, {});
  if (it->second.under_way == 0) lanes_.erase(it);
  for (const std::shared_ptr<Write>& write : waiting) write->done(why);
}

}  // namespace leat::broker
