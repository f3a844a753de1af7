#include "client/group_member.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "client/assignors.h"
#include "client/clock.h"
#include "client/metadata.h"
#include "client/routing.h"
#include "leat/v1/admin.grpc.pb.h"
#include "model/consumer_protocol.h"
#include "model/error_code.h"

namespace leat::client {
namespace {

using model::ErrorCode;

constexpr absl::Duration kRetryPause = absl::Milliseconds(200);
constexpr absl::Duration kShortCall = absl::Seconds(10);
constexpr absl::Duration kLeaveLimit = absl::Seconds(2);
constexpr absl::Duration kCountInterval = absl::Seconds(60);  // between two looks at how many partitions there are
constexpr std::string_view kProtocolType = "consumer";

int32_t Millis(absl::Duration duration) { return static_cast<int32_t>(absl::ToInt64Milliseconds(duration)); }
ErrorCode CodeOf(const v1::Outcome& outcome) { return static_cast<ErrorCode>(outcome.code()); }

std::vector<TopicPartition> FromModel(const std::vector<model::TopicPartition>& partitions) {
  std::vector<TopicPartition> out;
  for (const model::TopicPartition& partition : partitions) {
    out.push_back({partition.topic, partition.partition.value()});
  }
  return out;
}

std::vector<model::TopicPartition> ToModel(const std::vector<TopicPartition>& partitions) {
  std::vector<model::TopicPartition> out;
  for (const TopicPartition& partition : partitions) {
    out.push_back({partition.topic, model::PartitionId(partition.partition)});
  }
  return out;
}

// What Kafka's CooperativeStickyAssignor adds to a subscription: the generation of what is owned. (librdkafka puts its
// partitions before it.)
std::string StickyUserData(int32_t generation) {
  std::string bytes(sizeof(generation), '\0');
  StoreBigEndian(bytes.data(), generation);
  return bytes;
}

int32_t GenerationOf(const model::ConsumerSubscription& subscription) {
  if (subscription.generation) return *subscription.generation;
  const std::string& data = subscription.user_data;
  if (data.size() < sizeof(int32_t)) return -1;
  return LoadBigEndian<int32_t>(data.data() + data.size() - sizeof(int32_t));
}

// Of a commit. kFailedPrecondition: the group has gone on, or is about to.
absl::Status FirstError(const std::vector<v1::Outcome>& outcomes, const std::string& group) {
  for (const v1::Outcome& outcome : outcomes) {
    switch (CodeOf(outcome)) {
      case ErrorCode::kUnknownMemberId:
      case ErrorCode::kIllegalGeneration:
      case ErrorCode::kFencedInstanceId:
      case ErrorCode::kRebalanceInProgress:
        return FailedPrecondition("commit: group ", group, " has shared its partitions out anew: poll, and commit ",
                                  "what the new assignment brings (", outcome.message(), ")");
      default:
        LEAT_RETURN_IF_ERROR(FromOutcome(outcome, StrCat("commit of group ", group)));
    }
  }
  return absl::OkStatus();
}

// As in Kafka's consumers: one assignor that is not cooperative makes the member give everything back each time.
bool AllCooperative(const std::vector<ConsumerOptions::Assignor>& assignors) {
  return std::all_of(assignors.begin(), assignors.end(), [](ConsumerOptions::Assignor assignor) {
    return assignor == ConsumerOptions::Assignor::kCooperativeSticky;
  });
}

}  // namespace

GroupMember::GroupMember(std::shared_ptr<Connection> connection, const ConsumerOptions& options,
                         std::vector<std::string> topics)
    : connection_(std::move(connection)),
      options_(options),
      topics_(std::move(topics)),
      incremental_(AllCooperative(options.assignors)),
      polled_at_(MonotonicNow()) {
  thread_ = std::thread([this] { Run(); });
}

GroupMember::~GroupMember() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    if (call_ != nullptr) call_->TryCancel();
    changed_.notify_all();
  }
  thread_.join();
  Lock lock(mutex_);
  if (options_.instance.empty()) LeaveGroup(&lock);
}

