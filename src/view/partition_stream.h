// What somebody who watches one partition is sent, and in which order: the rows of its table, page by page, then every
// change. The watcher's own table, to which it applies what it is sent, is at any time that of one offset, position(),
// as far as the pages have come: the changes between two pages go before the second one, for the keys that were sent
// already. It never goes back. Pure; not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "view/fold.h"
#include "view/partition_index.h"
#include "view/range.h"

namespace leat::view {

class PartitionStream {
 public:
  // The table first.
  explicit PartitionStream(Range range) : range_(std::move(range)), scan_from_(range_.begin) {}
  // Changes only, from an offset on; with kAll also records without a key.
  enum class Keyless : bool { kLeaveOut, kAll };
  PartitionStream(Range range, model::Offset from, Keyless keyless)
      : range_(std::move(range)), keyless_(keyless), position_(from) {}

  struct WantsPage {
    Range range;
  };
  struct WantsRecords {
    model::Offset from;
  };
  // What to read next.
  std::variant<WantsPage, WantsRecords> next() const;
  // What was read, as far as it is to be sent. A page that is older than what was sent (of a leader that has just lost
  // its place) is passed over. REQUIRES: it is what next() wants.
  std::vector<Record> TakePage(Page page);
  std::vector<Record> TakeRecords(CommittedRecords read);

  // All pages have been sent.
  bool live() const { return !scan_from_; }
  // All that is below has been sent, and to go on from here is to miss nothing once this is live. -1: nothing yet.
  model::Offset position() const { return position_; }

 private:
  void SendPage(std::vector<Record>* out);

  Range range_;
  Keyless keyless_ = Keyless::kLeaveOut;
  std::optional<std::string> scan_from_;  // the first key that was not sent
  std::optional<Page> held_;              // until the changes before it have been sent
  model::Offset position_{-1};
};

}  // namespace leat::view
