#include "admin.h"

#include <array>

namespace clients {
namespace {

constexpr int kTimeoutMs = 20000;

using Queue = std::unique_ptr<rd_kafka_queue_t, Destroy<rd_kafka_queue_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroy<rd_kafka_NewTopic_destroy>>;
using DeleteTopic = std::unique_ptr<rd_kafka_DeleteTopic_t, Destroy<rd_kafka_DeleteTopic_destroy>>;

}  // namespace

Event Ask(const Call& call) {
  const Handle handle = MakeProducer({}, nullptr);
  const Queue queue(rd_kafka_queue_new(handle.get()));
  call(handle.get(), queue.get());
  Event event(rd_kafka_queue_poll(queue.get(), kTimeoutMs));
  if (event == nullptr) Fail("no answer to an admin call in 20 s");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Fail(std::string("admin call: ") + rd_kafka_event_error_string(event.get()));
  }
  return event;
}

rd_kafka_resp_err_t TryCreateTopic(const std::string& topic, int partitions,
                                   const std::map<std::string, std::string>& config) {
  std::array<char, 512> error{};
  const NewTopic wanted(rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, error.data(), error.size()));
  if (wanted == nullptr) Fail(error.data());
  for (const auto& [key, value] : config) rd_kafka_NewTopic_set_config(wanted.get(), key.c_str(), value.c_str());
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_NewTopic_t* topics = wanted.get();
    rd_kafka_CreateTopics(handle, &topics, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  Expect(count == 1, "one answer for one topic");
  return rd_kafka_topic_result_error(results[0]);
}

void CreateTopic(const std::string& topic, int partitions, const std::map<std::string, std::string>& config) {
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, TryCreateTopic(topic, partitions, config), "create " + topic);
}

rd_kafka_resp_err_t TryDeleteTopic(const std::string& topic) {
  const DeleteTopic wanted(rd_kafka_DeleteTopic_new(topic.c_str()));
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopic_t* topics = wanted.get();
    rd_kafka_DeleteTopics(handle, &topics, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  Expect(count == 1, "one answer for one topic");
  return rd_kafka_topic_result_error(results[0]);
}

int CountPartitions(const std::string& topic) {
  const Handle handle = MakeProducer({}, nullptr);
  const struct rd_kafka_metadata* metadata = nullptr;
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_metadata(handle.get(), 1, nullptr, &metadata, kTimeoutMs),
             "metadata");
  int found = -1;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    if (topic == metadata->topics[i].topic) found = metadata->topics[i].partition_cnt;
  }
  rd_kafka_metadata_destroy(metadata);
  return found;
}

}  // namespace clients