GroupMember::Event GroupMember::TakeEvent(absl::Duration timeout) {
  Lock lock(mutex_);
  polled_at_ = MonotonicNow();
  const auto something = [this] { return state_ != State::kJoining && state_ != State::kMember; };
  changed_.wait_for(lock, absl::ToChronoNanoseconds(std::max(timeout, absl::ZeroDuration())), something);
  switch (state_) {
    case State::kJoining:
    case State::kMember:
      return {};
    case State::kAssigned:
      if (incremental_) return TakeAdjustment();
      Become(State::kMember);
      return {.kind = Event::Kind::kAssigned, .partitions = assigned_};
    case State::kRevoking:
      if (incremental_) return {};  // Rejoin is yet to come
      return {.kind = Event::Kind::kRevoke};
    case State::kLost:
      return {.kind = Event::Kind::kLost};
    case State::kFailed:
      return {.kind = Event::Kind::kFailed, .status = failure_};
  }
  return {};
}

GroupMember::Event GroupMember::TakeAdjustment() {
  const std::set<TopicPartition> now(assigned_.begin(), assigned_.end());
  const bool gives_back =
      std::any_of(owned_.begin(), owned_.end(), [&](const TopicPartition& had) { return !now.contains(had); });
  owned_ = assigned_;
  Become(gives_back ? State::kRevoking : State::kMember);
  return {.kind = Event::Kind::kAdjusted, .partitions = assigned_};
}

void GroupMember::Rejoin() {
  const Lock lock(mutex_);
  if (state_ == State::kLost) owned_.clear();
  if (state_ == State::kRevoking || state_ == State::kLost) Become(State::kJoining);
}

bool GroupMember::MayCommit() const {
  if (member_.empty()) return false;
  if (state_ == State::kJoining) return incremental_ && generation_ >= 0;
  return state_ == State::kAssigned || state_ == State::kMember || state_ == State::kRevoking;
}

absl::Status GroupMember::Commit(const std::map<TopicPartition, int64_t>& positions) {
  Lock lock(mutex_);
  const Instant deadline = MonotonicNow() + kShortCall;
  while (true) {
    if (!MayCommit()) {
      return FailedPrecondition("commit: this consumer is not in group ", options_.group, " now: poll until it is");
    }
    const int32_t generation = generation_;
    LEAT_ASSIGN_OR_RETURN(const std::vector<v1::Outcome> outcomes, CommitOnce(&lock, positions));
    const absl::Status status = FirstError(outcomes, options_.group);
    // An incremental member keeps its partitions while it joins; a moment later it may commit again.
    const bool joining = state_ == State::kJoining || generation_ != generation;
    if (!absl::IsFailedPrecondition(status) || !incremental_ || !joining || MonotonicNow() > deadline) return status;
    changed_.wait_for(lock, absl::ToChronoNanoseconds(kRetryPause), [this] { return state_ != State::kJoining; });
  }
}

absl::StatusOr<std::vector<v1::Outcome>> GroupMember::CommitOnce(Lock* lock,
                                                                 const std::map<TopicPartition, int64_t>& positions) {
  v1::CommitGroupOffsetsRequest request;
  request.set_group(options_.group);
  request.set_instance(options_.instance);
  request.set_member(member_);
  request.set_generation(generation_);
  for (const auto& [partition, position] : positions) {
    auto* offset = request.add_offsets();
    offset->set_topic(partition.topic);
    offset->set_partition(partition.partition);
    offset->set_offset(position);
  }
  v1::CommitGroupOffsetsResponse response;
  lock->unlock();
  const auto ask = [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
    LEAT_RETURN_IF_ERROR(connection_->impl().InvokeAt(
        address, Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
          response.Clear();
          return v1::Groups::NewStub(channel)->Commit(context, request, &response);
        }));
    for (const v1::Outcome& outcome : response.outcomes()) {
      if (AskedTheWrongBroker(CodeOf(outcome))) return outcome;
    }
    return v1::Outcome();
  };
  const absl::Status status = AskCoordinator(connection_->impl(), {.name = options_.group}, ask, "commit");
  lock->lock();
  LEAT_RETURN_IF_ERROR(status);
  return std::vector<v1::Outcome>(response.outcomes().begin(), response.outcomes().end());
}

