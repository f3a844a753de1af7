// What people ask of views, on whatever node: each partition's leader is asked, this node or another. Decides on shard
// 0.
#pragma once

#include <memory>
#include <string>

#include "broker/job_messages.h"
#include "broker/view_host.h"
#include "broker/views.h"

namespace leat::broker {

class BrokerImpl;

class ViewDesk final : public Views {
 public:
  ViewDesk(BrokerImpl& broker, const ViewOptions& options, std::unique_ptr<ViewStores> stores)
      : broker_(broker), options_(options), host_(broker, options, std::move(stores)) {}

  void Start() override;
  void Stop(env::Closure stopped) override;
  void Create(std::string topic, Callback<absl::Status> done) override;
  void Delete(std::string topic, Callback<absl::Status> done) override;
  void List(Callback<std::vector<std::string>> done) override;
  void Describe(std::string view, Callback<absl::StatusOr<ViewDescription>> done) override;
  void Scan(ViewScan scan, Callback<absl::StatusOr<view::MergedPage>> done) override;

 private:
  // The topic of a view.
  absl::StatusOr<meta::TopicPtr> Find(const std::string& view) const;
  // kUnavailable: nobody leads it now.
  absl::StatusOr<model::NodeId> LeaderOf(const meta::Topic& topic, model::PartitionId partition) const;
  // Of whoever leads the partition when it is asked; again, until the patience is over, while leaders change.
  void Ask(AskView wanted, Callback<absl::StatusOr<AskView::Reply>> done);
  void AskOnce(const AskView& wanted, Callback<absl::StatusOr<AskView::Reply>> done);
  void Alter(AlterTopic change, Callback<absl::Status> done);

  BrokerImpl& broker_;
  const ViewOptions options_;
  ViewHost host_;
};

}  // namespace leat::broker
