#include "coordinator/request_memory.h"

#include <algorithm>
#include <utility>

namespace leat::coordinator {

RequestMemory::Seen RequestMemory::Begin(const model::Uuid& id, int64_t sequence, env::Transport::Reply* reply) {
  if (!clients_.contains(id) && clients_.size() >= options_.clients) ForgetOne();
  Client& client = clients_[id];
  client.heard = ++clock_;
  const auto it = client.entries.find(sequence);
  if (it != client.entries.end()) {
    Entry& entry = it->second;
    if (entry.dropped) return Seen::kTooOld;
    if (entry.answer) {
      (*reply)(OwnedBytes(std::string(*entry.answer)));
    } else {
      entry.waiting.push_back(std::move(*reply));
    }
    return Seen::kCopy;
  }
  if (sequence <= client.forgotten) return Seen::kTooOld;
  client.entries[sequence].waiting.push_back(std::move(*reply));
  return Seen::kNew;
}

void RequestMemory::Finish(const model::Uuid& id, int64_t sequence, const std::string& answer) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  Client& client = found->second;
  const auto it = client.entries.find(sequence);
  if (it == client.entries.end()) return;
  it->second.answer = answer;
  client.bytes += answer.size();
  std::vector<env::Transport::Reply> waiting = std::move(it->second.waiting);
  it->second.waiting.clear();
  Trim(client);
  for (env::Transport::Reply& reply : waiting) reply(OwnedBytes(std::string(answer)));
}

// The oldest ones that are answered go; one that is under way keeps those behind it. Where answers are large, only they
// go: a request that has not arrived yet, and is older, is still new.
void RequestMemory::Trim(Client& client) {
  while (client.entries.size() > options_.answers && client.entries.begin()->second.answer) {
    client.bytes -= client.entries.begin()->second.answer->size();
    client.forgotten = client.entries.begin()->first;
    client.entries.erase(client.entries.begin());
  }
  for (auto& [sequence, entry] : client.entries) {
    if (client.bytes <= options_.answer_bytes) return;
    if (!entry.answer || entry.dropped) continue;
    client.bytes -= entry.answer->size();
    entry.answer = "";
    entry.dropped = true;
  }
}

void RequestMemory::ForgetOne() {
  auto oldest = clients_.end();
  for (auto it = clients_.begin(); it != clients_.end(); ++it) {
    const bool idle = std::all_of(it->second.entries.begin(), it->second.entries.end(),
                                  [](const auto& entry) { return entry.second.answer.has_value(); });
    if (idle && (oldest == clients_.end() || it->second.heard < oldest->second.heard)) oldest = it;
  }
  if (oldest != clients_.end()) clients_.erase(oldest);
}

}  // namespace leat::coordinator
