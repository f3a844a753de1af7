// Who leads the partitions that a producer writes to, where there are several brokers: asked again when one of them
// turns out to be the wrong one or goes, and from time to time while answers are awaited, because one that hangs says
// nothing.
#include <algorithm>

#include "client/clock.h"
#include "client/producer_link.h"
#include "leat/v1/admin.grpc.pb.h"

namespace leat::client {
namespace {

constexpr absl::Duration kLookPause = absl::Milliseconds(50);
constexpr absl::Duration kLookInterval = absl::Seconds(3);
constexpr absl::Duration kLookPatience = absl::Seconds(3);

}  // namespace

struct Sender::LeadersRequest {
  ChannelPtr channel;
  std::unique_ptr<v1::Admin::Stub> stub;
  ::grpc::ClientContext context;
  v1::TopicNames request;
  v1::DescribeTopicsResponse response;
  ::grpc::Status status;
  std::unique_ptr<::grpc::ClientAsyncResponseReader<v1::DescribeTopicsResponse>> rpc;
};

void Sender::LookAgain(const std::string& topic) { lost_.insert(topic); }

Instant Sender::NextLook(Instant now) const {
  if (leaders_request_ != nullptr) return Instant::Max();
  if (!lost_.empty()) return std::max(look_at_, now);
  const bool several = links_.size() > 1 || (links_.size() == 1 && !links_.begin()->first.empty());
  return several && in_flight_ > 0 ? std::max(looked_at_ + kLookInterval, now) : Instant::Max();
}

void Sender::AskForLeaders(Instant now) {
  look_at_ = now + kLookPause;
  looked_at_ = now;
  leaders_request_ = std::make_shared<LeadersRequest>();
  LeadersRequest& asked = *leaders_request_;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [address, link] : links_) {
      for (const std::string& topic : batches_.TopicsAt(address)) lost_.insert(topic);
    }
  }
  for (const std::string& topic : lost_) asked.request.add_names(topic);
  lost_.clear();
  asked.channel = connection_->impl().Any();
  asked.stub = v1::Admin::NewStub(asked.channel);
  asked.context.set_deadline(DeadlineIn(kLookPatience));
  asked.rpc = asked.stub->PrepareAsyncDescribeTopics(&asked.context, asked.request, &queue_);
  asked.rpc->StartCall();
  asked.rpc->Finish(&asked.response, &asked.status, &leaders_event_);
}

void Sender::TakeLeaders() {
  const std::shared_ptr<LeadersRequest> asked = std::move(leaders_request_);
  leaders_request_ = nullptr;
  if (!asked->status.ok()) {
    connection_->impl().NoteFailure(asked->channel);
    for (const std::string& topic : asked->request.names()) lost_.insert(topic);
    return;
  }
  connection_->impl().Learn(asked->response);
  std::set<std::string> left;  // brokers that have what another one leads now
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : asked->request.names()) {
      Topic& topic = batches_.TopicNamed(name);
      TakeLeadersLocked(&topic);
      for (const std::unique_ptr<Partition>& partition : topic.partitions) {
        if (partition->in_flight > 0 && partition->sent_to != partition->leader) left.insert(partition->sent_to);
      }
    }
  }
  // What is on its way there is sent again where the leader is: it knows what it has already.
  for (const std::string& address : left) Cancel(&LinkTo(address));
}

void Sender::TakeLeadersLocked(Topic* topic) {
  for (const std::unique_ptr<Partition>& partition : topic->partitions) {
    partition->leader = connection_->impl().LeaderOf({topic->name, partition->id});
  }
}

bool Sender::CancelLeadersRequest() {
  leaders_request_->context.TryCancel();
  return false;
}

}  // namespace leat::client
