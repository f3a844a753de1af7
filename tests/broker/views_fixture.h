// A broker with views in the simulated world.
#pragma once

#include <functional>

#include "broker/views.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {

struct Record {
  std::string key;
  std::optional<std::string> value;
};

inline std::string Keyed(const std::vector<Record>& records) {
  model::BatchBuilder builder({});
  for (const Record& record : records) builder.Add(1000, record.key, record.value);
  return *builder.Finish();
}

class ViewsWorld : public BrokerWorld {
 public:
  explicit ViewsWorld(uint64_t seed) : BrokerWorld(seed) {}
  ~ViewsWorld() { DropViews(); }
  absl::Status Start() {
    const absl::Status started = BrokerWorld::Start();
    views = Views::Create(*broker, view_options, make_stores());
    views->Start();
    return started;
  }
  absl::Status Stop() {
    Await<int>([&](auto done) { views->Stop([done = std::move(done)]() mutable { done(0); }); });
    const absl::Status status = Await<absl::Status>([&](auto done) { broker->Stop(std::move(done)); });
    Crash();
    return status;
  }
  void Crash() {
    DropViews();
    BrokerWorld::Crash();
  }
  void PowerCut() {
    Crash();
    disk.PowerCut();
  }
  using Page = absl::StatusOr<view::MergedPage>;
  Page Scan(ViewScan scan) {
    return Await<Page>([&](auto done) { views->Scan(std::move(scan), std::move(done)); });
  }
  absl::Status CreateView(const std::string& topic) {
    return Await<absl::Status>([&](auto done) { views->Create(topic, std::move(done)); });
  }
  absl::Status DeleteView(const std::string& topic) {
    return Await<absl::Status>([&](auto done) { views->Delete(topic, std::move(done)); });
  }
  ViewDescription DescribeView(const std::string& view) {
    return *Await<absl::StatusOr<ViewDescription>>([&](auto done) { views->Describe(view, std::move(done)); });
  }

  ViewOptions view_options;
  std::function<std::unique_ptr<ViewStores>()> make_stores = MakeMemoryViewStores;
  std::unique_ptr<Views> views;

 private:
  void DropViews() {
    while (world.queued() > 0) {
      for (const auto& shard : shards) shard->Kill();
    }
    views.reset();
  }
};

}  // namespace leat::broker
