// The listener over real sockets: framing, order, limits and time-outs, whatever the requests are about.
#include "kafka/server.h"

#include <thread>

#include "tests/kafka/kafka_fixture.h"
#include "wire/messages/api_versions.h"

namespace leat::kafka {
namespace {

using wire::ApiVersionsRequest;
using wire::ApiVersionsResponse;
using wire::FetchResponse;
using wire::MetadataResponse;
using wire::ProduceResponse;

std::string VersionsFrame(int32_t correlation_id) {
  return KafkaClient::Frame(ApiVersionsRequest{}, 0, correlation_id);
}

class ServerTest : public KafkaTest {};

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  KafkaClient client(port());
  std::string frames;
  for (int32_t i = 0; i < 500; ++i) {
    frames += i % 2 == 0 ? VersionsFrame(i) : KafkaClient::Frame(MetadataOf({"no-such"}), 4, i);
  }
  ASSERT_EQ(client.Send(frames), frames.size());
  for (int32_t i = 0; i < 500; ++i) {
    if (i % 2 == 0) {
      client.ReceiveAs<ApiVersionsResponse>(0, i);
    } else {
      client.ReceiveAs<MetadataResponse>(4, i);
    }
  }
}

TEST_F(ServerTest, AnswersThatAreReadyWaitForAnEarlierOne) {
  Start();
  CreateTopic("t");
  KafkaClient reader(port());
  // The fetch waits for records; what comes behind it is done, and has to wait.
  std::string frames = KafkaClient::Frame(FetchOf("t", 0, 0, 20000), 4, 1);
  for (int32_t i = 2; i < 10; ++i) frames += VersionsFrame(i);
  ASSERT_EQ(reader.Send(frames), frames.size());
  KafkaClient writer(port());
  writer.Ask<ProduceResponse>(ProduceOf("t", 0, Batch({"a"})), 7);
  const auto fetched = reader.ReceiveAs<FetchResponse>(4, 1);
  EXPECT_FALSE(fetched.responses.at(0).partitions.at(0).records.empty());
  for (int32_t i = 2; i < 10; ++i) reader.ReceiveAs<ApiVersionsResponse>(0, i);
}

TEST_F(ServerTest, TakesFramesByteByByte) {
  Start();
  KafkaClient client(port());
  for (const char byte : VersionsFrame(7)) ASSERT_EQ(client.Send(std::string_view(&byte, 1)), 1u);
  client.ReceiveAs<ApiVersionsResponse>(0, 7);
}

TEST_F(ServerTest, AnswersAVersionOfApiVersionsThatIsTooNewInVersion0WithTheList) {
  Start();
  KafkaClient client(port());
  for (const int16_t version : {int16_t{5}, int16_t{99}, int16_t{32767}}) {
    // A body that this broker cannot know.
    std::string body(10, '\0');
    StoreBigEndian(body.data(), int16_t{18});
    StoreBigEndian(body.data() + 2, version);
    StoreBigEndian(body.data() + 4, int32_t{42});
    body += "\xfe\xfe whatever the future brings";
    const std::string frame = KafkaClient::WithLength(body);
    ASSERT_EQ(client.Send(frame), frame.size());
    const auto response = client.ReceiveAs<ApiVersionsResponse>(0, 42);
    EXPECT_EQ(response.error_code, 35);
    EXPECT_GE(response.api_keys.size(), 8u);
  }
  EXPECT_EQ(client.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0).error_code, 0);
}

TEST_F(ServerTest, RefusesApiVersionsOfSoftwareWithoutAName) {
  Start();
  KafkaClient client(port());
  ApiVersionsRequest request;
  request.client_software_name = "not a name";
  request.client_software_version = "1.0";
  EXPECT_EQ(client.Ask<ApiVersionsResponse>(request, 3).error_code, 42);
  request.client_software_name = "apache-kafka-java";
  const auto response = client.Ask<ApiVersionsResponse>(request, 3);
  EXPECT_EQ(response.error_code, 0);
  for (const auto& feature : response.supported_features) EXPECT_GT(feature.min_version, 0) << feature.name;
}

