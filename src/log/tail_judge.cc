#include "log/tail_judge.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log/batch_scanner.h"
#include "model/record_batch.h"

namespace leat::log {
namespace {

constexpr uint64_t kSectorBytes = 512;
constexpr size_t kCrcAt = 17;
constexpr size_t kCrcCoversFrom = 21;

bool AllZero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

// The bytes of the tail, from the bad batch on.
struct Tail {
  std::string_view bytes;
  uint64_t position;  // of bytes[0] in the file
  model::Offset expected;
};

// True if the batch's last one or two bytes, which are zero, were something else when its CRC was made.
bool CrcNamesOtherEnd(std::string_view batch, size_t lost) {
  const uint32_t crc = LoadBigEndian<uint32_t>(batch.data() + kCrcAt);
  const uint32_t before = Crc32c(batch.substr(kCrcCoversFrom, batch.size() - kCrcCoversFrom - lost));
  for (uint32_t guess = 0; guess < (1u << (8 * lost)); ++guess) {
    const char end[2] = {static_cast<char>(guess), static_cast<char>(guess >> 8)};
    if (ExtendCrc32c(before, std::string_view(end, lost)) == crc) return true;
  }
  return false;
}

// Where the first sector that was lost among the tail's first `extent` bytes begins, or npos.
size_t LostSector(const Tail& tail, size_t extent) {
  for (size_t begin = 0; begin < extent;) {
    const uint64_t sector_end = (tail.position + begin) / kSectorBytes * kSectorBytes + kSectorBytes;
    const size_t end = std::min(static_cast<size_t>(sector_end - tail.position), tail.bytes.size());
    if (AllZero(tail.bytes.substr(begin, end - begin))) {
      const size_t inside = std::min(end, extent) - begin;
      char expected[8];
      StoreBigEndian(expected, tail.expected.value());
      // A few zeros may belong there: the first bytes of a small offset, or the last of a record.
      const bool natural_start =
          begin == 0 && inside <= 8 && AllZero(std::string_view(expected, std::min<size_t>(inside, 8)));
      const bool natural_end = begin > kCrcCoversFrom && begin + inside == extent && inside <= 2 &&
                               !CrcNamesOtherEnd(tail.bytes.substr(0, extent), inside);
      if (!natural_start && !natural_end) return begin;
    }
    begin = end;
  }
  return std::string_view::npos;
}

// True if the CRC of the batch is right for some other end than its length field says.
bool WholeUnderOtherLength(std::string_view bytes) {
  if (bytes.size() <= model::kBatchHeaderBytes) return false;
  const uint32_t crc = LoadBigEndian<uint32_t>(bytes.data() + kCrcAt);
  uint32_t running = Crc32c(bytes.substr(kCrcCoversFrom, model::kBatchHeaderBytes - kCrcCoversFrom));
  for (size_t at = model::kBatchHeaderBytes; at < bytes.size(); ++at) {
    running = ExtendCrc32c(running, bytes.substr(at, 1));
    if (running == crc) return true;
  }
  return false;
}

// True if a good batch of a later offset begins somewhere in the tail.
bool GoodBatchFollows(std::string_view bytes, model::Offset expected) {
  for (size_t at = 1; at + model::kBatchHeaderBytes <= bytes.size(); ++at) {
    const std::string_view rest = bytes.substr(at);
    if (rest[16] != 2) continue;
    const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(rest);
    if (!header.ok() || header->base_offset <= expected || header->total_bytes() > rest.size()) continue;
    // A batch of this log that follows closely: a payload may itself hold batches of another one.
    if (header->base_offset - expected > static_cast<int64_t>(bytes.size())) continue;
    const std::string_view batch = rest.substr(0, header->total_bytes());
    if (model::ValidateBatch(batch, model::RecordCheck::kHeaderAndCrc, kLargestBatchBytes).ok()) return true;
  }
  return false;
}

TailVerdict Torn(std::string reason) { return {TailVerdict::Kind::kTorn, std::move(reason)}; }
TailVerdict Damaged(std::string reason) { return {TailVerdict::Kind::kDamaged, std::move(reason)}; }

}  // namespace

absl::StatusOr<TailVerdict> JudgeTail(const env::File& file, uint64_t position, uint64_t size, model::Offset expected,
                                      model::Offset gaps_until) {
  // One batch and what shares its last sector is enough to judge it.
  std::string bytes(static_cast<size_t>(std::min<uint64_t>(size - position, kLargestBatchBytes + kSectorBytes)), '\0');
  LEAT_ASSIGN_OR_RETURN(const size_t n, file.ReadAt(position, bytes.data(), bytes.size()));
  bytes.resize(n);
  const Tail tail = {bytes, position, expected};
  const std::string at = StrCat("at byte ", position, ", where offset ", expected, " should begin");
  if (bytes.size() < model::kBatchHeaderBytes) {
    return Torn(StrCat("the file ends inside a batch header ", at));
  }
  const absl::StatusOr<model::BatchHeader> header = model::ParseBatchHeader(bytes);
  const std::string problem = HeaderProblem(header, expected, gaps_until);
  if (!problem.empty()) {
    if (LostSector(tail, model::kBatchHeaderBytes) != std::string_view::npos) {
      return Torn(StrCat("a sector of a batch header was lost ", at));
    }
    return Damaged(StrCat("the batch header ", at, " is damaged: ", problem));
  }
  const bool cut_off = header->total_bytes() > bytes.size();
  const size_t lost_at = LostSector(tail, std::min(header->total_bytes(), bytes.size()));
  const bool lost = lost_at != std::string_view::npos;
  if (!cut_off && !lost) return Damaged(StrCat("the batch ", at, " is all there but its checksum does not match"));
  // A wrong length field can make a good batch reach into what was lost behind it.
  const std::string_view present = std::string_view(bytes).substr(0, lost_at);
  if (WholeUnderOtherLength(present) || GoodBatchFollows(present, expected)) {
    return Damaged(StrCat("the length field of the batch ", at, " is damaged"));
  }
  return Torn(lost ? StrCat("a sector of the batch was lost ", at) : StrCat("the file ends inside the batch ", at));
}

}  // namespace leat::log
