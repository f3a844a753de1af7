// The controller's answers to requests. What it does by itself: controller_upkeep.cc.
#include "coordinator/controller.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "coordinator/controller_codec.h"
#include "meta/draft.h"
#include "model/error_status.h"

namespace leat::coordinator {

using model::ErrorCode;
using model::WithCode;

Controller::Controller(const Options& options, ControlledLog& log, env::Transport& transport, env::Shard& shard)
    : options_(options), log_(log), transport_(transport), shard_(shard), random_(options.random_seed) {
  transport_.Serve(env::Service::kController, [this](int32_t from, OwnedBytes message, Reply reply) {
    if (reply) Receive(meta::NodeId(from), message, std::move(reply));
  });
  OnLeadership();
}

Controller::~Controller() = default;

void Controller::OnLeadership() {
  if (gate_.closing() || !log_.active()) {
    if (term_ != nullptr) LogInfo("coordinator", "node ", options_.self, " is no longer the active controller");
    term_.reset();
    return;
  }
  if (term_ == nullptr || term_->epoch != log_.epoch()) BeginTerm();
}

void Controller::Close(env::Closure closed) {
  transport_.Serve(env::Service::kController, nullptr);
  term_.reset();
  gate_.Close(std::move(closed));
}

absl::Status Controller::NotController() const {
  const meta::NodeId leader = log_.leader();
  if (leader == meta::kNobody || leader == options_.self) {
    return WithCode(Unavailable("node ", options_.self, " is not the active controller, and knows none now: try again"),
                    ErrorCode::kNotController);
  }
  return WithCode(Unavailable("node ", options_.self, " is not the active controller, node ", leader, " is"),
                  ErrorCode::kNotController);
}

void Controller::Answer(Reply& reply, ControllerReply answer) {
  answer.controller_epoch = log_.epoch();
  answer.end = log_.end();
  if (model::CodeOf(answer.status) == ErrorCode::kNotController && log_.leader() != options_.self) {
    answer.leader = log_.leader();
  }
  reply(OwnedBytes(EncodeReply(answer)));
}

void Controller::Submit(Decide decide, ControlledLog::Done done) {
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) return done(NotController());
  auto of_this_term = [this, epoch = term_->epoch,
                       decide = std::move(decide)](const meta::Image& image) mutable -> absl::StatusOr<meta::Records> {
    if (!log_.active() || log_.epoch() != epoch) return NotController();
    return decide(image);
  };
  log_.Submit(std::move(of_this_term),
              [done = std::move(done), hold = std::move(hold)](const absl::Status& status) mutable {
                // Leadership was lost while it was under way.
                const bool unknown = absl::IsUnavailable(status) && !model::CodeOf(status);
                done(unknown ? WithCode(status, ErrorCode::kRequestTimedOut) : status);
              });
}

void Controller::Receive(meta::NodeId from, std::string_view bytes, Reply reply) {
  OnLeadership();
  if (term_ == nullptr) return Refuse(reply, NotController());
  absl::StatusOr<ControllerRequest> request = DecodeRequest(bytes);
  if (!request.ok()) {
    return Refuse(reply, Annotate(request.status(), StrCat("from node ", from)));
  }
  std::visit([&](auto&& body) { Handle(from, std::forward<decltype(body)>(body), std::move(reply)); },
             *std::move(request));
}

namespace {

// Only a broker speaks for itself.
absl::Status CheckSender(meta::NodeId from, meta::NodeId broker) {
  if (from == broker) return absl::OkStatus();
  return WithCode(InvalidArgument("node ", from, " speaks for broker ", broker, ": expected the broker itself"),
                  ErrorCode::kInvalidRequest);
}

absl::Status CheckEpoch(int32_t asked, int32_t epoch) {
  if (asked == epoch) return absl::OkStatus();
  return WithCode(FailedPrecondition("the request is for the controller of epoch ", asked, ", this is epoch ", epoch),
                  ErrorCode::kStaleControllerEpoch);
}

}  // namespace

absl::StatusOr<meta::Records> Controller::DecideRegistration(const Term& term, const meta::Image& image,
                                                             const meta::RegisterBroker& command) const {
  if (image.cluster_id().empty()) return Unavailable("the cluster has not begun yet: try again");
  // The process before this one on the controller's own directory is dead: this one has its lock.
  const bool alive =
      command.broker.id != options_.self && term.sessions.IsAlive(image, command.broker.id, shard_.Now());
  meta::Draft draft(image);
  LEAT_RETURN_IF_ERROR(
      draft.Add(meta::Decide(image, command, alive ? meta::Session::kAlive : meta::Session::kNone, options_.policy)));
  // Partitions without states are from before there were brokers: the one node that there was has them all.
  if (command.broker.id == options_.self && draft.image().broker_count() == 1) {
    LEAT_RETURN_IF_ERROR(draft.Add(meta::AdoptPartitions(draft.image(), options_.self)));
  }
  return draft.Take();
}