// librdkafka (to 2.11) looks for exactly these versions, and does without compression, groups or transactions if one is
// missing.
TEST_F(ServerTest, AdvertisesWhatOldLibrdkafkaLooksFor) {
  Start();
  KafkaClient client(port());
  const auto response = client.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  const auto serves = [&](int16_t key, int16_t version) {
    for (const auto& api : response.api_keys) {
      if (api.api_key == key) return api.min_version <= version && version <= api.max_version;
    }
    return false;
  };
  for (const int16_t version : {0, 3, 7}) EXPECT_TRUE(serves(0, version)) << "Produce " << version;
  for (const int16_t version : {4, 10}) EXPECT_TRUE(serves(1, version)) << "Fetch " << version;
  EXPECT_TRUE(serves(2, 1));
  EXPECT_TRUE(serves(3, 4));
  EXPECT_TRUE(serves(10, 0));
  EXPECT_TRUE(serves(18, 0));
}

TEST_F(ServerTest, ClosesTheConnectionOfWhomItCannotUnderstand) {
  Start({.max_request_bytes = 1 << 20});
  const auto closes = [&](std::string_view bytes) {
    KafkaClient client(port());
    client.Send(bytes);
    return client.IsClosed();
  };
  const auto header = [](int16_t key, int16_t version) {
    std::string body(10, '\0');
    StoreBigEndian(body.data(), key);
    StoreBigEndian(body.data() + 2, version);
    StoreBigEndian(body.data() + 8, int16_t{-1});
    return KafkaClient::WithLength(body);
  };
  EXPECT_TRUE(closes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(closes(std::string("\0\0\0\0", 4)));
  EXPECT_TRUE(closes(std::string("\xff\xff\xff\xff", 4)));
  EXPECT_TRUE(closes(std::string("\0\x10\0\x01", 4)));  // a byte over the limit
  EXPECT_TRUE(closes(header(6, 0)));                    // an API that nobody serves
  EXPECT_TRUE(closes(header(-1, 0)));
  EXPECT_TRUE(closes(header(3, 99)));  // Metadata in a version that does not exist
  EXPECT_TRUE(closes(header(1, 3)));   // Fetch before record batches
  EXPECT_TRUE(closes(header(3, 12)));  // Metadata without its body
  EXPECT_TRUE(closes(KafkaClient::WithLength(std::string("\0\x03\0\x01", 4))));  // half a header
  // Others are still served.
  KafkaClient client(port());
  EXPECT_EQ(client.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0).error_code, 0);
}

