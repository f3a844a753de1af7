// The metadata log of this node as its controller and the controller's client see it.
#pragma once

#include "coordinator/controlled_log.h"

namespace leat::broker {

class HomeLog final : public coordinator::ControlledLog {
 public:
  // `log` outlives this.
  explicit HomeLog(coordinator::MetadataLog& log) : log_(log) {}
  const meta::ImagePtr& image() const override { return log_.image(); }
  model::Offset end() const override { return log_.end(); }
  bool active() const override { return log_.active(); }
  meta::NodeId leader() const override { return log_.leader(); }
  int32_t epoch() const override { return log_.epoch().value(); }
  void Submit(Decide decide, Done done) override { log_.Submit(std::move(decide), std::move(done)); }

 private:
  coordinator::MetadataLog& log_;
};

}  // namespace leat::broker
