// Reads the primitive types of Kafka's protocol from one frame, and trusts nothing in it: a length or count is compared
// with the bytes that remain, and memory is charged to a budget, before anything is allocated. The first thing that is
// wrong makes the reader fail for good; every later read returns zero or empty, so that a decoder looks at ok() only
// where it loops, and asks status() once at the end.
//
// Views that are read borrow from the frame, which must outlive them. Any one thread.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "model/ids.h"

namespace leat::wire {

// How lengths are written: as int16 and int32 with -1 for null, or, in flexible versions, as an unsigned varint of the
// length plus one with 0 for null.
enum class Form { kClassic, kCompact };

class Reader {
 public:
  // memory_budget: bytes that all that is decoded may allocate: what a vector holds, and the characters of owned text.
  Reader(std::string_view frame, size_t memory_budget);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool ok() const { return failure_ == nullptr; }
  size_t remaining() const { return static_cast<size_t>(end_ - next_); }
  size_t position() const { return static_cast<size_t>(next_ - begin_); }
  size_t memory_left() const { return budget_; }

  // OK, or InvalidArgument (ResourceExhausted if the budget is spent): "<message>: <field>: <what is wrong> (byte n of
  // m)".
  absl::Status status(std::string_view message) const;

  // Every read names the field that it is for; the name must live as long as the reader (a literal).
  template <typename T>
  void Number(const char* field, T* out) {
    if (remaining() < sizeof(T)) return FailShort(field, sizeof(T));
    *out = LoadBigEndian<T>(next_);
    next_ += sizeof(T);
  }
  void Number(const char* field, bool* out);    // one byte; everything but 0 is true, as in Kafka
  void Number(const char* field, double* out);  // IEEE 754
  void Number(const char* field, model::TopicId* out);
  uint32_t UnsignedVarint(const char* field);

  // Strings (int16 lengths in the classic form) and bytes (int32). Null fails unless the target is optional.
  void Text(const char* field, Form form, std::string_view* out);
  void Text(const char* field, Form form, std::string* out);
  void Text(const char* field, Form form, std::optional<std::string_view>* out);
  void Text(const char* field, Form form, std::optional<std::string>* out);
  void Bytes(const char* field, Form form, std::string_view* out);
  void Bytes(const char* field, Form form, std::string* out);
  void Bytes(const char* field, Form form, std::optional<std::string_view>* out);
  void Bytes(const char* field, Form form, std::optional<std::string>* out);
  // Record batches that are kept: null is read as empty.
  void Records(const char* field, Form form, std::string* out);

  // The count of an array whose elements take at least least_bytes each in the frame and element_bytes in memory, which
  // are charged; -1 for null.
  int64_t NullableCount(const char* field, Form form, size_t least_bytes, size_t element_bytes);
  // The same where null fails; 0 after a failure.
  size_t Count(const char* field, Form form, size_t least_bytes, size_t element_bytes);

  template <typename T>
  void Numbers(const char* field, Form form, std::vector<T>* out) {
    out->resize(Count(field, form, sizeof(T), sizeof(T)));
    for (T& value : *out) Number(field, &value);
  }
  template <typename T>
  void Numbers(const char* field, Form form, std::optional<std::vector<T>>* out) {
    ResizeOrNull(NullableCount(field, form, sizeof(T), sizeof(T)), out);
    if (!out->has_value()) return;
    for (T& value : **out) Number(field, &value);
  }
  template <typename T>
  void Texts(const char* field, Form form, std::vector<T>* out) {
    out->resize(Count(field, form, form == Form::kCompact ? 1 : 2, sizeof(T)));
    ReadTexts(field, form, out);
  }
  template <typename T>
  void Texts(const char* field, Form form, std::optional<std::vector<T>>* out) {
    ResizeOrNull(NullableCount(field, form, form == Form::kCompact ? 1 : 2, sizeof(T)), out);
    if (out->has_value()) ReadTexts(field, form, &**out);
  }
  // T has `void Read(Reader&, int16_t version)`.
  template <typename T>
  void Struct(const char* field, int16_t version, T* out) {
    if (!ok()) return;
    out->Read(*this, version);
    if (!ok()) Within(field);
  }
  // A struct that may be null is preceded by a byte: negative for null.
  template <typename T>
  void Struct(const char* field, int16_t version, std::optional<T>* out) {
    int8_t present = -1;
    Number(field, &present);
    out->reset();
    if (present >= 0) Struct(field, version, &out->emplace(T{}));
  }
  template <typename T>
  void Structs(const char* field, Form form, int16_t version, size_t least_bytes, std::vector<T>* out) {
    out->resize(Count(field, form, least_bytes, sizeof(T)));
    ReadStructs(field, version, out);
  }
  template <typename T>
  void Structs(const char* field, Form form, int16_t version, size_t least_bytes, std::optional<std::vector<T>>* out) {
    ResizeOrNull(NullableCount(field, form, least_bytes, sizeof(T)), out);
    if (out->has_value()) ReadStructs(field, version, &**out);
  }