void GroupMember::Run() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (state_ == State::kJoining) {
      JoinOnce(&lock);
    } else if (state_ == State::kFailed || state_ == State::kLost) {
      changed_.wait(lock);
    } else if (MonotonicNow() - polled_at_ > options_.max_poll_interval) {
      // Who does not poll does not process: the partitions are better off with another member.
      LeaveGroup(&lock);
      Become(State::kLost);
    } else {
      const State before = state_;
      changed_.wait_for(lock, absl::ToChronoNanoseconds(options_.heartbeat_interval),
                        [&] { return stopping_ || state_ == State::kJoining; });
      if (!stopping_ && (state_ == before || state_ == State::kMember)) BeatOnce(&lock);
    }
  }
}

template <typename Method>
::grpc::Status GroupMember::Call(Lock* lock, absl::Duration limit, Method method) {
  if (stub_ == nullptr) {
    const bool stopping = stopping_;
    ::grpc::Status found = FindCoordinator(lock, std::min(limit, kShortCall));
    if (!found.ok()) return found;
    if (stopping_ != stopping) return ::grpc::Status::CANCELLED;
  }
  ::grpc::ClientContext context;
  context.set_deadline(DeadlineIn(limit));
  const std::shared_ptr<v1::Groups::Stub> stub = stub_;
  const ::grpc::Status status = Cancellable(lock, &context, [&] { return method(*stub, &context); });
  // A call that the end of this consumer cut short says nothing about the coordinator: it is to be told of the leave.
  if (!status.ok() && !stopping_) ForgetCoordinator();
  return status;
}

template <typename Method>
::grpc::Status GroupMember::Cancellable(Lock* lock, ::grpc::ClientContext* context, Method method) {
  call_ = context;
  lock->unlock();
  ::grpc::Status status = method();
  lock->lock();
  call_ = nullptr;
  return status;
}

::grpc::Status GroupMember::FindCoordinator(Lock* lock, absl::Duration limit) {
  v1::FindCoordinatorRequest request;
  request.set_kind(v1::FindCoordinatorRequest::GROUP);
  request.set_name(options_.group);
  v1::FindCoordinatorResponse response;
  ::grpc::ClientContext context;
  context.set_deadline(DeadlineIn(limit));
  const ChannelPtr channel = connection_->impl().Any();
  const ::grpc::Status status = Cancellable(
      lock, &context, [&] { return v1::Admin::NewStub(channel)->FindCoordinator(&context, request, &response); });
  if (!status.ok()) {
    connection_->impl().NoteFailure(channel);
    return status;
  }
  if (response.outcome().code() != 0) return {::grpc::StatusCode::UNAVAILABLE, response.outcome().message()};
  channel_ = connection_->impl().At(response.grpc());
  stub_ = v1::Groups::NewStub(channel_);
  return ::grpc::Status::OK;
}

// It is asked again who coordinates the group.
void GroupMember::ForgetCoordinator() {
  if (channel_ != nullptr) connection_->impl().NoteFailure(channel_);
  channel_ = nullptr;
  stub_ = nullptr;
}

std::string GroupMember::Subscription(ConsumerOptions::Assignor assignor) const {
  model::ConsumerSubscription subscription = {.topics = topics_};
  if (assignor == ConsumerOptions::Assignor::kCooperativeSticky) {
    subscription.owned = ToModel(owned_);
    subscription.user_data = StickyUserData(generation_);
    subscription.generation = generation_;
  }
  return model::EncodeSubscription(subscription);
}

