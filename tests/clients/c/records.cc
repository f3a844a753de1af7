// Records as they went in: compressed, with headers, empty, absent, large.
#include <algorithm>

#include "admin.h"
#include "client.h"
#include "tests.h"

namespace clients {
namespace {

void Compression(const std::string& codec) {
  const std::string topic = Name("compression-" + codec);
  CreateTopic(topic, 1);
  const std::vector<Record> sent = Numbered(500, "a text that repeats, repeats, repeats ");
  Produce(topic, sent, {{"compression.type", codec}});
  Expect(Values(ReadAll(topic, 1)) == Values(sent), "the records in order");
}

void Headers() {
  const std::string topic = Name("headers");
  CreateTopic(topic, 1);
  const std::vector<Header> headers = {{"trace", "abc"}, {"empty", ""}, {"null", std::nullopt}, {"trace", "again"}};
  Produce(topic, {{.key = "k", .value = "v", .headers = headers}, {.key = "k", .value = "bare", .headers = {}}});
  const std::vector<Record> found = ReadAll(topic, 1);
  Expect(found.size() == 2 && found[0].headers == headers, "the four headers in order, one null and one empty");
  Expect(found[1].headers.empty(), "no headers on the second record");
}

void NullAndEmpty() {
  const std::string topic = Name("null-and-empty");
  CreateTopic(topic, 1);
  const std::vector<std::optional<std::string>> kinds = {std::nullopt, "", "x"};
  std::vector<Record> sent;
  for (const auto& key : kinds) {
    for (const auto& value : kinds) sent.push_back({.key = key, .value = value, .headers = {}, .partition = 0});
  }
  Produce(topic, sent);
  const std::vector<Record> found = ReadAll(topic, 1);
  Expect(found.size() == sent.size(), "nine records");
  for (size_t i = 0; i < sent.size(); ++i) {
    Expect(found[i].key == sent[i].key && found[i].value == sent[i].value, "record " + std::to_string(i) + " as sent");
  }
}

void Big() {
  const std::string topic = Name("big");
  CreateTopic(topic, 1);
  std::string value(990000, 'b');
  value.front() = 'a';
  value.back() = 'c';
  Produce(topic, {{.key = "k", .value = value, .headers = {}}, {.key = "k", .value = value, .headers = {}}});
  const std::vector<Record> found = ReadAll(topic, 1, {{"fetch.message.max.bytes", "65536"}});
  Expect(found.size() == 2 && found[0].value == value && found[1].value == value,
         "two records of nearly a million bytes");
}

void TooBig() {
  const std::string topic = Name("too-big");
  CreateTopic(topic, 1);
  Deliveries deliveries;
  const Handle producer = MakeProducer({{"message.max.bytes", "4000000"}}, &deliveries);
  Enqueue(producer.get(), topic, {.key = {}, .value = std::string(2000000, 'x'), .headers = {}});
  Flush(producer.get());
  Expect(deliveries.failed[RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE] == 1, "MSG_SIZE_TOO_LARGE for two million bytes");
  Enqueue(producer.get(), topic, {.key = {}, .value = "small", .headers = {}});
  Flush(producer.get());
  Expect(deliveries.acknowledged == 1, "the connection to go on working");
}

void Acks(const std::string& acks) {
  const std::string topic = Name("acks" + acks);
  CreateTopic(topic, 2);
  const std::vector<Record> sent = Numbered(200);
  Produce(topic, sent, {{"acks", acks}});
  // With acks=0 the answer to a later request on the connection proves nothing: read until all are there.
  size_t found = 0;
  for (int i = 0; i < 100 && found < sent.size(); ++i) found = ReadAll(topic, 2).size();
  Expect(found == sent.size(), "200 records");
}

void ManyPartitions() {
  const std::string topic = Name("many-partitions");
  CreateTopic(topic, 12);
  Produce(topic, Numbered(3000));
  std::vector<std::string> found = Values(ReadAll(topic, 12));
  std::vector<std::string> expected = Values(Numbered(3000));
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  Expect(found == expected, "each of 3,000 records once");
}

void UnknownTopic() {
  const Handle consumer = MakeConsumer({{"allow.auto.create.topics", "false"}});
  const Partitions list = MakePartitions(Name("nobody-made-it"), 1, RD_KAFKA_OFFSET_BEGINNING);
  rd_kafka_subscribe(consumer.get(), list.get());
  for (int i = 0; i < 100; ++i) {
    const Message message(rd_kafka_consumer_poll(consumer.get(), 100));
    if (message != nullptr && message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return;
  }
  Fail("expected UNKNOWN_TOPIC_OR_PART");
}

void AutomaticTopic() {
  const std::string topic = Name("made-by-producing");
  Produce(topic, Numbered(10));
  Expect(ReadAll(topic, 1).size() == 10, "ten records on the first partition");
}

}  // namespace

std::vector<Test> RecordTests() {
  std::vector<Test> tests;
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    tests.push_back({std::string("compression_") + codec, [codec] { Compression(codec); }});
  }
  for (const char* acks : {"0", "1", "all"}) {
    tests.push_back({std::string("acks_") + acks, [acks] { Acks(acks); }});
  }
  tests.push_back({"headers", Headers});
  tests.push_back({"null_and_empty_keys_and_values", NullAndEmpty});
  tests.push_back({"records_near_a_million_bytes", Big});
  tests.push_back({"record_above_the_limit_is_refused", TooBig});
  tests.push_back({"many_partitions", ManyPartitions});
  tests.push_back({"unknown_topic_is_an_error", UnknownTopic});
  tests.push_back({"topic_made_by_producing", AutomaticTopic});
  return tests;
}

}  // namespace clients
