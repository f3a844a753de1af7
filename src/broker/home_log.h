// The metadata log of this node as its controller and the controller's client see it.
#pragma once

#include "coordinator/controlled_log.h"

namespace leat::broker {

class HomeLog final : public coordinator::ControlledLog {
 public:
  // `log` outlives this.
  HomeLog(coordinator::MetadataLog& log, model::NodeId self) : log_(log), self_(self) {}
  const meta::ImagePtr& image() const override { return log_.image(); }
  model::Offset end() const override { return log_.end(); }
  bool active() const override { return true; }
  meta::NodeId leader() const override { return self_; }
  int32_t epoch() const override { return 1; }
  void Submit(Decide decide, Done done) override { log_.Submit(std::move(decide), std::move(done)); }

 private:
  coordinator::MetadataLog& log_;
  const model::NodeId self_;
};

}  // namespace leat::broker
