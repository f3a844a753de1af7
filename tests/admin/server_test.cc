#include "admin/server.h"

#include <future>
#include <thread>

#include "admin/endpoints.h"
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

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    router_.Route(Method::kGet, "/hello", [](const Request&, Responder respond) { respond({.body = "hello"}); });
    router_.Route(Method::kPost, "/echo",
                  [](const Request& request, Responder respond) { respond({.body = request.body}); });
    router_.Route(Method::kGet, "/late", [this](const Request&, Responder respond) {
      threads_.emplace_back([respond = std::move(respond)]() mutable { respond({.body = "late"}); });
    });
    router_.Route(Method::kGet, "/never", [this](const Request&, Responder respond) {
      kept_.push_back(std::move(respond));
      if (on_request_) on_request_();
    });
    router_.Route(Method::kGet, "/forgotten", [](const Request&, const Responder&) {});
    router_.Route(Method::kGet, "/big", [this](const Request&, Responder respond) {
      respond({.body = std::string(64 << 20, 'x')});
      if (on_request_) on_request_();
    });
    shard_.Start();
  }
  ~HttpServerTest() override {
    Stop();
    for (std::thread& thread : threads_) thread.join();
    disk_.Stop();
    shard_.Stop();
    kept_.clear();
  }

  HttpServer& Start(HttpServer::Options options = {}) {
    options.port = 0;
    server_ = std::make_unique<HttpServer>(shard_, std::move(router_), options, metrics_);
    const absl::Status status = server_->Listen();
    EXPECT_TRUE(status.ok()) << status.ToString();
    return *server_;
  }
  void Stop() {
    if (server_ == nullptr) return;
    auto stopped = std::make_shared<std::promise<void>>();
    server_->Stop([stopped] { stopped->set_value(); });
    stopped->get_future().wait();
    server_.reset();
  }
  // One request on a connection of its own.
  std::string Ask(const std::string& request) {
    RawClient client(server_->port());
    client.Send(request);
    return client.ReceiveAll();
  }
  static std::string Get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }
  static std::string GetAndClose(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  }

  runtime::DiskThreads disk_{{}};
  runtime::PrometheusMetrics metrics_{{}};
  Router router_;
  std::vector<std::thread> threads_;
  std::vector<Responder> kept_;
  std::function<void()> on_request_;
  runtime::AsioShard shard_{"test-shard", disk_};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersAGetRequest) {
  Start();
  const std::string answer = Ask(GetAndClose("/hello"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhello"));
}

TEST_F(HttpServerTest, ListensOnAPortTheSystemChose) {
  Start();
  EXPECT_NE(server_->port(), 0);
  EXPECT_EQ(server_->address(), StrCat("127.0.0.1:", server_->port()));
}

TEST_F(HttpServerTest, AHeadRequestHasTheHeaderAlone) {
  Start();
  const std::string answer = Ask("HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, KeepsAConnectionAlive) {
  Start();
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.Send(Get("/hello"));
    EXPECT_THAT(client.Receive(), EndsWith("hello"));
    client.Send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.Receive(/*with_body=*/false), EndsWith("\r\n\r\n"));
  }
}

TEST_F(HttpServerTest, Http10IsClosedAfterTheAnswer) {
  Start();
  EXPECT_THAT(Ask("GET /hello HTTP/1.0\r\n\r\n"), EndsWith("hello"));
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += i % 2 == 0 ? Get("/hello") : Get("/late");
  RawClient client(server_->port());
  client.Send(requests);
  for (int i = 0; i < 20; ++i) EXPECT_THAT(client.Receive(), EndsWith(i % 2 == 0 ? "hello" : "late")) << i;
}

TEST_F(HttpServerTest, PassesTheBodyOn) {
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nabcd"),
              EndsWith("\r\n\r\nabcd"));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
              EndsWith("\r\n\r\nabcde"));
}

