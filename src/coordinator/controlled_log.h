// The metadata log as the controller and its clients see it: what of it is applied here, who may change it, and a way
// to do so. MetadataLog behind a small face. Lives on one shard.
#pragma once

#include "coordinator/metadata_log.h"
#include "meta/image.h"
#include "model/ids.h"

namespace leat::coordinator {

class ControlledLog {
 public:
  using Decide = MetadataLog::Decide;
  using Done = MetadataLog::Done;

  virtual ~ControlledLog() = default;
  virtual const meta::ImagePtr& image() const = 0;
  virtual model::Offset end() const = 0;  // of what the image has
  // Whether this node is the active controller: changes submitted here are decided against everything before them.
  virtual bool active() const = 0;
  virtual meta::NodeId leader() const = 0;  // the active controller or who is about to be; kNobody: not known
  virtual int32_t epoch() const = 0;        // of that leader; never goes back
  // As MetadataLog::Submit. When it is done the image has the change, and `end` is behind it. With NOT_CONTROLLER
  // nothing happened. Any other error of an append: it is not known whether it did, or `done` says that it did not.
  virtual void Submit(Decide decide, Done done) = 0;
};

}  // namespace leat::coordinator