void GroupMember::JoinOnce(Lock* lock) {
  v1::JoinGroupRequest request;
  request.set_group(options_.group);
  request.set_member(member_);
  request.set_instance(options_.instance);
  request.set_client_id(options_.client_id);
  request.set_protocol_type(std::string(kProtocolType));
  request.set_session_timeout_ms(Millis(options_.session_timeout));
  request.set_rebalance_timeout_ms(Millis(options_.max_poll_interval));
  for (const ConsumerOptions::Assignor assignor : options_.assignors) {
    auto* protocol = request.add_protocols();
    protocol->set_name(std::string(AssignorName(assignor)));
    protocol->set_metadata(Subscription(assignor));
  }
  v1::JoinGroupResponse response;
  const ::grpc::Status status = Call(
      lock, options_.max_poll_interval + kShortCall,
      [&](v1::Groups::Stub& stub, ::grpc::ClientContext* context) { return stub.Join(context, request, &response); });
  if (stopping_) {
    if (member_.empty()) member_ = response.member();
    return;
  }
  if (!status.ok()) return Pause(lock, kRetryPause);
  if (CodeOf(response.outcome()) == ErrorCode::kMemberIdRequired) {
    member_ = response.member();
    return;
  }
  if (!TakeOutcome(response.outcome())) {
    NoteLoss();
    return Pause(lock, kRetryPause);
  }
  member_ = response.member();
  generation_ = response.generation();
  SyncOnce(lock, response);
}

void GroupMember::SyncOnce(Lock* lock, const v1::JoinGroupResponse& joined) {
  v1::SyncGroupRequest request;
  request.set_group(options_.group);
  request.set_member(member_);
  request.set_instance(options_.instance);
  request.set_generation(generation_);
  request.set_protocol_type(std::string(kProtocolType));
  request.set_protocol(joined.protocol());
  leads_ = joined.leader() == joined.member();
  if (leads_ && !joined.keep_assignment()) {
    lock->unlock();
    const absl::Status filled = FillAssignments(joined, &request);
    lock->lock();
    if (stopping_) return;
    if (!filled.ok()) {
      // The others wait for this one; without an assignment they would wait for the rebalance timeout.
      if (filled.code() == absl::StatusCode::kInvalidArgument) return Fail(filled);
      return Pause(lock, kRetryPause);
    }
  }
  v1::SyncGroupResponse response;
  const ::grpc::Status status = Call(
      lock, options_.max_poll_interval + kShortCall,
      [&](v1::Groups::Stub& stub, ::grpc::ClientContext* context) { return stub.Sync(context, request, &response); });
  if (stopping_) return;
  if (!status.ok() || !TakeOutcome(response.outcome())) {
    NoteLoss();
    return Pause(lock, kRetryPause);
  }
  const auto partitions = model::DecodeAssignment(response.assignment());
  if (!partitions) {
    return Fail(DataLoss("group ", options_.group, ": the leader's assignment for this member cannot be read"));
  }
  assigned_ = FromModel(*partitions);
  Become(State::kAssigned);
}

// Called without the lock, on the thread.
absl::Status GroupMember::FillAssignments(const v1::JoinGroupResponse& joined, v1::SyncGroupRequest* sync) {
  std::vector<AssignedMember> members;
  std::map<std::string, int32_t> counts;
  for (const auto& from : joined.members()) {
    AssignedMember& member = members.emplace_back();
    member.id = from.member();
    member.instance = from.instance();
    // A member whose subscription cannot be read reads nothing.
    if (auto subscription = model::DecodeSubscription(from.metadata())) {
      member.generation = GenerationOf(*subscription);
      member.owned = FromModel(subscription->owned);
      member.topics = std::move(subscription->topics);
    }
    for (const std::string& topic : member.topics) {
      if (counts.contains(topic)) continue;
      const absl::StatusOr<int32_t> count = PartitionCount(connection_->impl(), topic);
      if (!count.ok() && count.status().code() != absl::StatusCode::kNotFound) return count.status();
      counts[topic] = count.ok() ? *count : 0;
    }
  }
  LEAT_ASSIGN_OR_RETURN(const Assignments assignments, AssignPartitions(joined.protocol(), members, counts));
  for (const auto& [member, partitions] : assignments) {
    auto* assignment = sync->add_assignments();
    assignment->set_member(member);
    assignment->set_assignment(model::EncodeAssignment(ToModel(partitions)));
  }
  const Lock lock(mutex_);
  counts_ = std::move(counts);
  counted_at_ = MonotonicNow();
  return absl::OkStatus();
}

