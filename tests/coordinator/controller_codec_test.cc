#include "coordinator/controller_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/error_status.h"

namespace leat::coordinator {
namespace {

using ::testing::HasSubstr;

// Requests and answers from a seed: every field of every kind gets a value now and then.
class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  ControllerRequest Request() {
    switch (random_.Below(4)) {
      case 0:
        return RegisterRequest{Registration()};
      case 1:
        return HeartbeatRequest{
            {Node(), Number(), model::Offset(Number()), static_cast<meta::Heartbeat::Wish>(random_.Below(3))}};
      case 2:
        return Alter();
      default:
        return ChangeRequest{Small(), Id(), Number(), Yes() ? meta::ChangeMode::kApply : meta::ChangeMode::kValidate,
                             Many<meta::Command>([this] { return Command(random_.Below(kKinds)); })};
    }
  }

  ControllerReply Reply() {
    ControllerReply reply;
    reply.controller_epoch = Small();
    reply.end = model::Offset(Number());
    if (random_.OneIn(4)) {
      reply.status = Failure();
      if (Yes()) reply.leader = Node();
      return reply;
    }
    switch (random_.Below(4)) {
      case 0:
        reply.body = RegisterReply{Number()};
        break;
      case 1:
        reply.body = HeartbeatReply{{Yes(), Yes(), Yes()}};
        break;
      case 2:
        reply.body = AlterPartitionsReply{Many<AlterPartitionsReply::Result>([this] {
          return Yes() ? AlterPartitionsReply::Result{absl::OkStatus(), State()}
                       : AlterPartitionsReply::Result{Failure(), {}};
        })};
        break;
      default:
        reply.body = ChangeReply{Many<meta::CommandResult>([this] { return Result(); })};
    }
    return reply;
  }

  meta::Command Command(uint64_t kind) {
    switch (kind) {
      case 0:
        return meta::CreateTopic{Text(), Small(), Map(), Origin(), Small(), Lists()};
      case 1:
        return meta::DeleteTopic{Text(), Origin()};
      case 2:
        return meta::AlterTopic{Text(),  Map(), Texts(), Small(), Origin(), Yes(),
                                Small(), Map(), Map(),   Yes(),   Lists()};
      case 3:
        return meta::SubmitJob{Text(), Text(), Number()};
      case 4:
        return meta::SetJobDesired{Text(), Yes() ? meta::DesiredState::kRunning : meta::DesiredState::kStopped};
      case 5:
        return meta::DeleteJobCommand{Text()};
      case 6:
        return meta::ReserveIds{Number()};
      case 7:
        return meta::ElectLeader{Key(), Yes() ? meta::ElectionWish::kPreferred : meta::ElectionWish::kUnclean};
      case 8:
        return meta::Reassign{Key(), Yes() ? std::optional(Nodes()) : std::nullopt,
                              Yes() ? meta::Reassign::Factor::kMayChange : meta::Reassign::Factor::kMustStay};
      case 9:
        return meta::AlterBrokerConfigs{
            Yes() ? Node() : meta::kNobody, Map(), Texts(),
            Yes() ? meta::AlterBrokerConfigs::Others::kKeep : meta::AlterBrokerConfigs::Others::kRemove};
      case 10:
        return meta::Unregister{Node()};
      case 11:
        return meta::Drain{Node(), Yes() ? meta::Drain::Wish::kStart : meta::Drain::Wish::kStop};
      case 12:
        return meta::RaiseLevel{Small()};
      case 13:
        return meta::GiveUpLeadership{Node(), Number(), Key(), meta::LeaderEpoch(Small())};
      default:
        return meta::UpgradeJob{Text(), Text(), Number(), Texts()};
    }
  }
  static constexpr uint64_t kKinds = 15;

