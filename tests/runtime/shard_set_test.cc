#include "runtime/shard_set.h"

#include <pthread.h>

#include <future>
#include <thread>

namespace leat::runtime {
namespace {

TEST(ShardSet, HasOneShardPerCoreWhenNotTold) {
  const ShardSet shards({.shards = 0});
  EXPECT_EQ(shards.size(), std::max(1u, std::thread::hardware_concurrency()));
}

TEST(ShardSet, NamesItsThreads) {
  ShardSet shards({.shards = 2});
  shards.Start();
  std::promise<std::string> name;
  shards.shard(1).Post([&] {
    char text[16] = {};
    pthread_getname_np(pthread_self(), text, sizeof(text));
    name.set_value(text);
  });
  EXPECT_EQ(name.get_future().get(), "leat-shard-1");
}

TEST(ShardSet, PassesMessagesBetweenShardsInOrder) {
  ShardSet shards({.shards = 3});
  shards.Start();
  std::vector<int> received;  // shard 2's
  std::promise<void> done;
  constexpr int kMessages = 5000;
  for (int i = 0; i < kMessages; ++i) {
    shards.shard(0).Post([&, i] {
      shards.shard(1).Post([&, i] {
        shards.shard(2).Post([&, i] {
          received.push_back(i);
          if (received.size() == kMessages) done.set_value();
        });
      });
    });
  }
  done.get_future().wait();
  shards.Stop();
  EXPECT_TRUE(std::is_sorted(received.begin(), received.end()));
}

TEST(ShardSet, StopDeliversTheResultsOfBlockingWork) {
  ShardSet shards({.shards = 1, .disk_threads = {.max_threads = 1}});
  shards.Start();
  int finished = 0;
  std::promise<void> submitted;
  shards.shard(0).Post([&] {
    for (int i = 0; i < 50; ++i) {
      shards.shard(0).RunBlocking([] { return absl::OkStatus(); }, [&](absl::Status) { ++finished; });
    }
    submitted.set_value();
  });
  submitted.get_future().wait();
  shards.Stop();
  EXPECT_EQ(finished, 50);
}

TEST(ShardSet, StopsWithoutHavingStarted) {
  ShardSet shards({.shards = 2});
  shards.Stop();
  EXPECT_EQ(shards.size(), 2u);
}

}  // namespace
}  // namespace leat::runtime
