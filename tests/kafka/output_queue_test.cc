#include "kafka/output_queue.h"

#include "tests/kafka/kafka_client.h"

namespace leat::kafka {
namespace {

std::vector<std::string> FrontOf(const OutputQueue& queue, size_t max_pieces = 64) {
  std::vector<std::string> pieces;
  queue.Front(max_pieces, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

TEST(OutputQueue, WritesPiecesInOrderWhateverIsTaken) {
  for (size_t step = 1; step <= 12; ++step) {
    OutputQueue queue;
    queue.Add({"abc", "", "d"});
    queue.Add({"efgh"});
    queue.Add({});
    std::string written;
    while (!queue.empty()) {
      std::string front;
      for (const std::string& piece : FrontOf(queue, 2)) front += piece;
      const size_t n = std::min(step, front.size());
      written += front.substr(0, n);
      queue.Consume(n);
    }
    EXPECT_EQ(written, "abcdefgh") << step << " bytes at a time";
  }
}

TEST(OutputQueue, GivesAtMostSoManyPieces) {
  OutputQueue queue;
  queue.Add({"a", "b", "c"});
  EXPECT_EQ(FrontOf(queue, 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queue.bytes(), 3u);
}

}  // namespace
}  // namespace leat::kafka
