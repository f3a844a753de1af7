// librdkafka's handles with owners, and the few steps that most tests share. Every wait here is bounded: a call that
// gets no answer fails its test.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace clients {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct Header {
  std::string name;
  std::optional<std::string> value;
  bool operator==(const Header&) const = default;
};

struct Record {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<Header> headers;
  int64_t timestamp = 0;  // milliseconds; 0 lets the client choose
  int32_t partition = RD_KAFKA_PARTITION_UA;
  int64_t offset = -1;
};

// Ends the test with this text.
[[noreturn]] void Fail(const std::string& text);
void Expect(bool holds, const std::string& text);
void ExpectCode(rd_kafka_resp_err_t expected, rd_kafka_resp_err_t found, const std::string& what);

template <auto kDestroy>
struct Destroy {
  template <class T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
using Handle = std::unique_ptr<rd_kafka_t, Destroy<rd_kafka_destroy>>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy<rd_kafka_topic_partition_list_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Destroy<rd_kafka_message_destroy>>;
using Error = std::unique_ptr<rd_kafka_error_t, Destroy<rd_kafka_error_destroy>>;

// What was delivered, in the order of the reports. Must outlive its producer.
struct Deliveries {
  int acknowledged = 0;
  std::map<rd_kafka_resp_err_t, int> failed;
};

std::string Bootstrap();
// `stem` made unique for this run: topics, groups and transactional ids.
std::string Name(const std::string& stem);

// `deliveries` may be null.
Handle MakeProducer(const Settings& settings, Deliveries* deliveries);
// With enable.partition.eof, and from the earliest offset unless told otherwise.
Handle MakeConsumer(const Settings& settings);

Partitions MakePartitions(const std::string& topic, int partitions, int64_t offset);

void Enqueue(rd_kafka_t* producer, const std::string& topic, const Record& record);
void Flush(rd_kafka_t* producer);
// A fresh producer with these settings sends them all; each must be acknowledged.
void Produce(const std::string& topic, const std::vector<Record>& records, const Settings& settings = {});

Record ToRecord(const rd_kafka_message_t& message);
// Null when nothing came in `timeout_ms`. Errors of the broker or client fail the test; the end of a partition does
// not.
Message Poll(rd_kafka_t* consumer, int timeout_ms);
// All partitions from `from` to their ends, ordered by partition. With read_committed that is where the broker lets
// such a reader go at this moment, which after a commit can for an instant be before its records: see ReadCommitted.
std::vector<Record> ReadAll(const std::string& topic, int partitions, const Settings& settings = {},
                            int64_t from = RD_KAFKA_OFFSET_BEGINNING);

// Up to what is the end now for a reader without isolation, which waits for the markers of transactions that have
// ended.
std::vector<Record> ReadCommitted(const std::string& topic, int partitions);

std::vector<Record> Numbered(int count, const std::string& stem = "value ");
std::vector<std::string> Values(const std::vector<Record>& records);

}  // namespace clients
