// Takes a request apart by the shards that own its partitions, and puts the answers together again in its order.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "broker/api.h"
#include "broker/shard_state.h"

namespace leat::broker {

using Shards = std::vector<std::unique_ptr<ShardState>>;

// What is done for one item on the shard that owns it; it answers there, at once or later, exactly once.
template <typename Item, typename Result>
using PartitionWork = void (*)(ShardState&, Item, Callback<Result>);

namespace internal {

// Collects `Result`s by index and hands them over when all are there.
template <typename Result>
struct Gather {
  std::vector<Result> results;
  size_t waiting = 0;
  Callback<std::vector<Result>> done;
  void Arrive(size_t parts) {
    waiting -= parts;
    if (waiting == 0) done(std::move(results));
  }
};

// Runs the items of one shard there. `done` gets their results in order, on that shard.
template <typename Item, typename Result>
void RunItems(ShardState& shard, std::vector<Item> items, PartitionWork<Item, Result> work,
              Callback<std::vector<Result>> done) {
  auto gather = std::make_shared<Gather<Result>>();
  gather->results.resize(items.size());
  gather->waiting = items.size();
  gather->done = std::move(done);
  for (size_t i = 0; i < items.size(); ++i) {
    work(shard, std::move(items[i]), [gather, i](Result result) {
      gather->results[i] = std::move(result);
      gather->Arrive(1);
    });
  }
}

// One item needs no taking apart: most requests are like this.
template <typename Item, typename Result>
void PassOn(const Shards& shards, size_t home, Item item, PartitionWork<Item, Result> work,
            Callback<std::vector<Result>> done) {
  const auto as_list = [](Result result) {
    std::vector<Result> results;
    results.push_back(std::move(result));
    return results;
  };
  const size_t owner = OwnerOf(item.partition, shards.size());
  ShardState& state = *shards[owner];
  if (owner == home) {
    work(state, std::move(item),
         [as_list, done = std::move(done)](Result result) mutable { done(as_list(std::move(result))); });
    return;
  }
  env::Shard& home_shard = shards[home]->shard();
  state.shard().Post([&state, &home_shard, as_list, work, item = std::move(item), done = std::move(done)]() mutable {
    work(state, std::move(item), [&home_shard, as_list, done = std::move(done)](Result result) mutable {
      home_shard.Post([as_list, done = std::move(done), result = std::move(result)]() mutable {
        done(as_list(std::move(result)));
      });
    });
  });
}

}  // namespace internal

// Called on shard `home`; `done` runs there, at once if there are no items. Item has a member `partition`.
template <typename Item, typename Result>
void Scatter(const Shards& shards, size_t home, std::vector<Item> items, PartitionWork<Item, Result> work,
             Callback<std::vector<Result>> done) {
  if (items.empty()) {
    done({});
    return;
  }
  if (items.size() == 1) {
    internal::PassOn<Item, Result>(shards, home, std::move(items[0]), work, std::move(done));
    return;
  }
  struct Share {
    std::vector<size_t> indexes;
    std::vector<Item> items;
  };
  std::vector<Share> shares(shards.size());
  for (size_t i = 0; i < items.size(); ++i) {
    Share& share = shares[OwnerOf(items[i].partition, shards.size())];
    share.indexes.push_back(i);
    share.items.push_back(std::move(items[i]));
  }
  auto gather = std::make_shared<internal::Gather<Result>>();
  gather->results.resize(items.size());
  gather->waiting = items.size();
  gather->done = std::move(done);
  const auto deliver = [](internal::Gather<Result>& to, const std::vector<size_t>& indexes,
                          std::vector<Result> results) {
    for (size_t k = 0; k < indexes.size(); ++k) to.results[indexes[k]] = std::move(results[k]);
    to.Arrive(indexes.size());
  };
  env::Shard& home_shard = shards[home]->shard();
  for (size_t owner = 0; owner < shards.size(); ++owner) {
    Share& share = shares[owner];
    if (share.items.empty()) continue;
    ShardState& state = *shards[owner];
    if (owner == home) {
      internal::RunItems<Item, Result>(
          state, std::move(share.items), work,
          [gather, deliver, indexes = std::move(share.indexes)](std::vector<Result> results) {
            deliver(*gather, indexes, std::move(results));
          });
      continue;
    }
    state.shard().Post([&state, &home_shard, work, gather, deliver, share = std::move(share)]() mutable {
      internal::RunItems<Item, Result>(
          state, std::move(share.items), work,
          [&home_shard, gather = std::move(gather), deliver,
           indexes = std::move(share.indexes)](std::vector<Result> results) mutable {
            home_shard.Post(
                [gather = std::move(gather), deliver, indexes = std::move(indexes),
                 results = std::move(results)]() mutable { deliver(*gather, indexes, std::move(results)); });
          });
    });
  }
}

// Runs `work` on every shard and collects the answers on `home`, in shard order.
template <typename Result>
void OnEveryShard(const Shards& shards, size_t home, std::function<void(ShardState&, Callback<Result>)> work,
                  Callback<std::vector<Result>> done) {
  auto gather = std::make_shared<internal::Gather<Result>>();
  gather->results.resize(shards.size());
  gather->waiting = shards.size();
  gather->done = std::move(done);
  env::Shard& home_shard = shards[home]->shard();
  for (size_t i = 0; i < shards.size(); ++i) {
    ShardState& state = *shards[i];
    state.shard().Post([&state, &home_shard, work, gather, i] {
      work(state, [&home_shard, gather, i](Result result) {
        home_shard.Post([gather, i, result = std::move(result)]() mutable {
          gather->results[i] = std::move(result);
          gather->Arrive(1);
        });
      });
    });
  }
}

}  // namespace leat::broker
