// The records of `__consumer_offsets` that hold a group's membership, byte for byte as Kafka writes them
// (GroupMetadataKey version 2, GroupMetadataValue version 3). Older versions of the value, and version 4 with its
// tagged fields, are read too. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat::group {

// What a restart restores: the group as it was when its last assignment was made, or when its last member left.
struct GroupMetadata {
  struct Member {
    std::string id;
    std::optional<std::string> instance;
    std::string client_id;
    std::string client_host;
    int32_t rebalance_timeout_ms = 0;
    int32_t session_timeout_ms = 0;
    std::string subscription;  // of the group's protocol
    std::string assignment;
    friend bool operator==(const Member&, const Member&) = default;
  };
  std::string protocol_type;
  int32_t generation = 0;
  std::optional<std::string> protocol;  // absent without members
  std::optional<std::string> leader;
  int64_t state_time_ms = -1;  // when it came into this state
  std::vector<Member> members;
  friend bool operator==(const GroupMetadata&, const GroupMetadata&) = default;
};

std::string EncodeGroupKey(std::string_view group);              // REQUIRES: shorter than 32,768 bytes
std::string EncodeGroupMetadata(const GroupMetadata& metadata);  // REQUIRES: the same of every string

// nullopt: the key of another kind of record. kDataLoss: damaged.
absl::StatusOr<std::optional<std::string>> DecodeGroupKey(std::string_view bytes);
// kDataLoss: damaged; kUnimplemented: a version that is not known.
absl::StatusOr<GroupMetadata> DecodeGroupMetadata(std::string_view bytes);

}  // namespace leat::group
