#include "broker/retries.h"

namespace leat::broker {

void Retries::After(Duration pause, Callback<absl::Status> go_on) {
  if (closed_) return go_on(Unavailable("the broker stops"));
  const uint64_t id = next_++;
  std::unique_ptr<env::Timer> timer = shard_.RunAt(shard_.Now() + pause, [this, id] {
    auto node = pauses_.extract(id);
    if (!node.empty()) node.mapped().go_on(absl::OkStatus());
  });
  pauses_[id] = {std::move(timer), std::move(go_on)};
}

void Retries::Close() {
  closed_ = true;
  std::map<uint64_t, Pause> pauses = std::exchange(pauses_, {});
  for (auto& [id, pause] : pauses) pause.go_on(Unavailable("the broker stops"));
  for (auto& [id, give_up] : std::exchange(tries_, {})) give_up();
}

}  // namespace leat::broker
