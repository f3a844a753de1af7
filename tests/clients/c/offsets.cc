// Positions: the beginning, the end, a time, and a seek.
#include "admin.h"
#include "client.h"
#include "tests.h"

namespace clients {
namespace {

constexpr int64_t kStart = 1700000000000;  // the first record's time; each is a second after the one before
constexpr int kTimeoutMs = 15000;

// A topic with 100 records, one a second from kStart on.
std::string Seconds(const std::string& stem) {
  const std::string topic = Name(stem);
  CreateTopic(topic, 1);
  std::vector<Record> records = Numbered(100);
  for (size_t i = 0; i < records.size(); ++i) records[i].timestamp = kStart + static_cast<int64_t>(i) * 1000;
  Produce(topic, records);
  return topic;
}

void Watermarks() {
  const std::string topic = Seconds("watermarks");
  const Handle consumer = MakeConsumer({});
  int64_t low = -1;
  int64_t high = -1;
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR,
             rd_kafka_query_watermark_offsets(consumer.get(), topic.c_str(), 0, &low, &high, kTimeoutMs), "watermarks");
  Expect(low == 0 && high == 100, "watermarks 0 and 100");
}

int64_t OffsetAt(rd_kafka_t* consumer, const std::string& topic, int64_t time) {
  const Partitions list = MakePartitions(topic, 1, time);
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_offsets_for_times(consumer, list.get(), kTimeoutMs),
             "offsets for times");
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, list->elems[0].err, "offset for a time");
  return list->elems[0].offset;
}

void Times() {
  const std::string topic = Seconds("times");
  const Handle consumer = MakeConsumer({});
  Expect(OffsetAt(consumer.get(), topic, kStart - 5) == 0, "offset 0 before the first record");
  Expect(OffsetAt(consumer.get(), topic, kStart + 41000) == 41, "the record of exactly that time");
  Expect(OffsetAt(consumer.get(), topic, kStart + 41001) == 42, "the next record after a time between two");
  Expect(OffsetAt(consumer.get(), topic, kStart + 1000000) == RD_KAFKA_OFFSET_END, "the end after the last record");
}

void Timestamps() {
  const std::vector<Record> found = ReadAll(Seconds("timestamps"), 1);
  for (size_t i = 0; i < found.size(); ++i) {
    Expect(found[i].timestamp == kStart + static_cast<int64_t>(i) * 1000, "record times as sent");
    Expect(found[i].offset == static_cast<int64_t>(i), "offsets without a hole");
  }
}

void FromAnOffset() {
  const std::string topic = Seconds("from-an-offset");
  const std::vector<Record> tail = ReadAll(topic, 1, {}, 90);
  Expect(tail.size() == 10 && tail.front().value == "value 90", "the last ten records");
  Expect(ReadAll(topic, 1, {}, RD_KAFKA_OFFSET_TAIL(3)).size() == 3, "the last three records");
  Expect(ReadAll(topic, 1, {}, RD_KAFKA_OFFSET_END).empty(), "nothing after the end");
}

void OutOfRange() {
  const std::string topic = Seconds("out-of-range");
  const Handle consumer = MakeConsumer({{"auto.offset.reset", "error"}});
  const Partitions list = MakePartitions(topic, 1, 5000);
  rd_kafka_assign(consumer.get(), list.get());
  for (int i = 0; i < 100; ++i) {
    const Message message(rd_kafka_consumer_poll(consumer.get(), 100));
    if (message != nullptr && message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) return;
  }
  Fail("expected an error for an offset beyond the end");
}

void Seek() {
  const std::string topic = Seconds("seek");
  const Handle consumer = MakeConsumer({});
  const Partitions list = MakePartitions(topic, 1, 0);
  rd_kafka_assign(consumer.get(), list.get());
  for (const int64_t target : {0, 77, 12}) {
    list->elems[0].offset = target;
    const Error error(rd_kafka_seek_partitions(consumer.get(), list.get(), kTimeoutMs));
    Expect(error == nullptr, "a seek to work");
    Message message;
    for (int i = 0; i < 100 && (message == nullptr || message->err != 0); ++i) message = Poll(consumer.get(), 100);
    Expect(message != nullptr && message->offset == target,
           "the record at " + std::to_string(target) + " after the seek");
  }
}

}  // namespace

std::vector<Test> OffsetTests() {
  return {{"watermarks", Watermarks},          {"offsets_by_time", Times},
          {"timestamps_are_kept", Timestamps}, {"read_from_an_offset", FromAnOffset},
          {"offset_out_of_range", OutOfRange}, {"seek", Seek}};
}

}  // namespace clients
