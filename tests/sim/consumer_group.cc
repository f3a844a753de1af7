#include "tests/sim/consumer_group.h"

#include <absl/strings/str_split.h>

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "broker/groups.h"
#include "tests/sim/batches.h"

namespace leat::nodes {

using broker::BrokerImpl;
using model::ErrorCode;

namespace {

constexpr Duration kPatience = absl::Milliseconds(1500);
constexpr Duration kJoinPatience = absl::Seconds(6);  // others are waited for
constexpr Duration kHeartbeat = absl::Milliseconds(400);

model::TopicPartition Named(std::string_view text) {
  const size_t dash = text.rfind('-');
  return PartitionOf(std::string(text.substr(0, dash)), std::stoi(std::string(text.substr(dash + 1))));
}

}  // namespace

// ---- what they were told

int64_t GroupHistory::delivered(const model::TopicPartition& partition) const {
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? 0 : found->second.delivered;
}

void GroupHistory::Owns(int32_t generation, const std::string& member, const model::TopicPartition& partition) {
  // A group without members and offsets is forgotten, and its generations with it.
  if (commits_ == 0) return;
  const auto [owner, fresh] = partitions_[partition].owners.emplace(generation, member);
  if (fresh || owner->second == member) return;
  history_.Fail(StrCat("group ", group_, ": in generation ", generation, " ", partition.ToString(), " belongs to ",
                       owner->second, " and to ", member));
}

void GroupHistory::Committed(int32_t generation, const model::TopicPartition& partition, int64_t offset) {
  ++commits_;
  int64_t& highest = partitions_[partition].committed[generation];
  highest = std::max(highest, offset);
}

void GroupHistory::Finds(int32_t generation, const model::TopicPartition& partition, int64_t offset) {
  OfPartition& of = partitions_[partition];
  for (const auto& [earlier, highest] : of.committed) {
    if (earlier >= generation || highest <= offset) continue;
    return history_.Fail(StrCat("group ", group_, ": in generation ", generation, " a member was told that ", offset,
                                " of ", partition.ToString(), " is committed, generation ", earlier, " had committed ",
                                highest));
  }
  if (offset >= 0 && !of.asked.contains(offset)) {
    history_.Fail(
        StrCat("group ", group_, " was told ", offset, " of ", partition.ToString(), ", which nobody committed"));
  }
  if (offset > of.delivered) {
    history_.Fail(StrCat("group ", group_, ": ", partition.ToString(), " is committed up to ", offset,
                         ", delivered are the records below ", of.delivered));
  }
}

void GroupHistory::Delivered(const model::TopicPartition& partition, int64_t from, int64_t to) {
  int64_t& delivered = partitions_[partition].delivered;
  if (from <= delivered) delivered = std::max(delivered, to);
}

// ---- a member

class ConsumerGroup::Member {
 public:
  Member(Stage& stage, const std::string& group, int number, GroupHistory& history)
      : stage_(stage),
        group_(group),
        number_(number),
        history_(history),
        random_(stage.plan.Chance(8000 + static_cast<uint64_t>(number))) {}
  ~Member() { stage_.world.DropEvents(this); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void Join();
  ErrorCode last() const { return last_; }

 private:
  using Step = void (Member::*)();
  // Steps of another life of the member are forgotten.
  void Later(Step step, Duration mean) {
    stage_.Later(this, mean * (2 * random_.Unit()), [this, step, life = life_] {
      if (life == life_) (this->*step)();
    });
  }
  template <typename Reply, typename Send>
  void Ask(int node, Duration timeout, Send send, std::function<void(const std::optional<Reply>&)> take) {
    stage_.link.Call<Reply>(node, timeout, std::move(send),
                            [this, life = life_, take = std::move(take)](const std::optional<Reply>& reply) {
                              if (life == life_) take(reply);
                            });
  }
  int Coordinator() { return stage_.cluster.CoordinatorOf(broker::CoordinatorKind::kGroup, group_, random_); }
  void TakeJoin(const std::optional<group::JoinReply>& reply);
  void Sync(const group::JoinReply& joined);
  void TakeSync(const std::optional<group::SyncReply>& reply);
  std::vector<group::SyncRequest::Assignment> Assign(const std::vector<group::JoinedMember>& members);
  void Heartbeat();
  void FindOffsets();
  void Read();
  void Take(const model::TopicPartition& partition, const broker::FetchPartitionResult& result);
  void Commit();
  void Leave();
  // It is no member any more: what it owned it does not own, and what it has under way comes to nothing.
  void Begin(Duration pause, bool anew);
  void Refused(ErrorCode code);

  Stage& stage_;
  const std::string group_;
  const int number_;
  GroupHistory& history_;
  Random random_;
  uint64_t life_ = 0;
  std::string id_;
  int32_t generation_ = -1;
  std::map<model::TopicPartition, int64_t> positions_;        // of what it owns
  std::map<model::TopicPartition, Cluster::Leader> leaders_;  // of the newest epoch that it was told of
  size_t turn_ = 0;
  ErrorCode last_ = ErrorCode::kNone;
};

void ConsumerGroup::Member::Begin(Duration pause, bool anew) {
  ++life_;
  positions_.clear();
  generation_ = -1;
  if (anew) id_.clear();
  Later(&Member::Join, pause);
}

void ConsumerGroup::Member::Refused(ErrorCode code) {
  last_ = code;
  const bool known = code == ErrorCode::kRebalanceInProgress || code == ErrorCode::kIllegalGeneration ||
                     code == ErrorCode::kMemberIdRequired || MayBeTriedAgain(code);
  if (!known && code != ErrorCode::kUnknownMemberId) {
    stage_.history.Fail(
        StrCat("member ", number_, " of group ", group_, " was refused with code ", static_cast<int>(code)));
  }
  Begin(absl::Milliseconds(100), code == ErrorCode::kUnknownMemberId);
}

void ConsumerGroup::Member::Join() {
  group::JoinRequest request;
  request.group = group_;
  request.member = id_;
  request.client_id = StrCat("client-", number_);
  request.client_host = "host";
  request.protocol_type = "consumer";
  request.protocols = {{"taking-turns", StrCat(number_)}};
  request.session_timeout = absl::Seconds(2);
  request.rebalance_timeout = absl::Seconds(3);
  Ask<group::JoinReply>(
      Coordinator(), kJoinPatience,
      [request](BrokerImpl& broker, broker::Callback<group::JoinReply> done) {
        broker.groups().Join(request, std::move(done));
      },
      [this](const std::optional<group::JoinReply>& reply) { TakeJoin(reply); });
}

void ConsumerGroup::Member::TakeJoin(const std::optional<group::JoinReply>& reply) {
  if (!reply) return Refused(ErrorCode::kNetworkException);
  if (!reply->member.empty()) id_ = reply->member;
  if (reply->code != ErrorCode::kNone) return Refused(reply->code);
  generation_ = reply->generation;
  Sync(*reply);
}

// The partitions in turn.
std::vector<group::SyncRequest::Assignment> ConsumerGroup::Member::Assign(
    const std::vector<group::JoinedMember>& members) {
  std::vector<group::SyncRequest::Assignment> assignments;
  for (const group::JoinedMember& member : members) assignments.push_back({member.member, ""});
  for (size_t i = 0; i < stage_.partitions.size(); ++i) {
    std::string& bytes = assignments[i % assignments.size()].bytes;
    StrAppend(&bytes, bytes.empty() ? "" : ",", stage_.partitions[i].ToString());
  }
  return assignments;
}

void ConsumerGroup::Member::Sync(const group::JoinReply& joined) {
  group::SyncRequest request{.group = group_,
                             .member = id_,
                             .instance = std::nullopt,
                             .generation = generation_,
                             .protocol_type = std::nullopt,
                             .protocol = std::nullopt,
                             .assignments = {}};
  if (joined.leader == id_) request.assignments = Assign(joined.members);
  Ask<group::SyncReply>(
      Coordinator(), kJoinPatience,
      [request](BrokerImpl& broker, broker::Callback<group::SyncReply> done) {
        broker.groups().Sync(request, std::move(done));
      },
      [this](const std::optional<group::SyncReply>& reply) { TakeSync(reply); });
}

void ConsumerGroup::Member::TakeSync(const std::optional<group::SyncReply>& reply) {
  if (!reply) return Refused(ErrorCode::kNetworkException);
  if (reply->code != ErrorCode::kNone) return Refused(reply->code);
  for (const absl::string_view name : absl::StrSplit(reply->assignment, ',', absl::SkipEmpty())) {
    const model::TopicPartition partition = Named(ToStd(name));
    history_.Owns(generation_, id_, partition);
    positions_[partition] = -1;
  }
  stage_.trace(StrCat(group_, ": member ", number_, " of generation ", generation_, " owns ", reply->assignment));
  Later(&Member::Heartbeat, kHeartbeat);
  FindOffsets();
}

void ConsumerGroup::Member::Heartbeat() {
  Ask<group::HeartbeatReply>(
      Coordinator(), kPatience,
      [request = group::HeartbeatRequest{group_, id_, std::nullopt, generation_}](
          BrokerImpl& broker, broker::Callback<group::HeartbeatReply> done) {
        broker.groups().Heartbeat(request, std::move(done));
      },
      [this](const std::optional<group::HeartbeatReply>& reply) {
        const ErrorCode code = reply ? reply->code : ErrorCode::kNetworkException;
        if (code != ErrorCode::kNone && !MayBeTriedAgain(code)) return Refused(code);
        Later(&Member::Heartbeat, kHeartbeat / 2);
      });
}

void ConsumerGroup::Member::FindOffsets() {
  if (positions_.empty()) return Later(&Member::FindOffsets, absl::Seconds(1));
  std::vector<model::TopicPartition> partitions;
  for (const auto& [partition, position] : positions_) partitions.push_back(partition);
  using Found = std::vector<broker::GroupOffsets>;
  Ask<Found>(
      Coordinator(), kPatience,
      [request = broker::FetchGroupOffsets{group_, partitions}](BrokerImpl& broker, broker::Callback<Found> done) {
        broker.groups().FetchOffsets({request}, broker::StableOffsets::kAsTheyAre, std::move(done));
      },
      [this](const std::optional<Found>& found) {
        bool good = found.has_value() && found->at(0).outcome.ok();
        for (size_t i = 0; good && i < found->at(0).offsets.size(); ++i) good = found->at(0).offsets[i].outcome.ok();
        if (!good) return Later(&Member::FindOffsets, absl::Milliseconds(100));
        for (const broker::GroupOffset& offset : found->at(0).offsets) {
          history_.Finds(generation_, offset.partition, offset.offset.value());
          positions_[offset.partition] = std::max<int64_t>(0, offset.offset.value());
        }
        Read();
      });
}

void ConsumerGroup::Member::Read() {
  const auto at = std::next(positions_.begin(), static_cast<ptrdiff_t>(turn_++ % positions_.size()));
  const model::TopicPartition partition = at->first;
  broker::FetchRequest request;
  request.max_wait = absl::Milliseconds(random_.Between(0, 100));
  request.isolation = model::Isolation::kReadCommitted;
  Cluster::Leader& leader = leaders_[partition];
  // As the reader without a group does.
  if (const Cluster::Leader told = stage_.cluster.LookUp(partition, random_); told.epoch >= leader.epoch) leader = told;
  request.partitions.push_back({.partition = partition,
                                .offset = model::Offset(at->second),
                                .max_bytes = static_cast<size_t>(random_.Between(1, 20'000)),
                                .current_epoch = leader.epoch});
  Ask<broker::FetchReply>(
      leader.node, kPatience,
      [request = std::move(request)](BrokerImpl& broker, broker::Callback<broker::FetchReply> done) mutable {
        broker.Fetch(std::move(request), std::move(done));
      },
      [this, partition](const std::optional<broker::FetchReply>& reply) {
        if (reply) Take(partition, reply->partitions.at(0));
        const uint64_t dice = random_.Below(100);
        const bool ends = stage_.working && dice == 0;
        if (ends && random_.OneIn(2)) return Leave();
        if (ends) return Begin(absl::Seconds(2), true);  // it died
        dice < 40 ? Later(&Member::Commit, absl::Milliseconds(10)) : Later(&Member::Read, absl::Milliseconds(20));
      });
}

void ConsumerGroup::Member::Take(const model::TopicPartition& partition, const broker::FetchPartitionResult& result) {
  if (!result.outcome.ok()) {
    if (MayBeTriedAgain(result.outcome.code)) return;
    return stage_.history.Fail(StrCat("member ", number_, " of group ", group_, " cannot read ", partition.ToString(),
                                      " at ", positions_[partition], ": code ", static_cast<int>(result.outcome.code),
                                      ": ", result.outcome.message));
  }
  int64_t& position = positions_[partition];
  const Walked walked = Walk(result.batches, position, result.aborted);
  if (!walked.failure.empty()) {
    return stage_.history.Fail(StrCat("group ", group_, ", ", partition.ToString(), ": ", walked.failure));
  }
  for (const auto& [offset, value] : walked.committed) stage_.history.SeenCommitted(partition, offset, value);
  history_.Delivered(partition, position, walked.next);
  position = walked.next;
}

void ConsumerGroup::Member::Commit() {
  group::CommitCommand command;
  command.group = group_;
  command.member = id_;
  command.generation = generation_;
  for (const auto& [partition, position] : positions_) {
    history_.Asks(partition, position);
    command.items.push_back({.partition = partition, .offset = model::Offset(position), .metadata = ""});
  }
  using Outcomes = std::vector<broker::Outcome>;
  Ask<Outcomes>(
      Coordinator(), kPatience,
      [command](BrokerImpl& broker, broker::Callback<Outcomes> done) {
        broker.groups().Commit(command, std::move(done));
      },
      [this, command](const std::optional<Outcomes>& outcomes) {
        // It may be carried out later, behind what this member commits next: it does not commit as this one again.
        if (!outcomes) return Begin(absl::Milliseconds(50), true);
        for (size_t i = 0; i < outcomes->size(); ++i) {
          const ErrorCode code = outcomes->at(i).code;
          if (code != ErrorCode::kNone) return Refused(code);
          history_.Committed(command.generation, command.items[i].partition, command.items[i].offset.value());
        }
        Later(&Member::Read, absl::Milliseconds(10));
      });
}

void ConsumerGroup::Member::Leave() {
  Ask<group::LeaveReply>(
      Coordinator(), kPatience,
      [request = group::LeaveRequest{group_, {{id_, std::nullopt}}}](BrokerImpl& broker,
                                                                     broker::Callback<group::LeaveReply> done) {
        broker.groups().Leave(request, std::move(done));
      },
      [this](const auto&) { Begin(absl::Seconds(1), true); });
}

// ---- all of them

ConsumerGroup::ConsumerGroup(Stage& stage, std::string name, int members)
    : stage_(stage), name_(std::move(name)), history_(stage.history, name_) {
  for (int i = 1; i <= members; ++i) {
    members_.push_back(std::make_unique<Member>(stage_, name_, i, history_));
  }
}

ConsumerGroup::~ConsumerGroup() = default;

void ConsumerGroup::Start() {
  for (const auto& member : members_) member->Join();
}

bool ConsumerGroup::settled() const {
  for (const model::TopicPartition& partition : stage_.partitions) {
    const int leader = stage_.cluster.LeaderInNewest(partition);
    const log::PartitionLog* log = leader == 0 ? nullptr : stage_.cluster.CopyOf(leader, partition);
    if (log == nullptr || history_.delivered(partition) < log->last_stable_offset().value()) return false;
  }
  return true;
}

std::string ConsumerGroup::WhyNotWorking() const {
  if (history_.commits() > marked_) return "";
  std::string codes;
  for (const auto& member : members_) StrAppend(&codes, " ", static_cast<int>(member->last()));
  return StrCat("group ", name_, " commits nothing; the last refusals of its members were codes", codes);
}

}  // namespace leat::nodes
