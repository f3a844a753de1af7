#include "coordinator/raft_codec.h"

#include <limits>
#include <type_traits>
#include <utility>

#include "base/crc32c.h"
#include "base/murmur2.h"
#include "leat/internal/raft.pb.h"

namespace leat::coordinator {
namespace {

using internal::RaftMessage;

// Far above any log, and far enough below the type's end that sums with it are safe.
constexpr int64_t kLargest = int64_t{1} << 60;

// ---- to bytes ----

void Set(const model::Uuid& id, internal::Uuid* out) {
  out->set_high(id.high);
  out->set_low(id.low);
}
void Set(const raft::Peer& peer, internal::RaftPeer* out) {
  out->set_id(peer.id.value());
  if (!peer.directory.is_zero()) Set(peer.directory, out->mutable_directory());
}
void Set(const raft::LogPoint& point, internal::RaftPoint* out) {
  out->set_end(point.end.value());
  out->set_term(point.term.value());
}

struct Encoder {
  RaftMessage& out;
  const RaftCodecLimits& limits;

  void operator()(const raft::VoteRequest& body) {
    auto* to = out.mutable_vote_request();
    to->set_kind(static_cast<uint32_t>(body.kind));
    to->set_stands_for(body.stands_for.value());
    Set(body.tip, to->mutable_tip());
  }
  void operator()(const raft::VoteReply& body) {
    auto* to = out.mutable_vote_reply();
    to->set_kind(static_cast<uint32_t>(body.kind));
    to->set_stood_for(body.stood_for.value());
    to->set_granted(body.granted);
  }
  void operator()(const raft::AppendRequest& body) {
    auto* to = out.mutable_append_request();
    Set(body.previous, to->mutable_previous());
    for (const raft::Entry& entry : body.entries) {
      auto* one = to->add_entries();
      one->set_offset(entry.offset.value());
      one->set_term(entry.term.value());
      one->set_kind(static_cast<uint32_t>(entry.kind));
      one->set_payload(entry.payload);
    }
    to->set_commit_end(body.commit_end.value());
    to->set_acked_end(body.acked_end.value());
    to->set_round(body.round);
    to->set_sent_at(body.sent_at.nanos());
  }
  void operator()(const raft::AppendReply& body) {
    auto* to = out.mutable_append_reply();
    to->set_result(static_cast<uint32_t>(body.result));
    to->set_previous_end(body.previous_end.value());
    to->set_match_end(body.match_end.value());
    Set(body.hint, to->mutable_hint());
    to->set_round(body.round);
    to->set_sent_at(body.sent_at.nanos());
  }
  void operator()(const raft::SnapshotChunk& body) {
    auto* to = out.mutable_snapshot_chunk();
    Set(body.snapshot, to->mutable_snapshot());
    to->set_voters(body.voters.Encode());
    to->set_position(body.position);
    to->set_data(body.bytes);
    to->set_checksum(body.checksum);
    to->set_last(body.last);
    to->set_round(body.round);
    to->set_sent_at(body.sent_at.nanos());
  }
  void operator()(const raft::SnapshotReply& body) {
    auto* to = out.mutable_snapshot_reply();
    Set(body.snapshot, to->mutable_snapshot());
    to->set_next_position(body.next_position);
    to->set_installed(body.installed);
    to->set_round(body.round);
    to->set_sent_at(body.sent_at.nanos());
  }
  void operator()(const raft::TimeoutNow&) { out.mutable_timeout_now(); }
  void operator()(const raft::Observe&) { out.mutable_observe(); }
  void operator()(const raft::LeaderHint& body) { Set(body.leader, out.mutable_leader_hint()); }
  void operator()(const raft::Refusal& body) {
    auto* to = out.mutable_refusal();
    to->set_reason(static_cast<uint32_t>(body.reason));
    to->set_detail(body.detail.substr(0, limits.max_text));
  }
};

// ---- from bytes ----

// Reads fields one after the other and keeps the first complaint.
class Decoder {
 public:
  explicit Decoder(const RaftCodecLimits& limits) : limits_(limits) {}
  const absl::Status& status() const { return status_; }