void GroupMember::BeatOnce(Lock* lock) {
  v1::GroupHeartbeatRequest request;
  request.set_group(options_.group);
  request.set_member(member_);
  request.set_instance(options_.instance);
  request.set_generation(generation_);
  v1::GroupHeartbeatResponse response;
  const ::grpc::Status status = Call(lock, kShortCall, [&](v1::Groups::Stub& stub, ::grpc::ClientContext* context) {
    return stub.Heartbeat(context, request, &response);
  });
  // A broker that does not answer may be back before the session is over.
  if (stopping_ || !status.ok() || state_ == State::kJoining) return;
  if (AskedTheWrongBroker(CodeOf(response.outcome()))) return ForgetCoordinator();
  if (CodeOf(response.outcome()) == ErrorCode::kRebalanceInProgress) {
    // An incremental member that has something to give back does so first: the next round can hand that on.
    const bool at_once = incremental_ && state_ != State::kRevoking;
    if (state_ != State::kLost) Become(at_once ? State::kJoining : State::kRevoking);
    return;
  }
  if (TakeOutcome(response.outcome())) {
    CheckTopics(lock);
  } else if (state_ != State::kFailed) {
    Become(State::kLost);
  }
}

// A topic that has got partitions, or that has come into being, is shared out anew; the leader sees to it.
void GroupMember::CheckTopics(Lock* lock) {
  if (!leads_ || state_ != State::kMember || MonotonicNow() - counted_at_ < kCountInterval) return;
  counted_at_ = MonotonicNow();
  const std::map<std::string, int32_t> known = counts_;
  lock->unlock();
  bool grown = false;
  for (const auto& [topic, count] : known) {
    const absl::StatusOr<int32_t> now = PartitionCount(connection_->impl(), topic);
    grown |= now.ok() && *now != count;
  }
  lock->lock();
  if (grown && !stopping_ && state_ == State::kMember) Become(incremental_ ? State::kJoining : State::kRevoking);
}

void GroupMember::LeaveGroup(Lock* lock) {
  if (member_.empty()) return;
  v1::LeaveGroupRequest request;
  request.set_group(options_.group);
  request.set_member(std::exchange(member_, std::string()));
  request.set_instance(options_.instance);
  generation_ = -1;
  v1::LeaveGroupResponse response;
  // Whether it arrives or not: the session ends by itself.
  static_cast<void>(Call(lock, kLeaveLimit, [&](v1::Groups::Stub& stub, ::grpc::ClientContext* context) {
    return stub.Leave(context, request, &response);
  }));
}

bool GroupMember::TakeOutcome(const v1::Outcome& outcome) {
  switch (CodeOf(outcome)) {
    case ErrorCode::kNone:
      return true;
    case ErrorCode::kUnknownMemberId:
      member_.clear();
      generation_ = -1;
      return false;
    case ErrorCode::kIllegalGeneration:
    case ErrorCode::kRebalanceInProgress:
    case ErrorCode::kCoordinatorLoadInProgress:
      return false;
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
      ForgetCoordinator();
      return false;
    default:
      Fail(FailedPrecondition("group ", options_.group, ": ", outcome.name(), ": ", outcome.message()));
      return false;
  }
}

// The group has forgotten this member while it joined: what it went on reading is another's by now.
void GroupMember::NoteLoss() {
  if (member_.empty() && !owned_.empty() && state_ == State::kJoining) Become(State::kLost);
}

void GroupMember::Become(State state) {
  state_ = state;
  changed_.notify_all();
}

void GroupMember::Fail(absl::Status status) {
  failure_ = std::move(status);
  Become(State::kFailed);
}

void GroupMember::Pause(Lock* lock, absl::Duration wait) {
  changed_.wait_for(*lock, absl::ToChronoNanoseconds(wait), [this] { return stopping_; });
}

}  // namespace leat::client
