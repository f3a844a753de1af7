// Views: the last value of each key of compacted topics, kept in tables by the brokers.
#pragma once

#include "leat/client/client.h"

namespace leat::client {

struct ViewPartition {
  int32_t partition = 0;
  int32_t leader = -1;          // the broker that has the table; -1: nobody leads the partition now
  int64_t applied_offset = -1;  // the table is that of the committed records below; -1: not known
  int64_t end_offset = -1;      // of the committed records
  std::string error;            // why the table is not there, or does not grow
};
struct ViewInfo {
  std::string name;
  std::vector<ViewPartition> partitions{};
};

// Keys are bytes and are ordered as such: begin <= key, and key < end where there is an end.
struct ViewRange {
  std::string begin;
  std::optional<std::string> end = std::nullopt;
  static ViewRange Key(std::string key);
  static ViewRange Prefix(std::string prefix);
};
struct ViewScan {
  ViewRange range{};
  std::optional<int32_t> partition = std::nullopt;  // absent: all
  int32_t max_rows = 100;                           // a page has at most about so many
  int64_t max_bytes = 1 << 20;
};
struct ViewRow {
  int32_t partition = 0;
  int64_t offset = 0;  // of the record
  int64_t timestamp_ms = 0;
  std::string key;
  std::string value;
};
struct ViewPage {
  std::vector<ViewRow> rows;        // by key, and those of one key, never parted, by partition
  std::optional<std::string> next;  // where the next page begins; absent: that was all
  // Each partition's rows are those of its table at one offset, not below what was committed when this was asked.
  std::map<int32_t, int64_t> applied_offsets;
};

class Views {
 public:
  explicit Views(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  // Makes a view of a topic whose cleanup.policy is compact, or ends it; the topic stays as it is.
  absl::Status Create(const std::string& topic);
  absl::Status Delete(const std::string& topic);
  absl::StatusOr<std::vector<std::string>> List();
  absl::StatusOr<ViewInfo> Describe(const std::string& view);
  // kUnavailable: a partition has no leader, or its table is still being made.
  absl::StatusOr<ViewPage> Scan(const std::string& view, const ViewScan& scan);

 private:
  const std::shared_ptr<Connection> connection_;
};

}  // namespace leat::client
