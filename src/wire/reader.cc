#include "wire/reader.h"

#include <bit>
#include <utility>

#include "base/status.h"

namespace leat::wire {

namespace {
constexpr size_t kTextLength = sizeof(int16_t);
constexpr size_t kBytesLength = sizeof(int32_t);
}  // namespace

struct Reader::Failure {
  std::string path;  // of the field, from the message down
  std::string reason;
  size_t position;
  absl::StatusCode code;
};

Reader::Reader(std::string_view frame, size_t memory_budget)
    : begin_(frame.data()), next_(begin_), end_(begin_ + frame.size()), budget_(memory_budget) {}
Reader::~Reader() = default;

absl::Status Reader::status(std::string_view message) const {
  if (ok()) return absl::OkStatus();
  const std::string text = StrCat(message, ": ", failure_->path, failure_->path.empty() ? "" : ": ", failure_->reason,
                                  " (at byte ", failure_->position, ")");
  return absl::Status(failure_->code, ToAbsl(text));
}

void Reader::Fail(const char* field, std::string reason) {
  if (!ok()) return;
  failure_ =
      std::make_unique<Failure>(Failure{field, std::move(reason), position(), absl::StatusCode::kInvalidArgument});
  next_ = end_;
}
void Reader::FailShort(const char* field, size_t needed) {
  Fail(field, StrCat("takes ", needed, needed == 1 ? " byte" : " bytes", ", but ", remaining(), " remain"));
}
void Reader::FailNull(const char* field) { Fail(field, "is null, which this field may not be"); }

void Reader::Within(const char* field) { failure_->path = StrCat(field, ".", failure_->path); }
void Reader::Within(const char* field, size_t index) {
  failure_->path = StrCat(field, "[", index, "].", failure_->path);
}

bool Reader::Charge(const char* field, size_t bytes) {
  if (bytes <= budget_) {
    budget_ -= bytes;
    return true;
  }
  const bool first = ok();
  Fail(field, StrCat("takes ", bytes, " bytes of memory decoded, but only ", budget_, " are left for this message"));
  if (first) failure_->code = absl::StatusCode::kResourceExhausted;
  return false;
}

void Reader::Number(const char* field, bool* out) {
  int8_t byte = 0;
  Number(field, &byte);
  *out = byte != 0;
}
void Reader::Number(const char* field, double* out) {
  uint64_t bits = 0;
  Number(field, &bits);
  *out = std::bit_cast<double>(bits);
}
void Reader::Number(const char* field, model::TopicId* out) {
  if (remaining() < 16) return FailShort(field, 16);
  Number(field, &out->high);
  Number(field, &out->low);
}

uint32_t Reader::UnsignedVarint(const char* field) {
  uint64_t value = 0;
  const char* at = next_;
  for (int shift = 0; shift < 35; shift += 7) {
    if (at == end_) {
      FailShort(field, static_cast<size_t>(at - next_) + 1);
      return 0;
    }
    const auto byte = static_cast<uint8_t>(*at++);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (value > UINT32_MAX) break;
      next_ = at;
      return static_cast<uint32_t>(value);
    }
  }
  Fail(field, "is a varint of more than 32 bits");
  return 0;
}

std::string_view Reader::Take(const char* field, size_t length) {
  if (length > remaining()) {
    FailShort(field, length);
    return {};
  }
  const std::string_view view(next_, length);
  next_ += length;
  return view;
}

std::optional<size_t> Reader::Length(const char* field, Form form, size_t classic_bytes) {
  if (form == Form::kCompact) {
    const uint32_t plus_one = UnsignedVarint(field);
    if (plus_one == 0) return std::nullopt;
    return plus_one - 1;
  }
  int64_t length = -1;
  if (classic_bytes == kTextLength) {
    int16_t value = -1;
    Number(field, &value);
    length = value;
  } else {
    int32_t value = -1;
    Number(field, &value);
    length = value;
  }
  if (length < -1) Fail(field, StrCat("has a length of ", length));
  if (length < 0) return std::nullopt;
  return static_cast<size_t>(length);
}

std::optional<std::string_view> Reader::Span(const char* field, Form form, size_t classic_bytes) {
  const std::optional<size_t> length = Length(field, form, classic_bytes);
  if (!length.has_value()) return std::nullopt;
  if (classic_bytes == kTextLength && *length > INT16_MAX) {  // what the classic form can say is the limit of both
    Fail(field, StrCat("has a length of ", *length, ", more than ", INT16_MAX));
    return std::nullopt;
  }
  const std::string_view view = Take(field, *length);
  if (!ok()) return std::nullopt;
  return view;
}