 private:
  template <typename T, typename Make>
  std::vector<T> Many(Make make) {
    std::vector<T> all;
    for (uint64_t i = random_.Below(4); i > 0; --i) all.push_back(make());
    return all;
  }
  bool Yes() { return random_.OneIn(2); }
  int32_t Small() { return static_cast<int32_t>(random_.Below(1000)); }
  int64_t Number() { return static_cast<int64_t>(random_.Next() >> (1 + random_.Below(62))); }
  model::Uuid Id() { return {random_.Next(), random_.Next()}; }
  meta::NodeId Node() { return meta::NodeId(Small()); }
  meta::NodeList Nodes() {
    return Many<meta::NodeId>([this] { return Node(); });
  }
  std::vector<meta::NodeList> Lists() {
    return Many<meta::NodeList>([this] { return Nodes(); });
  }
  std::string Text() { return Yes() ? "" : StrCat("t", Number()); }
  std::vector<std::string> Texts() {
    return Many<std::string>([this] { return Text(); });
  }
  meta::Configs Map() {
    meta::Configs map;
    for (uint64_t i = random_.Below(3); i > 0; --i) map[Text()] = Text();
    return map;
  }
  meta::Origin Origin() { return Yes() ? meta::Origin::kClient : meta::Origin::kInternal; }
  meta::PartitionKey Key() { return {{random_.Next(), random_.Next()}, meta::PartitionId(Small())}; }
  absl::Status Failure() {
    const absl::Status status(static_cast<absl::StatusCode>(1 + random_.Below(16)), StrCat("why ", Number()));
    return Yes() ? status : model::WithCode(status, static_cast<model::ErrorCode>(random_.Below(130)));
  }
  meta::Partition State() {
    return {.replicas = Nodes(),
            .isr = Nodes(),
            .elr = Nodes(),
            .last_known_elr = Nodes(),
            .adding = Nodes(),
            .removing = Nodes(),
            .leader = Yes() ? Node() : meta::kNobody,
            .leader_epoch = meta::LeaderEpoch(Small()),
            .partition_epoch = Small()};
  }
  meta::CommandResult Result() {
    return {.status = Yes() ? absl::OkStatus() : Failure(),
            .topic = {random_.Next(), random_.Next()},
            .partitions = Small(),
            .replication_factor = Small(),
            .configs = Map(),
            .producer_ids_begin = Yes() ? -1 : Number()};
  }
  meta::RegisterBroker Registration() {
    return {.cluster_id = Text(),
            .broker = {.id = Node(),
                       .incarnation = Id(),
                       .epoch = Number(),
                       .listeners = Many<meta::Listener>([this] {
                         return meta::Listener{Text(), Text(), Small()};
                       }),
                       .rack = Text(),
                       .oldest_feature_level = Small(),
                       .newest_feature_level = Small(),
                       .directories = Many<model::Uuid>([this] { return Id(); })},
            .known_incarnations = Many<model::Uuid>([this] { return Id(); }),
            .clean_shutdown_epoch = Yes() ? -1 : Number(),
            .damaged = Many<meta::PartitionKey>([this] { return Key(); })};
  }
  ControllerRequest Alter() {
    AlterPartitionsRequest request{Small(), {}};
    const meta::NodeId broker = Node();
    const int64_t epoch = Number();
    request.items = Many<AlterPartitionsRequest::Item>([&]() -> AlterPartitionsRequest::Item {
      return {{broker, epoch, Key(), meta::LeaderEpoch(Small()), Small(), Many<meta::AlterPartition::Member>([this] {
                 return meta::AlterPartition::Member{Node(), Number()};
               })},
              Number()};
    });
    return request;
  }

  Random random_;
};

static_assert(std::variant_size_v<meta::Command> == Maker::kKinds, "a kind is not made");

RC_GTEST_PROP(ControllerCodec, BringsEveryRequestAndAnswerBack, (uint64_t seed)) {
  Maker maker(seed);
  const ControllerRequest request = maker.Request();
  const absl::StatusOr<ControllerRequest> read = DecodeRequest(EncodeRequest(request));
  RC_ASSERT(read.ok());
  RC_ASSERT(*read == request);
  const ControllerReply reply = maker.Reply();
  const absl::StatusOr<ControllerReply> answer = DecodeReply(EncodeReply(reply));
  RC_ASSERT(answer.ok());
  RC_ASSERT(*answer == reply);
}

TEST(ControllerCodec, BringsEveryKindOfCommandBack) {
  for (uint64_t kind = 0; kind < Maker::kKinds; ++kind) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const meta::Command command = Maker(seed).Command(kind);
      ASSERT_EQ(command.index(), kind);
      const absl::StatusOr<ControllerRequest> read =
          DecodeRequest(EncodeRequest(ChangeRequest{1, {1, 2}, 3, meta::ChangeMode::kApply, {command}}));
      ASSERT_TRUE(read.ok()) << kind << ": " << read.status();
      EXPECT_TRUE(std::get<ChangeRequest>(*read).commands.at(0) == command) << kind << " seed " << seed;
    }
  }
}

// Whatever comes is read or refused, and what is read can be written.
RC_GTEST_PROP(ControllerCodec, SurvivesBytesThatWereCutOrChanged, (uint64_t seed)) {
  Random random(seed);
  Maker maker(seed);
  for (std::string bytes : {EncodeRequest(maker.Request()), EncodeReply(maker.Reply())}) {
    if (random.OneIn(2)) bytes.resize(random.Below(bytes.size() + 1));
    for (uint64_t i = random.Below(4); i > 0 && !bytes.empty(); --i) {
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    }
    if (const absl::StatusOr<ControllerRequest> read = DecodeRequest(bytes); read.ok()) EncodeRequest(*read);
    if (const absl::StatusOr<ControllerReply> read = DecodeReply(bytes); read.ok()) EncodeReply(*read);
  }
}

TEST(ControllerCodec, RefusesNumbersThatMeanNothing) {
  const auto refusal = [](const ControllerRequest& request) {
    return std::string(Message(DecodeRequest(EncodeRequest(request)).status()));
  };
  const auto change = [](meta::Command command) {
    return ChangeRequest{1, {1, 2}, 3, meta::ChangeMode::kApply, {std::move(command)}};
  };
  EXPECT_THAT(refusal(change(meta::CreateTopic{.name = "t", .partitions = -2, .configs = {}})), HasSubstr("-2"));
  EXPECT_THAT(refusal(change(meta::AlterTopic{.name = "t", .set = {}, .remove = {}, .partitions = INT32_MIN})),
              HasSubstr("-2147483648"));
  EXPECT_THAT(refusal(HeartbeatRequest{{meta::NodeId(1), 1, model::Offset(1), static_cast<meta::Heartbeat::Wish>(9)}}),
              HasSubstr("wish"));
  EXPECT_THAT(refusal(ChangeRequest{1, {1, 2}, -1, meta::ChangeMode::kApply, {}}), HasSubstr("sequence"));
  ChangeRequest many = change(meta::Unregister{meta::NodeId(1)});
  many.commands.resize(kMostCommands + 1, many.commands[0]);
  EXPECT_THAT(refusal(many), HasSubstr("20001"));
  EXPECT_EQ(DecodeRequest("").status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(DecodeReply("").status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(DecodeRequest("\xff").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leat::coordinator
