#include "broker/job_peers.h"

#include "broker/broker_impl.h"
#include "broker/broker_log_port.h"
#include "broker/job_manager.h"
#include "broker/lag.h"
#include "broker/lag_watch.h"

namespace leat::broker {
namespace {

// Encodes what a call of the log port answers.
template <typename Result>
Callback<absl::StatusOr<Result>> Encoding(Callback<std::string> reply) {
  return [reply = std::move(reply)](absl::StatusOr<Result> answer) mutable {
    reply(EncodeJobAnswer<Result>(std::move(answer)));
  };
}

Callback<absl::Status> EncodingStatus(Callback<std::string> reply) {
  return [reply = std::move(reply)](const absl::Status& status) mutable {
    reply(EncodeJobAnswer<Nothing>(status.ok() ? absl::StatusOr<Nothing>(Nothing()) : status));
  };
}

}  // namespace

// Any shard may hear of it: what another node's shard 0 says need not arrive on this node's.
void JobPeers::Serve() {
  for (size_t i = 0; i < broker_.transports().size(); ++i) {
    env::Transport* const transport = broker_.transports()[i];
    env::Shard* const shard = &broker_.shards()[i]->shard();
    shard->Post([this, transport, shard] {
      transport->Serve(env::Service::kJobs, [this, shard](int32_t, OwnedBytes bytes, env::Transport::Reply reply) {
        if (reply == nullptr) return;
        broker_.home().Post([this, shard, bytes = std::move(bytes), reply = std::move(reply)]() mutable {
          Take(bytes, [shard, reply = std::move(reply)](std::string answer) mutable {
            shard->Post([answer = std::move(answer), reply = std::move(reply)]() mutable {
              reply(OwnedBytes(std::move(answer)));
            });
          });
        });
      });
    });
  }
}

void JobPeers::StopServing() {
  for (size_t i = 0; i < broker_.transports().size(); ++i) {
    env::Transport* const transport = broker_.transports()[i];
    broker_.shards()[i]->shard().Post([transport] { transport->Serve(env::Service::kJobs, nullptr); });
  }
}

void JobPeers::Call(model::NodeId node, std::string message, Duration timeout, Callback<Answer> done) {
  if (broker_.transports().empty()) {
    return done({Unavailable("node ", node, " cannot be reached: this node is alone"), false});
  }
  broker_.transports()[0]->Call(node.value(), env::Service::kJobs, OwnedBytes(std::move(message)), timeout,
                                [node, done = std::move(done)](absl::StatusOr<OwnedBytes> bytes) mutable {
                                  const bool sent = !absl::IsResourceExhausted(bytes.status());
                                  if (!bytes.ok()) bytes = Unavailable("node ", node, ": ", Message(bytes.status()));
                                  done({std::move(bytes), sent});
                                });
}

void JobPeers::Take(const OwnedBytes& bytes, Reply reply) {
  absl::StatusOr<JobMessage> message = DecodeJobMessage(bytes.view());
  if (!message.ok()) return reply(EncodeJobAnswer<Nothing>(message.status()));
  std::visit([&](auto& one) { On(std::move(one), std::move(reply)); }, *message);
}

void JobPeers::On(AskEnds message, Reply reply) {
  log_.Ends(std::move(message.partitions), Encoding<AskEnds::Reply>(std::move(reply)));
}
void JobPeers::On(AskOffsetForTime message, Reply reply) {
  log_.OffsetForTime(std::move(message.partition), message.timestamp_ms,
                     Encoding<AskOffsetForTime::Reply>(std::move(reply)));
}
void JobPeers::On(AskFetch message, Reply reply) {
  log_.Fetch(std::move(message.fetch), Encoding<AskFetch::Reply>(std::move(reply)));
}
void JobPeers::On(AskAppend message, Reply reply) {
  log_.Append(std::move(message.append), Encoding<AskAppend::Reply>(std::move(reply)));
}
void JobPeers::On(AskOpenProducer message, Reply reply) {
  log_.OpenProducer(std::move(message.transactional_id), message.timeout,
                    Encoding<AskOpenProducer::Reply>(std::move(reply)));
}
void JobPeers::On(AskAddToTransaction message, Reply reply) {
  log_.AddToTransaction(std::move(message.transactional_id), message.producer, std::move(message.partitions),
                        EncodingStatus(std::move(reply)));
}
void JobPeers::On(AskEndTransaction message, Reply reply) {
  log_.EndTransaction(std::move(message.transactional_id), message.producer, message.end,
                      Encoding<AskEndTransaction::Reply>(std::move(reply)));
}
void JobPeers::On(AskCommit message, Reply reply) {
  log_.CommitOffsets(std::move(message.group), std::move(message.offsets), EncodingStatus(std::move(reply)));
}
void JobPeers::On(AskCommitted message, Reply reply) {
  log_.CommittedOffsets(std::move(message.group), std::move(message.partitions),
                        Encoding<AskCommitted::Reply>(std::move(reply)));
}

void JobPeers::On(const AskForget& message, Reply reply) {
  broker_.ForgetGroup(message.group, EncodingStatus(std::move(reply)));
}
void JobPeers::On(AskCommittedOf message, Reply reply) {
  reply(EncodeJobAnswer<AskCommittedOf::Reply>(CommittedHere(broker_, std::move(message.groups))));
}
void JobPeers::On(AskLag message, Reply reply) {
  MeasureLagHere(broker_, std::move(message.items), [reply = std::move(reply)](std::vector<GroupLag> lags) mutable {
    reply(EncodeJobAnswer<AskLag::Reply>(std::move(lags)));
  });
}
void JobPeers::On(const AskTroubled& message, Reply reply) {
  reply(EncodeJobAnswer<AskTroubled::Reply>(broker_.lag_watch().Troubled(message.groups, broker_.home().WallMillis())));
}
void JobPeers::On(const AskSettle& message, Reply reply) {
  broker_.jobs().Settle(message, Encoding<AskSettle::Reply>(std::move(reply)));
}
void JobPeers::On(const AskUpgrade& message, Reply reply) {
  broker_.jobs().CheckUpgrade(message, Encoding<AskUpgrade::Reply>(std::move(reply)));
}
void JobPeers::On(const AskUpgraded& message, Reply reply) {
  broker_.jobs().SettleUpgrade(message, Encoding<AskUpgraded::Reply>(std::move(reply)));
}
void JobPeers::On(const AskJobs& message, Reply reply) {
  reply(EncodeJobAnswer<AskJobs::Reply>(broker_.jobs().DescribeOwn(message.names)));
}
void JobPeers::On(const AskJobLogs& message, Reply reply) {
  reply(EncodeJobAnswer<AskJobLogs::Reply>(broker_.jobs().Logs(message.name)));
}
void JobPeers::On(const AskJobProgress& message, Reply reply) {
  reply(EncodeJobAnswer<AskJobProgress::Reply>(broker_.jobs().ProgressOf(message.name)));
}
void JobPeers::On(const AskJobGroups& message, Reply reply) {
  reply(EncodeJobAnswer<AskJobGroups::Reply>(broker_.jobs().GroupsOf(message.name)));
}
void JobPeers::On(const AskView& message, Reply reply) {
  if (answer_view_) return answer_view_(message, Encoding<AskView::Reply>(std::move(reply)));
  reply(EncodeJobAnswer<AskView::Reply>(Unavailable("this node is starting or stopping: try again")));
}

}  // namespace leat::broker
