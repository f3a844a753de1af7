// Answers that go on: piece by piece, to readers who may not read.
#include <atomic>
#include <future>

#include "admin/server.h"
#include "runtime/asio_shard.h"
#include "runtime/disk_threads.h"
#include "runtime/prometheus_metrics.h"
#include "tests/admin/http_client.h"

namespace leat::admin {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// As many pieces as it is told to; then the end, or nothing more.
class Pieces final : public BodyStream {
 public:
  struct Seen {
    std::atomic<size_t> asked = 0;
    std::promise<void> gone;
  };
  enum class Then { kEnd, kWait };
  Pieces(std::shared_ptr<Seen> seen, std::string piece, size_t count, Then then)
      : seen_(std::move(seen)), piece_(std::move(piece)), count_(count), then_(then) {}
  ~Pieces() override { seen_->gone.set_value(); }
  void Next(absl::AnyInvocable<void(std::string)> piece) override {
    if (seen_->asked++ < count_) return piece(piece_);
    if (then_ == Then::kEnd) return piece("");
    waiting_ = std::move(piece);
  }

 private:
  const std::shared_ptr<Seen> seen_;
  const std::string piece_;
  const size_t count_;
  const Then then_;
  absl::AnyInvocable<void(std::string)> waiting_;
};

class HttpStreamTest : public testing::Test {
 protected:
  HttpStreamTest() { shard_.Start(); }
  ~HttpStreamTest() override {
    Stop();
    disk_.Stop();
    shard_.Stop();
  }
  void Start(std::string piece, size_t count, Pieces::Then then, HttpServer::Options options = {}) {
    Router router;
    router.Route(Method::kGet, "/stream", [this, piece, count, then](const Request&, Responder respond) {
      respond({.content_type = "text/event-stream", .stream = std::make_shared<Pieces>(seen_, piece, count, then)});
    });
    options.port = 0;
    server_ = std::make_unique<HttpServer>(shard_, std::move(router), options, metrics_);
    ASSERT_TRUE(server_->Listen().ok());
  }
  void Stop() {
    if (server_ == nullptr) return;
    std::promise<void> stopped;
    server_->Stop([&] { stopped.set_value(); });
    stopped.get_future().wait();
    server_.reset();
  }

  runtime::DiskThreads disk_{{}};
  runtime::PrometheusMetrics metrics_{{}};
  runtime::AsioShard shard_{"test-shard", disk_};
  std::shared_ptr<Pieces::Seen> seen_ = std::make_shared<Pieces::Seen>();
  std::unique_ptr<HttpServer> server_;
};

constexpr std::string_view kGet = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(HttpStreamTest, SendsPieceByPieceAndClosesAtTheEnd) {
  Start("data: 1\n\n", 3, Pieces::Then::kEnd);
  RawClient client(server_->port());
  client.Send(kGet);
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer, EndsWith("\r\n\r\ndata: 1\n\ndata: 1\n\ndata: 1\n\n"));
  seen_->gone.get_future().wait();
}

// Nothing is piled up for it: what was asked for is what the kernel takes, and one piece.
TEST_F(HttpStreamTest, AReaderThatDoesNotReadIsDroppedAndCostsOnePiece) {
  constexpr size_t kPiece = size_t{1} << 20;
  Start(std::string(kPiece, 'x'), SIZE_MAX, Pieces::Then::kEnd, {.write_timeout = absl::Milliseconds(50)});
  RawClient client(server_->port(), 4096);
  client.Send(kGet);
  seen_->gone.get_future().wait();
  EXPECT_LT(seen_->asked, 64u);
}

TEST_F(HttpStreamTest, AStreamThatWaitsForNewsDoesNotHoldUpAStop) {
  Start("data: 1\n\n", 1, Pieces::Then::kWait);
  RawClient client(server_->port());
  client.Send(kGet);
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200 OK\r\n"));
  Stop();
  seen_->gone.get_future().wait();
}

}  // namespace
}  // namespace leat::admin
