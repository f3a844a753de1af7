// The same broker on real threads and a real disk: three shards, many callers at once.
#include <future>
#include <thread>

#include "runtime/posix_disk.h"
#include "runtime/shard_set.h"
#include "tests/broker/broker_fixture.h"
#include "tests/runtime/temp_directory.h"

namespace leat::broker {
namespace {

// Blocks the test's thread, never a shard's.
template <typename Reply, typename Call>
Reply Wait(Call call) {
  auto promise = std::make_shared<std::promise<Reply>>();
  std::future<Reply> future = promise->get_future();
  call([promise](Reply reply) { promise->set_value(std::move(reply)); });
  return future.get();
}

TEST(RealShards, ServeManyCallersAndKeepTheirRecords) {
  runtime::TempDirectory directory;
  runtime::PosixDisk disk;
  Options options;
  options.data_dir = directory.Path("data");
  FakeJobs jobs;
  constexpr int kThreads = 3;
  constexpr int kRequests = 40;
  for (int life = 1; life <= 2; ++life) {
    runtime::ShardSet set({.shards = 3});
    set.Start();
    auto broker = CreateBroker(options, disk, {&set.shard(0), &set.shard(1), &set.shard(2)}, env::NullMetrics(),
                               std::make_unique<FakeJobFactory>(&jobs));
    const absl::Status started = Wait<absl::Status>([&](auto done) { broker->Start(std::move(done)); });
    ASSERT_TRUE(started.ok()) << started;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kRequests; ++i) {
          ProduceRequest request;
          for (int p = 0; p < 3; ++p) request.partitions.push_back({Tp(StrCat("topic", t), 0), Batch({StrCat(i)})});
          const ProduceReply reply =
              Wait<ProduceReply>([&](auto done) { broker->Produce(std::move(request), std::move(done)); });
          for (const ProducePartitionResult& part : reply.partitions)
            EXPECT_TRUE(part.outcome.ok()) << part.outcome.message;
          FetchRequest fetch;
          for (int k = 0; k < kThreads; ++k) fetch.partitions.push_back({Tp(StrCat("topic", k)), model::Offset(0)});
          fetch.max_wait = absl::Milliseconds(i % 5);
          const uint64_t ticket = broker->Fetch(std::move(fetch), [](const FetchReply&) {});
          if (i % 2 == 0) broker->CancelFetch(ticket);
          broker->CommitOffsets({StrCat("g", t), {{Tp(StrCat("topic", t)), model::Offset(i), ""}}}, [](const auto&) {});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (int t = 0; t < kThreads; ++t) {
      const auto topics = Wait<std::vector<TopicDescription>>(
          [&](auto done) { broker->DescribeTopics({StrCat("topic", t)}, std::move(done)); });
      EXPECT_EQ(topics[0].partitions[0].high_watermark, model::Offset(int64_t{3} * kRequests * life));
    }
    EXPECT_TRUE(Wait<absl::Status>([&](auto done) { broker->Stop(std::move(done)); }).ok());
    set.Stop();
    broker.reset();
  }
}

}  // namespace
}  // namespace leat::broker