void Reader::Own(const char* field, std::string_view view, std::string* out) {
  if (Charge(field, view.size())) out->assign(view);
}

void Reader::Text(const char* field, Form form, std::optional<std::string_view>* out) {
  *out = Span(field, form, kTextLength);
}
void Reader::Text(const char* field, Form form, std::string_view* out) {
  const auto span = Span(field, form, kTextLength);
  if (!span.has_value()) return FailNull(field);
  *out = *span;
}
void Reader::Text(const char* field, Form form, std::optional<std::string>* out) {
  const auto span = Span(field, form, kTextLength);
  out->reset();
  if (span.has_value()) Own(field, *span, &out->emplace());
}
void Reader::Text(const char* field, Form form, std::string* out) {
  const auto span = Span(field, form, kTextLength);
  if (!span.has_value()) return FailNull(field);
  Own(field, *span, out);
}
void Reader::Bytes(const char* field, Form form, std::optional<std::string_view>* out) {
  *out = Span(field, form, kBytesLength);
}
void Reader::Bytes(const char* field, Form form, std::string_view* out) {
  const auto span = Span(field, form, kBytesLength);
  if (!span.has_value()) return FailNull(field);
  *out = *span;
}
void Reader::Bytes(const char* field, Form form, std::optional<std::string>* out) {
  const auto span = Span(field, form, kBytesLength);
  out->reset();
  if (span.has_value()) Own(field, *span, &out->emplace());
}
void Reader::Bytes(const char* field, Form form, std::string* out) {
  const auto span = Span(field, form, kBytesLength);
  if (!span.has_value()) return FailNull(field);
  Own(field, *span, out);
}
void Reader::Records(const char* field, Form form, std::string* out) {
  Own(field, Span(field, form, kBytesLength).value_or(std::string_view()), out);
}

int64_t Reader::NullableCount(const char* field, Form form, size_t least_bytes, size_t element_bytes) {
  const std::optional<size_t> count = Length(field, form, kBytesLength);
  if (!count.has_value()) return -1;
  if (*count > remaining() / least_bytes) {
    Fail(field, StrCat("has ", *count, " elements of at least ", least_bytes, least_bytes == 1 ? " byte" : " bytes",
                       ", but ", remaining(), " bytes remain"));
    return -1;
  }
  if (!Charge(field, *count * element_bytes)) return -1;
  return static_cast<int64_t>(*count);
}
size_t Reader::Count(const char* field, Form form, size_t least_bytes, size_t element_bytes) {
  const int64_t count = NullableCount(field, form, least_bytes, element_bytes);
  if (count >= 0) return static_cast<size_t>(count);
  FailNull(field);
  return 0;
}

void Reader::SkipTags() {
  for (TaggedFields tags(*this); tags.Next();) tags.Skip();
}
void Reader::ExpectEnd() {
  if (remaining() > 0 && !more_may_follow_) Fail("", StrCat(remaining(), " bytes follow the end of the message"));
}

TaggedFields::TaggedFields(Reader& in) : in_(in), outer_end_(in.end_), left_(in.UnsignedVarint("tagged fields")) {
  if (left_ <= kMost) return;
  in_.Fail("tagged fields", StrCat("are ", left_, ", more than ", kMost));
  left_ = 0;
}

bool TaggedFields::Next() {
  const uint32_t previous = tag_;
  if (!Leave() || left_ == 0) return false;
  --left_;
  tag_ = in_.UnsignedVarint("tag");
  const uint32_t size = in_.UnsignedVarint("size of a tagged field");
  if (!in_.ok()) return false;
  if (!first_ && tag_ <= previous) {
    in_.Fail("tag", StrCat(tag_, " follows tag ", previous, ", but tags rise"));
    return false;
  }
  if (size > in_.remaining()) {
    in_.Fail("tagged field", StrCat(tag_, " takes ", size, " bytes, but ", in_.remaining(), " remain"));
    return false;
  }
  first_ = false;
  in_.end_ = in_.next_ + size;
  return true;
}

bool TaggedFields::Leave() {
  if (in_.ok() && !first_ && in_.remaining() > 0) {
    in_.Fail("tagged field", StrCat(tag_, " has ", in_.remaining(), " bytes after its value"));
  }
  in_.end_ = outer_end_;
  if (!in_.ok()) in_.next_ = outer_end_;
  return in_.ok();
}

}  // namespace leat::wire
