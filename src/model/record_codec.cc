#include "model/record_codec.h"

#include "base/bytes.h"

namespace leat::model::internal {
namespace {

constexpr size_t kMinHeaderBytes = 2;  // an empty key and a null value
constexpr int kMaxVarintBytes = 10;

// A cursor over bytes from elsewhere. Every read says whether it succeeded; nothing is read at or behind the end. Most
// varints of a record have one byte, so that case is inline.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  std::string_view rest() const { return {at_, remaining()}; }
  void Skip(size_t n) { at_ += n; }

  bool ReadVarlong(int64_t* value) {
    if (at_ == end_) return false;
    const auto first = static_cast<uint8_t>(*at_);
    uint64_t zigzag = first;
    if (first < 0x80) {
      ++at_;
    } else if (!ReadLongVarint(&zigzag)) {
      return false;
    }
    *value = static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
    return true;
  }

  bool ReadVarint(int32_t* value) {
    int64_t wide;
    if (!ReadVarlong(&wide) || wide < INT32_MIN || wide > INT32_MAX) return false;
    *value = static_cast<int32_t>(wide);
    return true;
  }

  // A length and as many bytes.
  bool ReadBytes(std::string_view* bytes) {
    int32_t length;
    return ReadVarint(&length) && Take(length, bytes);
  }

  // The same, with length -1 for null.
  bool ReadNullableBytes(std::optional<std::string_view>* bytes) {
    int32_t length;
    if (!ReadVarint(&length)) return false;
    if (length == -1) {
      bytes->reset();
      return true;
    }
    std::string_view taken;
    if (!Take(length, &taken)) return false;
    *bytes = taken;
    return true;
  }

 private:
  bool Take(int32_t length, std::string_view* bytes) {
    if (length < 0 || static_cast<size_t>(length) > remaining()) return false;
    *bytes = {at_, static_cast<size_t>(length)};
    at_ += length;
    return true;
  }

  bool ReadLongVarint(uint64_t* value) {
    uint64_t result = 0;
    for (int shift = 0; shift < 7 * kMaxVarintBytes && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      if (shift == 63 && byte > 1) return false;  // does not fit in 64 bits
      result |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        *value = result;
        return true;
      }
    }
    return false;
  }

  const char* at_;
  const char* end_;
};

const char* DecodeHeaders(Cursor* cursor, int32_t count, std::vector<Header>* headers) {
  if (count < 0 || static_cast<size_t>(count) > cursor->remaining() / kMinHeaderBytes) {
    return "the header count is negative or more than the record has room for";
  }
  for (int32_t i = 0; i < count; ++i) {
    Header header;
    if (!cursor->ReadBytes(&header.key)) return "a header key is null or passes the end of the record";
    if (!cursor->ReadNullableBytes(&header.value)) return "a header value passes the end of the record";
    if (headers != nullptr) headers->push_back(header);
  }
  return nullptr;
}

// Collects the small fields of a record, so that they are appended together.
class Scratch {
 public:
  void Byte(char value) { bytes_[size_++] = value; }
  void Varlong(int64_t value) {
    uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
    while (zigzag >= 0x80) {
      Byte(static_cast<char>(zigzag | 0x80));
      zigzag >>= 7;
    }
    Byte(static_cast<char>(zigzag));
  }
  void FlushTo(std::string* out) {
    out->append(bytes_, size_);
    size_ = 0;
  }

 private:
  char bytes_[5 * kMaxVarintBytes];  // at most: length, attributes, timestamp, offset, key length
  size_t size_ = 0;
};

int64_t LengthOf(const std::optional<std::string_view>& bytes) {
  return bytes.has_value() ? static_cast<int64_t>(bytes->size()) : -1;
}

// Bytes of a nullable field with its length in front.
size_t FieldSize(int64_t length) { return VarlongSize(length) + (length > 0 ? static_cast<size_t>(length) : 0); }

}  // namespace

const char* DecodeRecord(std::string_view* rest, DecodedRecord* record, std::vector<Header>* headers) {
  Cursor outer(*rest);
  std::string_view body;
  if (!outer.ReadBytes(&body)) return "its length is negative or passes the end of the batch";
  Cursor cursor(body);
  if (cursor.remaining() == 0) return "it is empty";
  cursor.Skip(1);  // the attributes of a record, which have no meaning so far
  if (!cursor.ReadVarlong(&record->timestamp_delta)) return "its timestamp cannot be read";
  if (!cursor.ReadVarint(&record->offset_delta)) return "its offset cannot be read";
  if (!cursor.ReadNullableBytes(&record->key)) return "its key passes the end of the record";
  if (!cursor.ReadNullableBytes(&record->value)) return "its value passes the end of the record";
  int32_t header_count;
  if (!cursor.ReadVarint(&header_count)) return "its header count cannot be read";
  if (headers != nullptr) headers->clear();
  if (header_count != 0) {
    if (const char* problem = DecodeHeaders(&cursor, header_count, headers); problem != nullptr) return problem;
  }
  if (cursor.remaining() != 0) return "its fields end before the record does";
  *rest = outer.rest();
  return nullptr;
}

void EncodeRecord(const DecodedRecord& record, const std::vector<Header>& headers, std::string* out) {
  const int64_t key_length = LengthOf(record.key);
  const int64_t value_length = LengthOf(record.value);
  const auto header_count = static_cast<int64_t>(headers.size());
  size_t length = 1 + VarlongSize(record.timestamp_delta) + VarlongSize(record.offset_delta) + FieldSize(key_length) +
                  FieldSize(value_length) + VarlongSize(header_count);
  for (const Header& header : headers) {
    length += FieldSize(static_cast<int64_t>(header.key.size())) + FieldSize(LengthOf(header.value));
  }
  Scratch scratch;
  scratch.Varlong(static_cast<int64_t>(length));
  scratch.Byte(0);
  scratch.Varlong(record.timestamp_delta);
  scratch.Varlong(record.offset_delta);
  scratch.Varlong(key_length);
  if (key_length > 0) {
    scratch.FlushTo(out);
    out->append(*record.key);
  }
  scratch.Varlong(value_length);
  if (value_length > 0) {
    scratch.FlushTo(out);
    out->append(*record.value);
  }
  scratch.Varlong(header_count);
  scratch.FlushTo(out);
  BytesWriter writer(out);
  for (const Header& header : headers) {
    writer.WriteVarlong(static_cast<int64_t>(header.key.size()));
    writer.WriteBytes(header.key);
    writer.WriteVarlong(LengthOf(header.value));
    if (header.value.has_value()) writer.WriteBytes(*header.value);
  }
}

}  // namespace leat::model::internal