TEST_F(HttpServerTest, EncouragesAClientThatAsksBeforeItSendsItsBody) {
  Start({.max_body_bytes = 1000});
  const std::string header = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ";
  RawClient client(server_->port());
  client.Send(header + "4\r\n\r\n");
  EXPECT_EQ(client.Receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("abcd");
  EXPECT_THAT(client.Receive(), EndsWith("\r\n\r\nabcd"));
  client.Send(header + "1001\r\n\r\n");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, RefusesABodyOfTwoLengths) {
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, AHandlerMayAnswerLaterFromAnotherThread) {
  Start();
  EXPECT_THAT(Ask(GetAndClose("/late")), EndsWith("late"));
}

TEST_F(HttpServerTest, AForgottenRequestIsAnswered500) {
  Start();
  EXPECT_THAT(Ask(GetAndClose("/forgotten")), StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, AHandlerThatDoesNotAnswerInTimeIs503) {
  Start({.handler_timeout = absl::Milliseconds(20)});
  const std::string answer = Ask(GetAndClose("/never"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"handler_timeout\""));
}

TEST_F(HttpServerTest, UnknownPathsAndMethodsAreJsonErrors) {
  Start();
  EXPECT_THAT(Ask(GetAndClose("/nothing")), HasSubstr("{\"error\":{\"code\":\"not_found\",\"message\":"));
  const std::string answer = Ask("DELETE /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(Ask("BREW /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Ask("GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, WhatIsNotHttpIs400AndClosed) {
  Start();
  for (const char* bytes : {"nonsense\r\n\r\n", "GET /hello HTTP/9.9\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
                            "GET /hello HTTP/1.1\r\nno colon\r\n\r\n", "\x16\x03\x01\x02\x01\r\n\r\n",
                            "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
    const std::string answer = Ask(bytes);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << bytes;
    EXPECT_THAT(answer, HasSubstr("\"code\":\"bad_request\"")) << bytes;
  }
}

TEST_F(HttpServerTest, AHeaderOverTheLimitIs431) {
  Start({.max_header_bytes = 2048});
  const std::string answer = Ask("GET /hello HTTP/1.1\r\nX: " + std::string(100000, 'x') + "\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer, HasSubstr("at most 2048 bytes"));
  EXPECT_THAT(Ask("GET /" + std::string(100000, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, ABodyOverTheLimitIs413) {
  Start({.max_body_bytes = 1000});
  const std::string answer = Ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr("at most 1000 bytes"));
  const std::string chunk = "400\r\n" + std::string(1024, 'x') + "\r\n";
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, ASlowRequestIs408AndClosed) {
  Start({.request_timeout = absl::Milliseconds(30)});
  EXPECT_THAT(Ask("GET /hello HTTP/1.1\r\nHos"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, SendingNowAndThenDoesNotExtendTheTime) {
  Start({.request_timeout = absl::Milliseconds(50)});
  RawClient client(server_->port());
  std::thread drip([&] {
    for (int i = 0; i < 10'000'000 && client.Send("x"); ++i) std::this_thread::yield();
  });
  const std::string answer = client.ReceiveAll();
  drip.join();
  // The time runs out or, if the dripping was fast, the header limit is met: either way it ends.
  EXPECT_THAT(answer, testing::AnyOf(StartsWith("HTTP/1.1 4"), testing::IsEmpty()));
}

TEST_F(HttpServerTest, AConnectionThatAsksNothingIsClosed) {
  Start({.first_byte_timeout = absl::Milliseconds(20)});
  EXPECT_EQ(Ask(""), "");  // closed, not "timeout"
}

TEST_F(HttpServerTest, AConnectionThatAsksNothingMoreIsClosed) {
  Start({.idle_timeout = absl::Milliseconds(20)});
  EXPECT_THAT(Ask(Get("/hello")), EndsWith("hello"));
}

TEST_F(HttpServerTest, AReaderThatDoesNotReadIsCutOff) {
  std::promise<void> in_handler;
  on_request_ = [&] { in_handler.set_value(); };
  Start({.write_timeout = absl::Milliseconds(50)});
  RawClient client(server_->port(), /*receive_buffer_bytes=*/4096);
  client.Send(Get("/big"));
  in_handler.get_future().wait();
  // Nothing is read until the server has given up: only then can Stop's callback come, as the connection is busy.
  Stop();
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, Not(EndsWith("timeout")));
  EXPECT_LT(answer.size(), size_t{64} << 20);
}

TEST_F(HttpServerTest, ConnectionsOverTheLimitAreRefused) {
  Start({.max_connections = 2});
  auto first = std::make_unique<RawClient>(server_->port());
  RawClient second(server_->port());
  for (RawClient* client : {first.get(), &second}) {
    client->Send(Get("/hello"));
    EXPECT_THAT(client->Receive(), EndsWith("hello"));
  }
  const std::string refused = Ask(Get("/hello"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("\"code\":\"too_many_connections\""));
  first.reset();
  // Its place is free as soon as the server has seen it go.
  std::string answer;
  do {
    answer = Ask(GetAndClose("/hello"));
  } while (answer.starts_with("HTTP/1.1 503 "));
  EXPECT_THAT(answer, EndsWith("hello"));
}

TEST_F(HttpServerTest, StopClosesIdleConnections) {
  Start();
  RawClient client(server_->port());
  client.Send(Get("/hello"));
  EXPECT_THAT(client.Receive(), EndsWith("hello"));
  Stop();
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(HttpServerTest, StopLetsARequestInProgressFinish) {
  std::promise<void> in_handler;
  on_request_ = [&] { in_handler.set_value(); };
  Start();
  RawClient client(server_->port());
  client.Send(Get("/never"));
  in_handler.get_future().wait();
  auto stopped = std::make_shared<std::promise<void>>();
  server_->Stop([stopped] { stopped->set_value(); });
  shard_.Post([this] { kept_.back()({.body = "finished"}); });
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("finished"));
  stopped->get_future().wait();
  server_.reset();
}

TEST_F(HttpServerTest, AnAddressInUseIsRefusedWithWhatToDo) {
  Start();
  HttpServer second(shard_, Router(), {.port = server_->port()}, metrics_);
  const absl::Status status = second.Listen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("Address already in use; choose another address"));
}

TEST_F(HttpServerTest, ServesHealth) {
  std::vector<std::string> reasons = {"the metadata log is being read", "no disk"};
  AddHealthRoutes(router_, [&] { return reasons; });
  Start();
  EXPECT_THAT(Ask(GetAndClose("/health/live")), EndsWith("{\"status\":\"live\"}\n"));
  const std::string unready = Ask(GetAndClose("/health/ready"));
  EXPECT_THAT(unready, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(unready, HasSubstr("\"reasons\":[\"the metadata log is being read\",\"no disk\"]"));
  shard_.Post([&] { reasons.clear(); });
  EXPECT_THAT(Ask(GetAndClose("/health/ready")), EndsWith("{\"status\":\"ready\"}\n"));
}

TEST_F(HttpServerTest, ServesMetrics) {
  AddMetricsRoute(router_, shard_, metrics_);
  metrics_.GetGauge("leat_open_files", "Open files.", {}).Set(3);
  Start();
  const std::string answer = Ask(GetAndClose("/metrics"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("\nleat_open_files 3\n"));
  EXPECT_THAT(Ask(GetAndClose("/metrics")), HasSubstr("leat_http_responses_total{code=\"200\"} 1\n"));
}

}  // namespace
}  // namespace leat::admin