  model::Uuid Id(const internal::Uuid& in) { return {in.high(), in.low()}; }
  raft::Peer Peer(const internal::RaftPeer& in, std::string_view what) {
    if (in.id() < -1) Refuse(what, in.id(), "a node id");
    return {raft::NodeId{in.id()}, Id(in.directory())};
  }
  raft::Term Term(int32_t in, std::string_view what) {
    if (in < 0 || in == std::numeric_limits<int32_t>::max()) Refuse(what, in, "a term");
    return raft::Term{in};
  }
  int64_t Number(int64_t in, std::string_view what) {
    if (in < 0 || in > kLargest) Refuse(what, in, "0 to 2^60");
    return in;
  }
  raft::Offset Offset(int64_t in, std::string_view what) { return raft::Offset{Number(in, what)}; }
  raft::LogPoint Point(const internal::RaftPoint& in, std::string_view what) {
    return {Offset(in.end(), what), Term(in.term(), what)};
  }
  // The enum's last value is `last`; they begin at 0 and have no gaps.
  template <typename Enum>
  Enum Kind(uint32_t in, Enum last, std::string_view what) {
    if (in <= static_cast<uint32_t>(last)) return static_cast<Enum>(in);
    if (status_.ok()) {
      status_ = Unimplemented("raft message: ", what, " number ", in, " is not known here: start a newer version");
    }
    return Enum{};
  }
  raft::VoterSet Voters(const std::string& in) {
    absl::StatusOr<raft::VoterSet> voters = raft::VoterSet::Decode(in, limits_.max_voters);
    if (voters.ok()) return *std::move(voters);
    if (status_.ok()) status_ = Annotate(voters.status(), "raft message");
    return {};
  }

  raft::Body operator()(const internal::RaftVoteRequest& in) {
    return raft::VoteRequest{Kind(in.kind(), raft::VoteKind::kTransfer, "vote kind"), Term(in.stands_for(), "term"),
                             Point(in.tip(), "tip")};
  }
  raft::Body operator()(const internal::RaftVoteReply& in) {
    return raft::VoteReply{Kind(in.kind(), raft::VoteKind::kTransfer, "vote kind"), Term(in.stood_for(), "term"),
                           in.granted()};
  }
  raft::Body operator()(internal::RaftAppendRequest& in) {
    raft::AppendRequest out{.previous = Point(in.previous(), "previous"),
                            .entries = {},
                            .commit_end = Offset(in.commit_end(), "commit end"),
                            .acked_end = Offset(in.acked_end(), "acked end"),
                            .round = Number(in.round(), "round"),
                            .sent_at = Instant::FromNanos(in.sent_at())};
    if (in.entries_size() > limits_.max_entries) {
      Refuse("count of entries", in.entries_size(), StrCat("at most ", limits_.max_entries));
      return out;
    }
    out.entries.reserve(static_cast<size_t>(in.entries_size()));
    for (internal::RaftEntry& entry : *in.mutable_entries()) {
      out.entries.push_back({Offset(entry.offset(), "entry's offset"), Term(entry.term(), "entry's term"),
                             Kind(entry.kind(), raft::EntryKind::kVoters, "entry kind"),
                             std::move(*entry.mutable_payload())});
    }
    return out;
  }
  raft::Body operator()(const internal::RaftAppendReply& in) {
    return raft::AppendReply{.result = Kind(in.result(), raft::AppendResult::kRolledBack, "append result"),
                             .previous_end = Offset(in.previous_end(), "previous end"),
                             .match_end = Offset(in.match_end(), "match end"),
                             .hint = Point(in.hint(), "hint"),
                             .round = Number(in.round(), "round"),
                             .sent_at = Instant::FromNanos(in.sent_at())};
  }
  raft::Body operator()(internal::RaftSnapshotChunk& in) {
    return raft::SnapshotChunk{.snapshot = Point(in.snapshot(), "snapshot"),
                               .voters = Voters(in.voters()),
                               .position = Number(in.position(), "position"),
                               .bytes = std::move(*in.mutable_data()),
                               .checksum = in.checksum(),
                               .last = in.last(),
                               .round = Number(in.round(), "round"),
                               .sent_at = Instant::FromNanos(in.sent_at())};
  }
  raft::Body operator()(const internal::RaftSnapshotReply& in) {
    return raft::SnapshotReply{.snapshot = Point(in.snapshot(), "snapshot"),
                               .next_position = Number(in.next_position(), "next position"),
                               .installed = in.installed(),
                               .round = Number(in.round(), "round"),
                               .sent_at = Instant::FromNanos(in.sent_at())};
  }
  raft::Body operator()(internal::RaftRefusal& in) {
    if (in.detail().size() > limits_.max_text) {
      Refuse("text's size", static_cast<int64_t>(in.detail().size()), StrCat("at most ", limits_.max_text));
    }
    return raft::Refusal{Kind(in.reason(), raft::RefusalReason::kOverloaded, "refusal reason"),
                         std::move(*in.mutable_detail())};
  }
  raft::Body Body(RaftMessage& in) {
    switch (in.body_case()) {
      case RaftMessage::kVoteRequest:
        return (*this)(in.vote_request());
      case RaftMessage::kVoteReply:
        return (*this)(in.vote_reply());
      case RaftMessage::kAppendRequest:
        return (*this)(*in.mutable_append_request());
      case RaftMessage::kAppendReply:
        return (*this)(in.append_reply());
      case RaftMessage::kSnapshotChunk:
        return (*this)(*in.mutable_snapshot_chunk());
      case RaftMessage::kSnapshotReply:
        return (*this)(in.snapshot_reply());
      case RaftMessage::kTimeoutNow:
        return raft::TimeoutNow{};
      case RaftMessage::kObserve:
        return raft::Observe{};
      case RaftMessage::kLeaderHint:
        return raft::LeaderHint{Peer(in.leader_hint(), "leader")};
      case RaftMessage::kRefusal:
        return (*this)(*in.mutable_refusal());
      case RaftMessage::BODY_NOT_SET:
        break;
    }
    if (status_.ok()) status_ = Unimplemented("raft message: of a kind that this program does not know, or of none");
    return raft::Observe{};
  }

