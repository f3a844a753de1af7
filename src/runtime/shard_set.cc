#include "runtime/shard_set.h"

#include <algorithm>
#include <thread>

#include "base/strings.h"

namespace leat::runtime {

ShardSet::ShardSet(const Options& options) : disk_(options.disk_threads) {
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const size_t count = options.shards == 0 ? cores : options.shards;
  for (size_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<AsioShard>(StrCat("leat-shard-", i), disk_));
}

ShardSet::~ShardSet() { Stop(); }

void ShardSet::Start() {
  for (const auto& shard : shards_) shard->Start();
}

void ShardSet::Stop() {
  disk_.Stop();
  for (auto it = shards_.rbegin(); it != shards_.rend(); ++it) (*it)->Stop();
}

}  // namespace leat::runtime