TEST_F(ServerTest, ACountThatPromisesTooMuchIsRefusedBeforeItIsAllocated) {
  Start();
  KafkaClient client(port());
  std::string frame = KafkaClient::Frame(MetadataOf({"t"}), 4, 1);
  const size_t count_at = frame.size() - 1 - 3 - 4;  // flag, "t", count
  StoreBigEndian(frame.data() + count_at, int32_t{0x7fffffff});
  client.Send(frame);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(ServerTest, StopsReadingFromAClientThatTakesNoAnswers) {
  Start();
  CreateTopic("wide", 500);  // an answer of tens of KiB for a request of some bytes
  KafkaClient client(port(), 4096);
  client.SetTimeout(SO_SNDTIMEO, {.tv_usec = 300'000});
  constexpr int32_t kMany = 40'000;  // would take the server hundreds of MiB if it read them all
  const std::string client_id(2000, 'c');
  std::string frames;
  int32_t count = 0;
  size_t sent = 0;
  for (; count < kMany && sent == frames.size(); ++count) {
    const std::string next = KafkaClient::Frame(MetadataOf({"wide"}), 4, count, client_id);
    frames += next;
    sent += client.Send(next);
  }
  ASSERT_LT(count, kMany) << "the server read everything";
  client.SetTimeout(SO_SNDTIMEO, {.tv_sec = 20});
  // Once the client reads, all that was sent is answered, in order.
  std::thread rest([&] { client.Send(std::string_view(frames).substr(sent)); });
  for (int32_t i = 0; i < count; ++i) {
    const std::optional<std::string> answer = client.Receive();
    ASSERT_TRUE(answer.has_value()) << i;
    ASSERT_EQ(LoadBigEndian<int32_t>(answer->data()), i);
  }
  rest.join();
}

TEST_F(ServerTest, PausesWhenTooManyBytesAreUnderWayAndGoesOn) {
  Start({.max_request_bytes = 1 << 20, .inflight_bytes = 64 << 10, .connection_bytes = 16 << 10});
  CreateTopic("t", 4);
  const std::string batch = Batch({std::string(10'000, 'x')});
  std::vector<std::unique_ptr<KafkaClient>> clients;
  std::string frames;
  for (int32_t i = 0; i < 50; ++i) frames += KafkaClient::Frame(ProduceOf("t", i % 4, batch), 7, i);
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<KafkaClient>(port()));
    ASSERT_EQ(clients.back()->Send(frames), frames.size());
  }
  for (const auto& client : clients) {
    for (int32_t i = 0; i < 50; ++i) {
      const auto response = client->ReceiveAs<ProduceResponse>(7, i);
      EXPECT_EQ(response.responses.at(0).partition_responses.at(0).error_code, 0);
    }
  }
}

// What a counter without labels stands at.
int64_t ValueOf(const runtime::PrometheusMetrics& metrics, std::string_view counter) {
  const std::string text = metrics.RenderText();
  const std::string name = StrCat("\n", counter, " ");
  const size_t at = text.find(name);
  return at == std::string::npos ? -1 : std::stoll(text.substr(at + name.size()));
}

int64_t Moved(const runtime::PrometheusMetrics& metrics) {
  return ValueOf(metrics, "leat_kafka_connections_moved_total");
}

TEST_F(ServerTest, AConnectionGoesToTheShardOfThePartitionThatItWritesTo) {
  Start();
  CreateTopic("t", 2);  // neighbours live on different shards
  KafkaClient client(port());
  for (int64_t i = 0; i < 100; ++i) {
    for (int32_t partition : {0, 1}) client.Ask<ProduceResponse>(ProduceOf("t", partition, Batch({"a"})), 7);
  }
  EXPECT_EQ(Moved(metrics_), 0) << "it writes to both";
  for (int32_t partition : {0, 1}) {
    for (int64_t i = 0; i < 100; ++i) {
      const auto response = client.Ask<ProduceResponse>(ProduceOf("t", partition, Batch({"a"})), 7);
      EXPECT_EQ(response.responses.at(0).partition_responses.at(0).base_offset, 100 + i);
    }
  }
  const int64_t moved = Moved(metrics_);
  EXPECT_GE(moved, 1);
  EXPECT_LE(moved, 2);
  EXPECT_THAT(metrics_.RenderText(), testing::HasSubstr("leat_kafka_connections 1"));
}

TEST_F(ServerTest, AMoveKeepsTheOrderOfWhatIsUnderWay) {
  Start();
  CreateTopic("t", 2);
  KafkaClient client(port());
  // Of all sizes: some end in the buffer of what is read, some in memory of their own.
  std::string frames;
  constexpr int32_t kRequests = 2000;
  for (int32_t i = 0; i < kRequests; ++i) {
    const std::string value(static_cast<size_t>(i) * 7919 % 50'000, 'v');
    frames += KafkaClient::Frame(ProduceOf("t", i < kRequests / 2 ? 0 : 1, Batch({value})), 7, i);
  }
  std::thread sender([&] { EXPECT_EQ(client.Send(frames), frames.size()); });
  for (int32_t i = 0; i < kRequests; ++i) {
    const auto response = client.ReceiveAs<ProduceResponse>(7, i);
    ASSERT_EQ(response.responses.at(0).partition_responses.at(0).base_offset, i % (kRequests / 2));
  }
  sender.join();
  EXPECT_GE(Moved(metrics_), 1);
}

TEST_F(ServerTest, ConnectionsThatWriteToOnePartitionDoNotAllCrowdItsShard) {
  Start();
  CreateTopic("t", 2);
  std::vector<std::unique_ptr<KafkaClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<KafkaClient>(port()));
    clients.back()->Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  }
  for (int i = 0; i < 200; ++i) {
    for (const auto& client : clients) client->Ask<ProduceResponse>(ProduceOf("t", 0, Batch({"a"})), 7);
  }
  EXPECT_EQ(Moved(metrics_), 2);  // from four and four to six and two: one and a half times the even share
}

TEST_F(ServerTest, AConnectionThatFetchesStaysWhereItsSessionIs) {
  Start();
  CreateTopic("t", 2);
  KafkaClient client(port());
  for (const int32_t partition : {0, 1}) {
    client.Ask<FetchResponse>(FetchOf("t", partition, 0), 4);
    for (int i = 0; i < 100; ++i) client.Ask<ProduceResponse>(ProduceOf("t", partition, Batch({"a"})), 7);
  }
  EXPECT_EQ(Moved(metrics_), 0);
}

TEST_F(ServerTest, ClosesIdleConnectionsAndKeepsThoseThatWait) {
  Start({.max_idle = absl::Milliseconds(200)});
  CreateTopic("t");
  KafkaClient idle(port());
  KafkaClient waiting(port());
  waiting.Send(KafkaClient::Frame(FetchOf("t", 0, 0, 15000), 4, 1));
  EXPECT_TRUE(idle.IsClosed());
  KafkaClient writer(port());
  writer.Ask<ProduceResponse>(ProduceOf("t", 0, Batch({"a"})), 7);
  EXPECT_FALSE(waiting.ReceiveAs<FetchResponse>(4, 1).responses.at(0).partitions.at(0).records.empty());
}

TEST_F(ServerTest, ClosesAConnectionWhoseRequestDoesNotComeToItsEnd) {
  Start({.request_timeout = absl::Milliseconds(200)});
  KafkaClient client(port());
  client.Send(VersionsFrame(1).substr(0, 9));
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(ServerTest, RefusesConnectionsOverTheLimitAndTakesThemAgainLater) {
  Start({.max_connections = 2});
  auto first = std::make_unique<KafkaClient>(port());
  KafkaClient second(port());
  first->Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  second.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  EXPECT_TRUE(KafkaClient(port()).IsClosed());
  first.reset();
  // The server hears of it a moment later.
  bool served = false;
  for (int i = 0; i < 10'000 && !served; ++i) {
    KafkaClient again(port());
    again.Send(VersionsFrame(1));
    served = again.Receive().has_value();
  }
  EXPECT_TRUE(served);
}

TEST_F(ServerTest, TellsEachClientTheAddressOfTheListenerThatItCameInBy) {
  ServerOptions options;
  options.listeners = {{.name = "inside", .port = 0},
                       {.name = "outside", .port = 0, .advertised_host = "broker.example", .advertised_port = 9999},
                       {.name = "any", .host = "0.0.0.0", .port = 0}};
  Start(options);
  const auto told = [&](size_t listener) {
    KafkaClient client(port(listener));
    const auto response = client.Ask<MetadataResponse>(MetadataOf({}), 9);
    return StrCat(response.brokers.at(0).host, ":", response.brokers.at(0).port);
  };
  EXPECT_EQ(told(0), StrCat("127.0.0.1:", port(0)));
  EXPECT_EQ(told(1), "broker.example:9999");
  EXPECT_EQ(told(2), StrCat("127.0.0.1:", port(2)));
}

TEST_F(ServerTest, FailsToListenOnAnAddressThatIsTaken) {
  Start();
  ServerOptions options;
  options.listeners.push_back({.port = port()});
  KafkaServer second({&shards_.shard(0)}, *broker_, options, metrics_);
  EXPECT_THAT(std::string(Message(second.Listen())), testing::HasSubstr("cannot listen on 127.0.0.1:"));
}

TEST_F(ServerTest, AnswersWhatIsUnderWayWhenItStops) {
  Start();
  CreateTopic("t");
  KafkaClient idle(port());
  KafkaClient waiting(port());
  idle.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  waiting.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  const std::string fetch = KafkaClient::Frame(FetchOf("t", 0, 0, 15000), 4, 1);
  const auto received = [this] { return ValueOf(metrics_, "leat_kafka_received_bytes_total"); };
  const int64_t with_fetch = received() + static_cast<int64_t>(fetch.size());
  waiting.Send(fetch);
  while (received() < with_fetch) std::this_thread::yield();
  StopServer();
  EXPECT_TRUE(waiting.Receive().has_value());
  EXPECT_TRUE(waiting.IsClosed());
  EXPECT_TRUE(idle.IsClosed());
}

TEST_F(ServerTest, CountsRequestsByApiAndError) {
  Start();
  KafkaClient client(port());
  client.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  client.Ask<ApiVersionsResponse>(ApiVersionsRequest{}, 3);  // without a name: INVALID_REQUEST
  const std::string text = metrics_.RenderText();
  EXPECT_THAT(text, testing::HasSubstr("leat_kafka_requests_total{api=\"ApiVersions\",error=\"NONE\"} 1"));
  EXPECT_THAT(text, testing::HasSubstr("leat_kafka_requests_total{api=\"ApiVersions\",error=\"INVALID_REQUEST\"} 1"));
  EXPECT_THAT(text, testing::HasSubstr("leat_kafka_connections 1"));
}

}  // namespace
}  // namespace leat::kafka
