// How consume prints a record: by a format string, or as a JSON object. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "leat/client/consumer.h"

namespace leat::tool {

// %t topic, %p partition, %o offset, %k key, %v value, %T timestamp in ms, %h headers as name=value with commas, %%;
// \n \t \r \\ \0. A missing key or value prints as nothing.
class RecordFormat {
 public:
  static absl::StatusOr<RecordFormat> Parse(std::string_view format);  // kInvalidArgument names the bad escape
  void Append(const client::ConsumerRecord& record, std::string* out) const;

 private:
  struct Piece {
    char field = 0;  // 0: text
    std::string text;
  };
  std::vector<Piece> pieces_;
};

// {"topic","partition","offset","timestamp_ms","key","value","headers"} and a newline. Key, value and header values
// that are not UTF-8 stand as base64 under "key_base64", "value_base64" and in a header's "value_base64"; missing ones
// are null. Headers are a list of {"name","value"}: names may repeat.
void AppendRecordJson(const client::ConsumerRecord& record, std::string* out);

}  // namespace leat::tool
