// Every message in every version.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "tests/wire/any_message.h"
#include "wire/apis.h"

namespace {
// Bytes that this thread has asked for since the start, never given back: what decoding costs at most.
thread_local size_t allocated_bytes = 0;
}  // namespace

// What a hostile frame makes us allocate is counted where it is allocated. Not inlined: where gcc inlines one of them
// alone, it takes new and free, or malloc and delete, for a mistake.
[[gnu::noinline]] void* operator new(size_t bytes) {
  allocated_bytes += bytes;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace leat::wire {
namespace {

constexpr size_t kPlenty = size_t{1} << 40;

// Calls check(message, version) for all of them.
template <typename Check>
void ForEveryVersion(const Check& check) {
  for (const AnyMessage& message : AllMessages()) {
    for (int16_t version = message.min_version; version <= message.max_version; ++version) {
      SCOPED_TRACE(StrCat(message.name, " v", version));
      check(message, version);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

// Decodes a copy that ends where its memory ends, so that a sanitizer sees a read beyond it.
absl::Status DecodeExactly(const AnyMessage& message, std::string_view bytes, int16_t version,
                           size_t budget = kPlenty) {
  const std::unique_ptr<char[]> copy = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  Reader in(std::string_view(copy.get(), bytes.size()), budget);
  return message.decode(in, version);
}

TEST(Messages, AreARequestAndAResponseOfEveryApi) {
  for (const ApiInfo& api : Apis()) {
    SCOPED_TRACE(api.name);
    const AnyMessage* request = FindMessage(api.key, false);
    const AnyMessage* response = FindMessage(api.key, true);
    ASSERT_NE(request, nullptr);
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(request->name, StrCat(api.name, "Request"));
    EXPECT_EQ(response->name, StrCat(api.name, "Response"));
    EXPECT_EQ(request->max_version, api.max_version);
  }
  EXPECT_EQ(AllMessages().size(), 2 * Apis().size());
}

TEST(Messages, AreTheSameAfterEncodingAndDecoding) {
  Random random(1);
  ForEveryVersion([&](const AnyMessage& message, int16_t version) {
    for (int i = 0; i < 40; ++i) ASSERT_EQ(message.round_trip(random, version), absl::OkStatus());
  });
}

TEST(Messages, FailWhereverTheyAreCutOff) {
  Random random(2);
  ForEveryVersion([&](const AnyMessage& message, int16_t version) {
    for (int i = 0; i < 4; ++i) {
      std::string bytes = message.random(random, version);
      for (int tries = 0; tries < 20 && bytes.size() > 400; ++tries) bytes = message.random(random, version);
      if (bytes.size() > 400) bytes.resize(400);
      for (size_t length = 0; length < bytes.size(); ++length) {
        const absl::Status status = DecodeExactly(message, std::string_view(bytes).substr(0, length), version);
        ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << "cut to " << length << " of " << bytes.size();
        ASSERT_TRUE(Message(status).starts_with(message.name)) << status;
      }
    }
  });
}

TEST(Messages, FailWhenBytesFollow) {
  Random random(3);
  ForEveryVersion([&](const AnyMessage& message, int16_t version) {
    const absl::Status status = DecodeExactly(message, message.random(random, version) + '\0', version);
    ASSERT_THAT(std::string(Message(status)), testing::HasSubstr("1 bytes follow the end of the message"));
  });
}

TEST(Messages, SkipTaggedFieldsThatAreNotKnown) {
  Random random(4);
  ForEveryVersion([&](const AnyMessage& message, int16_t version) {
    if (version < FindApi(message.key)->first_flexible) return;
    // The body ends with its own tagged fields. Where there are none, one that nobody knows takes their place.
    std::string bytes = message.random(random, version);
    for (int tries = 0; tries < 50 && bytes.back() != '\0'; ++tries) bytes = message.random(random, version);
    if (bytes.back() != '\0') return;
    bytes.back() = '\1';
    bytes += "\x7f\x03xyz";
    const absl::Status status = DecodeExactly(message, bytes, version);
    // A zero at the end may also have been a value inside the last known tagged field.
    if (!status.ok()) {
      ASSERT_THAT(std::string(Message(status)), testing::HasSubstr("tag"));
    }
  });
}

TEST(Messages, RefuseVersionsThatAreNotKnown) {
  for (const AnyMessage& message : AllMessages()) {
    for (const int version : {message.min_version - 1, message.max_version + 1, -1, 32767}) {
      const absl::Status status = DecodeExactly(message, "", static_cast<int16_t>(version));
      EXPECT_THAT(std::string(Message(status)), testing::HasSubstr("is a version that is not known")) << message.name;
    }
  }
}

// 100 bytes that declare as much as they can: a random message with bytes replaced, and constant ones.
std::string HostileFrame(Random& random, const AnyMessage& message, int16_t version) {
  static constexpr char kBytes[] = {'\xff', '\x7f', '\x80', '\x00', '\x01', '\x02', '\x03', '\x10', '\x20', '\x60'};
  std::string bytes;
  if (random.OneIn(2)) {
    bytes = message.random(random, version);
  } else {
    bytes.assign(100, kBytes[random.Below(sizeof(kBytes))]);
  }
  bytes.resize(100, kBytes[random.Below(sizeof(kBytes))]);
  for (uint64_t left = random.Below(12); left > 0; --left) {
    const char byte = random.OneIn(2) ? static_cast<char>(random.Next()) : kBytes[random.Below(sizeof(kBytes))];
    const size_t at = random.Below(100);
    // A whole count is wrong as often as one byte of it.
    bytes.replace(at, random.OneIn(2) ? 1 : std::min<size_t>(5, 100 - at),
                  random.OneIn(2) ? 1 : std::min<size_t>(5, 100 - at), byte);
    bytes.resize(100, '\0');
  }
  return bytes;
}

TEST(Messages, OfAHundredBytesNeverCostAMegabyte) {
  Random random(5);
  size_t most = 0;
  std::string most_name;
  ForEveryVersion([&](const AnyMessage& message, int16_t version) {
    for (int i = 0; i < 400; ++i) {
      const std::string bytes = HostileFrame(random, message, version);
      Reader in(bytes, kPlenty);
      const size_t before = allocated_bytes;
      (void)message.decode(in, version);
      const size_t cost = allocated_bytes - before;
      if (cost > most) {
        most = cost;
        most_name = message.name;
      }
      // Bytes of the frame, charged vectors and the text of an error: a hundredth of a megabyte.
      ASSERT_LE(cost, size_t{20} << 10);
      ASSERT_LE(kPlenty - in.memory_left(), cost + 1600);  // short text is held in the string itself
    }
  });
  RecordProperty("most_bytes", static_cast<int>(most));
  RecordProperty("most_bytes_message", most_name);
}

TEST(Messages, StopWhereTheirMemoryIsSpent) {
  Random random(6);
  ForEveryVersion([&](const AnyMessage& message, int16_t version) {
    for (int i = 0; i < 10; ++i) {
      const std::string bytes = message.random(random, version);
      Reader in(bytes, kPlenty);
      ASSERT_EQ(message.decode(in, version), absl::OkStatus());
      const size_t needed = kPlenty - in.memory_left();
      ASSERT_EQ(DecodeExactly(message, bytes, version, needed), absl::OkStatus());
      if (needed == 0) continue;
      ASSERT_EQ(DecodeExactly(message, bytes, version, needed - 1).code(), absl::StatusCode::kResourceExhausted);
    }
  });
}

// Damage never makes two readings of the same bytes differ: what decodes also encodes, and then stays as it is.
TEST(Messages, ThatDecodeAfterDamageEncodeAndDecodeAgain) {
  Random random(7);
  ForEveryVersion([&](const AnyMessage& message, int16_t version) {
    for (int i = 0; i < 60; ++i) {
      std::string bytes = message.random(random, version);
      if (bytes.empty()) continue;
      for (uint64_t left = 1 + random.Below(3); left > 0; --left) {
        bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
      }
      Reader in(bytes, kPlenty);
      const absl::StatusOr<std::string> once = message.reencode(in, version);
      if (!once.ok()) continue;
      Reader in_again(*once, kPlenty);
      const absl::StatusOr<std::string> twice = message.reencode(in_again, version);
      ASSERT_EQ(twice.status(), absl::OkStatus());
      ASSERT_EQ(*twice, *once);
    }
  });
}

}  // namespace
}  // namespace leat::wire
