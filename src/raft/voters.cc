#include "raft/voters.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"

namespace leat::raft {

namespace {
constexpr int8_t kVersion = 0;
constexpr int64_t kVoterBytes = 4 + 16;
}  // namespace

VoterSet::VoterSet(std::vector<Peer> voters) : voters_(std::move(voters)) {
  std::sort(voters_.begin(), voters_.end());
  for (size_t i = 1; i < voters_.size(); ++i) {
    LEAT_CHECK(voters_[i - 1].id != voters_[i].id) << "two voters with id " << voters_[i].id;
  }
}

const Peer* VoterSet::Find(NodeId id) const {
  for (const Peer& voter : voters_) {
    if (voter.id == id) return &voter;
  }
  return nullptr;
}

bool VoterSet::Has(const Peer& peer) const {
  const Peer* voter = Find(peer.id);
  return voter != nullptr && (voter->directory == model::Uuid{} || voter->directory == peer.directory);
}

VoterSet VoterSet::With(const Peer& voter) const {
  std::vector<Peer> voters = Without(voter.id).voters_;
  voters.push_back(voter);
  return VoterSet(std::move(voters));
}

VoterSet VoterSet::Without(NodeId id) const {
  std::vector<Peer> voters;
  for (const Peer& voter : voters_) {
    if (voter.id != id) voters.push_back(voter);
  }
  return VoterSet(std::move(voters));
}

std::string VoterSet::Encode() const {
  std::string bytes;
  BytesWriter writer(&bytes);
  writer.Write<int8_t>(kVersion);
  writer.Write<int32_t>(static_cast<int32_t>(voters_.size()));
  for (const Peer& voter : voters_) {
    writer.Write<int32_t>(voter.id.value());
    writer.Write<uint64_t>(voter.directory.high);
    writer.Write<uint64_t>(voter.directory.low);
  }
  return bytes;
}

absl::StatusOr<VoterSet> VoterSet::Decode(std::string_view bytes, int max_voters) {
  BytesReader reader(bytes);
  const auto version = reader.Read<int8_t>();
  const auto count = reader.Read<int32_t>();
  if (!reader.ok() || version != kVersion) {
    return DataLoss("voters: expected version ", int{kVersion}, " and a count, got ", bytes.size(),
                    " bytes of version ", int{version});
  }
  if (count < 1 || count > max_voters || int64_t{count} * kVoterBytes != static_cast<int64_t>(reader.remaining())) {
    return DataLoss("voters: expected 1 to ", max_voters, " voters, got ", count, " in ", bytes.size(), " bytes");
  }
  std::vector<Peer> voters;
  for (int32_t i = 0; i < count; ++i) {
    Peer voter;
    voter.id = NodeId{reader.Read<int32_t>()};
    voter.directory.high = reader.Read<uint64_t>();
    voter.directory.low = reader.Read<uint64_t>();
    if (voter.id < NodeId{0} || (!voters.empty() && voters.back().id >= voter.id)) {
      return DataLoss("voters: expected ids from 0 in ascending order, got ", voter.id);
    }
    voters.push_back(voter);
  }
  return VoterSet(std::move(voters));
}

std::string VoterSet::ToString() const {
  std::string text = "{";
  for (const Peer& voter : voters_) StrAppend(&text, text.size() > 1 ? "," : "", voter.id);
  return text + "}";
}

std::optional<Offset> VoterHistory::current_offset() const {
  if (entries_.empty()) return std::nullopt;
  return entries_.back().offset;
}

const VoterSet& VoterHistory::At(Offset end) const {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    if (it->offset < end) return it->voters;
  }
  return base_;
}

void VoterHistory::Append(Offset offset, VoterSet voters) {
  LEAT_CHECK(entries_.empty() || entries_.back().offset < offset) << "voters at " << offset << " do not follow";
  entries_.push_back({offset, std::move(voters)});
}

void VoterHistory::TruncateFrom(Offset offset) {
  while (!entries_.empty() && entries_.back().offset >= offset) entries_.pop_back();
}

void VoterHistory::FoldInto(Offset end) {
  size_t below = 0;
  while (below < entries_.size() && entries_[below].offset < end) ++below;
  if (below == 0) return;
  base_ = std::move(entries_[below - 1].voters);
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(below));
}

void VoterHistory::ResetTo(VoterSet base) {
  base_ = std::move(base);
  entries_.clear();
}

}  // namespace leat::raft
