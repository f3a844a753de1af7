#include "client.h"

#include <array>
#include <cstdlib>
#include <set>
#include <stdexcept>

namespace clients {
namespace {

constexpr int kPolls = 300;  // of 100 ms each
constexpr int kFlushMs = 30000;

void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  if (opaque == nullptr) return;
  auto& deliveries = *static_cast<Deliveries*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++deliveries.acknowledged;
  } else {
    ++deliveries.failed[message->err];
  }
}

rd_kafka_conf_t* MakeConf(const Settings& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> error{};
  for (const auto& [key, value] : settings) {
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error.data(), error.size()) != RD_KAFKA_CONF_OK) {
      Fail(key + "=" + value + ": " + error.data());
    }
  }
  return conf;
}

Handle MakeHandle(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  std::array<char, 512> error{};
  Handle handle(rd_kafka_new(type, conf, error.data(), error.size()));
  if (handle == nullptr) Fail(error.data());
  return handle;
}

rd_kafka_headers_t* MakeHeaders(const std::vector<Header>& headers) {
  rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
  for (const Header& header : headers) {
    const char* value = header.value ? header.value->data() : nullptr;
    rd_kafka_header_add(list, header.name.data(), static_cast<ssize_t>(header.name.size()), value,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  return list;
}

std::optional<std::string> Bytes(const void* data, size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(data), size);
}

}  // namespace

void Fail(const std::string& text) { throw std::runtime_error(text); }

void Expect(bool holds, const std::string& text) {
  if (!holds) Fail("expected " + text);
}

void ExpectCode(rd_kafka_resp_err_t expected, rd_kafka_resp_err_t found, const std::string& what) {
  if (expected == found) return;
  Fail(what + ": expected " + rd_kafka_err2name(expected) + ", got " + rd_kafka_err2name(found));
}

std::string Bootstrap() {
  const char* bootstrap = std::getenv("BOOTSTRAP");
  return bootstrap == nullptr ? "127.0.0.1:9092" : bootstrap;
}

std::string Name(const std::string& stem) {
  const char* run = std::getenv("RUN_ID");
  return "c-" + stem + "-" + (run == nullptr ? "0" : run);
}

Handle MakeProducer(const Settings& settings, Deliveries* deliveries) {
  Settings all = {{"bootstrap.servers", Bootstrap()}, {"linger.ms", "2"}, {"message.timeout.ms", "30000"}};
  all.insert(all.end(), settings.begin(), settings.end());
  rd_kafka_conf_t* conf = MakeConf(all);
  rd_kafka_conf_set_opaque(conf, deliveries);
  rd_kafka_conf_set_dr_msg_cb(conf, OnDelivery);
  return MakeHandle(RD_KAFKA_PRODUCER, conf);
}

Handle MakeConsumer(const Settings& settings) {
  Settings all = {{"bootstrap.servers", Bootstrap()}, {"group.id", Name("unused")},
                  {"enable.auto.commit", "false"},    {"enable.partition.eof", "true"},
                  {"auto.offset.reset", "earliest"},  {"fetch.wait.max.ms", "100"}};
  all.insert(all.end(), settings.begin(), settings.end());
  Handle consumer = MakeHandle(RD_KAFKA_CONSUMER, MakeConf(all));
  rd_kafka_poll_set_consumer(consumer.get());
  return consumer;
}

Partitions MakePartitions(const std::string& topic, int partitions, int64_t offset) {
  Partitions list(rd_kafka_topic_partition_list_new(partitions));
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), i)->offset = offset;
  }
  return list;
}

void Enqueue(rd_kafka_t* producer, const std::string& topic, const Record& record) {
  rd_kafka_headers_t* headers = MakeHeaders(record.headers);
  const void* key = record.key ? record.key->data() : nullptr;
  const void* value = record.value ? record.value->data() : nullptr;
  const size_t key_size = record.key ? record.key->size() : 0;
  const size_t value_size = record.value ? record.value->size() : 0;
  const rd_kafka_resp_err_t code = rd_kafka_producev(
      producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(record.partition), RD_KAFKA_V_KEY(key, key_size),
      RD_KAFKA_V_VALUE(const_cast<void*>(value), value_size), RD_KAFKA_V_TIMESTAMP(record.timestamp),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_headers_destroy(headers);
    ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, code, "enqueue");
  }
  rd_kafka_poll(producer, 0);
}

