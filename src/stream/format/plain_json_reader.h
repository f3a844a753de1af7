// Reads JSON objects that are plain (no escapes, no control characters, each wanted value of its column's type) in one
// pass over the bytes. It takes exactly what JsonObjectReader takes, with the same values, or says no: then that one
// reads the record, and knows what is wrong. Internal to stream/format; not thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "stream/data/column.h"
#include "stream/format/json_object_reader.h"

namespace leat::format {

class PlainJsonReader {
 public:
  PlainJsonReader(const std::vector<data::Field>& fields, const JsonReadOptions& options);
  ~PlainJsonReader();

  // Where the values of the next records, at most about so many, go: one column a field, all of one size. They stay
  // until Finish, and are complete only after it.
  void Bind(std::span<data::Column* const> columns, size_t records);
  // Appends one value to each column. False: it did not, or not to all; Finish, truncate the columns to where they
  // were, and read the record in another way.
  bool Read(std::string_view record);
  void Finish();

 private:
  struct Object;
  struct Leaf;
  class Cursor;
  static std::unique_ptr<Object> MakeObject(const std::vector<data::Field>& fields, const JsonReadOptions& options);
  static void BindObject(Object& object, std::span<data::Column* const> columns, size_t records);
  bool ReadObject(Object& object, Cursor& at);
  bool ReadMembers(Object& object, Cursor& at, size_t* seen);
  static bool ReadInteger(Leaf& leaf, Cursor& at);
  bool ReadValue(Leaf& leaf, Cursor& at);
  bool ReadText(Leaf& leaf, std::string_view text);
  bool ReadNumber(Leaf& leaf, std::string_view token);
  bool ReadTime(Leaf& leaf, std::string_view text);

  const data::TimeSyntax syntax_;
  std::unique_ptr<Object> root_;
  // The day that was read last, with what stands before the time, and its midnight: records mostly are of one day.
  std::string day_;
  int64_t day_micros_ = 0;
};

}  // namespace leat::format
