#include <zlib.h>

#include <cstring>

#include "model/bounded_output.h"
#include "model/codecs.h"

namespace leat::model::internal {
namespace {

constexpr int kWindowBits = 15;
constexpr int kWriteGzip = kWindowBits + 16;
constexpr int kReadGzipOrZlib = kWindowBits + 32;  // the framing is detected from the first bytes
constexpr int kMemoryLevel = 8;

Bytef* ZlibInput(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // the C API lacks a const
}

// Ends a z_stream on every way out.
class Inflater {
 public:
  explicit Inflater(std::string_view input) {
    stream_.next_in = ZlibInput(input);
    stream_.avail_in = static_cast<uInt>(input.size());
    ready_ = inflateInit2(&stream_, kReadGzipOrZlib) == Z_OK;
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

absl::Status Damaged(std::string_view input, const z_stream& stream, std::string_view what) {
  return DataLoss("gzip: damaged at byte ", input.size() - stream.avail_in, " of ", input.size(), ": ", what);
}

}  // namespace

absl::StatusOr<std::string> GzipCompress(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWriteGzip, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return ResourceExhausted("gzip: no memory for a compressor");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = ZlibInput(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return Internal("gzip: expected the end of the stream from deflate, got ", result);
  return out;
}

absl::StatusOr<std::string> GzipDecompress(std::string_view bytes, size_t max_output_bytes) {
  Inflater inflater(bytes);
  if (!inflater.ready()) return ResourceExhausted("gzip: no memory for a decompressor");
  z_stream& stream = inflater.stream();
  BoundedOutput out(max_output_bytes, 4 * bytes.size());
  while (true) {
    const size_t room = out.Room();
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    out.Advance(room - stream.avail_out);
    if (out.TooLarge()) return OutputTooLarge("gzip", max_output_bytes);
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) return std::move(out).Take();
      inflateReset(&stream);  // a gzip file may have several members
    } else if (result == Z_MEM_ERROR) {
      return ResourceExhausted("gzip: no memory for a decompressor");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Damaged(bytes, stream, stream.msg == nullptr ? "not a deflate stream" : stream.msg);
    } else if (stream.avail_in == 0 && stream.avail_out != 0) {
      return Damaged(bytes, stream, "the stream is cut short");
    }
  }
}

}  // namespace leat::model::internal
