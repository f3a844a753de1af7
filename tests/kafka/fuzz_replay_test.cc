// Random messages of every API and version, whole and damaged, served by a broker in
// the simulated world.
#include "tests/kafka/serve_input.h"
#include "tests/support/corpus.h"
#include "tests/wire/any_message.h"
#include "wire/header.h"

namespace leat::kafka {
namespace {

std::string RequestOf(const wire::AnyMessage& message, int16_t version, Random& random) {
  wire::Writer header;
  wire::EncodeRequestHeader(header,
                            {.api_key = message.key, .api_version = version, .correlation_id = 5, .client_id = "fuzz"});
  return header.TakeString() + message.random(random, version);
}

TEST(ServeInput, AnswersOrRefusesWhateverARequestSays) {
  InputServer server;
  Random random(1);
  for (const wire::AnyMessage& message : wire::AllMessages()) {
    if (message.is_response || FindServedApi(message.key) == nullptr) continue;
    for (int i = 0; i < 60; ++i) {
      const auto version = static_cast<int16_t>(random.Between(message.min_version, message.max_version));
      std::string input = RequestOf(message, version, random);
      ASSERT_EQ(server.Serve(input), absl::OkStatus()) << message.name << " version " << version;
      for (uint64_t left = 1 + random.Below(3); left > 0; --left) {
        input[random.Below(input.size())] = static_cast<char>(random.Next());
      }
      ASSERT_EQ(server.Serve(input), absl::OkStatus()) << message.name << " version " << version << ", damaged";
    }
  }
}

TEST(ServeInput, ServesWhatTheFuzzerStartsFrom) {
  const std::vector<std::string> corpus = test::FuzzCorpus("kafka");
  ASSERT_GT(corpus.size(), 200u);
  for (const std::string& input : corpus) {
    InputServer server;
    ASSERT_EQ(server.Serve(FramesOf(input)), absl::OkStatus());
  }
}

TEST(ServeInput, ServesWhatComesTogetherAndAfterAWhile) {
  Random random(3);
  std::vector<std::string> requests;
  for (const wire::AnyMessage& message : wire::AllMessages()) {
    if (message.is_response || FindServedApi(message.key) == nullptr) continue;
    for (int i = 0; i < 3; ++i) {
      const auto version = static_cast<int16_t>(random.Between(message.min_version, message.max_version));
      requests.push_back(RequestOf(message, version, random));
    }
  }
  for (int i = 0; i < 100; ++i) {
    std::vector<std::string_view> frames;
    for (int left = 8; left > 0; --left) frames.push_back(requests[random.Below(requests.size())]);
    frames.insert(frames.begin() + 4, std::string_view());
    ASSERT_EQ(InputServer().Serve(frames), absl::OkStatus()) << i;
  }
}

TEST(ServeInput, RefusesEveryBeginningOfARequest) {
  InputServer server;
  Random random(2);
  for (const wire::AnyMessage& message : wire::AllMessages()) {
    if (message.is_response || message.key != 3) continue;
    const std::string input = RequestOf(message, 12, random);
    for (size_t n = 0; n < input.size(); ++n) {
      ASSERT_EQ(server.Serve(std::string_view(input).substr(0, n)), absl::OkStatus()) << n << " bytes";
    }
  }
}

}  // namespace
}  // namespace leat::kafka