void Flush(rd_kafka_t* producer) {
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_flush(producer, kFlushMs), "flush");
}

void Produce(const std::string& topic, const std::vector<Record>& records, const Settings& settings) {
  Deliveries deliveries;
  const Handle producer = MakeProducer(settings, &deliveries);
  for (const Record& record : records) Enqueue(producer.get(), topic, record);
  Flush(producer.get());
  for (const auto& [code, count] : deliveries.failed) {
    Fail(std::to_string(count) + " records not delivered: " + rd_kafka_err2name(code));
  }
  Expect(deliveries.acknowledged == static_cast<int>(records.size()), "every record to be acknowledged");
}

Record ToRecord(const rd_kafka_message_t& message) {
  Record record{
      .key = Bytes(message.key, message.key_len), .value = Bytes(message.payload, message.len), .headers = {}};
  record.timestamp = rd_kafka_message_timestamp(&message, nullptr);
  record.partition = message.partition;
  record.offset = message.offset;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      record.headers.push_back({name, Bytes(value, size)});
    }
  }
  return record;
}

Message Poll(rd_kafka_t* consumer, int timeout_ms) {
  Message message(rd_kafka_consumer_poll(consumer, timeout_ms));
  if (message != nullptr && message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
      message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    const char* text = rd_kafka_message_errstr(message.get());
    Fail(std::string("consume: ") + rd_kafka_err2name(message->err) + ": " + (text == nullptr ? "" : text));
  }
  return message;
}

namespace {

std::vector<int64_t> HighWatermarks(const std::string& topic, int partitions) {
  const Handle consumer = MakeConsumer({{"isolation.level", "read_uncommitted"}});
  std::vector<int64_t> ends;
  for (int i = 0; i < partitions; ++i) {
    int64_t low = 0;
    ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR,
               rd_kafka_query_watermark_offsets(consumer.get(), topic.c_str(), i, &low, &ends.emplace_back(), kFlushMs),
               "watermarks");
  }
  return ends;
}

// An end of partition i before `ends[i]` is not its end yet.
std::vector<Record> ReadUpTo(const std::string& topic, const std::vector<int64_t>& ends, const Settings& settings,
                             int64_t from) {
  const int partitions = static_cast<int>(ends.size());
  const Handle consumer = MakeConsumer(settings);
  const Partitions list = MakePartitions(topic, partitions, from);
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_assign(consumer.get(), list.get()), "assign");
  std::map<int32_t, std::vector<Record>> found;
  std::set<int32_t> ended;
  for (int i = 0; i < kPolls && static_cast<int>(ended.size()) < partitions;) {
    const Message message = Poll(consumer.get(), 100);
    if (message == nullptr) {
      ++i;
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (message->offset >= ends[message->partition]) ended.insert(message->partition);
    } else {
      found[message->partition].push_back(ToRecord(*message));
    }
  }
  Expect(static_cast<int>(ended.size()) == partitions, "to reach the end of every partition of " + topic);
  std::vector<Record> all;
  for (auto& [partition, records] : found) {
    for (Record& record : records) all.push_back(std::move(record));
  }
  return all;
}

}  // namespace

std::vector<Record> ReadAll(const std::string& topic, int partitions, const Settings& settings, int64_t from) {
  return ReadUpTo(topic, std::vector<int64_t>(partitions, 0), settings, from);
}

std::vector<Record> ReadCommitted(const std::string& topic, int partitions) {
  const Settings settings = {{"isolation.level", "read_committed"}};
  return ReadUpTo(topic, HighWatermarks(topic, partitions), settings, RD_KAFKA_OFFSET_BEGINNING);
}

std::vector<Record> Numbered(int count, const std::string& stem) {
  std::vector<Record> records;
  for (int i = 0; i < count; ++i) {
    records.push_back({.key = std::to_string(i), .value = stem + std::to_string(i), .headers = {}});
  }
  return records;
}

std::vector<std::string> Values(const std::vector<Record>& records) {
  std::vector<std::string> values;
  for (const Record& record : records) values.push_back(record.value.value_or("(null)"));
  return values;
}

}  // namespace clients