  // Skips a section of tagged fields of which none is known.
  void SkipTags();
  // Fails unless everything has been read, or more may follow.
  void ExpectEnd();
  // Bytes behind the message are ignored. For requests: clients have been seen to send some (librdkafka 2.0 one behind
  // its ListGroups 4), and Kafka does not look at them.
  void AllowMoreBehind() { more_may_follow_ = true; }

  // Makes the reader fail at the present position; the first failure stays.
  void Fail(const char* field, std::string reason);
  // Called on the way out of a failed part: puts "field." or "field[index]." before the name of what failed.
  void Within(const char* field);
  void Within(const char* field, size_t index);

 private:
  friend class TaggedFields;
  struct Failure;

  // The next length bytes, or empty and a failure.
  std::string_view Take(const char* field, size_t length);
  // A length in the form given; nullopt for null. Checked against what remains.
  std::optional<size_t> Length(const char* field, Form form, size_t classic_bytes);
  bool Charge(const char* field, size_t bytes);
  std::optional<std::string_view> Span(const char* field, Form form, size_t classic_bytes);
  void Own(const char* field, std::string_view view, std::string* out);
  void FailShort(const char* field, size_t needed);
  void FailNull(const char* field);

  template <typename T>
  void ResizeOrNull(int64_t count, std::optional<std::vector<T>>* out) {
    if (count < 0) {
      out->reset();
    } else {
      out->emplace(static_cast<size_t>(count));
    }
  }
  template <typename T>
  void ReadTexts(const char* field, Form form, std::vector<T>* out) {
    for (size_t i = 0; i < out->size() && ok(); ++i) {
      Text("element", form, &(*out)[i]);
      if (!ok()) Within(field, i);
    }
  }
  template <typename T>
  void ReadStructs(const char* field, int16_t version, std::vector<T>* out) {
    for (size_t i = 0; i < out->size(); ++i) {
      (*out)[i].Read(*this, version);
      if (!ok()) return Within(field, i);
    }
  }

  const char* const begin_;
  const char* next_;
  const char* end_;  // of the frame, or of the tagged field that is being read
  bool more_may_follow_ = false;
  size_t budget_;
  std::unique_ptr<Failure> failure_;
};

// The tagged fields at the end of a struct in a flexible version:
//
//   for (TaggedFields tags(in); tags.Next();) {
//     switch (tags.tag()) {
//       case 0: in.Number("x", &x); break;
//       default: tags.Skip();
//     }
//   }
//
// While a field is read the reader ends where the field ends; Next fails if the field was not read to its end, if tags
// do not rise, or if there are more than kMost.
class TaggedFields {
 public:
  static constexpr uint32_t kMost = 128;

  explicit TaggedFields(Reader& in);
  bool Next();
  uint32_t tag() const { return tag_; }
  void Skip() { in_.next_ = in_.end_; }

 private:
  bool Leave();  // the field that was read last
  Reader& in_;
  const char* const outer_end_;
  uint32_t left_ = 0;
  uint32_t tag_ = 0;
  bool first_ = true;
};

}  // namespace leat::wire
