#include "raft/durability.h"

#include <algorithm>

#include "base/check.h"

namespace leat::raft {

WriteId Durability::NewVote() {
  last_vote_write_ = ++last_write_;
  pending_.push_back({.write = last_write_, .end = Offset{0}, .moves_end = false});
  return last_write_;
}

WriteId Durability::NewAppend(Offset end) {
  pending_.push_back({.write = ++last_write_, .end = end, .moves_end = true});
  return last_write_;
}

WriteId Durability::NewTruncation(Offset end) {
  // Appends under way end where the truncation cuts: what comes behind is written anew by later ones.
  for (Pending& pending : pending_) pending.end = std::min(pending.end, end);
  durable_end_ = std::min(durable_end_, end);
  pending_.push_back({.write = ++last_write_, .end = end, .moves_end = false});
  return last_write_;
}

WriteId Durability::NewSnapshot(Offset end) {
  for (Pending& pending : pending_) pending.moves_end = false;
  durable_end_ = Offset{0};
  pending_.push_back({.write = ++last_write_, .end = end, .moves_end = true});
  return last_write_;
}

void Durability::Hold(WriteId write, Message message) {
  LEAT_CHECK(write <= last_write_) << "a message waits for write " << write << " of " << last_write_;
  held_.push_back({write, std::move(message)});
}

std::vector<Message> Durability::Advance(WriteId through, Term term) {
  LEAT_CHECK(through <= last_write_) << "write " << through << " was never asked for";
  durable_through_ = std::max(durable_through_, through);
  while (!pending_.empty() && pending_.front().write <= through) {
    if (pending_.front().moves_end) durable_end_ = pending_.front().end;
    pending_.pop_front();
  }
  std::vector<Message> released;
  for (Held& held : held_) {
    if (held.write <= through && held.message.term >= term) released.push_back(std::move(held.message));
  }
  std::erase_if(held_, [&](const Held& held) { return held.write <= through; });
  return released;
}

}  // namespace leat::raft
