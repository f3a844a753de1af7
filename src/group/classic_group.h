// One group of the classic protocol: its state, its members and their choice of a protocol. It keeps its own books
// straight and knows nothing of time, records or answers: ClassicCore drives it. Pure; not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "group/group_records.h"
#include "group/requests.h"

namespace leat::group {

struct ClassicMember {
  std::string id;
  std::optional<std::string> instance;
  std::string client_id;
  std::string client_host;
  Duration session_timeout;
  Duration rebalance_timeout;
  std::vector<Protocol> protocols;  // in the order that it prefers
  std::string assignment;
  std::optional<RequestId> sync;  // unanswered
  bool is_new = false;            // it has not been in a generation yet

  // Null if it does not offer the protocol.
  const std::string* MetadataOf(std::string_view protocol) const;
  bool joined() const { return join.has_value(); }

 private:
  friend class ClassicGroup;
  std::optional<RequestId> join;  // unanswered
};

class ClassicGroup {
 public:
  explicit ClassicGroup(std::string name) : name_(std::move(name)) {}
  // As the record says: stable with its members, or empty.
  ClassicGroup(std::string name, const GroupMetadata& metadata);

  const std::string& name() const { return name_; }
  GroupState state() const { return state_; }
  bool Is(GroupState state) const { return state_ == state; }
  int64_t state_time_ms() const { return state_time_ms_; }
  int32_t generation() const { return generation_; }
  const std::string& protocol_type() const { return protocol_type_; }
  const std::optional<std::string>& protocol() const { return protocol_; }  // of the generation; none while empty
  const std::string& leader() const { return leader_; }                     // empty: none

  const std::map<std::string, ClassicMember, std::less<>>& members() const { return members_; }
  ClassicMember* Find(std::string_view id);
  const ClassicMember* Find(std::string_view id) const;
  // The id of the member that has the instance now; null: none has.
  const std::string* FindInstance(std::string_view instance) const;
  // OK, UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID.
  model::ErrorCode CheckMember(std::string_view id, const std::optional<std::string>& instance) const;

  void Add(ClassicMember member);  // REQUIRES: its id and instance are free
  // A leader that goes is replaced. What the member waits for stays the caller's to answer. REQUIRES: it is a member.
  struct Removed {
    ClassicMember member;
    std::optional<RequestId> join;
  };
  Removed Remove(std::string_view id);
  void SetProtocols(std::string_view id, std::vector<Protocol> protocols);
  // The static member gets another id and keeps all else. REQUIRES: `instance` is a member's.
  void ReplaceId(std::string_view instance, const std::string& new_id);

  // True if who offers these could join: the type agrees, and one of them is offered by every member.
  bool Supports(std::string_view protocol_type, const std::vector<Protocol>& protocols) const;
  // The protocol that gets the most votes: each member has one, for the first of its own that all offer. A tie goes to
  // the one that the first of the members prefers. REQUIRES: members.
  std::string ChooseProtocol() const;

  // A member's join waits for the others. REQUIRES: it has none that waits.
  void Park(ClassicMember& member, RequestId join);
  std::optional<RequestId> TakeJoin(ClassicMember& member);
  // True when every member has joined and nobody is expected.
  bool AllJoined() const { return pending_ids.empty() && joined_count_ == members_.size(); }
  size_t joined_count() const { return joined_count_; }
  // Makes somebody leader who has joined; false if nobody has.
  bool ElectJoinedLeader();
  Duration RebalanceTimeout() const;  // the longest of its members

  void Become(GroupState state, int64_t now_ms);
  // The next generation begins: with a protocol if there are members.
  void BeginGeneration();
  void SetProtocolType(std::string type) { protocol_type_ = std::move(type); }

  GroupMetadata Metadata(const std::map<std::string, std::string, std::less<>>& assignments) const;
  GroupMetadata Metadata() const;  // with the assignments that the members have
  std::vector<JoinedMember> JoinedMembers() const;

  // Members that were given an id and are expected to come back with it.
  std::set<std::string, std::less<>> pending_ids;
  // Members of this generation that have not asked for their assignment.
  std::set<std::string, std::less<>> pending_syncs;
  // The first rebalance of an empty group waits a while for more members, and again while they come.
  struct InitialDelay {
    Duration remaining;
    bool member_came = false;
  };
  std::optional<InitialDelay> initial_delay;

 private:
  void Count(const ClassicMember& member, int change);

  const std::string name_;
  size_t joined_count_ = 0;
  GroupState state_ = GroupState::kEmpty;
  int64_t state_time_ms_ = -1;
  int32_t generation_ = 0;
  std::string protocol_type_;
  std::optional<std::string> protocol_;
  std::string leader_;
  std::map<std::string, ClassicMember, std::less<>> members_;
  std::map<std::string, std::string, std::less<>> instances_;  // instance -> member id
  std::map<std::string, size_t, std::less<>> supported_;       // protocol -> members that offer it
};

}  // namespace leat::group
