// A job that begins elsewhere than its text says, and writes to other topics: `leat job submit --from --topic-suffix`.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "leat/client/client.h"
#include "tools/leat/start_position.h"

namespace leat::tool {

struct ReplayOptions {
  std::optional<ResetTarget> from;
  std::string topic_suffix;
};

// The script with the job options that say so in front. Pure.
std::string WithReplay(const std::string& sql, const ReplayOptions& options);

// kFailedPrecondition: a topic that the job would write to has records, to which those of the replay would come.
absl::Status CheckOutputsAreNew(const std::shared_ptr<client::Connection>& connection, const std::string& sql,
                                const ReplayOptions& options);

// kOutOfRange: the job, without a checkpoint, would begin at an offset that a topic does not have, and fail at its
// start. To be asked before anything is removed for it. `sql` as it is submitted.
absl::Status CheckStartsAreThere(const std::shared_ptr<client::Connection>& connection, const std::string& sql);

}  // namespace leat::tool