void Controller::Handle(meta::NodeId from, RegisterRequest request, Reply reply) {
  if (const absl::Status sender = CheckSender(from, request.command.broker.id); !sender.ok()) {
    return Refuse(reply, sender);
  }
  const meta::NodeId id = request.command.broker.id;
  const model::Uuid incarnation = request.command.broker.incarnation;
  Submit([this, term = term_, command = std::move(request.command)](
             const meta::Image& image) { return DecideRegistration(*term, image, command); },
         [this, term = term_, id, incarnation, reply = std::move(reply)](const absl::Status& status) mutable {
           if (!status.ok()) return Refuse(reply, status);
           const meta::BrokerPtr broker = log_.image()->FindBroker(id);
           if (broker == nullptr || broker->registration.incarnation != incarnation) {
             return Refuse(reply, WithCode(FailedPrecondition("broker ", id, " has registered again since"),
                                           ErrorCode::kDuplicateBrokerRegistration));
           }
           term->sessions.Registered(id, broker->epoch(), log_.end(), shard_.Now());
           Answer(reply, {.status = absl::OkStatus(), .body = RegisterReply{broker->epoch()}});
         });
}

void Controller::Handle(meta::NodeId from, const HeartbeatRequest& request, Reply reply) {
  if (const absl::Status sender = CheckSender(from, request.heartbeat.broker); !sender.ok()) {
    return Refuse(reply, sender);
  }
  auto answer = std::make_shared<meta::HeartbeatAnswer>();
  Submit(
      [this, term = term_, answer,
       heartbeat = request.heartbeat](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        LEAT_ASSIGN_OR_RETURN(meta::BrokerSessions::Outcome outcome,
                              term->sessions.Handle(image, heartbeat, log_.end(), shard_.Now(), options_.policy));
        *answer = outcome.answer;
        return std::move(outcome.records);
      },
      [this, answer, reply = std::move(reply)](const absl::Status& status) mutable {
        if (!status.ok()) return Refuse(reply, status);
        Answer(reply, {.status = absl::OkStatus(), .body = HeartbeatReply{*answer}});
      });
}

AlterPartitionsReply::Result Controller::DecideAttempt(Term& term, const meta::Image& image,
                                                       const AlterPartitionsRequest::Item& item,
                                                       meta::Records* records) const {
  // First whether the asker is up to date: a copy of an attempt that was accepted has to hear that it is not.
  if (absl::Status asker = meta::CheckAsker(image, item.command); !asker.ok()) return {std::move(asker), {}};
  Attempt& last = term.attempts[item.command.key];
  if (last.leader_epoch == item.command.leader_epoch && item.attempt <= last.number) {
    return {WithCode(FailedPrecondition("attempt ", item.attempt, " of leader epoch ", last.leader_epoch,
                                        " comes after attempt ", last.number),
                     ErrorCode::kOperationNotAttempted),
            {}};
  }
  last = {item.command.leader_epoch, item.attempt};
  absl::StatusOr<meta::Records> decided = meta::Decide(image, item.command, options_.policy);
  if (!decided.ok()) return {decided.status(), {}};
  *records = *std::move(decided);
  return {};
}

void Controller::Handle(meta::NodeId from, AlterPartitionsRequest request, Reply reply) {
  if (const absl::Status epoch = CheckEpoch(request.controller_epoch, term_->epoch); !epoch.ok()) {
    return Refuse(reply, epoch);
  }
  if (!request.items.empty()) {
    const absl::Status sender = CheckSender(from, request.items[0].command.broker);
    if (!sender.ok()) return Refuse(reply, sender);
  }
  auto answer = std::make_shared<AlterPartitionsReply>();
  Submit(
      [this, term = term_, answer,
       items = std::move(request.items)](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        meta::Draft draft(image);
        for (const AlterPartitionsRequest::Item& item : items) {
          meta::Records records;
          AlterPartitionsReply::Result result = DecideAttempt(*term, draft.image(), item, &records);
          LEAT_RETURN_IF_ERROR(draft.Add(std::move(records)));
          if (result.status.ok()) result.state = *draft.image().FindPartition(item.command.key);
          answer->results.push_back(std::move(result));
        }
        return draft.Take();
      },
      [this, answer, reply = std::move(reply)](const absl::Status& status) mutable {
        if (!status.ok()) return Refuse(reply, status);
        Answer(reply, {.status = absl::OkStatus(), .body = std::move(*answer)});
      });
}

void Controller::Handle(meta::NodeId, ChangeRequest request, Reply reply) {
  if (const absl::Status epoch = CheckEpoch(request.controller_epoch, term_->epoch); !epoch.ok()) {
    return Refuse(reply, epoch);
  }
  const model::Uuid client = request.client;
  const int64_t sequence = request.sequence;
  switch (term_->memory.Begin(client, sequence, &reply)) {
    case RequestMemory::Seen::kCopy:
      return;
    case RequestMemory::Seen::kTooOld:
      return Refuse(reply, WithCode(Aborted("request ", sequence, " came too late to say whether it was carried out"),
                                    ErrorCode::kRequestTimedOut));
    case RequestMemory::Seen::kNew:
      break;
  }
  auto answer = std::make_shared<ChangeReply>();
  Submit(
      [this, answer, request = std::move(request)](const meta::Image& image) -> absl::StatusOr<meta::Records> {
        meta::Decisions decisions =
            meta::DecideEach(image, request.commands, request.mode, options_.policy, random_, log_.image().get());
        answer->results = std::move(decisions.results);
        return std::move(decisions.records);
      },
      [this, term = term_, client, sequence, answer](const absl::Status& status) {
        Reply finish = [&](absl::StatusOr<OwnedBytes> bytes) {
          term->memory.Finish(client, sequence, std::string(bytes->view()));
        };
        if (!status.ok()) return Refuse(finish, status);
        Answer(finish, {.status = absl::OkStatus(), .body = std::move(*answer)});
      });
}

}  // namespace leat::coordinator