 private:
  void Refuse(std::string_view what, int64_t got, std::string_view expected) {
    if (status_.ok()) status_ = InvalidArgument("raft message: ", what, " is ", got, ", expected ", expected);
  }

  const RaftCodecLimits& limits_;
  absl::Status status_;
};

}  // namespace

std::string EncodeRaft(const raft::Message& message, const RaftCodecLimits& limits) {
  RaftMessage out;
  Set(message.cluster, out.mutable_cluster());
  Set(message.from, out.mutable_from());
  Set(message.to, out.mutable_to());
  out.set_term(message.term.value());
  std::visit(Encoder{out, limits}, message.body);
  out.set_address(message.address);
  return out.SerializeAsString();
}

absl::StatusOr<raft::Message> DecodeRaft(std::string_view bytes, const RaftCodecLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    return InvalidArgument("raft message: ", bytes.size(), " bytes, expected at most ", limits.max_bytes);
  }
  RaftMessage in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss("raft message: ", bytes.size(), " bytes are not a message");
  }
  if (!in.has_cluster() || !in.has_from() || !in.has_to()) {
    return DataLoss("raft message: it does not say of which cluster, from whom and to whom it is");
  }
  if (in.address().size() > limits.max_address) {
    return InvalidArgument("raft message: an address of ", in.address().size(), " bytes, expected at most ",
                           limits.max_address);
  }
  Decoder decoder(limits);
  raft::Message message{decoder.Id(in.cluster()),
                        decoder.Peer(in.from(), "sender"),
                        decoder.Peer(in.to(), "receiver"),
                        decoder.Term(in.term(), "term"),
                        {},
                        {}};
  message.body = decoder.Body(in);
  LEAT_RETURN_IF_ERROR(decoder.status());
  message.address = std::move(*in.mutable_address());
  return message;
}

model::Uuid ClusterUuid(std::string_view cluster_id) {
  if (const absl::StatusOr<model::Uuid> id = model::Uuid::Parse(cluster_id); id.ok() && !id->is_zero()) return *id;
  const auto digest = [&](std::string_view salt) {
    const std::string text = StrCat(salt, cluster_id);
    return (uint64_t{Crc32c(text)} << 32) | Murmur2(text);
  };
  return {digest("leat cluster, high: ") | 1, digest("leat cluster, low: ")};
}

}  // namespace leat::coordinator
